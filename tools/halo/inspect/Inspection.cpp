#include "tools/halo/inspect/Inspection.h"

#include "runtime/CompilerLibrary.h"
#include "runtime/Environment.h"
#include "runtime/Target.h"
#include "runtime/Toolkit.h"
#include "tools/halo/Description.h"
#include "tools/halo/Disassembler.h"
#include "tools/halo/OperandTensors.h"
#include "tools/halo/OutputFile.h"
#include "tools/halo/inspect/AccessReport.h"
#include "tools/halo/inspect/CodeReport.h"
#include "tools/halo/inspect/CubinFile.h"
#include "tools/halo/inspect/Occupancy.h"
#include "tools/halo/inspect/Throughput.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

namespace {

class Inspection {
public:
  explicit Inspection(const InspectOptions &options) : options(options) {
    report["halo inspect"] = 1;
    report["build"] = CompilerLibrary::currentBuildId();
    if (std::string commit = environment(kCommit); !commit.empty())
      report["commit"] = commit;
  }

  Result<Json> problem(const Problem &problem);
  Result<Json> file(const std::string &path);

private:
  const InspectOptions &options;
  Json report, notes = Json::array(), code = Json::object(), listings = Json::object();
  std::string cubin;

  void note(const std::string &sentence) { notes.push_back(sentence); }
  Result<CompiledKernel> compile(const Problem &problem, const std::string &emit,
                                 const std::string &schedule);
  Walk walk = Walk::Positions; ///< A step has one position: no loop along L.
  void addListing(const char *form, const Listing &listing);
  /// Disassembles the cubin, where that can be done.
  void addSass();
  void addResources(const KernelInfo &info);
  void addOccupancy();
  Json finish();
};

} // namespace

Result<CompiledKernel> Inspection::compile(const Problem &problem, const std::string &emit,
                                           const std::string &schedule) {
  CompileTarget target;
  target.arch = options.arch;
  target.emit = emit;
  CompileOptions compile;
  compile.schedule = schedule;
  compile.shapeHint = options.shape;
  compile.lines = true; // The instructions are the same with them.
  return compileKernel(target, problem, compile);
}

void Inspection::addListing(const char *form, const Listing &listing) {
  code[form] = codeReport(listing, walk);
  if (!options.listings)
    return;
  Json rows = Json::array();
  std::map<size_t, std::string> labels;
  for (const auto &[label, at] : listing.labels)
    labels[at] = label;
  for (size_t i = 0; i < listing.instructions.size(); ++i) {
    const Instruction &instruction = listing.instructions[i];
    if (auto label = labels.find(i); label != labels.end())
      rows.push_back({{"text", label->second + ":"}, {"line", 0}});
    rows.push_back({{"text", instruction.text}, {"line", instruction.line}, {"index", i}});
  }
  listings[form] = rows;
}

void Inspection::addSass() {
  if (cubin.empty())
    return;
  if (findDisassembler().empty()) {
    note("no nvdisasm here (PATH, CUDA_HOME/bin or HALO_NVDISASM): SASS is not shown, the counts "
         "are those of PTX");
    return;
  }
  Result<std::string> text = disassemble(cubin, /*lines=*/true);
  Result<Listing> listing = text ? parseSass(*text) : Result<Listing>(text.error());
  if (!listing) {
    note("SASS is not shown: " + listing.error().message);
    return;
  }
  addListing("sass", *listing);
}

void Inspection::addOccupancy() {
  Result<Target> target = findTarget(report.value("arch", ""));
  const Json &resources = report["resources"];
  if (!target || !resources.contains("threads")) {
    note("occupancy is not known: it needs the architecture and the threads of a block");
    return;
  }
  BlockResources block;
  block.threads = resources["threads"];
  block.registers = resources.value("registers", -1);
  block.sharedBytes =
      resources.value("static_shared", int64_t(0)) + resources.value("dynamic_shared", int64_t(0));
  report["occupancy"] = occupancyOf(*target, block).toJson();
}

void Inspection::addResources(const KernelInfo &info) {
  Json resources = {{"threads", info.threads}, {"dynamic_shared", info.sharedBytes}};
  if (info.registers >= 0)
    resources["registers"] = info.registers;
  if (info.spillBytes >= 0)
    resources["spill_bytes"] = info.spillBytes;
  if (info.staticSharedBytes >= 0)
    resources["static_shared"] = info.staticSharedBytes;
  report["resources"] = resources;
}

Json Inspection::finish() {
  report["code"] = code;
  if (options.listings)
    report["listings"] = listings;
  report["notes"] = notes;
  return std::move(report);
}

Result<Json> Inspection::problem(const Problem &problem) {
  HALO_TRY(ptx, compile(problem, "ptx", options.schedule));
  KernelInfo info = ptx.artifact.info;
  Result<Assembler> assembler = requireAssembler();
  if (assembler) {
    HALO_TRY(assembled, compile(problem, "cubin", info.schedule));
    info = assembled.artifact.info;
    cubin = assembled.artifact.code;
  } else {
    note(assembler.error().message + ": registers, spills and SASS are not known");
  }
  report["kernel"] = info.kernel;
  report["problem"] = info.problem;
  report["schedule"] = info.schedule;
  report["arch"] = options.arch;
  addResources(info);
  walk = info.walksRows()              ? Walk::Rows
         : info.layout == Layout::BD ? Walk::None
                                     : Walk::Positions;
  HALO_TRY(listing, parsePtx(ptx.artifact.code));
  addListing("ptx", listing);
  addSass();
  addOccupancy();
  if (options.listings) {
    HALO_TRY(description, describe(problem.kernel));
    Json lines = Json::array();
    std::stringstream text(description.source);
    for (std::string line; std::getline(text, line);)
      lines.push_back(line);
    report["source"] = lines;
  }
  if (options.simulate) {
    Result<Json> accesses = accessReport(problem, info.schedule, info);
    if (accesses)
      report["accesses"] = *accesses;
    else
      note("bank conflicts are not known: " + accesses.error().message);
  }
  HALO_TRY(facts, kernelFacts(problem));
  HALO_CHECK(addThroughput(report, notes, info, code, facts.traits.sumTaps, options));
  return finish();
}

Result<Json> Inspection::file(const std::string &path) {
  HALO_TRY(bytes, readFile(path));
  report["file"] = path;
  Json resources = Json::object();
  bool isElf = bytes.compare(0, 4,
                             "\x7f"
                             "ELF") == 0;
  if (isElf) {
    HALO_TRY(known, readCubin(bytes));
    cubin = bytes;
    report["kernel"] = known.entry;
    report["arch"] = known.arch;
    if (known.registers >= 0)
      resources["registers"] = known.registers;
    if (known.stackBytes >= 0)
      resources["stack_bytes"] = known.stackBytes;
    if (known.threads)
      resources["threads"] = known.threads;
    resources["static_shared"] = known.sharedBytes;
    resources["code_bytes"] = known.codeBytes;
    addSass();
  } else {
    HALO_TRY(listing, parsePtx(bytes));
    report["kernel"] = listing.entry;
    if (!listing.arch.empty())
      report["arch"] = listing.arch;
    if (listing.threads)
      resources["threads"] = listing.threads;
    addListing("ptx", listing);
    note("a PTX file has no registers and spills: they are the assembler's");
  }
  report["resources"] = resources;
  note("of a saved file its problem is not known: no bytes per output, roofline, bank conflicts, "
       "and no "
       "dynamic shared memory in the occupancy");
  addOccupancy();
  return finish();
}

Result<Json> halo::tool::inspectProblem(const Problem &problem, const InspectOptions &options) {
  return Inspection(options).problem(problem);
}

Result<Json> halo::tool::inspectFile(const std::string &path, const InspectOptions &options) {
  return Inspection(options).file(path);
}

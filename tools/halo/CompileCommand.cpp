// halo compile: one kernel, stopped after the stage that --emit names.
#include "tools/halo/Command.h"
#include "tools/halo/Disassembler.h"
#include "tools/halo/Measure.h"
#include "tools/halo/Output.h"
#include "tools/halo/OutputFile.h"
#include "tools/halo/OverrideOption.h"
#include "tools/halo/ProblemOptions.h"
#include "tools/halo/TargetOptions.h"

#include "runtime/KernelCompiler.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

namespace {
/// Milliseconds by stage over several compiles of one request, stages in the order they ran.
class StageSamples {
public:
  void add(const StageTimes &times, double total) {
    for (const auto &[stage, ms] : times)
      samplesOf(stage).push_back(ms);
    samplesOf("total").push_back(total);
  }
  Json medians() const {
    Json json = Json::object();
    for (const auto &[stage, samples] : stages)
      json[stage] = summarise(samples).median;
    return json;
  }

private:
  std::vector<double> &samplesOf(const std::string &stage) {
    for (auto &[name, samples] : stages)
      if (name == stage)
        return samples;
    return stages.emplace_back(stage, std::vector<double>()).second;
  }
  std::vector<std::pair<std::string, std::vector<double>>> stages;
};
} // namespace

static std::string timesTable(const Json &medians) {
  std::vector<std::vector<std::string>> rows = {{"stage", "ms"}};
  for (const auto &[stage, ms] : medians.items())
    rows.push_back({stage, fmt::format("{:.3f}", ms.get<double>())});
  return table(rows, 1, stderr);
}

/// "3-opt.ll" and so on: in the order of the stages, each with the ending its readers know.
static Result<void> writeDump(const std::string &folder, const CompiledKernel &compiled) {
  static const std::map<std::string, std::string> endings = {
      {"halo", "mlir"}, {"gpu", "mlir"}, {"llvm", "ll"}, {"opt", "ll"}, {"ptx", "ptx"}};
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return invalid(fmt::format("--dump cannot make folder '{}': {}", folder, error.message()));
  size_t order = 0;
  for (const auto &[stage, text] : compiled.stages) {
    std::string path = fmt::format("{}/{}-{}.{}", folder, ++order, stage,
                                   endings.count(stage) ? endings.at(stage) : "txt");
    HALO_CHECK(writeFile(path, text));
    note(fmt::format("wrote {}", path));
  }
  return {};
}

static bool isBinary(const std::string &emit) { return emit == "cubin" || emit == "sim"; }

static Result<int> run(const Arguments &arguments) {
  std::string emit = arguments.value("--emit", "ptx"), path = arguments.value("-o");
  HALO_TRY(target, parseTarget(arguments));
  HALO_TRY(repeat, arguments.number("--repeat", 1, 1));
  bool wantsJson = arguments.has("--json"), wantsTimes = arguments.has("--time");
  if (arguments.has("-o")) {
    HALO_CHECK(checkWritable(path));
  } else if (isBinary(emit) && !wantsJson && isTerminal(stdout)) {
    return invalid(fmt::format("{} is binary and stdout is a terminal: add -o FILE", emit));
  }

  HALO_TRY(problem, parseProblem(arguments.positional(0), arguments.values("--set"),
                                 arguments.value("--dtype"), arguments.value("--wdtype"),
                                 arguments.value("--with")));

  CompileOptions options;
  options.schedule = arguments.value("--schedule");
  // Who asks for times wants a compile's.
  options.cache = !arguments.has("--no-cache") && !wantsTimes && !arguments.has("--repeat");
  options.lines = arguments.has("--lines");
  options.dump = arguments.has("--dump");
  HALO_CHECK(parseOverride(arguments, options));
  StageSamples times;
  CompiledKernel compiled;
  for (int64_t i = 0; i < repeat; ++i) {
    auto start = std::chrono::steady_clock::now();
    HALO_TRY(once, compileKernel(target, problem, options));
    std::chrono::duration<double, std::milli> total = std::chrono::steady_clock::now() - start;
    times.add(once.times, total.count());
    compiled = std::move(once);
  }
  std::string artifact = std::move(compiled.artifact.code);
  if (options.dump) {
    HALO_CHECK(writeDump(arguments.value("--dump"), compiled));
    if (target.emit == "cubin") {
      std::string path = fmt::format("{}/{}-cubin.cubin", arguments.value("--dump"),
                                     compiled.stages.size() + 1);
      HALO_CHECK(writeFile(path, artifact));
      note(fmt::format("wrote {}", path));
    }
  }
  if (emit == "sass") {
    HALO_TRY(text, disassemble(artifact, options.lines));
    artifact = text;
  }
  if (arguments.has("-o"))
    HALO_CHECK(writeFile(path, artifact));

  if (!compiled.log.empty() && !wantsJson)
    fmt::print(stderr, "{}{}", compiled.log, compiled.log.back() == '\n' ? "" : "\n");
  if (wantsJson) {
    Json json = {{"kernel", compiled.artifact.info.kernel},
                 {"emit", emit},
                 {"arch", target.arch},
                 {"bytes", artifact.size()},
                 {"info", Json::parse(compiled.artifact.info.toJson())},
                 {"times", times.medians()},
                 {"repeat", repeat},
                 {"log", compiled.log}};
    if (arguments.has("-o"))
      json["output"] = path;
    else if (!isBinary(emit))
      json["text"] = artifact;
    print(json.dump(2, ' ', false, Json::error_handler_t::replace));
    return 0;
  }
  if (wantsTimes)
    fmt::print(stderr, "{}\n", timesTable(times.medians()));
  if (!arguments.has("-o") &&
      std::fwrite(artifact.data(), 1, artifact.size(), stdout) != artifact.size())
    return failed("cannot write to the standard output");
  return 0;
}

Command halo::tool::compileCommand() {
  Syntax syntax;
  syntax.command = "compile";
  syntax.summary = "compile one kernel, to any stage";
  syntax.positionals = {"KERNEL"};
  syntax.options = problemOptions();
  for (const Option &option : targetOptions())
    syntax.options.push_back(option);
  for (const Option &option : std::vector<Option>{
           {"-o", "FILE", "write there instead of to stdout"},
           {"--time", "", "print the milliseconds of each stage to stderr, of a compile"},
           {"--repeat", "N", "compile N times and report each stage's median; default 1"},
           {"--dump", "DIR", "write the text of every stage up to --emit's into this folder"},
           overrideOption(),
           {"--lines", "", "line tables of the kernel's text, in ptx, cubin and sass; same code"},
           {"--no-cache", "", "compile, whatever is kept; --time and --repeat do so too"},
           {"--json", "", "print JSON instead: info, times, log, and the text where there is one"},
       })
    syntax.options.push_back(option);
  syntax.notes =
      "The aligned, contiguous variant is compiled unless --set align=1. What --set leaves "
      "out takes\nits default (halo list). sass needs nvdisasm or cuobjdump: in PATH, in "
      "CUDA_HOME/bin, or\nnamed by HALO_NVDISASM.";
  return {syntax, run};
}

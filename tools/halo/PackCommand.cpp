// halo pack: kernels compiled ahead, in one file that needs no compiler.
#include "runtime/Kernel.h"
#include "runtime/PackSelfTest.h"
#include "tools/halo/Command.h"
#include "tools/halo/Output.h"
#include "tools/halo/OutputFile.h"
#include "tools/halo/PackBuilder.h"
#include "tools/halo/PackReport.h"
#include "tools/halo/Suggest.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <set>
#include <thread>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

static void printJson(const Json &json) {
  print(json.dump(2, ' ', false, Json::error_handler_t::replace));
}

static double since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

static Result<int> build(const Arguments &arguments) {
  std::string out = arguments.value("-o");
  if (out.empty())
    return invalid("halo pack build needs -o FILE.halopack");
  HALO_CHECK(checkWritable(out));
  HALO_TRY(jobs, arguments.number("--jobs", std::max(1u, std::thread::hardware_concurrency()), 1));
  auto start = std::chrono::steady_clock::now();
  Progress progress;
  progress.show("reading the spec");
  HALO_TRY(spec, readPackSpec(arguments.positional(1)));
  HALO_TRY(built, buildPack(spec, unsigned(std::min<int64_t>(jobs, 256)),
                            [&](size_t done, size_t total, const std::string &what) {
                              progress.show(fmt::format("{} of {}: {}", done, total, what));
                            }));
  progress.show("");
  // What is written is what the runtime will take.
  HALO_TRY(pack, Pack::parse(out, built.bytes));
  HALO_CHECK(pack->verify());
  HALO_CHECK(writeFile(out, built.bytes));
  if (arguments.has("--json")) {
    Json json = packJson(*pack);
    json["compiled"] = built.compiled;
    json["kept"] = built.kept;
    json["seconds"] = since(start);
    printJson(json);
  } else {
    print(fmt::format("{}\n{}: {} compiled, {} kept from before, {:.1f} s", sizeReport(*pack), out,
                      built.compiled, built.kept, since(start)));
  }
  return 0;
}

/// What a spec asks for, without compiling it.
static Result<int> listSpec(const Arguments &arguments) {
  HALO_TRY(spec, readPackSpec(arguments.positional(1)));
  size_t targets = 0;
  Json rows = Json::array();
  for (const PackEntrySpec &entry : spec.entries) {
    targets += entry.targets.size();
    rows.push_back({{"problem", entry.problem.print()}, {"compiles", entry.targets.size()}});
  }
  if (arguments.has("--json")) {
    printJson({{"name", spec.name}, {"compiles", targets}, {"problems", rows}});
    return 0;
  }
  for (const PackEntrySpec &entry : spec.entries)
    print(entry.problem.print());
  note(fmt::format("{} problems, at most {} compiles", spec.entries.size(), targets));
  return 0;
}

static Result<int> list(const Arguments &arguments) {
  const std::string path = arguments.positional(1), ending = ".json";
  if (path.size() > ending.size() &&
      path.compare(path.size() - ending.size(), ending.size(), ending) == 0)
    return listSpec(arguments);
  HALO_TRY(pack, Pack::open(path));
  if (arguments.has("--json"))
    printJson(packJson(*pack));
  else
    print(fmt::format("{}\n\n{}", problemTable(*pack), sizeReport(*pack)));
  return 0;
}

static Result<int> verify(const Arguments &arguments) {
  HALO_TRY(pack, Pack::open(arguments.positional(1)));
  HALO_CHECK(pack->verify());
  if (arguments.has("--json"))
    printJson({{"pack", pack->path()}, {"bytes", pack->layout().size}, {"sha256", pack->digest()}});
  else
    print(fmt::format("{}: {} bytes and {} problems are sound, SHA-256 of all but the last {} bytes "
                      "{}",
                      pack->path(), pack->layout().size, pack->manifest().problems.size(),
                      kPackDigest, pack->digest()));
  return 0;
}

/// Every problem's self-test, with the code that this device would take.
static Result<int> run(const Arguments &arguments) {
  HALO_TRY(pack, Pack::open(arguments.positional(1)));
  HALO_TRY(device, openDevice(arguments.value("--device")));
  std::map<std::string, size_t> counts;
  Json rows = Json::array();
  std::string firstError;
  auto begin = std::chrono::steady_clock::now();
  for (const PackProblem &problem : pack->manifest().problems) {
    auto start = std::chrono::steady_clock::now();
    Result<SelfTest> tested = selfTest(pack, problem, device);
    std::string result = !tested                        ? "failed"
                         : *tested == SelfTest::Passed   ? "passed"
                         : *tested == SelfTest::Untested ? "untested"
                                                         : "absent";
    ++counts[result];
    rows.push_back({{"problem", problem.problem.print()},
                    {"result", result},
                    {"ms", 1000 * since(start)}});
    if (!tested) {
      rows.back()["error"] = tested.error().message;
      firstError = firstError.empty() ? tested.error().message : firstError;
    }
  }
  double ms = 1000 * since(begin);
  if (arguments.has("--json")) {
    printJson({{"device", device->name()},
               {"passed", counts["passed"]},
               {"failed", counts["failed"]},
               {"untested", counts["untested"]},
               {"absent", counts["absent"]},
               {"ms", ms},
               {"problems", rows}});
  } else {
    print(fmt::format("{} passed, {} failed, {} with nothing to run, {} without a code for {}; "
                      "{:.0f} ms",
                      counts["passed"], counts["failed"], counts["untested"], counts["absent"],
                      device->name(), ms));
  }
  if (!firstError.empty())
    return failed(firstError);
  return 0;
}

static Result<int> runPack(const Arguments &arguments) {
  struct Action {
    std::string name;
    Result<int> (*run)(const Arguments &);
    std::set<std::string> options;
  };
  const std::vector<Action> actions = {{"build", build, {"-o", "--jobs", "--json"}},
                                       {"list", list, {"--json"}},
                                       {"verify", verify, {"--json"}},
                                       {"run", run, {"--json", "--device"}}};
  std::vector<std::string> names;
  for (const Action &action : actions) {
    names.push_back(action.name);
    if (action.name != arguments.positional(0))
      continue;
    for (const Option &option : packCommand().syntax.options)
      if (arguments.has(option.name) && !action.options.count(option.name))
        return invalid(fmt::format("halo pack {} takes no {}", action.name, option.name));
    return action.run(arguments);
  }
  return invalid(unknown("action of halo pack", arguments.positional(0), names));
}

Command halo::tool::packCommand() {
  Syntax syntax;
  syntax.command = "pack";
  syntax.summary = "kernels compiled ahead in one file: build, list, verify, run";
  syntax.positionals = {"ACTION", "FILE"};
  syntax.options = {
      {"-o", "FILE", "build: the pack to write, whole or not at all"},
      {"--jobs", "N", "build: threads; by default the machine's. The bytes do not depend on it"},
      {"--device", "NAME",
       "run: cuda, cuda:N, sim or null; by default cuda where there is a GPU, else sim"},
      {"--json", "", "print JSON instead"},
  };
  syntax.notes =
      "build   compiles what a SPEC.json lists (kernels/packs/README.md); what the kernel cache has\n"
      "        is not compiled again, so that a build that was stopped goes on\n"
      "list    what a pack holds, and what takes how much of it; of a SPEC.json, what it asks for\n"
      "verify  every byte; the exit status is 2 where one is not as it was written\n"
      "run     the pack's own test of every problem on a device\n\n"
      "halo run and halo bench take --pack FILE, programs HALO_PACKS or halo::Packs: a kernel is then\n"
      "taken from the pack before the cache and the compiler are asked.";
  return {syntax, runPack};
}

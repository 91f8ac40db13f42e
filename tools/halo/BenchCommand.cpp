// halo bench: kernels against the copy ceiling of the same run.
#include "runtime/Environment.h"
#include "tools/halo/BenchCase.h"
#include "tools/halo/BenchReport.h"
#include "tools/halo/Command.h"
#include "tools/halo/Output.h"
#include "tools/halo/OutputFile.h"
#include "tools/halo/OverrideOption.h"
#include "tools/halo/ProblemOptions.h"
#include "tools/halo/Suggest.h"
#include "tools/halo/TargetOptions.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

static std::string utcNow() {
  std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text;
}

static Json heading(const Device &device, const BenchOptions &options) {
  Json json = {{"device", device.name()},
               {"device_kind", device.kind()},
               {"arch", device.arch()},
               {"date", utcNow()}};
  if (std::string commit = environment(kCommit); !commit.empty())
    json["commit"] = commit;
  json["repeat"] = options.protocols[0].repeat;
  json["seed"] = options.seed;
  std::string sentence;
  for (const Protocol &protocol : options.protocols)
    if (std::string state = describe(protocol, device) + "; ";
        sentence.find(state) == std::string::npos)
      sentence += state;
  json["protocol"] = sentence + "launches interleaved with the copy";
  return json;
}

static Result<std::vector<BenchCase>> parseCases(const Arguments &arguments) {
  std::string kernel = arguments.positional(0);
  if (arguments.has("--suite")) {
    for (const char *option :
         {"--shape", "--set", "--dtype", "--wdtype", "--with", "--schedule", "--compare",
          "--override"})
      if (arguments.has(option))
        return invalid(fmt::format("{} and --suite exclude each other", option));
    if (!kernel.empty())
      return invalid("a KERNEL and --suite exclude each other");
    return readSuite(arguments.value("--suite"));
  }
  BenchCase bench;
  bench.compare = arguments.has("--compare");
  if (bench.compare) {
    for (const char *option : {"--schedule", "--peer-copy-only"})
      if (arguments.has(option))
        return invalid(fmt::format("{} and --compare exclude each other", option));
    HALO_TRY(entrants, parseCompare(kernel, arguments.values("--compare")));
    bench.entrants = entrants;
  } else if (kernel.empty()) {
    return invalid("halo bench needs a KERNEL or --suite FILE: see halo bench --help");
  } else if (!arguments.has("--schedule")) {
    bench.entrants.push_back({kernel, ""});
  }
  for (const std::string &schedule : arguments.values("--schedule"))
    bench.entrants.push_back({kernel, schedule});
  if (!arguments.has("--shape"))
    return invalid("halo bench needs --shape, as B=1,L=65536,D=4096");
  HALO_TRY(shape, parseShape(arguments.value("--shape")));
  bench.shape = shape;
  bench.settings = arguments.values("--set");
  bench.dtype = arguments.value("--dtype");
  bench.wdtype = arguments.value("--wdtype");
  bench.with = arguments.value("--with");
  CompileOptions given;
  HALO_CHECK(parseOverride(arguments, given));
  if (arguments.has("--override") && bench.entrants.size() > 1)
    return invalid(fmt::format("--override replaces the text of one kernel, but {} are measured",
                               bench.entrants.size()));
  bench.overrideStage = given.overrideStage;
  bench.overrideText = given.overrideText;
  return std::vector<BenchCase>{bench};
}

/// The value of an option that takes one of a few words.
static Result<std::string> parseWord(const Arguments &arguments, const std::string &option,
                                     const std::vector<std::string> &legal) {
  std::string word = arguments.value(option, legal[0]);
  if (std::find(legal.begin(), legal.end(), word) == legal.end())
    return invalid(unknown("value of " + option, word, legal));
  return word;
}

static Result<BenchOptions> parseOptions(const Arguments &arguments, const Device &device) {
  BenchOptions options;
  HALO_TRY(repeat, arguments.number("--repeat", device.kind() == "cuda" ? 50 : 3, 1));
  HALO_TRY(seed, arguments.number("--seed", 1, 0));
  if (arguments.has("--hot") && arguments.has("--l2"))
    return invalid("--hot and --l2 exclude each other");
  HALO_TRY(l2, parseWord(arguments, "--l2", {"cold", "hot", "both"}));
  HALO_TRY(clock, parseWord(arguments, "--clock", {"unpaced", "burst", "sustained", "both"}));
  for (bool hot : {false, true}) {
    if (l2 != "both" && hot != (l2 == "hot" || arguments.has("--hot")))
      continue;
    for (Clock each : {Clock::Unpaced, Clock::Burst, Clock::Sustained})
      if (clock == name(each) || (clock == "both" && each != Clock::Unpaced))
        options.protocols.push_back({repeat, hot, each});
  }
  options.graph = arguments.has("--graph");
  options.onlyCopy = arguments.has("--peer-copy-only");
  options.seed = uint64_t(seed);
  return options;
}

namespace {
/// What all cases gave.
struct BenchResults {
  Json rows = Json::array(), comparisons = Json::array();
  std::string firstError;
  size_t numFailed = 0;
};
} // namespace

/// Where a suite goes on after a case that failed, so that one bad entry costs one row. Outputs
/// that disagree are a failure too, but their times were measured and are shown.
static Result<BenchResults> runAll(const std::shared_ptr<Device> &device,
                                   const std::vector<BenchCase> &cases, const BenchOptions &options,
                                   bool suite) {
  BenchResults results;
  Progress progress;
  auto fail = [&](const std::string &message) {
    if (!results.numFailed++)
      results.firstError = message;
  };
  for (const BenchCase &bench : cases) {
    Result<BenchResult> measured = runCase(device, bench, options, progress);
    if (!measured && !suite)
      return measured.error();
    if (!measured) {
      fail(measured.error().message);
      results.rows.push_back(
          {{"kernel", bench.entrants[0].kernel}, {"error", measured.error().message}});
      continue;
    }
    if (!measured->disagreement.empty())
      fail(measured->disagreement);
    for (Json &row : measured->rows)
      results.rows.push_back(std::move(row));
    for (Json &comparison : measured->comparisons)
      results.comparisons.push_back(std::move(comparison));
  }
  return results;
}

static Result<int> run(const Arguments &arguments) {
  std::string path = arguments.value("-o");
  if (arguments.has("-o"))
    HALO_CHECK(checkWritable(path));
  HALO_CHECK(openPacks(arguments));
  HALO_TRY(cases, parseCases(arguments));
  HALO_TRY(device, openDevice(arguments.value("--device")));
  HALO_TRY(options, parseOptions(arguments, *device));

  Json json = heading(*device, options);
  HALO_TRY(results, runAll(device, cases, options, arguments.has("--suite")));
  json["results"] = results.rows;
  if (!results.comparisons.empty())
    json["comparisons"] = results.comparisons;
  std::string dumped = json.dump(2, ' ', false, Json::error_handler_t::replace);
  if (arguments.has("-o"))
    HALO_CHECK(writeFile(path, dumped + "\n"));
  if (arguments.has("--json")) {
    print(dumped);
  } else {
    print(fmt::format("{}: {}\n{}", device->name(), json["protocol"].get<std::string>(),
                      resultTable(results.rows)));
    if (!results.comparisons.empty())
      print(comparisonText(results.comparisons));
  }
  if (results.numFailed && !arguments.has("--suite"))
    return failed(results.firstError);
  if (results.numFailed)
    return failed(fmt::format("{} of {} cases failed, the first with: {}", results.numFailed,
                              cases.size(), results.firstError));
  if (device->kind() != "cuda")
    note(fmt::format("these are timings of the {} device, not of a GPU: no fraction is given",
                     device->kind()));
  return 0;
}

Command halo::tool::benchCommand() {
  Syntax syntax;
  syntax.command = "bench";
  syntax.summary = "measure kernels against the copy ceiling of the same run";
  syntax.positionals = {"[KERNEL]"};
  syntax.options = {{"--shape", "B=1,L=65536,D=4096", "the sizes; B may be left out. N=16: with cu_seqlens or seq_idx, 16 sequences"}};
  for (const Option &option : problemOptions())
    syntax.options.push_back(option);
  for (const Option &option : std::vector<Option>{
           {"--schedule", "TEXT", "a schedule to measure; several are interleaved", true},
           overrideOption(),
           {"--compare", "A B",
            "two schedules of KERNEL, or two kernels with the same operands: which is faster, "
            "and do they compute the same",
            false, 2},
           {"--suite", "FILE.json",
            "measure every entry of a JSON array of {kernel, shape, set, dtype, "
            "wdtype, with, schedule, compare}"},
           {"--repeat", "N", "timed launches each; default 50, off cuda 3"},
           {"--l2", "STATE", "cold (default), hot or both: rows of both, in one run"},
           {"--hot", "", "as --l2 hot: no flush, one untimed launch before each timed one"},
           {"--clock", "STATE", "unpaced (default), burst, sustained or both of the latter"},
           {"--graph", "", "time the replay of a captured graph of each launch as well, beside that of an empty kernel"},
           {"--peer-copy-only", "", "measure only the copy of as many bytes"},
           {"--seed", "N", "of the random inputs; default 1"},
           {"--device", "NAME", "cuda, cuda:N, sim or null; by default cuda where there is a GPU"},
           packOption(),
           {"-o", "FILE", "write the JSON there as well"},
           {"--json", "", "print JSON instead of a table"},
       })
    syntax.options.push_back(option);
  syntax.notes = fmt::format(
      "Bytes are those of all views, read and written. The copy moves as many, half of them "
      "read,\nhalf written, in the same rounds. fraction is the kernel's GB/s over the copy's. "
      "HALO_COMMIT is\nnoted in the JSON.\n\n"
      "L2 is cold behind {} MiB of writes; hot behind a launch of the same. Clocks fall under "
      "load:\nunpaced measures round after round, neither rested nor heated on purpose; burst "
      "idles "
      "{} ms\nbefore each round; sustained launches back to back for {} ms before each {} samples, "
      "then takes\nthem without idling. Several states give a row each; the first one, cold and "
      "burst, is judged.\n\n"
      "--compare gives the median of B's time over A's, round by round, and the interval of the "
      "sign\ntest (95 % or more): the difference is significant where it leaves out 1. \"\" is the "
      "analytic\nschedule. A --set that only one of two kernels knows is for that one. Outputs "
      "that "
      "differ by more\nthan their type's tolerance are shown and make the exit status 1.",
      FlushBytes >> 20, BurstIdleMs, SustainedHeatMs, SustainedTurn);
  return {syntax, run};
}

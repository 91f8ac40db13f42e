// halo tune: measures schedules of a problem and keeps the best one for the next compile.
#include "tools/halo/Command.h"
#include "tools/halo/OutputFile.h"
#include "tools/halo/ProblemOptions.h"
#include "tools/halo/TuneOutput.h"
#include "tools/halo/TuneSuite.h"

#include "runtime/Environment.h"
#include "runtime/KernelSource.h"
#include "runtime/ScheduleChoice.h"
#include "runtime/ScheduleSpace.h"
#include "runtime/TuningStore.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

/// Replaces the worker's program in tests; neither documented nor a way to configure anything.

static std::string dumped(const Json &json, int indent = 2) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

static Result<TuneOptions> parseOptions(const Arguments &arguments) {
  TuneOptions options;
  options.device = arguments.value("--device");
  HALO_TRY(candidates, arguments.number("--candidates", int64_t(options.candidates), 1));
  HALO_TRY(milliseconds, arguments.number("--budget-ms", int64_t(options.seconds * 1000), 1));
  HALO_TRY(seed, arguments.number("--seed", 1, 0));
  HALO_TRY(threads, arguments.number("--threads", 0, 0));
  options.candidates = size_t(candidates);
  options.seconds = double(milliseconds) / 1000;
  options.seed = uint64_t(seed);
  options.threads = unsigned(threads);
  if (std::string worker = environment(kTestTuneWorker); !worker.empty())
    options.worker = worker;
  return options;
}

static Result<TuneTask> parseTask(const Arguments &arguments) {
  if (arguments.positional(0).empty())
    return invalid("halo tune needs a KERNEL, --suite, --import or --export: see halo tune --help");
  if (!arguments.has("--shape"))
    return invalid("halo tune needs --shape, as B=1,L=65536,D=4096");
  BenchCase bench;
  bench.entrants = {{arguments.positional(0), ""}};
  HALO_TRY(shape, parseShape(arguments.value("--shape")));
  bench.shape = shape;
  bench.settings = arguments.values("--set");
  bench.dtype = arguments.value("--dtype");
  bench.wdtype = arguments.value("--wdtype");
  bench.with = arguments.value("--with");
  return tuneTask(bench);
}

/// Merges a file of records into this user's.
static Result<int> importRecords(const std::string &path) {
  HALO_TRY(text, readFile(path));
  TuningRecords given;
  std::vector<std::string> complaints;
  given.merge(text, complaints);
  if (!given.size())
    return invalid(fmt::format("'{}' has no tuning record{}", path,
                               complaints.empty() ? "" : ": " + complaints.front()));
  size_t added = 0;
  HALO_CHECK(changeRecords(tunedFolder(), [&](TuningRecords &records) {
    for (const TuningRecord &record : given.all())
      added += records.add(record);
  }));
  for (const std::string &complaint : complaints)
    note(fmt::format("{}, {}; skipped", path, complaint));
  print(fmt::format("{} of {} records are new or better, in {}", added, given.size(),
                    tunedFolder()));
  return 0;
}

static Result<int> exportRecords(const std::string &path) {
  const TuningRecords &records = tunedRecords();
  HALO_CHECK(writeFile(path, records.print()));
  print(fmt::format("{} records, in {}", records.size(), path));
  return 0;
}

/// The device's facts where there is one; an H200's else.
static CompileTarget assumedTarget(const std::string &name) {
  Result<std::shared_ptr<Device>> device = openDevice(name);
  if (device)
    return targetOf(**device);
  note(device.error().message + ": the numbers of an H200 are assumed");
  return CompileTarget();
}

static Result<int> dryRun(const Arguments &arguments, const TuneTask &task,
                          const TuneOptions &options) {
  HALO_TRY(facts, kernelFacts(task.problem));
  KernelTraits traits = facts.traits;
  traits.channels = task.shape.d;
  DeviceTraits device = assumedTarget(options.device).traits;
  std::vector<Rejection> rejected = enumerateSchedules(traits, device).rejected;
  std::vector<RankedSchedule> ranked = rankSchedules(traits, device, task.shape);
  if (arguments.has("--json")) {
    print(dumped(spaceJson(ranked, rejected)));
    return 0;
  }
  print(spaceTable(ranked, options.candidates));
  if (ranked.size() > options.candidates)
    print(fmt::format("... and {} more: --candidates", ranked.size() - options.candidates));
  if (!rejected.empty())
    print("\n" + rejectionTable(rejected));
  return 0;
}

static Result<int> forget(const TuneTask &task, const TuneOptions &options) {
  HALO_TRY(device, openDevice(options.device));
  HALO_TRY(facts, kernelFacts(task.problem));
  HALO_TRY(source, kernelSource(task.problem.kernel));
  size_t removed = 0;
  HALO_CHECK(changeRecords(tunedFolder(), [&](TuningRecords &records) {
    removed = records.forget(gpuClassOf(*device), recordProblem(facts.problem, source),
                             recordSizes(facts.problem, task.shape));
  }));
  print(fmt::format("{} records are forgotten", removed));
  return 0;
}

static Result<int> suite(const Arguments &arguments, const TuneOptions &options) {
  if (!arguments.positional(0).empty() || arguments.has("--shape"))
    return invalid("--suite excludes a KERNEL and --shape: the file names them");
  HALO_TRY(cases, readSuite(arguments.value("--suite")));
  HALO_TRY(repeat, arguments.number("--repeat", 0, 0));
  Progress progress;
  Json json = runTuneSuite(cases, options, progress);
  if (repeat > 1 && !cases.empty()) {
    Tuner tuner(options);
    HALO_TRY(task, tuneTask(cases.front()));
    HALO_TRY(first, tuner.tune(task, progress));
    HALO_TRY(repeats, repeatTune(tuner, first, repeat, progress));
    json["repeats"] = repeats;
  }
  if (std::string commit = environment(kCommit); !commit.empty())
    json["commit"] = commit;
  progress.show("");
  size_t errors = json["errors"].size();
  if (arguments.has("-o"))
    HALO_CHECK(writeFile(arguments.value("-o"), dumped(json, -1) + "\n"));
  if (arguments.has("--json"))
    print(dumped(json));
  else
    print(fmt::format("{} cases tuned, {} failed", json["results"].size(), errors));
  if (errors)
    return failed(fmt::format("{} of {} cases failed, the first with: {}", errors, cases.size(),
                              json["errors"][0]["error"].get<std::string>()));
  return 0;
}

/// Leaves the caller's process, so that nobody waits for us, and lets one such tune run at a time.
/// The lock lasts as long as the process.
static Result<void> goToBackground(bool &parent) {
  pid_t child = ::fork();
  if (child < 0)
    return failed("cannot go to the background");
  parent = child > 0;
  if (parent)
    return {};
  ::setsid();
  // Whoever waits for the end of our output waits no longer.
  int nowhere = ::open("/dev/null", O_RDWR);
  for (int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    ::dup2(nowhere, standard);
  (void)!::nice(10);
  HALO_CHECK(changeRecords(tunedFolder(), [](TuningRecords &) {}));
  int lock = ::open((tunedFolder() + "/.background").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock < 0 || ::flock(lock, LOCK_EX) != 0)
    return failed(fmt::format("cannot lock {}", tunedFolder()));
  return {};
}

/// Whether a tune that ran while this one waited has answered its question.
static Result<bool> isKnown(const TuneTask &task, const TuneOptions &options) {
  HALO_TRY(device, openDevice(options.device));
  HALO_TRY(facts, kernelFacts(task.problem));
  HALO_TRY(source, kernelSource(task.problem.kernel));
  return tunedRecords().find(gpuClassOf(*device), driverOf(*device),
                             recordProblem(facts.problem, source),
                             recordSizes(facts.problem, task.shape)) != nullptr;
}

static Result<int> tuneOne(const Arguments &arguments, const TuneTask &task,
                           const TuneOptions &options) {
  HALO_TRY(repeat, arguments.number("--repeat", 1, 1));
  HALO_TRY(facts, kernelFacts(task.problem));
  if (task.problem.invariant && !mayRecord(facts.traits, Schedule()))
    return invalid(
        fmt::format("invariant {} in bdl takes no record: aligned and other tensors would have "
                    "one each, with other bits",
                    task.problem.kernel));
  Progress progress;
  Tuner tuner(options);
  HALO_TRY(report, tuner.tune(task, progress));
  Json json = reportJson(report);
  if (repeat > 1) {
    HALO_TRY(repeats, repeatTune(tuner, report, repeat, progress));
    json["repeats"] = repeats;
  }
  TuningRecord record = report.record(arguments.has("--pin"), utcNow());
  bool kept = false;
  HALO_CHECK(changeRecords(tunedFolder(),
                           [&](TuningRecords &records) { kept = records.add(record); }));
  json["record"] = Json::parse(record.print());
  json["recorded"] = kept;
  if (arguments.has("-o"))
    HALO_CHECK(writeFile(arguments.value("-o"), dumped(json) + "\n"));
  if (arguments.has("--json")) {
    print(dumped(json));
    return 0;
  }
  print(reportTable(report, options.race.tieBand));
  if (repeat > 1)
    print(fmt::format("{} repeats: flip rate {:.2f}, the worst winner reaches {:.3f} of the best",
                      repeat, json["repeats"]["flip_rate"].get<double>(),
                      json["repeats"]["worst_reached"].get<double>()));
  std::string sizes = task.problem.invariant
                          ? "every L and B"
                          : fmt::format("L near {}, B near {}", record.bucket.l, record.bucket.b);
  print(kept ? fmt::format("recorded in {} for {}", tunedFolder(), sizes)
             : "a pinned or newer record stays: --forget removes it");
  if (report.device.kind != "cuda")
    note(fmt::format("these are timings of the {} device, not of a GPU", report.device.kind));
  return 0;
}

static Result<int> run(const Arguments &arguments) {
  std::vector<std::string> actions;
  for (const char *action : {"--import", "--export", "--suite", "--dry-run", "--forget"})
    if (arguments.has(action))
      actions.push_back(action);
  if (actions.size() > 1)
    return invalid(fmt::format("{} and {} exclude each other", actions[0], actions[1]));
  for (const char *output : {"-o", "--export"})
    if (arguments.has(output))
      HALO_CHECK(checkWritable(arguments.value(output)));
  if (arguments.has("--import"))
    return importRecords(arguments.value("--import"));
  if (arguments.has("--export"))
    return exportRecords(arguments.value("--export"));
  HALO_TRY(options, parseOptions(arguments));
  if (arguments.has("--suite"))
    return suite(arguments, options);
  HALO_TRY(task, parseTask(arguments));
  if (arguments.has("--dry-run"))
    return dryRun(arguments, task, options);
  if (arguments.has("--forget"))
    return forget(task, options);
  if (arguments.has("--background")) {
    bool parent = false;
    HALO_CHECK(goToBackground(parent));
    if (parent)
      return 0;
    HALO_TRY(known, isKnown(task, options));
    if (known)
      return 0;
  }
  return tuneOne(arguments, task, options);
}

Command halo::tool::tuneCommand() {
  Syntax syntax;
  syntax.command = "tune";
  syntax.summary = "measure schedules and keep the best one";
  syntax.positionals = {"[KERNEL]"};
  syntax.options = {{"--shape", "B=1,L=65536,D=4096", "the sizes; B may be left out"}};
  for (const Option &option : problemOptions())
    syntax.options.push_back(option);
  for (const Option &option : std::vector<Option>{
           {"--device", "NAME", "cuda, cuda:N, sim or null; by default cuda where there is a GPU"},
           {"--candidates", "N", "at most so many schedules, the model's best; default 96"},
           {"--budget-ms", "N", "the time for all of it; default 4500"},
           {"--threads", "N", "that compile; default: the machine's"},
           {"--pin", "", "the record stays whatever later tunes find"},
           {"--forget", "", "remove the records of this problem and bucket, pinned ones too"},
           {"--dry-run", "", "list candidates and rejections; nothing is compiled or measured"},
           {"--repeat", "N", "race N times and tell how often the winner changes"},
           {"--import", "FILE", "merge a file of records into this user's"},
           {"--export", "FILE", "write all records, shipped ones too, to one file"},
           {"--suite", "FILE.json",
            "tune every entry, as for bench, and tell what the analytic choice reaches; keeps no "
            "record"},
           {"--background", "", "return at once and tune alone, unless there is a record by then"},
           {"--seed", "N", "of the random inputs; default 1"},
           {"-o", "FILE", "write the JSON there as well"},
           {"--json", "", "print JSON instead of a table"},
       })
    syntax.options.push_back(option);
  syntax.notes =
      "Every candidate is checked between guards before it is timed: a small shape against direct\n"
      "sums in f64 (a user's own kernel: against the default schedule), the full one against the\n"
      "default schedule. It runs in a process of its own: one that hangs or crashes is reported.\n"
      "Records live in $HALO_CACHE_DIR/tuned and serve this D, and B and L near by (within a factor\n"
      "of 1.41); HALO_TUNING=off ignores them.";
  return {syntax, run};
}

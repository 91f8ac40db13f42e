// halo bench: kernels against the copy ceiling of the same run.
#include "tools/halo/BenchCase.h"
#include "tools/halo/Command.h"
#include "tools/halo/Output.h"
#include "tools/halo/OutputFile.h"
#include "tools/halo/ProblemOptions.h"

#include <fmt/format.h>

#include <cstdlib>
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
  if (const char *commit = std::getenv("HALO_COMMIT"); commit && *commit)
    json["commit"] = commit;
  json["repeat"] = options.protocol.repeat;
  json["seed"] = options.seed;
  json["protocol"] = describe(options.protocol, device) + "; launches interleaved with the copy";
  return json;
}

static std::string number(const Json &value, int digits, const char *unit = "") {
  return value.is_number() ? fmt::format("{:.{}f}{}", value.get<double>(), digits, unit) : "-";
}

static std::string text(const Json &row, const char *field) {
  return row.contains(field) && row[field].is_string() ? row[field].get<std::string>() : "-";
}

static std::string resultTable(const Json &rows) {
  std::vector<std::vector<std::string>> cells = {{"kernel", "shape", "schedule", "ms", "p10", "p90",
                                                  "MB", "GB/s", "copy GB/s", "fraction", "regs"}};
  for (const Json &row : rows) {
    if (row.contains("error")) {
      cells.push_back({text(row, "kernel"), "-", text(row, "error")});
      continue;
    }
    const Json &shape = row["shape"], &copy = row["copy"];
    bool kernel = row.contains("ms");
    const Json &timed = kernel ? row : copy;
    cells.push_back(
        {text(row, "kernel"),
         fmt::format("B={},L={},D={}", shape["B"].dump(), shape["L"].dump(), shape["D"].dump()),
         kernel ? text(row, "schedule") : "(copy)", number(timed["ms"], 4),
         number(timed["ms_p10"], 4), number(timed["ms_p90"], 4),
         fmt::format("{:.1f}", timed["bytes"].get<double>() / 1e6), number(timed["gb_per_s"], 0),
         number(copy["gb_per_s"], 0), kernel ? number(row["fraction"], 3) : "-",
         kernel && row["registers"] >= 0 ? row["registers"].dump() : "-"});
  }
  return table(cells, 3, stdout);
}

static Result<std::vector<BenchCase>> parseCases(const Arguments &arguments) {
  if (arguments.has("--suite")) {
    for (const char *option : {"--shape", "--set", "--dtype", "--wdtype", "--with", "--schedule"})
      if (arguments.has(option))
        return invalid(fmt::format("{} and --suite exclude each other", option));
    if (!arguments.positional(0).empty())
      return invalid("a KERNEL and --suite exclude each other");
    return readSuite(arguments.value("--suite"));
  }
  if (arguments.positional(0).empty())
    return invalid("halo bench needs a KERNEL or --suite FILE: see halo bench --help");
  if (!arguments.has("--shape"))
    return invalid("halo bench needs --shape, as B=1,L=65536,D=4096");
  BenchCase bench;
  bench.kernel = arguments.positional(0);
  HALO_TRY(shape, parseShape(arguments.value("--shape")));
  bench.shape = shape;
  bench.settings = arguments.values("--set");
  bench.dtype = arguments.value("--dtype");
  bench.wdtype = arguments.value("--wdtype");
  bench.with = arguments.value("--with");
  bench.schedules = arguments.values("--schedule");
  if (bench.schedules.empty())
    bench.schedules.push_back("");
  return std::vector<BenchCase>{bench};
}

/// Where a suite goes on after a case that failed, so that one bad entry costs one row.
static Result<Json> runAll(const std::shared_ptr<Device> &device,
                           const std::vector<BenchCase> &cases, const BenchOptions &options,
                           bool suite, std::string &firstError, size_t &numFailed) {
  Json rows = Json::array();
  Progress progress;
  for (const BenchCase &bench : cases) {
    Result<Json> measured = runCase(device, bench, options, progress);
    if (!measured && !suite)
      return measured.error();
    if (!measured) {
      if (!numFailed++)
        firstError = measured.error().message;
      rows.push_back({{"kernel", bench.kernel}, {"error", measured.error().message}});
      continue;
    }
    for (Json &row : *measured)
      rows.push_back(std::move(row));
  }
  return rows;
}

static Result<int> run(const Arguments &arguments) {
  std::string path = arguments.value("-o");
  if (arguments.has("-o"))
    HALO_CHECK(checkWritable(path));
  HALO_TRY(cases, parseCases(arguments));
  HALO_TRY(device, openDevice(arguments.value("--device")));
  BenchOptions options;
  HALO_TRY(repeat, arguments.number("--repeat", device->kind() == "cuda" ? 50 : 3, 1));
  HALO_TRY(seed, arguments.number("--seed", 1, 0));
  options.protocol.repeat = repeat;
  options.protocol.hot = arguments.has("--hot");
  options.onlyCopy = arguments.has("--peer-copy-only");
  options.seed = uint64_t(seed);

  Json json = heading(*device, options);
  std::string firstError;
  size_t numFailed = 0;
  HALO_TRY(rows, runAll(device, cases, options, arguments.has("--suite"), firstError, numFailed));
  json["results"] = rows;
  std::string dumped = json.dump(2, ' ', false, Json::error_handler_t::replace);
  if (arguments.has("-o"))
    HALO_CHECK(writeFile(path, dumped + "\n"));
  if (arguments.has("--json"))
    print(dumped);
  else
    print(fmt::format("{}: {}\n{}", device->name(), json["protocol"].get<std::string>(),
                      resultTable(rows)));
  if (numFailed)
    return failed(fmt::format("{} of {} cases failed, the first with: {}", numFailed, cases.size(),
                              firstError));
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
  syntax.options = {{"--shape", "B=1,L=65536,D=4096", "the sizes; B may be left out"}};
  for (const Option &option : problemOptions())
    syntax.options.push_back(option);
  for (const Option &option : std::vector<Option>{
           {"--schedule", "TEXT", "a schedule to measure; several are interleaved", true},
           {"--suite", "FILE.json",
            "measure every entry of a JSON array of {kernel, shape, set, dtype, "
            "wdtype, with, schedule}"},
           {"--repeat", "N", "timed launches each; default 50, off cuda 3"},
           {"--hot", "", "no L2 flush: one untimed launch before each timed one"},
           {"--peer-copy-only", "", "measure only the copy of as many bytes"},
           {"--seed", "N", "of the random inputs; default 1"},
           {"--device", "NAME", "cuda, cuda:N, sim or null; by default cuda where there is a GPU"},
           {"-o", "FILE", "write the JSON there as well"},
           {"--json", "", "print JSON instead of a table"},
       })
    syntax.options.push_back(option);
  syntax.notes =
      "Bytes are those of all views, read and written. The copy moves as many, half of them "
      "read,\nhalf written. fraction is the kernel's GB/s over the copy's. HALO_COMMIT is "
      "noted in the JSON.";
  return {syntax, run};
}

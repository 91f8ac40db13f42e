// Reading what to measure, from the command line or from a suite file.
#include "tools/halo/Arguments.h"
#include "tools/halo/BenchCase.h"
#include "tools/halo/OutputFile.h"
#include "tools/halo/Suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <climits>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

Result<Shape> halo::tool::parseShape(const std::string &text) {
  Shape shape;
  bool seen[4] = {};
  for (const std::string &piece : splitList(text)) {
    HALO_TRY(size, parseNamedValue("--shape", piece));
    static const std::vector<std::string> legal = {"B", "D", "L", "N"};
    auto place = std::find(legal.begin(), legal.end(), size.name);
    if (place == legal.end())
      return invalid(unknown("size in --shape", size.name, legal));
    size_t index = size_t(place - legal.begin());
    if (seen[index])
      return invalid(fmt::format("--shape gives {} twice", size.name));
    seen[index] = true;
    std::optional<int64_t> value = parseNumber(size.value);
    if (!value)
      return invalid(
          fmt::format("--shape: {} is '{}', expected a whole number", size.name, size.value));
    if (*value < 1 || *value > INT32_MAX)
      return invalid(
          fmt::format("--shape: {} is {}, expected 1 to {}", size.name, *value, INT32_MAX));
    (index == 0 ? shape.b : index == 1 ? shape.d : index == 2 ? shape.l : shape.n) = *value;
  }
  if (!seen[0])
    shape.b = 1;
  if (!seen[1])
    return invalid(fmt::format("--shape '{}' has no D: expected B=1,L=65536,D=4096", text));
  return shape;
}

static bool isSchedule(const std::string &text) {
  size_t end = text.size();
  bool file = end >= 5 && text.compare(end - 5, 5, ".mlir") == 0;
  return text.empty() || (text.find('=') != std::string::npos && !file);
}

Result<std::vector<Entrant>> halo::tool::parseCompare(const std::string &kernel,
                                                      const std::vector<std::string> &names) {
  if (names.size() != 2)
    return invalid(
        fmt::format("--compare needs two schedules or two kernels, not {}", names.size()));
  const std::string &a = names[0], &b = names[1];
  if (isSchedule(a) != isSchedule(b))
    return invalid(
        fmt::format("--compare: '{}' is a schedule, '{}' a kernel: compare two of a kind",
                    isSchedule(a) ? a : b, isSchedule(a) ? b : a));
  if (isSchedule(a)) {
    if (kernel.empty())
      return invalid("--compare of two schedules needs their KERNEL");
    return std::vector<Entrant>{{kernel, a}, {kernel, b}};
  }
  if (!kernel.empty())
    return invalid(
        fmt::format("KERNEL '{}' and --compare of the kernels '{}' and '{}' exclude each "
                    "other",
                    kernel, a, b));
  return std::vector<Entrant>{{a, ""}, {b, ""}};
}

static std::string scalar(const Json &value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// {"K": 4, "layout": "bld"} or ["K=4", ...] as --set texts; a plain text is one of them.
static std::vector<std::string> namedValues(const Json &value) {
  std::vector<std::string> texts;
  if (value.is_object())
    for (const auto &[name, entry] : value.items())
      texts.push_back(name + "=" + scalar(entry));
  else if (value.is_array())
    for (const Json &entry : value)
      texts.push_back(scalar(entry));
  else if (!value.is_null())
    texts.push_back(scalar(value));
  return texts;
}

static std::string joined(const std::vector<std::string> &texts) {
  std::string all;
  for (const std::string &text : texts)
    all += (all.empty() ? "" : ",") + text;
  return all;
}

static Result<BenchCase> readCase(const Json &entry) {
  static const std::vector<std::string> fields = {"kernel", "shape", "set",      "dtype",
                                                  "wdtype", "with",  "schedule", "compare"};
  if (!entry.is_object())
    return invalid("it is no JSON object");
  for (const auto &[field, value] : entry.items())
    if (std::find(fields.begin(), fields.end(), field) == fields.end())
      return invalid(unknown("field", field, fields));
  bool compare = entry.contains("compare");
  if (!entry.contains("kernel") && !compare)
    return invalid("it has no 'kernel'");
  if (!entry.contains("shape"))
    return invalid("it has no 'shape'");
  if (compare && entry.contains("schedule"))
    return invalid("its 'schedule' and 'compare' exclude each other");
  auto field = [&](const char *name) { return entry.contains(name) ? entry[name] : Json(); };
  auto text = [&](const char *name) { return entry.contains(name) ? scalar(entry[name]) : ""; };
  BenchCase bench;
  bench.compare = compare;
  bench.dtype = text("dtype");
  bench.wdtype = text("wdtype");
  bench.settings = namedValues(field("set"));
  bench.with = joined(namedValues(field("with")));
  HALO_TRY(shape, parseShape(joined(namedValues(field("shape")))));
  bench.shape = shape;
  if (compare) {
    HALO_TRY(entrants, parseCompare(text("kernel"), namedValues(field("compare"))));
    bench.entrants = entrants;
    return bench;
  }
  std::vector<std::string> schedules = namedValues(field("schedule"));
  if (field("schedule").is_object()) // One schedule, spelled as an object.
    schedules = {joined(schedules)};
  if (schedules.empty())
    schedules.push_back("");
  for (const std::string &schedule : schedules)
    bench.entrants.push_back({text("kernel"), schedule});
  return bench;
}

Result<std::vector<BenchCase>> halo::tool::readSuite(const std::string &path) {
  HALO_TRY(text, readFile(path));
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_array())
    return invalid(fmt::format("suite '{}' is no JSON array", path));
  std::vector<BenchCase> cases;
  for (const Json &entry : json) {
    Result<BenchCase> bench = readCase(entry);
    if (!bench)
      return invalid(
          fmt::format("suite '{}', entry {}: {}", path, cases.size() + 1, bench.error().message));
    cases.push_back(*bench);
  }
  return cases;
}

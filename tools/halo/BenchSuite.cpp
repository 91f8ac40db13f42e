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
  bool seen[3] = {};
  for (const std::string &piece : splitList(text)) {
    HALO_TRY(size, parseNamedValue("--shape", piece));
    static const std::vector<std::string> legal = {"B", "D", "L"};
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
    (index == 0 ? shape.b : index == 1 ? shape.d : shape.l) = *value;
  }
  if (!seen[0])
    shape.b = 1;
  if (!seen[1])
    return invalid(fmt::format("--shape '{}' has no D: expected B=1,L=65536,D=4096", text));
  return shape;
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
  static const std::vector<std::string> fields = {"kernel", "shape", "set",     "dtype",
                                                  "wdtype", "with",  "schedule"};
  if (!entry.is_object())
    return invalid("it is no JSON object");
  for (const auto &[field, value] : entry.items())
    if (std::find(fields.begin(), fields.end(), field) == fields.end())
      return invalid(unknown("field", field, fields));
  for (const char *field : {"kernel", "shape"})
    if (!entry.contains(field))
      return invalid(fmt::format("it has no '{}'", field));
  auto field = [&](const char *name) { return entry.contains(name) ? entry[name] : Json(); };
  BenchCase bench;
  bench.kernel = scalar(field("kernel"));
  bench.dtype = entry.contains("dtype") ? scalar(field("dtype")) : "";
  bench.wdtype = entry.contains("wdtype") ? scalar(field("wdtype")) : "";
  bench.settings = namedValues(field("set"));
  bench.with = joined(namedValues(field("with")));
  bench.schedules = namedValues(field("schedule"));
  if (field("schedule").is_object()) // One schedule, spelled as an object.
    bench.schedules = {joined(bench.schedules)};
  if (bench.schedules.empty())
    bench.schedules.push_back("");
  HALO_TRY(shape, parseShape(joined(namedValues(field("shape")))));
  bench.shape = shape;
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

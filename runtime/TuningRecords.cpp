#include "runtime/TuningRecords.h"

#include "runtime/Device.h"
#include "runtime/Json.h"
#include "runtime/KernelSource.h"
#include "runtime/Problem.h"
#include "runtime/Sha256.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace halo {

using nlohmann::json;

namespace {

int64_t nearestPowerOfTwo(int64_t value) {
  int64_t power = 1;
  // The border between two powers is their geometric mean: value^2 >= 2 power^2 goes up.
  while (double(value) * double(value) >= 2.0 * double(power) * double(power))
    power *= 2;
  return value <= 0 ? 0 : power;
}

bool covers(const Shape &bucket, const Shape &asked) {
  auto same = [](int64_t have, int64_t want) { return want == 0 || have == want; };
  return same(bucket.b, asked.b) && same(bucket.d, asked.d) && same(bucket.l, asked.l);
}

/// Of a bucket; B and L are 0 where it is every B's and L's.
double volume(const Shape &shape) {
  return double(std::max<int64_t>(1, shape.b)) * double(shape.d) *
         double(std::max<int64_t>(1, shape.l));
}

/// Whether `a` replaces `b`, of the same key.
bool stronger(const TuningRecord &a, const TuningRecord &b) {
  if (a.pinned != b.pinned)
    return a.pinned;
  if (a.date != b.date)
    return a.date > b.date;
  return a.print() < b.print();
}

/// A number of a record; JsonFields reads whole ones only.
double milliseconds(const json &object, const char *name, JsonFields &fields) {
  auto found = object.is_object() ? object.find(name) : object.end();
  if (found == object.end() || !found->is_number()) {
    fields.complain(fmt::format("has no number '{}'", name));
    return 0;
  }
  double value = found->get<double>();
  if (!(value >= 0) || !std::isfinite(value))
    fields.complain(fmt::format("has {} = {}, expected a time", name, printJson(value)));
  return value;
}

} // namespace

Shape bucketOf(const Shape &shape) {
  return {nearestPowerOfTwo(shape.b), shape.d, nearestPowerOfTwo(shape.l)};
}

Shape recordSizes(const Problem &problem, const Shape &shape) {
  return problem.invariant ? Shape{0, shape.d, 0} : shape;
}

int64_t tunedBlockL(Span<TunedBlockL> tuned, int64_t stepL, const Shape &shape) {
  if (!tuned.size())
    return 0;
  Shape asked = bucketOf(shape);
  for (const TunedBlockL &one : tuned)
    if (one.bucket.b == asked.b && one.bucket.d == asked.d && one.bucket.l == asked.l &&
        one.blockL >= stepL && one.blockL % stepL == 0)
      return one.blockL;
  return 0;
}

std::string gpuClassOf(const Device &device) {
  return fmt::format("{}, {} SMs", device.name(), device.traits().sms);
}

std::string recordProblem(const Problem &problem, std::string_view source) {
  if (!isKernelPath(problem.kernel))
    return problem.print();
  Problem named = problem;
  named.kernel = sha256(source).substr(0, 16) + ".mlir";
  return named.print();
}

std::string TuningRecord::print() const {
  // In this order, for people; a JSON object would sort its names.
  std::string text;
  auto add = [&](const char *name, const json &value) {
    text += text.empty() ? '{' : ',';
    text += printJson(name) + ':' + printJson(value);
  };
  add("gpu", gpu);
  add("driver", driver);
  add("toolkit", toolkit);
  add("problem", problem);
  add("b", bucket.b);
  add("d", bucket.d);
  add("l", bucket.l);
  add("schedule", schedule);
  add("block_l", blockL);
  add("ms", ms);
  add("low", low);
  add("high", high);
  add("default", defaultSchedule);
  add("default_ms", defaultMs);
  add("date", date);
  add("pinned", pinned);
  return text + '}';
}

Result<TuningRecord> TuningRecord::parse(std::string_view line) {
  json object = parseJson(line);
  JsonFields fields(object, "tuning record");
  TuningRecord record;
  record.gpu = fields.text("gpu");
  record.driver = fields.text("driver");
  record.toolkit = fields.text("toolkit");
  record.problem = fields.text("problem");
  record.bucket.b = fields.integer("b", 0, INT32_MAX);
  record.bucket.d = fields.integer("d", 1, INT32_MAX);
  // The nearest power of two of the longest sequence is 2^31.
  record.bucket.l = fields.integer("l", 0, int64_t(1) << 31);
  record.schedule = fields.text("schedule");
  record.blockL = fields.integer("block_l", 0, 1 << 30);
  record.ms = milliseconds(object, "ms", fields);
  record.low = milliseconds(object, "low", fields);
  record.high = milliseconds(object, "high", fields);
  record.defaultSchedule = fields.text("default");
  record.defaultMs = milliseconds(object, "default_ms", fields);
  record.date = fields.text("date");
  record.pinned = fields.flag("pinned");
  HALO_CHECK(fields.done());
  HALO_TRY(schedule, Schedule::parse(record.schedule, Schedule()));
  if (schedule.blockL)
    return invalid(fmt::format("tuning record: its schedule has block_l = {}, expected 0: that "
                               "number has its own field",
                               schedule.blockL));
  HALO_TRY(problem, Problem::parse(record.problem));
  // One spelling, so that a lookup finds what a person wrote.
  record.schedule = schedule.print();
  record.problem = problem.print();
  if (problem.invariant ? record.bucket.b || record.bucket.l || record.blockL
                        : !record.bucket.b || !record.bucket.l)
    return invalid(fmt::format("tuning record: b = {}, l = {}, block_l = {}, where a record of an "
                               "invariant problem has 0, 0, 0, and every other one sizes of at "
                               "least 1, 1, 0",
                               record.bucket.b, record.bucket.l, record.blockL));
  Shape bucket = bucketOf(record.bucket);
  if (bucket.b != record.bucket.b || bucket.l != record.bucket.l)
    return invalid(fmt::format("tuning record: b = {}, l = {} are no powers of two: the bucket is "
                               "{}, {}",
                               record.bucket.b, record.bucket.l, bucket.b, bucket.l));
  return record;
}

std::string TuningRecord::key() const {
  return fmt::format("{}\n{}\n{:09}\n{:011}\n{:010}\n{}\n{}", gpu, problem, bucket.d, bucket.l,
                     bucket.b, driver, toolkit);
}

bool TuningRecords::add(const TuningRecord &record) {
  auto [place, fresh] = records.emplace(record.key(), record);
  if (fresh)
    return true;
  if (!stronger(record, place->second))
    return false;
  place->second = record;
  return true;
}

size_t TuningRecords::merge(std::string_view text, std::vector<std::string> &complaints) {
  size_t added = 0;
  for (size_t line = 1; !text.empty(); ++line) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view words = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!words.empty() && words.back() == '\r')
      words.remove_suffix(1);
    if (words.empty() || words.front() == '#')
      continue;
    Result<TuningRecord> record = TuningRecord::parse(words);
    if (!record)
      complaints.push_back(fmt::format("line {}: {}", line, record.error().message));
    else
      added += add(*record);
  }
  return added;
}

size_t TuningRecords::forget(const std::string &gpu, const std::string &problem,
                             const Shape &shape) {
  Shape bucket = bucketOf(shape);
  size_t removed = 0;
  for (auto it = records.begin(); it != records.end();) {
    const TuningRecord &record = it->second;
    bool match = record.gpu == gpu && record.problem == problem && covers(record.bucket, bucket);
    removed += match;
    it = match ? records.erase(it) : std::next(it);
  }
  return removed;
}

const TuningRecord *TuningRecords::find(const std::string &gpu, const std::string &driver,
                                        const std::string &problem, const Shape &shape) const {
  Shape asked = bucketOf(shape);
  const TuningRecord *best = nullptr;
  auto better = [&](const TuningRecord &a, const TuningRecord &b) {
    if (volume(a.bucket) != volume(b.bucket))
      return volume(a.bucket) > volume(b.bucket);
    if (a.pinned != b.pinned)
      return a.pinned;
    if ((a.driver == driver) != (b.driver == driver))
      return a.driver == driver;
    return stronger(a, b);
  };
  // The key starts with gpu and problem: one run of the map.
  std::string prefix = gpu + "\n" + problem + "\n";
  for (auto it = records.lower_bound(prefix);
       it != records.end() && it->first.compare(0, prefix.size(), prefix) == 0; ++it)
    if (covers(it->second.bucket, asked) && (!best || better(it->second, *best)))
      best = &it->second;
  return best;
}

std::vector<TunedBlockL> TuningRecords::blockLs(const std::string &gpu, const std::string &problem,
                                                const std::string &schedule) const {
  std::vector<TunedBlockL> values;
  std::string prefix = gpu + "\n" + problem + "\n";
  for (auto it = records.lower_bound(prefix);
       it != records.end() && it->first.compare(0, prefix.size(), prefix) == 0; ++it)
    if (it->second.schedule == schedule && it->second.blockL > 0)
      values.push_back({it->second.bucket, it->second.blockL});
  return values;
}

std::vector<TuningRecord> TuningRecords::all() const {
  std::vector<TuningRecord> list;
  for (const auto &entry : records)
    list.push_back(entry.second);
  return list;
}

std::string TuningRecords::print() const {
  std::string text;
  for (const auto &entry : records)
    text += entry.second.print() + "\n";
  return text;
}

} // namespace halo

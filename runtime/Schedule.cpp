#include "runtime/Schedule.h"

#include <fmt/format.h>

#include <charconv>
#include <set>

namespace halo {

namespace {

std::string_view name(Window window) {
  return window == Window::Registers ? "registers" : "shared";
}

std::string_view name(Fir fir) { return fir == Fir::Direct ? "direct" : "toeplitz"; }

/// Fields that print() always writes: all but fir and cluster.
constexpr size_t kAlwaysPrinted = 8;

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

/// Numbers are legal from `min`: 0 is "not chosen" where the field's default is 0.
struct Range {
  std::string_view name;
  int64_t min, max;
};

template <typename T>
Result<void> parseNumber(const Range &range, std::string_view text, T &field) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument || end != text.data() + text.size())
    return invalid(fmt::format("schedule: {} is '{}', which is no number", range.name, text));
  if (error != std::errc() || value < range.min || value > range.max)
    return invalid(fmt::format("schedule: {} = {} is outside {} to {}", range.name, text, range.min,
                               range.max));
  field = T(value);
  return {};
}

Result<void> parseField(Schedule &schedule, std::string_view field, std::string_view value) {
  if (field == "block_n")
    return parseNumber({field, 0, 1 << 20}, value, schedule.blockN);
  if (field == "block_l")
    return parseNumber({field, 0, 1 << 30}, value, schedule.blockL);
  if (field == "num_warps")
    return parseNumber({field, 1, 32}, value, schedule.numWarps);
  if (field == "vector")
    return parseNumber({field, 0, 64}, value, schedule.vector);
  if (field == "unroll")
    return parseNumber({field, 0, 256}, value, schedule.unroll);
  if (field == "stages")
    return parseNumber({field, 1, 8}, value, schedule.stages);
  if (field == "min_blocks")
    return parseNumber({field, 1, 32}, value, schedule.minBlocks);
  if (field == "cluster")
    return parseNumber({field, 1, 8}, value, schedule.cluster);
  if (field == "window") {
    for (Window window : {Window::Registers, Window::Shared})
      if (name(window) == value) {
        schedule.window = window;
        return {};
      }
    return invalid(
        fmt::format("schedule: window is '{}' where registers or shared is expected", value));
  }
  if (field == "fir") {
    for (Fir fir : {Fir::Direct, Fir::Toeplitz})
      if (name(fir) == value) {
        schedule.fir = fir;
        return {};
      }
    return invalid(
        fmt::format("schedule: fir is '{}' where direct or toeplitz is expected", value));
  }
  return invalid(fmt::format("schedule: unknown name '{}' (it has block_n, block_l, num_warps, "
                             "vector, unroll, stages, min_blocks, window, fir, cluster)",
                             field));
}

} // namespace

std::string Schedule::print() const {
  std::string text = fmt::format(
      "block_n={},block_l={},num_warps={},vector={},unroll={},stages={},min_blocks={},window={}",
      blockN, blockL, numWarps, vector, unroll, stages, minBlocks, name(window));
  if (fir != Fir::Direct)
    text += fmt::format(",fir={}", name(fir));
  return cluster == 1 ? text : fmt::format("{},cluster={}", text, cluster);
}

Result<Schedule> Schedule::parse(std::string_view text, const Schedule &base) {
  Schedule schedule = base;
  std::set<std::string_view> seen;
  text = trim(text);
  while (!text.empty()) {
    size_t comma = text.find(',');
    std::string_view pair = text.substr(0, comma);
    size_t equals = pair.find('=');
    if (equals == std::string_view::npos)
      return invalid(fmt::format("schedule: '{}' is not name=value", pair));
    std::string_view field = trim(pair.substr(0, equals));
    if (!seen.insert(field).second)
      return invalid(fmt::format("schedule: {} is given twice", field));
    HALO_CHECK(parseField(schedule, field, trim(pair.substr(equals + 1))));
    if (comma == std::string_view::npos)
      break;
    text.remove_prefix(comma + 1);
    if (trim(text).empty())
      return invalid("schedule: nothing after the last comma");
  }
  // Of a whole schedule, as print() writes it, what is missing has the value that is not printed.
  bool fir = seen.count("fir"), cluster = seen.count("cluster");
  if (seen.size() == kAlwaysPrinted + fir + cluster) {
    schedule.fir = fir ? schedule.fir : Fir::Direct;
    schedule.cluster = cluster ? schedule.cluster : 1;
  }
  return schedule;
}

bool Schedule::operator==(const Schedule &other) const {
  return blockN == other.blockN && blockL == other.blockL && numWarps == other.numWarps &&
         vector == other.vector && unroll == other.unroll && stages == other.stages &&
         minBlocks == other.minBlocks && window == other.window && fir == other.fir &&
         cluster == other.cluster;
}

} // namespace halo

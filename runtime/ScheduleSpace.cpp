#include "runtime/ScheduleSpace.h"

#include "runtime/ScheduleStaged.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace halo {

namespace {

/// Registers a thread can have at all, and how far the estimate may be above a limit: it errs.
constexpr int64_t kMaxRegisters = 255;
constexpr double kEstimateError = 1.25;
/// FIRs the compiler unrolls at most, and multiply-adds of one step of straight-line code: beyond,
/// code generation takes seconds and the code no longer fits the instruction cache.
constexpr int64_t kMaxUnrolledTaps = 64, kMaxStepFmas = 1024;
/// Taps from which rolling a FIR can pay.
constexpr int64_t kRolledTaps = 8;
/// A block may cover this many times D, rounded up to a power of two, with lanes to spare.
constexpr int64_t kMostIdle = 2;

using Values = std::vector<int64_t>;

bool isBld(const KernelTraits &traits) { return traits.layout == Layout::BLD; }

/// What a doubling of one number of the choice must promise to be tried as early as its equals.
constexpr double kDoublingWeight = 0.015;

/// One number of a schedule and what it may be, given those before it.
struct Axis {
  const char *name;
  Values (*values)(const KernelTraits &, const DeviceTraits &, const Schedule &before);
  void (*set)(Schedule &, int64_t value);
  int64_t (*get)(const Schedule &);
};

/// The line of an axis: name, values, field.
#define HALO_AXIS(name, values, field)                                                             \
  {                                                                                                \
    name, values, [](Schedule &s, int64_t value) { s.field = decltype(s.field)(value); },          \
        [](const Schedule &s) { return int64_t(s.field); }                                         \
  }

bool isStaged(const Schedule &schedule) { return schedule.fir == Fir::Toeplitz; }
bool isStep(const KernelTraits &traits) { return traits.layout == Layout::BD; }

Values firs(const KernelTraits &traits, const DeviceTraits &, const Schedule &) {
  Values values = {int64_t(Fir::Direct)};
  if (mayStage(traits))
    values.push_back(int64_t(Fir::Toeplitz));
  return values;
}

Values windows(const KernelTraits &traits, const DeviceTraits &, const Schedule &before) {
  Values values;
  if (isStaged(before) || isStep(traits) || traits.modes > 0)
    return {int64_t(Window::Registers)};
  if (traits.maxTaps <= kMaxUnrolledTaps)
    values.push_back(int64_t(Window::Registers));
  if (traits.maxTaps > kRolledTaps)
    values.push_back(int64_t(Window::Shared));
  return values;
}

Values vectors(const KernelTraits &traits, const DeviceTraits &, const Schedule &before) {
  if (isStaged(before))
    return stagedVectors(traits);
  if (isStep(traits))
    return {1};
  int64_t widest = traits.align == 1 ? 1 : std::max(1, 16 / traits.maxElementBytes);
  if (before.window == Window::Shared)
    return {isBld(traits) ? 1 : widest};
  if (!isBld(traits))
    return widest >= 4 ? Values{widest, widest / 2} : Values{widest};
  Values values;
  for (int64_t vector = widest; vector >= 1; vector /= 2)
    values.push_back(vector);
  return values;
}

Values blockNs(const KernelTraits &traits, const DeviceTraits &, const Schedule &before) {
  if (isStaged(before))
    return stagedStripes(traits);
  if (isStep(traits))
    return {16, 32, 64, 128};
  if (traits.modes > 0) {
    int64_t lanes = isBld(traits) ? before.vector : 1;
    return {8 * lanes, 16 * lanes, 32 * lanes, 64 * lanes};
  }
  if (!isBld(traits))
    return traits.crossLayout ? Values{32, 64} : Values{1, 2, 4, 8};
  int64_t lanes = before.window == Window::Shared ? 1 : before.vector;
  return {32 * lanes, 64 * lanes, 128 * lanes, 256 * lanes};
}

Values warps(const KernelTraits &traits, const DeviceTraits &, const Schedule &before) {
  if (isStaged(before))
    return stagedWarps(traits);
  if (before.window == Window::Shared)
    return {4, 8, 16};
  return isBld(traits) ? Values{2, 4, 8} : Values{1, 2, 4, 8};
}

Values unrolls(const KernelTraits &traits, const DeviceTraits &, const Schedule &before) {
  if (isStaged(before))
    return stagedUnrolls(traits, before);
  if (isStep(traits))
    return {1};
  if (before.window == Window::Shared)
    return {4, 8, 16, 32};
  return isBld(traits) ? Values{2, 4, 8, 16} : Values{1, 2, 4};
}

Values stages(const KernelTraits &traits, const DeviceTraits &, const Schedule &before) {
  if (isStaged(before))
    return {2, 3};
  if (before.window == Window::Shared || isStep(traits) || traits.modes > 0)
    return {1};
  return isBld(traits) ? Values{1, 2, 3, 4, 6} : Values{1, 2, 3, 4};
}

Values minBlocks(const KernelTraits &traits, const DeviceTraits &device, const Schedule &before) {
  if (isStaged(before))
    return stagedMinBlocks(traits, device, before);
  Values values = {1};
  for (int64_t registers : {128, 96, 80, 64}) {
    int64_t blocks = device.registersPerSm / (registers * 32 * before.numWarps);
    if (blocks > values.back() && blocks <= 32)
      values.push_back(blocks);
  }
  return values;
}

const Axis kAxes[] = {
    HALO_AXIS("fir", firs, fir),
    HALO_AXIS("window", windows, window),
    HALO_AXIS("vector", vectors, vector),
    HALO_AXIS("block_n", blockNs, blockN),
    HALO_AXIS("num_warps", warps, numWarps),
    HALO_AXIS("unroll", unrolls, unroll),
    HALO_AXIS("stages", stages, stages),
    HALO_AXIS("min_blocks", minBlocks, minBlocks),
};

/// Doublings between two schedules, over all axes.
double doublings(const Schedule &a, const Schedule &b) {
  double sum = 0;
  for (const Axis &axis : kAxes)
    sum += std::abs(std::log2(double(1 + axis.get(a)) / double(1 + axis.get(b))));
  return sum;
}

/// Multiplies the axes out, depth first: each sees what was chosen before it.
void enumerate(const KernelTraits &traits, const DeviceTraits &device, size_t axis,
               Schedule schedule, ScheduleSpace &space) {
  if (axis == std::size(kAxes)) {
    if (Result<void> legal = checkSchedule(traits, device, schedule); !legal)
      space.rejected.push_back({schedule, legal.error().message});
    else
      space.legal.push_back(schedule);
    return;
  }
  for (int64_t value : kAxes[axis].values(traits, device, schedule)) {
    kAxes[axis].set(schedule, value);
    enumerate(traits, device, axis + 1, schedule, space);
  }
}

Result<void> checkThreads(const KernelTraits &traits, const DeviceTraits &device,
                          const Schedule &schedule, const ThreadGrid &grid) {
  if (grid.threadsN > grid.threads)
    return invalid(fmt::format("block_n {} needs {} threads across channels, more than the block's "
                               "{}",
                               schedule.blockN, grid.threadsN, grid.threads));
  if (grid.threads * schedule.minBlocks > device.maxThreadsPerSm)
    return invalid(fmt::format("min_blocks {} of {} threads are {} threads, an SM holds {}",
                               schedule.minBlocks, grid.threads,
                               grid.threads * schedule.minBlocks, device.maxThreadsPerSm));
  if (traits.head > schedule.blockN)
    return invalid(fmt::format("block_n {} is less than head {}", schedule.blockN, traits.head));
  if (traits.partUnit > 0 && traits.partUnit % grid.lanes)
    return invalid(fmt::format("vector {} does not divide {}, which all part widths and heads are "
                               "multiples of",
                               grid.lanes, traits.partUnit));
  int64_t covered = 1;
  while (traits.channels > 0 && covered < traits.channels)
    covered *= 2;
  if (traits.channels > 0 && traits.head == 0 && schedule.blockN > kMostIdle * covered)
    return invalid(
        fmt::format("block_n {} is more than {} times D {}", schedule.blockN, kMostIdle,
                    traits.channels));
  return {};
}

Result<void> checkResources(const KernelTraits &traits, const DeviceTraits &device,
                            const Schedule &schedule, const ThreadGrid &grid) {
  int64_t shared = estimateShared(traits, schedule);
  if (shared > device.sharedPerBlock)
    return invalid(
        fmt::format("shared memory {} B exceeds the device's {} B", shared, device.sharedPerBlock));
  if (schedule.minBlocks > 1 && shared * schedule.minBlocks > device.sharedPerBlock)
    return invalid(fmt::format("min_blocks {} of shared memory {} B are {} B, an SM has {} B",
                               schedule.minBlocks, shared, shared * schedule.minBlocks,
                               device.sharedPerBlock));
  int64_t registers = estimateRegisters(traits, schedule);
  int64_t cap =
      std::min(kMaxRegisters, device.registersPerSm / (grid.threads * schedule.minBlocks));
  if (double(registers) > kEstimateError * double(cap))
    return invalid(fmt::format("some {} registers a thread are needed, {} warps and min_blocks {} "
                               "leave {}",
                               registers, schedule.numWarps, schedule.minBlocks, cap));
  bool unrolled = schedule.window == Window::Registers && !isStaged(schedule);
  int64_t fmas = traits.sumTaps * schedule.vector * schedule.unroll;
  if (unrolled && fmas > kMaxStepFmas)
    return invalid(fmt::format("a step of {} multiply-adds in a row is more than {}", fmas,
                               kMaxStepFmas));
  return {};
}

} // namespace

Result<void> checkSchedule(const KernelTraits &traits, const DeviceTraits &device,
                           const Schedule &schedule) {
  ThreadGrid grid = threadGrid(traits, schedule);
  int64_t bytes = int64_t(schedule.vector) * traits.maxElementBytes;
  if (schedule.cluster > device.maxCluster)
    return invalid(fmt::format("cluster {} exceeds the device's {}", schedule.cluster,
                               device.maxCluster));
  if (traits.align == 1 && schedule.vector != 1)
    return invalid(fmt::format("vector {} needs align 16, got align 1", schedule.vector));
  if (bytes > 16)
    return invalid(fmt::format("vector {} of {}-byte elements is {} bytes, more than an access of "
                               "16",
                               schedule.vector, traits.maxElementBytes, bytes));
  if (isStaged(schedule))
    HALO_CHECK(checkStaged(traits, schedule));
  else if (traits.modes > 0 && (schedule.stages > 1 || schedule.window == Window::Shared))
    return invalid(fmt::format("a recurrence with fir=direct needs window=registers and stages 1, "
                               "got stages {}",
                               schedule.stages));
  if (isStep(traits) && (schedule.vector > 1 || schedule.unroll > 1 || schedule.stages > 1))
    return invalid(fmt::format("a step has vector 1, unroll 1 and stages 1, got {}, {} and {}",
                               schedule.vector, schedule.unroll, schedule.stages));
  if (!isStaged(schedule) && !isStep(traits) && schedule.window == Window::Registers &&
      traits.maxTaps > kMaxUnrolledTaps)
    return invalid(fmt::format("window=registers unrolls at most {} taps, the longest filter has "
                               "{}",
                               kMaxUnrolledTaps, traits.maxTaps));
  if (schedule.stages > 1 && schedule.window == Window::Shared)
    return invalid(fmt::format("stages {} needs window=registers, else 1", schedule.stages));
  int64_t leastBytes = int64_t(schedule.vector) * traits.minElementBytes;
  if (schedule.stages > 1 && leastBytes < 4)
    return invalid(fmt::format("stages {} needs accesses of 4 bytes, vector {} gives {}",
                               schedule.stages, schedule.vector, leastBytes));
  HALO_CHECK(checkThreads(traits, device, schedule, grid));
  return checkResources(traits, device, schedule, grid);
}

ScheduleSpace enumerateSchedules(const KernelTraits &traits, const DeviceTraits &device) {
  ScheduleSpace space;
  enumerate(traits, device, 0, Schedule(), space);
  return space;
}

std::vector<RankedSchedule> rankSchedules(const KernelTraits &traits, const DeviceTraits &device,
                                          const Shape &shape) {
  Schedule choice = chooseSchedule(traits, device);
  std::multimap<double, RankedSchedule> scored; // Equal scores keep their order.
  for (const Schedule &schedule : enumerateSchedules(traits, device).legal)
    if (!(schedule == choice)) {
      Estimate cost = estimate(traits, device, schedule, shape);
      double weight = 1 + kDoublingWeight * doublings(schedule, choice);
      scored.insert({cost.ms * weight, {schedule, cost}});
    }
  std::vector<RankedSchedule> ranked = {{choice, estimate(traits, device, choice, shape)}};
  for (const auto &[score, entry] : scored)
    ranked.push_back(entry);
  // The other strategy's best is tried at once: between the two the estimate knows least.
  auto other = std::find_if(ranked.begin(), ranked.end(), [&](const RankedSchedule &entry) {
    return entry.schedule.fir != choice.fir;
  });
  if (other != ranked.end())
    std::rotate(ranked.begin() + 1, other, other + 1);
  return ranked;
}

std::vector<int64_t> nearbyBlockL(int64_t best, int64_t stepL, int64_t l) {
  std::vector<int64_t> values;
  int64_t most = (l + stepL - 1) / stepL * stepL;
  for (int64_t value : {best / 4, best / 2, best, best * 2, best * 4}) {
    value = value / stepL * stepL;
    if (value >= stepL && (value <= most || value == best) &&
        (values.empty() || values.back() != value))
      values.push_back(value);
  }
  return values;
}

} // namespace halo

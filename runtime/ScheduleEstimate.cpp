#include "runtime/ScheduleEstimate.h"

#include "runtime/ScheduleStaged.h"

#include <algorithm>
#include <cmath>

namespace halo {

namespace {

/// Of an H200, per SM and nanosecond: bytes from memory, instructions of a thread.
constexpr double kBytesPerNs = 32, kLaneInstructionsPerNs = 180;
/// Bytes an SM must have asked for to keep memory busy, and what a thread without a ring asks for.
constexpr double kBytesInFlight = 24 << 10;
/// Microseconds: an empty launch, the first loads of a block, a step whose loads are not ahead.
constexpr double kLaunchUs = 2.5, kFirstLoadsUs = 1.2, kStepUs = 0.7;
/// Of a reread halo, what L2 has lost; of the lesser wall, what the greater does not hide.
constexpr double kRereadFromMemory = 0.3, kUnhidden = 0.1;
/// Registers that addresses, sizes and loop counters take.
constexpr int64_t kBaseRegisters = 30;
/// Taps a step stages in shared memory at a time; longer FIRs are unrolled all the same up to
/// kUnrolledTaps (compiler/lowering/KernelPlan.h).
constexpr int64_t kTapChunk = 64, kUnrolledTaps = 8;
/// What the driver keeps of each block's shared memory, and blocks an SM holds at most.
constexpr int64_t kReservedShared = 1 << 10, kMaxBlocksPerSm = 32;
/// Registers are given to warps in groups.
constexpr int64_t kRegisterGroup = 8;

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t roundUp(int64_t a, int64_t b) { return ceilDiv(a, b) * b; }

int64_t powerOfTwoCeil(int64_t value) {
  int64_t power = 1;
  while (power < value)
    power *= 2;
  return power;
}

bool isBld(const KernelTraits &traits) { return traits.layout == Layout::BLD; }
bool isShared(const Schedule &schedule) { return schedule.window == Window::Shared; }
bool isStaged(const Schedule &schedule) { return schedule.fir == Fir::Toeplitz; }
int64_t inputViews(const KernelTraits &traits) { return std::max(1, traits.views - 1); }

/// Elements that a thread asks for in one step, of one view.
int64_t stepElements(const KernelTraits &traits, const Schedule &schedule) {
  if (isBld(traits))
    return schedule.unroll * schedule.vector;
  // Each run with the pieces of halo before it.
  int64_t whole = traits.halo / std::max(1, schedule.vector) * schedule.vector;
  int64_t rest = traits.halo - whole;
  int64_t least = std::max<int64_t>(1, 4 / traits.maxElementBytes);
  int64_t piece = rest ? std::clamp<int64_t>(powerOfTwoCeil(rest), least, schedule.vector) : 0;
  return schedule.unroll * (schedule.vector + whole + piece);
}

/// Instructions for one output element.
double instructionsPerElement(const KernelTraits &traits, const Schedule &schedule) {
  double taps = double(traits.sumTaps);
  if (isStaged(schedule))
    return stagedInstructions(traits, schedule);
  if (traits.modes > 0) // Several for each mode: its power, the scan, the way back.
    return taps + 10 * double(traits.modes) + 20;
  if (isShared(schedule) && traits.maxTaps > kUnrolledTaps)
    // A sample and a tap from shared memory serve `unroll` outputs; staging both costs more.
    return taps * (1 + 2.5 / schedule.unroll) + 24;
  double accesses = 6.0 * traits.views / std::max(1, schedule.vector);
  double conversions = 2.0 * traits.views;
  double ring = schedule.stages > 1 ? 8.0 * double(inputViews(traits)) / schedule.vector : 0;
  // bld samples move from step to step; bdl runs widen their halo again.
  double window = isBld(traits) ? double(traits.maxTaps) / schedule.unroll
                                : double(traits.halo) / std::max(1, schedule.vector);
  return taps + accesses + conversions + ring + window + 4;
}

/// What DRAM gives for rows of this many bytes: pages opened for little are closed again.
double stripeEfficiency(double bytes) { return bytes / (bytes + 32); }

} // namespace

ThreadGrid threadGrid(const KernelTraits &traits, const Schedule &schedule) {
  ThreadGrid grid;
  grid.threads = 32 * schedule.numWarps;
  bool registers = !isShared(schedule);
  grid.lanes = isBld(traits) && registers ? std::max(1, schedule.vector) : 1;
  grid.run = !isBld(traits) && registers ? std::max(1, schedule.vector) : 1;
  grid.threadsN = std::max<int64_t>(1, ceilDiv(schedule.blockN, grid.lanes));
  if (isStaged(schedule)) // The last threads of a stripe may have no channels.
    grid.threadsN = powerOfTwoCeil(grid.threadsN);
  grid.threadsL = std::max<int64_t>(1, grid.threads / grid.threadsN);
  grid.stepL = grid.threadsL * grid.run * std::max(1, schedule.unroll);
  return grid;
}

int estimateRegisters(const KernelTraits &traits, const Schedule &schedule) {
  if (isStaged(schedule))
    return stagedRegisters(traits, schedule);
  if (isShared(schedule))
    return int(kBaseRegisters + 10 + 2 * schedule.unroll);
  int64_t bytes = traits.maxElementBytes, vector = schedule.vector, unroll = schedule.unroll;
  // bld keeps samples in their storage type between steps, bdl widens each run with its halo.
  int64_t samples = isBld(traits) ? vector * (traits.maxTaps - 1 + unroll) * bytes / 4
                                  : unroll * (vector + traits.halo);
  int64_t taps = traits.sumTaps * (isBld(traits) ? vector : 1);
  return int(kBaseRegisters + taps + samples + vector);
}

int64_t estimateShared(const KernelTraits &traits, const Schedule &schedule) {
  if (isStaged(schedule))
    return stagedShared(traits, schedule);
  ThreadGrid grid = threadGrid(traits, schedule);
  int64_t bytes = traits.head > 0 ? 4 * grid.threads : 0;
  if (isShared(schedule) && traits.maxTaps > kUnrolledTaps) {
    int64_t taps = std::min(traits.maxTaps, kTapChunk);
    int64_t samples = grid.threadsL * schedule.unroll + taps - 1;
    if (grid.threadsN == 1) // Padded against bank conflicts.
      samples += samples / schedule.unroll + 1;
    bytes = std::max(bytes, 4 * grid.threadsN * (kTapChunk + samples));
  }
  if (schedule.stages > 1)
    bytes += grid.threads * schedule.stages * inputViews(traits) * traits.maxElementBytes *
             stepElements(traits, schedule);
  // The states of every thread; bdl pads them against bank conflicts.
  return bytes + 4 * grid.lanes * (grid.threads + !isBld(traits)) * traits.modes;
}

Estimate estimate(const KernelTraits &traits, const DeviceTraits &device, const Schedule &schedule,
                  const Shape &given, int registers) {
  Estimate result;
  ThreadGrid grid = threadGrid(traits, schedule);
  result.registers = registers > 0 ? registers : estimateRegisters(traits, schedule);
  result.sharedBytes = estimateShared(traits, schedule);

  Shape shape = given;
  shape.d = shape.d > 0 ? shape.d : traits.channels > 0 ? traits.channels : 4096;
  shape.l = shape.l > 0 ? shape.l : 8192;
  shape.b = shape.b > 0 ? shape.b : 8;

  KernelInfo info;
  info.layout = traits.layout;
  info.stepL = grid.stepL;
  info.halo = traits.halo;
  info.tiles = {{0, 0, std::max<int64_t>(1, schedule.blockN)}};
  info.warmup = isStaged(schedule) ? stagedWarmup(traits, schedule) : 0;
  info.threads = int(grid.threads);
  info.registers = result.registers;
  info.sharedBytes = result.sharedBytes;
  result.blockL = schedule.blockL ? schedule.blockL : chooseBlockL(info, shape, device);
  if (traits.modes > 0) // A recurrence walks a whole sequence.
    result.blockL = roundUp(shape.l, grid.stepL);
  int64_t tilesL = ceilDiv(shape.l, result.blockL), tilesN = info.tileCount(shape.d);
  result.blocks = shape.b * tilesL * tilesN;

  // The register allocator obeys min_blocks and spills what does not fit.
  double spills = 0;
  int64_t cap = std::min<int64_t>(255, device.registersPerSm /
                                           (grid.threads * std::max(1, schedule.minBlocks)));
  if (result.registers > cap) {
    spills = double(result.registers - cap);
    result.registers = int(cap);
  }
  int64_t perThread = roundUp(std::max(16, result.registers), kRegisterGroup);
  int64_t sharedPerSm = device.sharedPerBlock + kReservedShared;
  result.blocksPerSm =
      std::min({kMaxBlocksPerSm, device.maxThreadsPerSm / grid.threads,
                device.registersPerSm / (perThread * grid.threads),
                sharedPerSm / (result.sharedBytes + kReservedShared)});
  if (result.blocksPerSm <= 0)
    return result;
  double resident = double(result.blocksPerSm * device.sms);
  result.waves = double(result.blocks) / resident;
  double busySms = std::min<double>(device.sms, double(result.blocks));

  // Lanes that reach past the end of D or L work for nothing.
  double covered = double(tilesN * schedule.blockN) * double(tilesL) *
                   double(roundUp(std::min(result.blockL, shape.l), grid.stepL));
  double waste = std::max(1.0, covered / (double(shape.d) * double(shape.l)));
  double elements = double(shape.b) * double(shape.d) * double(shape.l);
  double again = double(std::max(traits.halo, info.warmup));
  double reread = 1 + again / double(result.blockL);

  double read = double(inputViews(traits)) * (1 + kRereadFromMemory * (reread - 1));
  double bytes = elements * traits.maxElementBytes * (1 + read);
  double rowBytes = isBld(traits) ? double(schedule.blockN) * traits.maxElementBytes
                                  : double(grid.stepL) * traits.maxElementBytes;
  if (isStaged(schedule) && isBld(traits)) // Streams mostly lie side by side.
    rowBytes *= traits.streams;
  // Without a ring a thread asks, waits and computes in turn.
  double ahead = schedule.stages > 1 ? schedule.stages - 1 : 0.5;
  double threadsBusy =
      double(grid.threads) * std::min(double(result.blocksPerSm), double(result.blocks) / busySms);
  double inFlight = threadsBusy * ahead * double(inputViews(traits)) *
                    double(schedule.unroll * (isShared(schedule) ? 1 : schedule.vector)) *
                    traits.maxElementBytes / waste;
  double latency = std::min(1.0, inFlight / (inFlight + kBytesInFlight / 8));
  if (isStaged(schedule)) // Whole tiles ahead.
    latency = 1;
  double memory = bytes / (kBytesPerNs * busySms) / (stripeEfficiency(rowBytes) * latency);

  double instructions = instructionsPerElement(traits, schedule) +
                        8 * spills / std::max(1, schedule.unroll * schedule.vector);
  double warpsPerScheduler = threadsBusy / 128;
  double issue = elements * waste * reread * instructions / (kLaneInstructionsPerNs * busySms) /
                 std::min(1.0, isStaged(schedule) ? 0.5 + 0.1 * warpsPerScheduler
                                                  : 0.35 + 0.15 * warpsPerScheduler);

  double body = std::max(memory, issue) + kUnhidden * std::min(memory, issue);
  // One block's own time is a floor; the last wave runs partly empty.
  double steps = double(ceilDiv(result.blockL, grid.stepL));
  double blockUs = kFirstLoadsUs + kStepUs * steps / ahead;
  double tail = result.waves > 1 ? 0.35 * blockUs : 0;
  if (isStaged(schedule) || traits.modes > 0) {
    // Long walks: a wave lasts as long as its last block, and an SM as long as it has blocks.
    double share = result.waves > 1 ? result.waves : double(result.blocks) / busySms;
    body *= std::ceil(share) / share;
    tail = 0;
  }
  result.ms = (kLaunchUs + std::max(body / 1e3 + tail, blockUs)) / 1e3;
  return result;
}

} // namespace halo

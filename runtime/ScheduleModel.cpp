// The analytic choice: a good schedule without measuring, as pure functions of a few numbers.
//
// The code's half (chooseSchedule) sees no B and no L, so a new shape never means new code; the
// launch's half (chooseBlockL) decides how far one block walks.
#include "runtime/Schedule.h"

#include <algorithm>
#include <cmath>

namespace halo {

namespace {

/// Bytes of the widest memory access.
constexpr int kAccessBytes = 16;
/// Channels of a bld thread: four leave room for taps, samples and enough blocks on an SM.
constexpr int kLanes = 4;
/// f32 registers a bld thread may fill with taps and samples before a wider access costs more
/// occupancy than it gains.
constexpr int64_t kWindowRegisters = 64;
/// Threads along the channels of a bld block. A whole block across a row keeps its accesses
/// together in DRAM: at B 8, D 4096, L 8192 a stripe of one warp reached 0.87 of the copy, four 0.94.
constexpr int64_t kStripeThreads = 128;
/// The same with window=shared, where a thread has one channel.
constexpr int64_t kSharedStripe = 64;
/// Channels a bdl block holds to store [B, L, n] parts in whole 32-byte sectors.
constexpr int64_t kCrossChannels = 32;
/// Beyond this many taps a window in registers no longer pays: a bld thread holds taps and samples
/// of every one of its channels, a bdl thread of one.
constexpr int64_t kRegisterTapsBLD = 16, kRegisterTapsBDL = 32;
/// Bytes a bld thread loads per step, and steps in flight or in use.
constexpr int64_t kStepBytes = 64;
constexpr int kStages = 3;

int64_t roundUpToPowerOfTwo(int64_t value) {
  int64_t power = 1;
  while (power < value)
    power *= 2;
  return power;
}

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

} // namespace

/// Threads along the channels of a bld block: as many as waste few on a ragged D.
static int64_t stripeThreads(int64_t d, int64_t perThread, int64_t most) {
  if (d <= 0)
    return most;
  int64_t threads = roundUpToPowerOfTwo(ceilDiv(d, perThread));
  threads = std::min(most, threads);
  while (threads > 32 && ceilDiv(d, threads * perThread) * threads * perThread * 8 > d * 9)
    threads /= 2;
  return std::max<int64_t>(threads, 1);
}

// Worked, bf16, D = 4096 (the tests pin it):
//
//   layout, K     window     vector  block_n  warps  unroll  stages
//   bld, 4        registers  4       512      4      8       3
//   bld, 12       registers  2       256      4      16      3
//   bld, 40       shared     1       64       8      16      1
//   bdl, 4        registers  8       1        4      1       3
//   bdl, 40       shared     8       1        4      8       1
Schedule chooseSchedule(const KernelTraits &traits, const DeviceTraits &) {
  Schedule schedule;
  bool bld = traits.layout == Layout::BLD;
  bool shared = traits.maxTaps > (bld ? kRegisterTapsBLD : kRegisterTapsBDL);
  schedule.window = shared ? Window::Shared : Window::Registers;

  // The widest access that the widest storage type allows; narrower in bld where the windows of a
  // thread's channels would fill its registers, or where a part or a head ends within an access.
  int vector = traits.align == 1 ? 1 : std::max(1, kAccessBytes / traits.maxElementBytes);
  if (bld)
    vector = shared ? 1 : std::min(vector, kLanes);
  while (bld && vector > 1 &&
         ((vector > 2 && vector * 2 * traits.sumTaps > kWindowRegisters) ||
          (traits.partUnit > 0 && traits.partUnit % vector)))
    vector /= 2;
  schedule.vector = vector;

  int64_t perThread = bld ? vector : 1;
  int64_t threadsN = traits.crossLayout ? kCrossChannels : 1;
  if (bld)
    threadsN = stripeThreads(traits.channels, perThread, shared ? kSharedStripe : kStripeThreads);
  // A normalised head lies in one block.
  if (traits.head > 0)
    threadsN = std::max(threadsN, roundUpToPowerOfTwo(ceilDiv(traits.head, perThread)));
  threadsN = std::min<int64_t>(threadsN, 1024);
  int warps = bld && shared ? 8 : 4;
  schedule.numWarps = int(std::max<int64_t>(warps, threadsN / 32));
  schedule.blockN = threadsN * perThread;

  // Loads in flight: rows in bld, runs of `vector` positions in bdl; with window=shared, outputs
  // that share each sample and tap read from shared memory.
  int64_t rowBytes = int64_t(vector) * traits.maxElementBytes * std::max(1, traits.views - 1);
  if (shared) {
    schedule.unroll = bld ? 16 : 8;
  } else {
    bool ringed = vector * traits.minElementBytes >= 4; // cp.async moves no less.
    schedule.stages = ringed ? kStages : 1;
    schedule.unroll = bld      ? int(std::clamp<int64_t>(kStepBytes / rowBytes, 2, 16))
                      : ringed ? 1
                               : int(std::clamp<int64_t>(16 / traits.maxTaps, 1, 4));
  }
  // Five blocks of 128 threads leave 102 registers each: enough for a short window.
  if (bld && !shared && schedule.numWarps == 4 && vector * traits.sumTaps <= 16)
    schedule.minBlocks = 5;
  return schedule;
}

// With S = SMs * blocks per SM the blocks that run at once, and w = blocks / S the waves, a choice
// of block_l costs, relative to perfect streaming,
//
//   (1 + (halo + step_l) / block_l) * (max(2, ceil(w)) + 1/2) / w
//
// The first factor is what a block reads twice, and one step in which its first loads are hidden
// by nobody. The second is the tail: whole waves, half a block's time of drift, and fewer than two
// waves count as two, since blocks of one wave have nobody to hide their ends. Worked, for
// S = 100, B * tiles_n = 10, step_l = 1, halo = 3:
//
//   L = 10000:  block_l 500    250    125    84     63        84 wins: 12 whole waves
//               w       2      4      8      12     15.9
//               cost    1.260  1.143  1.097  1.091  1.104
//   L = 100:    block_l 3      4      5      6                5 wins: two waves, although the
//               w       3.4    2.5    2      1.7              halo is read for every 5 positions
//               cost    3.088  2.800  2.250  2.451
int64_t chooseBlockL(const KernelInfo &info, const Shape &shape, const DeviceTraits &device) {
  int64_t step = info.stepL;
  int64_t stripes = shape.b * info.tileCount(shape.d);
  if (shape.l <= 0 || stripes <= 0)
    return step;
  int64_t whole = ceilDiv(shape.l, step) * step;
  int64_t threads = std::max(1, info.threads);
  int64_t blocksPerSm = std::clamp<int64_t>(device.maxThreadsPerSm / threads, 1, 32);
  if (info.registers > 0)
    blocksPerSm = std::clamp<int64_t>(device.registersPerSm / (threads * info.registers), 1,
                                      blocksPerSm);
  // An SM has about a block's largest share; each block also takes 1 KiB for the system.
  if (info.sharedBytes > 0)
    blocksPerSm = std::clamp<int64_t>(device.sharedPerBlock / (info.sharedBytes + 1024), 1,
                                      blocksPerSm);
  double slots = double(device.sms) * double(blocksPerSm);

  int64_t best = whole;
  double bestCost = HUGE_VAL;
  auto consider = [&](int64_t blockL) {
    blockL = std::clamp(ceilDiv(blockL, step) * step, step, whole);
    double waves = double(stripes) * double(ceilDiv(shape.l, blockL)) / slots;
    double reread = 1 + double(info.halo + step) / double(blockL);
    double cost = reread * (std::max(2.0, std::ceil(waves)) + 0.5) / waves;
    if (cost < bestCost || (cost == bestCost && blockL > best)) {
      best = blockL;
      bestCost = cost;
    }
  };
  for (int64_t blockL = step; blockL < whole; blockL *= 2)
    consider(blockL);
  consider(whole);
  // Just below k whole waves.
  for (int waves = 2; waves <= 64; ++waves) {
    int64_t tiles = int64_t(waves * slots) / stripes;
    if (tiles > 0)
      consider(ceilDiv(shape.l, tiles));
  }
  return best;
}

} // namespace halo

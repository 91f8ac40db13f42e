// The analytic choice: a good schedule without measuring, as pure functions of a few numbers.
//
// The code's half (chooseSchedule) sees no B and no L, so a new shape never means new code; the
// launch's half (chooseBlockL) decides how far one block walks.
#include "runtime/ScheduleStaged.h"

#include <algorithm>
#include <numeric>

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
constexpr int64_t kRegisterTapsBLD = 64, kRegisterTapsBDL = 64, kRegisterTapsBDLWide = 32;
/// Several streams in bdl: the longest FIR for which a warp's 80 registers are enough.
constexpr int64_t kGatedRunTaps = 8;
/// The same where several streams' windows share the registers, and the most taps over all FIRs.
constexpr int64_t kGatedTaps = 16, kRegisterTapsInAll = 80;
/// From this many taps on, a bld thread has one or two channels, a step is 16 rows long, and blocks are
/// narrow: taps and window fill the registers.
constexpr int64_t kLongFilter = 17;
/// Shorter FIRs are not worth the tensor cores.
constexpr int64_t kToeplitzTaps = 16;
/// Bytes a bld thread loads per step, and steps in flight or in use.
constexpr int64_t kStepBytes = 32;
constexpr int kStagesBLD = 4, kStagesBDL = 2;
/// Channels of a block, and bytes a thread loads per step, where a view has several streams.
constexpr int64_t kGatedChannels = 128, kGatedStepBytes = 192;
/// f32 registers for its taps: shared taps and narrow samples leave room for more.
constexpr int64_t kGatedRegisters = 128;
/// From this many registers of taps on, a bld step is twice as long: fewer samples move between
/// steps, and with 8 rows a step 3 stages are enough.
constexpr int64_t kLongWindow = 25;
/// Packed sequences: registers hold where rows stand in them besides, and are the more the more rows a
/// step has. (Assembled for sm_90 in bf16: hcs, K 7, with states, 226 registers; with 4 channels 1.7 kB
/// spilled.)
constexpr int kPackedLanes = 2, kPackedRows = 4;
/// Blocks of 128 threads for short and for longer windows.
constexpr int kPackedBlocks = 4, kPackedLongBlocks = 2;
/// Two channels a thread up to this many taps over all FIRs.
constexpr int64_t kPairTaps = 24;
/// Steps of a bld block's walk, positions of a bdl block's, and the least positions it walks per position of halo.
constexpr int64_t kStepsBLD = 8, kPositionsBDL = 2048, kRereadFraction = 6;
/// Positions of a walk per position of halo where several streams are read (H200, hcs, K 7: 256 to 512
/// positions for two walks of a halo of 8).
constexpr int64_t kGatedReread = 24;

/// Channels of a stripe with fir=toeplitz, positions of a tile, and the least group worth an mma's eight
/// columns.
constexpr int64_t kToeplitzChannels = 64, kToeplitzTile = 64, kToeplitzLeastGroup = 4;
/// The same in bdl, where a tile's positions lie side by side: two cache lines of each channel.
constexpr int64_t kToeplitzChannelsBDL = 32, kToeplitzTileBDL = 128;

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

/// Channels, threads and a thread's positions of a block that carries a recurrence through a whole
/// sequence. Fewer channels where there are few: some 128 blocks are wanted, and B is not known.
constexpr int64_t kModalChannels = 32, kModalBlocks = 128;
constexpr int kModalWarps = 8;
constexpr int64_t kModalPositions = 8;

static Schedule chooseModal(const KernelTraits &traits) {
  Schedule schedule;
  bool bld = traits.layout == Layout::BLD;
  schedule.numWarps = kModalWarps;
  schedule.blockN = kModalChannels;
  while (traits.channels > 0 && schedule.blockN > 8 &&
         traits.channels < schedule.blockN * kModalBlocks)
    schedule.blockN /= 2;
  // 4 bytes of shared memory per mode and thread, of 48 KiB that every GPU has.
  while (schedule.numWarps > 1 && traits.modes * schedule.numWarps * 32 * 4 > 48 << 10)
    schedule.numWarps /= 2;
  // Packed sequences begin anywhere.
  bool single = bld || traits.align == 1 || traits.packed;
  schedule.vector = single ? 1 : kAccessBytes / traits.maxElementBytes;
  schedule.unroll = int(kModalPositions / schedule.vector);
  return schedule;
}

/// Where stripes of channels leave SMs idle, clusters of blocks share theirs: as large ones as all
/// run at a time. A cluster lies in one GPC, which is why fewer fit than the SMs would hold (blocks
/// of one per SM, as cudaOccupancyMaxActiveClusters counts them on an H200 of 132 SMs).
static int chooseCluster(int64_t stripes, const DeviceTraits &device) {
  constexpr int kActive[] = {132, 66, 39, 30, 22, 17, 15, 15}, kSms = 132;
  int most = 1;
  for (int cluster = 2; cluster <= std::min(device.maxCluster, 8) && stripes > 0; ++cluster)
    if (stripes * kSms <= int64_t(kActive[cluster - 1]) * device.sms)
      most = cluster;
  return most;
}

/// The same in bdl (compiler/lowering/ModalRunFinish.h): a warp has two channels, whose constants are
/// registers, and waits for nobody, so that blocks are small; memory is read in runs of 512 positions (H200,
/// hcl, S 16, bf16, D 4096, L 65536: 0.86 of the copy accurate, 0.87 fast; four channels a warp and runs
/// of 256 positions 0.83). Where that leaves half of the SMs idle, clusters of blocks of a warp
/// take a stripe's tiles in turn (D 512: 0.60; of four warps 0.53). blockN is 0 where it does not fit.
static Schedule chooseModalRuns(const KernelTraits &traits, const DeviceTraits &device) {
  Schedule schedule;
  schedule.fir = Fir::Toeplitz;
  schedule.vector = kAccessBytes / traits.maxElementBytes;
  schedule.stages = 2;
  schedule.unroll = 4;
  bool few = traits.channels > 0 && device.maxCluster > 1 && ceilDiv(traits.channels, 8) <= device.sms;
  schedule.blockN = few ? 4 : 8;
  schedule.numWarps = few ? 1 : 4;
  schedule.minBlocks = few ? 8 : 2;
  if (few)
    schedule.cluster = chooseCluster(
        ceilDiv(ceilDiv(traits.channels, schedule.blockN), schedule.minBlocks), device);
  while (schedule.minBlocks > 1 &&
         schedule.minBlocks * stagedShared(traits, schedule) > device.sharedPerBlock)
    schedule.minBlocks /= 2;
  if (stagedShared(traits, schedule) > device.sharedPerBlock)
    schedule.blockN = 0;
  return schedule;
}

/// A recurrence on the tensor cores (compiler/lowering/ModalFinish.h): stripes of 32 channels, as
/// their constants fill an SM's registers and shared memory, of 256 threads that have 256 registers
/// each (H200, hcl, S 16, bf16, D 4096, L 65536: 0.82 of the copy in the class fast, with 512
/// threads 0.77; accurate 0.70 and 0.66). blockN is 0 where it does not fit.
static Schedule chooseModalTiles(const KernelTraits &traits, const DeviceTraits &device) {
  constexpr int64_t kChannels = 32;
  Schedule schedule;
  if (traits.layout == Layout::BDL)
    return mayStage(traits) ? chooseModalRuns(traits, device) : schedule;
  if (traits.layout != Layout::BLD || traits.align != 16 || traits.toeplitzGroup == 0 ||
      traits.packed)
    return schedule;
  schedule.fir = Fir::Toeplitz;
  schedule.numWarps = 8;
  schedule.vector = 2;
  // Two parts and the numbers of states in and out are too many; half a tile's constants are not.
  bool crowded = !traits.fast && traits.storesStates && traits.loadsStates;
  schedule.stages = crowded ? 3 : 2;
  schedule.blockN = kChannels;
  schedule.cluster = chooseCluster(ceilDiv(traits.channels, kChannels), device);
  for (int64_t tile : {256, 128}) {
    if (crowded && tile > 128)
      continue;
    schedule.unroll = int(tile * (kChannels / schedule.vector) / (32 * schedule.numWarps));
    if (stagedShared(traits, schedule) <= device.sharedPerBlock)
      return schedule;
  }
  schedule.blockN = 0;
  return schedule;
}

/// The longest FIR of a step from kept states whose samples are read by wide accesses
/// (compiler/lowering/KeptWide.cpp).
constexpr int64_t kKeptTaps = 8;

/// A walk that updates states in place is a few positions long: a thread a channel, so that
/// neighbours read neighbouring rows; of one position adjacent channels, by wide accesses.
static Schedule chooseKept(const KernelTraits &traits) {
  Schedule schedule;
  schedule.vector = schedule.unroll = 1;
  if (traits.layout == Layout::BD && traits.align > 1 && traits.maxTaps <= kKeptTaps) {
    // H200, causal_conv1d_update, K 4, bf16, B 256, D 8192, of the copy: four channels 0.94 with 8 or 0.96 with
    // 10 blocks an SM, eight channels 0.81, two 0.91, one 0.39. (With taps of f32 10 blocks would spill.)
    schedule.vector = kLanes;
    schedule.numWarps = 4;
    schedule.blockN = 32 * schedule.numWarps * schedule.vector;
    schedule.minBlocks = traits.maxTaps <= 4 ? 9 : traits.maxTaps <= 6 ? 6 : 1;
    return schedule;
  }
  bool shared = traits.maxTaps > kRegisterTapsBDL;
  schedule.window = shared ? Window::Shared : Window::Registers;
  schedule.blockN = shared ? 32 : 128;
  schedule.numWarps = int(schedule.blockN / 32);
  return schedule;
}

/// Shared memory of a step's states that leaves room for several blocks on every GPU.
constexpr int64_t kStepTiles = 48 << 10;

/// A step moves states and does little else: a thread a channel, since what only copies keeps others
/// off the SM. The next row's states are on their way while one is worked on. H200, B 256, D 4096, bf16, of
/// the copy:
///   hcs_step  7 blocks of 128 an SM 0.81; as many as 86 registers allow (5) 0.75; 64 threads 0.78
///   hcm_step  a row a block, 64 threads, one stage 0.91; 32 threads 0.88; walks of 4 rows 0.83
///   hcl_step  8 blocks of 64 0.84; 4 of 128 0.82; 5 of 128 0.77; 10 of 64 0.79
static Schedule chooseStep(const KernelTraits &traits) {
  Schedule schedule;
  schedule.vector = schedule.unroll = 1;
  bool brief = traits.maxTaps <= 16;
  bool recurrence = traits.modes > 0 && traits.modes <= 16;
  schedule.blockN = brief && !recurrence ? 128 : 64;
  schedule.stages = recurrence ? 2 : brief ? 4 : 1;
  // Several streams have short states beside the long one.
  auto bytes = [&] {
    return schedule.blockN * (traits.maxTaps + 4 * traits.streams) * traits.maxElementBytes;
  };
  while (schedule.blockN > 32 && bytes() > kStepTiles)
    schedule.blockN /= 2;
  if (traits.maxTaps > 64)
    schedule.blockL = 1;
  if (recurrence)
    schedule.minBlocks = 8;
  else if (brief && traits.modes == 0 && traits.maxElementBytes <= 2)
    schedule.minBlocks = 7;
  else if (!brief && traits.maxTaps <= 64 && 2 * bytes() <= kStepTiles)
    schedule.stages = 2;
  schedule.numWarps = int(schedule.blockN / 32);
  return schedule;
}

/// Several streams in bld, window=registers (hcs): a step's rows are several views wide and the
/// windows of a chain fill the registers. Stripes of 128 channels keep whole cache lines of every
/// stream together, 64 threads share a stripe's walk in two (H200, hcs, K 7, bf16, L 65536: 0.955 of
/// the copy at D 4096, 0.92 at D 1920 in groups of 15; with 4 rows a step and 4 stages 0.93).
static Schedule chooseGatedWalk(const KernelTraits &traits, Schedule schedule) {
  int64_t vector = schedule.vector;
  int64_t threadsN = stripeThreads(traits.channels, vector, kGatedChannels / vector);
  schedule.numWarps = int(std::max<int64_t>(2, threadsN / 32));
  schedule.blockN = threadsN * vector;
  int64_t rowBytes = vector * traits.maxElementBytes * traits.streams;
  schedule.unroll =
      int(std::clamp<int64_t>(kGatedStepBytes / rowBytes, 2, traits.packed ? kPackedRows : 8));
  schedule.stages = 3;
  return schedule;
}

/// The same in bdl: a warp a block, two runs a step, straight from the cache, and as many blocks as
/// leave 128 registers, which states in and out need (H200, hcs, K 7, bf16, D 4096, L 65536: 0.997 of the copy; two warps, one run and
/// 3 stages 0.87).
static Schedule chooseGatedRuns(Schedule schedule) {
  schedule.blockN = 1;
  schedule.numWarps = 1;
  schedule.unroll = 2;
  schedule.minBlocks = 16;
  return schedule;
}

/// A stripe of whole groups for the tensor cores, and its warps; 0 where there is none.
struct ToeplitzStripe {
  int64_t blockN = 0;
  int numWarps = 0;
};

/// Channels of 2 bytes in a sector of memory: two blocks that share one write it at 0.4 of the speed.
constexpr int64_t kSectorChannels = 16;
/// From more channels on, tiles are short (compiler/lowering/StagedPlan.h).
constexpr int64_t kToeplitzLongTile = 128, kToeplitzMost = 256;

/// 64 channels where groups divide them: whole cache lines of every stream. Else as many whole
/// groups as end on a sector and four or eight warps take, a task each, of up to 16 channels of one
/// group; else a stripe of sectors that groups straddle, or two tasks a warp. Worked:
///   groups of 16, 8, 64, 256: 64 channels, 4 warps       15: 48 channels of 4 groups, 4 warps
///   24: 2 groups of 2 tasks each are 48: 4, 96 channels, 8 warps       7: 112, 8 warps
///   31: 32 channels of two groups, 4 warps       2, 48, 100: none
static ToeplitzStripe toeplitzStripe(int64_t group) {
  if (group < kToeplitzLeastGroup)
    return {};
  if (kToeplitzChannels % group == 0 || group % kToeplitzChannels == 0)
    return {kToeplitzChannels, 4};
  int64_t perGroup = ceilDiv(group + group % 2, 16);
  auto whole = [&](int64_t tasks) {
    int64_t channels = tasks / perGroup * group;
    return tasks % perGroup == 0 && channels % kSectorChannels == 0 &&
                   channels > kToeplitzChannels && channels <= kToeplitzMost
               ? channels
               : 0;
  };
  auto straddled = [&](int64_t channels) {
    int64_t groups = ceilDiv(group - std::gcd(group, channels) + channels, group);
    return channels % group && group % channels && groups * perGroup <= 4;
  };
  for (int tasks : {4, 8})
    if (int64_t channels = whole(tasks))
      return {channels, tasks};
  if (straddled(48))
    return {48, 4};
  if (int64_t channels = whole(16))
    return {channels, 8};
  if (straddled(32))
    return {32, 4};
  return {};
}

/// The same in bdl, where a stripe may end anywhere: up to 32 channels, at most one filter a warp. Small
/// blocks wait for each other less: 16 channels and two warps where groups divide them (H200, hcm, K 128, bf16, D
/// 4096, L 65536: 0.854 of the copy, 32 channels and four warps 0.80).
/// Worked: groups of 16, 8: 16 channels, 2 warps; 32, 64: 32 channels, 4 warps; 15: 30; 24: 24; 12: 24;
/// 5: 20; 4: 16; 40, 100: none
static ToeplitzStripe toeplitzStripeBDL(int64_t group) {
  if (group < kToeplitzLeastGroup)
    return {};
  if (group % kToeplitzChannelsBDL == 0)
    return {kToeplitzChannelsBDL, 4};
  if (group == 8 || group == 16)
    return {16, 2};
  for (int64_t groups = kToeplitzChannelsBDL / group; groups > 0; --groups)
    if (int64_t tasks = groups * ceilDiv(group, 16); tasks <= 4 && 4 % tasks == 0)
      return {groups * group, 4};
  return {};
}

/// Long FIRs on the tensor cores: 128 threads hold all taps in registers, and two blocks share an SM's
/// memory (H200, hcm, K 128, bf16, D 4096, L 65536: in bld 0.955 of the copy; 256 threads 0.90, 128
/// channels a block 0.90; at D 1920 in groups of 15, 48 channels that groups straddle 0.71, 240 as much, 120
/// of split sectors 0.41; with f32 taps 48 channels 0.59, 240 spill and give 0.42). Shorter FIRs are computed
/// directly, and so are groups of few channels, which would leave most of an mma empty. blockN is 0 where it
/// does not fit.
static Schedule chooseToeplitz(const KernelTraits &traits, const DeviceTraits &device) {
  Schedule schedule;
  bool bld = traits.layout == Layout::BLD;
  bool fits = (bld || traits.layout == Layout::BDL) && traits.align == 16 &&
              traits.maxElementBytes == 2 && traits.maxTaps > kToeplitzTaps && !traits.packed;
  int64_t group = fits ? traits.toeplitzGroup : 0;
  ToeplitzStripe stripe = bld ? toeplitzStripe(group) : toeplitzStripeBDL(group);
  if (!stripe.blockN)
    return schedule;
  schedule.fir = Fir::Toeplitz;
  schedule.blockN = stripe.blockN;
  schedule.numWarps = stripe.numWarps;
  schedule.vector = bld ? kLanes : kAccessBytes / traits.maxElementBytes;
  schedule.stages = 2;
  schedule.minBlocks = stripe.numWarps <= 4 ? 8 / stripe.numWarps : 1;
  int64_t tile = !bld                                ? kToeplitzTileBDL
                 : stripe.blockN > kToeplitzLongTile ? kToeplitzTile / 2
                                                     : kToeplitzTile;
  int64_t threadsN = roundUpToPowerOfTwo(bld ? stripe.blockN / kLanes : stripe.blockN);
  int64_t threadsL = 32 * stripe.numWarps / threadsN;
  schedule.unroll = int(tile / (bld ? threadsL : threadsL * schedule.vector));
  if (stagedShared(traits, schedule) > device.sharedPerBlock)
    schedule.blockN = 0;
  return schedule;
}

// Worked, bf16, D = 4096 (the tests pin it):
//
//   layout, K     window     vector  block_n  warps  unroll  stages
//   bld, 4        registers  4       512      4      4       4
//   bld, 7        registers  4       512      4      8       3
//   bld, 12       registers  2       256      4      8       4
//   bld, 24       registers  2       128      4      16      2
//   bld, 40       registers  1       64       2      16      1
//   bld, 100      shared     1       64       8      16      1
//   bld, hcs 7    registers  4       128      2      8       3
//   bdl, hcs 7    registers  8       1        1      2       1
//   bld, 128 in groups of 16: fir=toeplitz, vector 4, block_n 64, 4 warps, unroll 8, stages 2
//   bdl, 128 in groups of 16: fir=toeplitz, vector 8, block_n 16, 2 warps, unroll 4, stages 2
//   bdl, 4        registers  8       1        2      2       2
//   bdl, 7        registers  8       1        2      1       3
//   bdl, 40       registers  8       1        2      1       2
//   bdl, 100      shared     8       1        4      8       1
//   bld, modal    registers  1       32       8      8       1
//   bdl, modal    registers  8       32       8      1       1
//   bdl, modal in bf16: fir=toeplitz, vector 8, block_n 8, 4 warps, unroll 4, stages 2; where D is known to
//   be 512, block_n 4 and a warp, in clusters of 6
//   bld, modal in bf16: fir=toeplitz, vector 2, block_n 32, 8 warps, unroll 16, stages 2; where D is
//   known to be 1920, in clusters of 2
Schedule chooseSchedule(const KernelTraits &traits, const DeviceTraits &device) {
  if (traits.keeps)
    return chooseKept(traits);
  if (traits.layout == Layout::BD)
    return chooseStep(traits);
  if (traits.modes > 0) {
    Schedule tiles = chooseModalTiles(traits, device);
    return tiles.blockN ? tiles : chooseModal(traits);
  }
  if (Schedule toeplitz = chooseToeplitz(traits, device); toeplitz.blockN)
    return toeplitz;
  Schedule schedule;
  bool bld = traits.layout == Layout::BLD;
  int64_t most = traits.streams > 1             ? kGatedTaps
                 : bld                          ? kRegisterTapsBLD
                 : traits.maxElementBytes > 2 ? kRegisterTapsBDLWide
                                                : kRegisterTapsBDL;
  bool shared = traits.maxTaps > most || traits.sumTaps > std::max(most, kRegisterTapsInAll);
  schedule.window = shared ? Window::Shared : Window::Registers;

  // The widest access that the widest storage type allows; narrower in bld where the windows of a
  // thread's channels would fill its registers, or where a part or a head ends within an access.
  int vector = traits.align == 1 ? 1 : std::max(1, kAccessBytes / traits.maxElementBytes);
  if (bld)
    vector = shared ? 1 : std::min(vector, kLanes);
  int64_t registers = traits.streams > 1 ? kGatedRegisters : kWindowRegisters;
  while (bld && vector > 1 &&
         ((vector > 2 && vector * 2 * traits.sumTaps > registers) ||
          (traits.partUnit > 0 && traits.partUnit % vector)))
    vector /= 2;
  if (bld && traits.packed && traits.streams > 1)
    vector = std::min(vector, kPackedLanes);
  bool longFilter = !shared && traits.maxTaps >= kLongFilter;
  if (bld && longFilter && (traits.maxElementBytes > 2 || traits.sumTaps > kPairTaps))
    vector = 1;
  schedule.vector = vector;
  if (bld && !shared && traits.streams > 1 && vector * traits.minElementBytes >= 4)
    return chooseGatedWalk(traits, schedule);
  if (!bld && !shared && traits.streams > 1 && traits.maxTaps <= kGatedRunTaps && !traits.crossLayout)
    return chooseGatedRuns(schedule);

  int64_t perThread = bld ? vector : 1;
  int64_t threadsN = traits.crossLayout ? kCrossChannels : 1;
  if (bld)
    threadsN = stripeThreads(traits.channels, perThread,
                             shared || longFilter ? kSharedStripe : kStripeThreads);
  // A normalised head lies in one block.
  if (traits.head > 0)
    threadsN = std::max(threadsN, roundUpToPowerOfTwo(ceilDiv(traits.head, perThread)));
  threadsN = std::min<int64_t>(threadsN, 1024);
  int warps = shared                                                     ? (bld ? 8 : 4)
              : (bld && !(longFilter && vector == 1)) || traits.crossLayout ? 4
                                                                            : 2;
  schedule.numWarps = int(std::max<int64_t>(warps, threadsN / 32));
  schedule.blockN = threadsN * perThread;

  // Loads in flight: rows in bld, runs of `vector` positions in bdl; with window=shared, outputs
  // that share each sample and tap read from shared memory.
  int64_t rowBytes = int64_t(vector) * traits.maxElementBytes * std::max(1, traits.views - 1);
  if (shared) {
    schedule.unroll = bld ? 16 : 8;
  } else {
    bool ringed = vector * traits.minElementBytes >= 4; // cp.async moves no less.
    // A longer halo is a larger piece of each run: then fewer runs a step, and one more stage.
    bool shortHalo = traits.maxTaps <= 4;
    schedule.stages = !ringed ? 1 : bld ? kStagesBLD : shortHalo ? kStagesBDL : kStagesBDL + 1;
    if (longFilter && ringed && (bld || traits.maxTaps > kRegisterTapsBDLWide))
      schedule.stages = bld && vector == 1 ? 3 : 2;
    schedule.unroll = bld && longFilter ? 16
                      : bld    ? int(std::clamp<int64_t>(kStepBytes / rowBytes, 2, 16))
                      : ringed ? (shortHalo ? 2 : 1)
                               : int(std::clamp<int64_t>(16 / traits.maxTaps, 1, 4));
  }
  // Blocks of 128 threads: five leave 102 registers each, six 85, four 128.
  int64_t tapRegisters = vector * traits.sumTaps;
  if (bld && !shared && !longFilter && schedule.numWarps == 4 && vector > 1) {
    bool longWindow = tapRegisters >= kLongWindow;
    bool sixteen = vector == 2 && tapRegisters >= kLongWindow;
    schedule.minBlocks = tapRegisters <= 16          ? 5
                         : !longWindow               ? 6
                         : tapRegisters <= 32 && !sixteen ? 4
                                                     : 1;
    if (longWindow && schedule.stages > 1 && rowBytes * 8 <= 2 * kStepBytes) {
      schedule.unroll = sixteen ? 16 : 8;
      schedule.stages = 3;
    }
    if (traits.packed)
      schedule.minBlocks =
          std::min(schedule.minBlocks, longWindow ? kPackedLongBlocks : kPackedBlocks);
  }
  return schedule;
}

/// Blocks of a kernel that an SM holds at a time.
static int64_t blocksPerSm(const KernelInfo &info, const DeviceTraits &device) {
  int64_t blocks = device.maxThreadsPerSm / std::max(1, info.threads);
  if (info.registers > 0) // Given out in eights to a thread.
    blocks = std::min(blocks, device.registersPerSm / (int64_t(info.registers + 7) / 8 * 8 *
                                                       std::max(1, info.threads)));
  constexpr int64_t kReserved = 1024; // Of an SM's shared memory, for each block.
  if (info.sharedBytes > 0)
    blocks = std::min(blocks, (device.sharedPerBlock + kReserved) / (info.sharedBytes + kReserved));
  return std::max<int64_t>(blocks, 1);
}

// Blocks that fill windows before they begin walk far, in whole waves: the time is waves times the
// steps of a block. Worked, 132 SMs of 2 blocks, 64 stripes, warmup 128, step 64:
//
//   L 65536: one wave of 256 blocks: 16384 positions     L 8192: 2048 (5 % of warmup; two waves: 12 %)
static int64_t chooseWalk(const KernelInfo &info, int64_t l, int64_t stripes,
                          const DeviceTraits &device) {
  int64_t slots = blocksPerSm(info, device) * device.sms, step = info.stepL;
  int64_t best = 0, bestTime = 0;
  int64_t least = ceilDiv(stripes, slots);
  for (int64_t waves = least; waves < least + 4; ++waves) {
    int64_t segments = std::max<int64_t>(1, waves * slots / stripes);
    int64_t blockL = ceilDiv(ceilDiv(l, segments), step) * step;
    int64_t time = ceilDiv(stripes * ceilDiv(l, blockL), slots) * (blockL + info.warmup + 2 * step);
    if (!best || time < bestTime) {
      best = blockL;
      bestTime = time;
    }
  }
  return best;
}

/// Threads that share the walk of one stripe, each a piece of it (bld).
static int64_t walksPerStripe(const KernelInfo &info) {
  int64_t width = info.tiles.empty() ? 1 : info.tiles[0].width;
  int64_t across = std::max<int64_t>(1, width / std::max(1, info.vector));
  return std::max<int64_t>(1, info.threads / across);
}

// Short blocks win (measured on an H200, K = 4, bf16; fractions of the copy ceiling by steps of the
// walk): bld, B 8, D 4096, L 8192: 8 steps 0.97, 16 0.94, 28 0.94; bdl, D 12288, L 65536: 4096
// positions 0.985, 8192 0.98, 16384 0.96. Neighbouring blocks then work on neighbouring memory, and
// the last wave is short. What keeps blocks from being shorter is what each reads twice, the halo,
// and the time its first loads take. Worked, for 100 SMs and 10 stripes:
//
//   bld, step_l 4, halo 3,  L 10000: 8 steps, 32 positions
//   bld, step_l 4, halo 15, L 10000: 64 positions would reread a quarter: 128
//   bdl, step_l 512, halo 3, L 10000: 2048 positions -> 50 blocks for 100 SMs: 512
int64_t chooseBlockL(const KernelInfo &info, const Shape &shape, const DeviceTraits &device) {
  int64_t step = info.stepL;
  // The rows of a step: as many blocks as the SMs hold at a time, each as short as that allows.
  if (info.walksRows())
    return shape.b > 0 && shape.d > 0 ? chooseWalk(info, shape.b, info.tileCount(shape.d), device)
                                      : step;
  int64_t stripes = shape.b * info.tileCount(shape.d);
  if (shape.l <= 0 || stripes <= 0)
    return step;
  if (info.warmup)
    return chooseWalk(info, shape.l, stripes, device);
  int64_t blockL =
      step * (info.layout == Layout::BLD ? kStepsBLD : std::max<int64_t>(1, kPositionsBDL / step));
  // Every thread of a stripe's walk reads the halo for itself; of several streams it is several times
  // as much.
  int64_t reread = kRereadFraction * info.halo;
  for (const Operand &operand : info.operands)
    if (operand.kind == OperandKind::View && operand.streams > 1 && info.layout == Layout::BLD)
      reread = kGatedReread * info.halo * walksPerStripe(info);
  while (blockL < reread)
    blockL *= 2;
  blockL = std::min(blockL, ceilDiv(shape.l, step) * step);
  // A small problem: rather all SMs than whole walks.
  while (blockL > step && stripes * ceilDiv(shape.l, blockL) < 2 * int64_t(device.sms))
    blockL = std::max(step, blockL / 2 / step * step);
  return blockL;
}

} // namespace halo

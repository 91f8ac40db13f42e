#include "runtime/ScheduleStaged.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace halo {

namespace {

/// Bytes of an access, of the samples; positions of a Toeplitz block and channels of a task.
constexpr int64_t kAccess = 16, kSample = 2, kBlock = 16;
/// Shorter FIRs are not worth the tensor cores; longer ones do not fit their registers.
constexpr int64_t kLeastTaps = 16, kMostTaps = 256;
constexpr int64_t kLeastTile = 64, kLeastTileBLD = 32, kMostTile = 256;
/// Chunks of a recurrence's tile, the longest of them, and the most modes.
constexpr int64_t kChunks = 8, kLongestChunk = 64, kMostModes = 32;
constexpr int64_t kChunksBDL = 16, kLongestChunkBDL = 64, kMostTileRuns = 512;
/// A FIR's stripe: fewer channels are no cache line, more leave too few blocks.
constexpr int64_t kLeastStripe = 16, kMostStripe = 128;

using Values = std::vector<int64_t>;

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t roundUp(int64_t a, int64_t b) { return ceilDiv(a, b) * b; }
bool isBld(const KernelTraits &traits) { return traits.layout == Layout::BLD; }
bool isModal(const KernelTraits &traits) { return traits.modes > 0; }
int64_t parts(const KernelTraits &traits) { return traits.fast ? 1 : 2; }
int64_t chunksOf(const KernelTraits &traits) { return isBld(traits) ? kChunks : kChunksBDL; }

int64_t powerOfTwoCeil(int64_t value) {
  int64_t power = 1;
  while (power < value)
    power *= 2;
  return power;
}

/// Blocks of 16 taps: the current one and those of history.
int64_t blocksOf(const KernelTraits &traits) { return 1 + ceilDiv(traits.maxTaps - 1, kBlock); }

/// Channels of one filter within a stripe, and its tasks of up to 16 of them.
struct Tasks {
  int64_t group, perGroup, count;
};
Tasks tasksOf(const KernelTraits &traits, const Schedule &schedule) {
  int64_t blockN = std::max<int64_t>(1, schedule.blockN), warps = schedule.numWarps;
  int64_t group = std::max<int64_t>(1, traits.toeplitzGroup);
  bool straddles = blockN % group && group % blockN;
  int64_t groups = straddles ? ceilDiv(group - std::gcd(group, blockN) + blockN, group)
                             : std::max<int64_t>(1, blockN / group);
  group = straddles ? group : std::min(group, blockN);
  int64_t perGroup = ceilDiv(group + group % 2, kBlock), count = groups * perGroup;
  // Tasks without channels make the rounds whole.
  while (straddles && (count > warps ? count % warps : warps % count))
    ++count;
  return {group, perGroup, count};
}

Result<void> checkModal(const KernelTraits &traits, const Schedule &schedule, int64_t tile) {
  if (traits.modes > kMostModes)
    return invalid(fmt::format("fir=toeplitz holds at most {} modes, the kernel has {}", kMostModes,
                               traits.modes));
  if (isBld(traits) && schedule.blockN % (2 * schedule.numWarps))
    return invalid(fmt::format("fir=toeplitz cannot share pairs of {} channels among {} warps",
                               schedule.blockN, schedule.numWarps));
  if (schedule.blockN % schedule.numWarps)
    return invalid(fmt::format("fir=toeplitz cannot share {} channels among {} warps",
                               schedule.blockN, schedule.numWarps));
  int64_t least = chunksOf(traits) * kBlock;
  int64_t most = chunksOf(traits) * (isBld(traits) ? kLongestChunk : kLongestChunkBDL);
  if (!isBld(traits) && schedule.cluster > 1 && tile > least)
    return invalid(fmt::format("fir=toeplitz needs {} positions per step in a cluster, got {}", least,
                               tile));
  if (tile % least || tile > most)
    return invalid(fmt::format("fir=toeplitz needs {} to {} positions per step for a recurrence, "
                               "got {}",
                               least, most, tile));
  return {};
}

Result<void> checkTasks(const KernelTraits &traits, const Schedule &schedule, int64_t tile) {
  if (traits.maxTaps > kMostTaps)
    return invalid(fmt::format("fir=toeplitz holds at most {} taps, the longest filter has {}",
                               kMostTaps, traits.maxTaps));
  int64_t warps = schedule.numWarps;
  int64_t tasks = tasksOf(traits, schedule).count;
  if (tasks > warps ? tasks % warps : warps % tasks)
    return invalid(fmt::format("fir=toeplitz cannot share {} tasks of up to 16 channels among {} "
                               "warps",
                               tasks, warps));
  int64_t warpsPerTask = std::max<int64_t>(1, warps / tasks);
  if (tile / kBlock % warpsPerTask)
    return invalid(fmt::format("fir=toeplitz has {} blocks of 16 positions a step for {} warps",
                               tile / kBlock, warpsPerTask));
  return {};
}

} // namespace

bool mayStage(const KernelTraits &traits) {
  bool laidOut = isBld(traits) || traits.layout == Layout::BDL;
  return traits.toeplitzGroup > 0 && traits.align == 16 && laidOut && !traits.packed &&
         traits.maxElementBytes == kSample && (isModal(traits) || traits.maxTaps >= kLeastTaps);
}

Values stagedStripes(const KernelTraits &traits) {
  if (isModal(traits))
    return isBld(traits) ? Values{16, 32, 64} : Values{4, 8, 16, 32};
  Values values;
  int64_t group = std::max<int64_t>(1, traits.toeplitzGroup);
  for (int64_t stripe = kLeastStripe; stripe <= kMostStripe; stripe += isBld(traits) ? 8 : 1) {
    bool power = (stripe & (stripe - 1)) == 0, whole = stripe % group == 0;
    // Groups without a power of two among their multiples: 15 channels, 8 of them in a bld stripe.
    bool odd = whole && (stripe / group & (stripe / group - 1)) == 0;
    bool straddled = isBld(traits) && stripe == 48 && !whole && group % stripe;
    if ((power && (whole || group % stripe == 0)) || odd || straddled)
      values.push_back(stripe);
  }
  return values;
}

Values stagedWarps(const KernelTraits &traits) {
  return isModal(traits) && isBld(traits) ? Values{4, 8, 16} : Values{2, 4, 8};
}

Values stagedVectors(const KernelTraits &traits) {
  if (isModal(traits))
    return isBld(traits) ? Values{2, 4} : Values{8};
  return isBld(traits) ? Values{2, 4, 8} : Values{4, 8};
}

Values stagedUnrolls(const KernelTraits &traits, const Schedule &before) {
  Schedule one = before;
  one.unroll = 1;
  int64_t step = threadGrid(traits, one).stepL;
  Values values;
  int64_t least = isModal(traits) ? chunksOf(traits) * kBlock : kLeastTile;
  int64_t most = isModal(traits) && !isBld(traits) ? kMostTileRuns : kMostTile;
  for (int64_t tile = least; tile <= most; tile *= 2)
    if (tile % step == 0)
      values.push_back(tile / step);
  return values;
}

Values stagedMinBlocks(const KernelTraits &traits, const DeviceTraits &device,
                       const Schedule &before) {
  Values values = {1};
  for (int64_t registers : {255, 168, 128})
    if (int64_t blocks = device.registersPerSm / (registers * 32 * before.numWarps);
        !(isModal(traits) && isBld(traits)) && blocks > values.back())
      values.push_back(blocks);
  return values;
}

Result<void> checkStaged(const KernelTraits &traits, const Schedule &schedule) {
  if (!mayStage(traits))
    return invalid(fmt::format("fir=toeplitz needs aligned 2-byte samples and a recurrence or a "
                               "filter of {} taps, got align {}, {} bytes and {} taps",
                               kLeastTaps, traits.align, traits.maxElementBytes, traits.maxTaps));
  if (schedule.stages < 2)
    return invalid(fmt::format("fir=toeplitz needs stages of at least 2, got {}", schedule.stages));
  if (schedule.window != Window::Registers)
    return invalid("fir=toeplitz needs window=registers, got window=shared");
  int64_t tile = threadGrid(traits, schedule).stepL, bytes = schedule.blockN * kSample;
  int64_t least = isBld(traits) ? kLeastTileBLD : kLeastTile;
  if (tile < least || tile & (tile - 1))
    return invalid(fmt::format("fir=toeplitz needs a power of two of at least {} positions per "
                               "step, got {}",
                               least, tile));
  if (isBld(traits) && schedule.unroll > 8 && schedule.unroll % 8)
    return invalid(
        fmt::format("fir=toeplitz needs unroll of up to 8 or a multiple, got {}", schedule.unroll));
  if (isBld(traits) && (bytes % kAccess || schedule.blockN % schedule.vector))
    return invalid(fmt::format("fir=toeplitz copies accesses of {} bytes for {} channels a thread, "
                               "block_n {} has {}",
                               kAccess, schedule.vector, schedule.blockN, bytes));
  if (!isBld(traits) && tile * kSample / kAccess > 32 * schedule.numWarps)
    return invalid(fmt::format("fir=toeplitz copies {} accesses of a row by as many threads, got "
                               "{}",
                               tile * kSample / kAccess, 32 * schedule.numWarps));
  return isModal(traits) ? checkModal(traits, schedule, tile) : checkTasks(traits, schedule, tile);
}

int64_t stagedWarmup(const KernelTraits &traits, const Schedule &schedule) {
  int64_t tile = threadGrid(traits, schedule).stepL;
  return isModal(traits) ? 0 : roundUp((blocksOf(traits) - 1) * kBlock, tile);
}

int64_t stagedShared(const KernelTraits &traits, const Schedule &schedule) {
  int64_t tile = threadGrid(traits, schedule).stepL, n = schedule.blockN;
  int64_t inputs = traits.views - 1, unroll = std::max(1, schedule.unroll);
  if (isModal(traits) && !isBld(traits)) {
    // Rows of all streams with their halo in slots; y, and u for the states. (Warps that do not work alone
    // have a window more.)
    int64_t modes = ceilDiv(traits.modes, kBlock);
    int64_t row = ((ceilDiv(traits.halo, 8) + tile / 8) | 1) * kAccess;
    int64_t tables = 224 * parts(traits) + (1024 * (parts(traits) - 1) + 400 + 512 + 128) * modes;
    int64_t rows = traits.storesStates ? 2 : 1;
    return n * (schedule.stages * row * inputs + kSample * tile * rows + tables);
  }
  if (isModal(traits)) {
    // All views but the output in slots, all streams but one in windows.
    int64_t modes = ceilDiv(traits.modes, kBlock);
    int64_t slot = (tile + traits.halo) * kSample * n * inputs + 64 * ceilDiv(tile, unroll);
    int64_t tables = 224 * (tile / 128) * parts(traits) + (512 + 256) * modes * parts(traits);
    return schedule.stages * slot + n * kSample * tile * traits.streams + n * tables +
           4 * n * (traits.sumTaps + 8);
  }
  int64_t halo = traits.halo - (traits.maxTaps - 1), history = (blocksOf(traits) - 1) * kBlock;
  int64_t held = 2 * tile + history;
  int64_t ring = tile < 64 ? roundUp(held, 64) : powerOfTwoCeil(held);
  int64_t windows = n * ring * kSample;
  // Wide blocks finish a tile at once; odd groups split a pair of channels between lanes.
  int64_t sets = n > 128 ? 2 : traits.toeplitzGroup % 2 ? 4 : 3;
  if (isBld(traits)) {
    // Rows of threads that read little at a time are padded apart (padOf in StagedPlan.cpp).
    int64_t own = schedule.vector * traits.streams, row = n * kSample * inputs;
    int64_t atOnce = threadGrid(traits, schedule).threadsN * std::min(kAccess, (own & -own) * kSample);
    bool aligned = unroll * row % 128 == 0 && 32 * schedule.numWarps * kAccess / row >= unroll;
    int64_t pad = atOnce < 128 && aligned ? std::max(atOnce, kAccess) : 0;
    return schedule.stages * (row * (tile + halo) + (tile + halo - 1) / unroll * pad) + windows +
           sets * tile * (kSample * n + kAccess);
  }
  int64_t row = ((ceilDiv(halo, 8) + tile / 8) | 1) * kAccess;
  return n * schedule.stages * row * inputs + windows + 3 * n * (tile + 16) * kSample;
}

int stagedRegisters(const KernelTraits &traits, const Schedule &schedule) {
  if (isModal(traits))
    return int(64 + 24 * parts(traits) * schedule.blockN / schedule.numWarps);
  // Taps of a warp's tasks, accumulators of one, samples of the producing threads.
  int64_t lanes = isBld(traits) ? schedule.vector : 1;
  int64_t tasks = std::max<int64_t>(1, tasksOf(traits, schedule).count / schedule.numWarps);
  return int(72 + tasks * blocksOf(traits) * 4 + lanes * std::min(schedule.unroll, 8));
}

double stagedInstructions(const KernelTraits &traits, const Schedule &schedule) {
  int64_t brief = traits.sumTaps - (isModal(traits) ? 0 : traits.maxTaps);
  double around = 10 + 2 * traits.views + 0.6 * double(brief);
  if (isModal(traits)) {
    double chunk = double(threadGrid(traits, schedule).stepL) / double(chunksOf(traits));
    if (!isBld(traits)) // Of 16 outputs of a chunk, scan and all; what comes before is products, too.
      return 12 + double(parts(traits)) * (4 + chunk / 16 + double(traits.modes) / 4);
    return around + double(parts(traits)) * (6 + chunk / 8 + double(traits.modes) / 2);
  }
  // An mma takes its unit for as long as two instructions of a thread for each of its 16 x 8
  // outputs, beside which others run. Of its columns a group that is no multiple leaves some empty.
  Tasks tasks = tasksOf(traits, schedule);
  int64_t own = ceilDiv(tasks.group, tasks.perGroup);
  double filled = double(own) / double(roundUp(own, isBld(traits) ? 8 : kBlock));
  return around + 0.8 * double(blocksOf(traits)) / filled;
}

} // namespace halo

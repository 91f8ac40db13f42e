#include "tools/halo/inspect/Occupancy.h"

#include <algorithm>

using namespace halo;
using namespace halo::tool;

// CUDA occupancy calculator: allocation units of compute capability 8.0 and later.
static constexpr int64_t kRegisterUnit = 256, kSharedUnit = 128;

static int64_t roundUp(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

Occupancy halo::tool::occupancyOf(const Target &target, const BlockResources &block) {
  Occupancy result;
  int64_t warps = std::max<int64_t>(1, (block.threads + 31) / 32);
  result.maxWarps = target.maxThreadsPerSm / 32;
  result.byWarps = result.maxWarps / warps;
  result.byBlocks = target.maxBlocksPerSm;
  result.byShared =
      target.sharedPerSm / (roundUp(block.sharedBytes, kSharedUnit) + kReservedSharedPerBlock);
  if (block.registers >= 0) {
    int64_t perWarp = roundUp(int64_t(std::max(block.registers, 1)) * 32, kRegisterUnit);
    result.byRegisters = target.registersPerSm / perWarp / warps;
  }
  const std::pair<int64_t, const char *> limits[] = {{result.byRegisters, "registers"},
                                                     {result.byShared, "shared memory"},
                                                     {result.byWarps, "warps"},
                                                     {result.byBlocks, "blocks"}};
  result.blocks = -1;
  for (const auto &[count, name] : limits)
    if (count >= 0 && (result.blocks < 0 || count < result.blocks)) {
      result.blocks = count;
      result.limiter = name;
    } else if (count == result.blocks) {
      result.limiter += std::string(" and ") + name;
    }
  result.warps = result.blocks * warps;
  return result;
}

nlohmann::ordered_json Occupancy::toJson() const {
  nlohmann::ordered_json limits = {
      {"shared_memory", byShared}, {"warps", byWarps}, {"blocks", byBlocks}};
  if (byRegisters >= 0)
    limits["registers"] = byRegisters;
  return {{"blocks_per_sm", blocks}, {"warps_per_sm", warps}, {"max_warps_per_sm", maxWarps},
          {"share", share()},        {"limiter", limiter},    {"limits", limits}};
}

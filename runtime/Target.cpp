#include "runtime/Target.h"

#include <algorithm>

namespace halo {

// CUDA C++ programming guide, table of technical specifications per compute capability: shared
// memory per block, threads and blocks per SM, shared memory per SM. Registers are 65,536 in all.
static const Target kTargets[] = {
    {"sm_80", 70, 166912, 2048, 32, 167936, 65536},
    {"sm_86", 71, 101376, 1536, 16, 102400, 65536},
    {"sm_87", 74, 166912, 1536, 16, 167936, 65536},
    {"sm_89", 78, 101376, 1536, 24, 102400, 65536},
    {"sm_90", 78, 232448, 2048, 32, 233472, 65536, 8},
    {"sm_100", 86, 232448, 2048, 32, 233472, 65536, 8},
    {"sm_103", 88, 232448, 2048, 32, 233472, 65536, 8},
    {"sm_120", 87, 101376, 1536, 24, 102400, 65536, 8},
    {"sm_121", 88, 101376, 1536, 24, 102400, 65536, 8},
};

Result<Target> findTarget(std::string_view arch) {
  std::string known;
  for (const Target &target : kTargets) {
    if (target.arch == arch)
      return target;
    known += (known.empty() ? "" : ", ") + target.arch;
  }
  return invalid("unknown architecture '" + std::string(arch) + "', expected one of " + known);
}

int64_t leastSharedPerBlock() {
  int64_t least = kTargets[0].sharedPerBlock;
  for (const Target &target : kTargets)
    least = std::min(least, target.sharedPerBlock);
  return least;
}

} // namespace halo

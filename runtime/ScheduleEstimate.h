// What a schedule would cost, from a few numbers and without compiling it: registers, shared
// memory, blocks on an SM, waves, and the time of a launch. Pure functions.
//
// The time is the larger of two walls and a tenth of the lesser, as they overlap but not wholly:
//
//   memory      bytes with reread halos / bandwidth / (stripe * in flight)
//                 stripe     DRAM likes wide rows: a bld stripe of 64 bytes reaches two thirds
//                 in flight  bytes that the resident threads have asked for, against what one
//                            round trip to memory needs (Little's law)
//   issue       instructions of all threads / issue rate / share of the lanes that have work
//
// plus the launch, the first loads of a block, and the last wave, which is rarely full. It ranks;
// its milliseconds are no promise. `bench/regret.py` tells where it ranks wrongly.
#pragma once

#include "runtime/Export.h"
#include "runtime/Schedule.h"

#include <cstdint>

namespace halo {

/// How the threads of a block lie over its tile: compiler/lowering/KernelPlan.h's picture.
struct ThreadGrid {
  int64_t threads = 1, threadsN = 1, threadsL = 1;
  int64_t lanes = 1; ///< Adjacent channels of a thread.
  int64_t run = 1;   ///< Adjacent positions of an access.
  int64_t stepL = 1; ///< Positions the block advances per step.
};
HALO_API ThreadGrid threadGrid(const KernelTraits &traits, const Schedule &schedule);

/// Registers of a thread, within a fifth or so: the assembler has the last word.
HALO_API int estimateRegisters(const KernelTraits &traits, const Schedule &schedule);
/// Dynamic shared memory of a block, as the compiler's plan counts it.
HALO_API int64_t estimateShared(const KernelTraits &traits, const Schedule &schedule);

struct Estimate {
  int registers = 0;
  int64_t sharedBytes = 0;
  int64_t blocksPerSm = 0; ///< 0: the block does not fit.
  int64_t blockL = 0, blocks = 0;
  double waves = 0;
  double ms = 0;
};

/// `shape` may have zeros where unknown: a large problem is assumed. A schedule whose blockL is 0
/// walks as far as chooseBlockL says. `registers` replaces the estimate where it is positive: the
/// assembler's report, while tuning.
HALO_API Estimate estimate(const KernelTraits &traits, const DeviceTraits &device,
                           const Schedule &schedule, const Shape &shape, int registers = 0);

} // namespace halo

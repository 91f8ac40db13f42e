// Schedules with fir=toeplitz: which there are, the law that refuses the others, and what one
// takes. The compiler's plan (compiler/lowering/StagedPlan.h has the picture) knows every signal;
// here is what follows from traits. Pure functions.
//
//   axis         long FIRs                                    recurrences in bld    in bdl
//   block_n      whole groups, 16 to 128 channels, or a part  16 32 64              4 8 16 32
//                of a group that divides it
//   num_warps    2 4 8                                        4 8 16                2 4 8
//   vector       bld 2 4 8, bdl 4 8                           2 4                   8
//   unroll       what makes a tile of 64, 128, 256 positions  128, 256              256, 512
//   stages       2 3                                          2 3                   2 3
//   min_blocks   1 and what leaves 128, 168, 255 registers    1                     as long FIRs
#pragma once

#include "runtime/ScheduleEstimate.h"

#include <vector>

namespace halo {

/// Whether some schedule with fir=toeplitz may pay for a kernel: it can be computed so (the trait
/// toeplitzGroup), and is a recurrence or has 16 taps at least.
bool mayStage(const KernelTraits &traits);

/// The values of the axes above, each given the ones before it.
std::vector<int64_t> stagedStripes(const KernelTraits &traits);
std::vector<int64_t> stagedWarps(const KernelTraits &traits);
std::vector<int64_t> stagedVectors(const KernelTraits &traits);
std::vector<int64_t> stagedUnrolls(const KernelTraits &traits, const Schedule &before);
std::vector<int64_t> stagedMinBlocks(const KernelTraits &traits, const DeviceTraits &device,
                                     const Schedule &before);

/// What the compiler would refuse of a schedule's form. Not its resources: checkSchedule's.
HALO_API Result<void> checkStaged(const KernelTraits &traits, const Schedule &schedule);

/// Positions a block begins early, to fill its windows: whole tiles.
int64_t stagedWarmup(const KernelTraits &traits, const Schedule &schedule);
/// Shared memory of a block, of a kernel whose input views all lie in the slots; within a tenth.
int64_t stagedShared(const KernelTraits &traits, const Schedule &schedule);
int stagedRegisters(const KernelTraits &traits, const Schedule &schedule);
/// Of a thread, for one output; a tensor core's work as the instructions that take as long.
double stagedInstructions(const KernelTraits &traits, const Schedule &schedule);

} // namespace halo

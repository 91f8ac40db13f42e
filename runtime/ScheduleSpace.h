// The schedules one may try for a kernel: a table of axes, multiplied out, and the law that says in
// numbers why a combination is none. Pure functions of traits and device; nothing is compiled.
//
//   axis         bld                       bdl                    values depend on
//   fir          direct, and toeplitz with axes of its own: ScheduleStaged.h
//   window       registers, shared         registers, shared      the longest FIR
//   vector       1 2 4 8                   the widest, half       element bytes, align, split parts
//   block_n      32 ... 256 threads        1 2 4 8, 32 (parts)    vector, D, heads
//   num_warps    2 4 8                     1 2 4 8                threads along channels
//   unroll       2 4 8 16                  1 2 4 8
//   stages       1 2 3 4 6                 1 2 3 4                window
//   min_blocks   1 and what leaves 64, 80, 96, 128 registers a thread
//
// Steps and direct recurrences have few of these values. No axis changes what is computed: the class of
// precision belongs to the problem. A new strategy's choice is a line in the table of ScheduleSpace.cpp.
#pragma once

#include "runtime/Export.h"
#include "runtime/Result.h"
#include "runtime/Schedule.h"
#include "runtime/ScheduleEstimate.h"

#include <string>
#include <vector>

namespace halo {

/// A schedule that cannot be, and the sentence with both numbers that says why.
struct Rejection {
  Schedule schedule;
  std::string reason;
};

struct ScheduleSpace {
  std::vector<Schedule> legal; ///< All different, in the order of the axes; blockL is 0.
  std::vector<Rejection> rejected;
};

/// The law in numbers. It refuses what the compiler would refuse (which stays the authority: it
/// sees heads and parts one by one) and what cannot be fast: spills by the hundred, empty lanes.
HALO_API Result<void> checkSchedule(const KernelTraits &traits, const DeviceTraits &device,
                                    const Schedule &schedule);

HALO_API ScheduleSpace enumerateSchedules(const KernelTraits &traits, const DeviceTraits &device);

struct RankedSchedule {
  Schedule schedule;
  Estimate estimate;
};

/// All legal schedules, the most promising first. The first one is chooseSchedule's: what has been
/// measured to be good goes before what is estimated to be. The others follow by estimated time and
/// by how far they are from it: a doubling of one number weighs as much as 1.5 % of time, so that
/// what is tried first is near it, or promises much. Ties keep the order of the axes. The second one is the
/// best of the other `fir`, where there is one.
HALO_API std::vector<RankedSchedule> rankSchedules(const KernelTraits &traits,
                                                   const DeviceTraits &device, const Shape &shape);

/// Positions a block may walk instead of `best`: multiples of `stepL` from a quarter to four times
/// it, no longer than L, in ascending order, `best` among them.
HALO_API std::vector<int64_t> nearbyBlockL(int64_t best, int64_t stepL, int64_t l);

} // namespace halo

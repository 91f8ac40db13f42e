// The one place that decides which schedule a kernel gets: the caller's text over a tuned record's
// over the analytic choice. It runs before any key is made, so that a key holds the whole schedule and never what
// led to it.
#pragma once

#include "runtime/Export.h"
#include "runtime/Problem.h"
#include "runtime/Result.h"
#include "runtime/Schedule.h"
#include "runtime/TuningRecords.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace halo {

struct CompileTarget;

/// `text` may name any subset of a schedule; the rest is chosen for this kernel and device.
/// `channels` is D of a typical launch, 0 where unknown.
HALO_API Result<Schedule> resolveSchedule(const KernelTraits &traits, const DeviceTraits &device,
                                          int64_t channels, std::string_view text);

/// What the choice for an invariant problem may look at. Whether tensors are aligned depends on L
/// in bdl alone: there aligned and other tensors must get the same sums in the same order, which
/// all direct strategies have and fir=toeplitz, which needs alignment, has not.
HALO_API KernelTraits invariantTraits(KernelTraits traits);
/// Whether an invariant problem may take this schedule from a record of its own, which another
/// record of its unaligned tensors need not match: where any two schedules of its strategy give the
/// same bits.
HALO_API bool mayRecord(const KernelTraits &traits, const Schedule &schedule);

/// The tuned schedule for a launch of this problem, as a text; empty where there is none. Under
/// TuningPolicy::OnFirstUse a question without an answer starts a tune in the background; never
/// that of an invariant problem, whose schedule would change from one process to the next.
/// `problem` has every default; `source` is the text of a user's own kernel.
HALO_API std::string tunedSchedule(const CompileTarget &target, const Problem &problem,
                                   const std::string &source, const Shape &shape);
/// The same question for block_l, in every bucket that knows this kernel's schedule.
HALO_API std::vector<TunedBlockL> tunedBlockLs(const CompileTarget &target, const Problem &problem,
                                               const std::string &source,
                                               const std::string &schedule);

} // namespace halo

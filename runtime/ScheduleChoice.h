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

/// The tuned schedule for a launch of this problem, as a text; empty where there is none. Under
/// TuningPolicy::OnFirstUse a question without an answer starts a tune in the background.
/// `problem` has every default; `source` is the text of a user's own kernel.
HALO_API std::string tunedSchedule(const CompileTarget &target, const Problem &problem,
                                   const std::string &source, const Shape &shape);
/// The same question for block_l, in every bucket that knows this kernel's schedule.
HALO_API std::vector<TunedBlockL> tunedBlockLs(const CompileTarget &target, const Problem &problem,
                                               const std::string &source,
                                               const std::string &schedule);

} // namespace halo

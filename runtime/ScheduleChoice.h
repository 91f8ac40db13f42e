// The one place that decides which schedule a kernel gets: the caller's text over the analytic
// choice. It runs before any key is made, so that a key holds the whole schedule and never what
// led to it.
#pragma once

#include "runtime/Export.h"
#include "runtime/Result.h"
#include "runtime/Schedule.h"

#include <cstdint>
#include <string_view>

namespace halo {

/// `text` may name any subset of a schedule; the rest is chosen for this kernel and device.
/// `channels` is D of a typical launch, 0 where unknown.
HALO_API Result<Schedule> resolveSchedule(const KernelTraits &traits, const DeviceTraits &device,
                                          int64_t channels, std::string_view text);

} // namespace halo

// Launches beyond 2^31 elements and beyond 65,535 rows, which only a GPU can hold. The oracle sees
// samples of them: single channels of single rows, and windows of positions.
#pragma once

#include "tests/property/Checks.h"

#include <functional>

namespace halo::property {

using ReportOutcome = std::function<void(const std::string &name, const Outcome &outcome)>;

/// Runs every large case that the device can hold; the others are skipped with the reason.
Result<void> runLarge(const std::shared_ptr<Device> &device, uint64_t seed,
                      const ReportOutcome &report);

} // namespace halo::property

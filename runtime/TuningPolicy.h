// When schedules are measured. Never during a call of the user's: tuning runs in a process of its
// own, and what it finds serves later ones.
#pragma once

#include "runtime/Export.h"
#include "runtime/Problem.h"
#include "runtime/Result.h"
#include "runtime/Schedule.h"

#include <string>
#include <string_view>
#include <vector>

namespace halo {

enum class TuningPolicy {
  Off,        ///< The analytic choice alone; records are not read.
  Explicit,   ///< Records are used; they are made by `halo tune`. The default.
  OnFirstUse, ///< As well, a problem without a record starts `halo tune` in the background.
};

HALO_API std::string_view name(TuningPolicy policy);

/// Sets the policy of this process, before its first kernel is compiled. A second, different
/// setting is refused, as is one after the policy was used: kernels would differ by their age.
HALO_API Result<void> setTuning(TuningPolicy policy);
/// What was set, else what HALO_TUNING names, else Explicit. From then on it stays.
HALO_API TuningPolicy tuningPolicy();

/// The words of `halo tune` for a problem.
HALO_API std::vector<std::string> tuneCommand(const Problem &problem, const Shape &shape,
                                              std::string_view device);
/// Starts `halo tune` for this problem as a process that belongs to nobody, once per problem and
/// bucket in this process. It costs some ten milliseconds. False where there was nothing to do or
/// the command cannot be started; tuning is no one's duty.
HALO_API bool tuneInBackground(const Problem &problem, const Shape &shape,
                               std::string_view device);

} // namespace halo

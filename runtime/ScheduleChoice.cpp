#include "runtime/ScheduleChoice.h"

#include "runtime/KernelCompiler.h"
#include "runtime/TuningPolicy.h"
#include "runtime/TuningStore.h"

namespace halo {

Result<Schedule> resolveSchedule(const KernelTraits &traits, const DeviceTraits &device,
                                 int64_t channels, std::string_view text) {
  KernelTraits hinted = traits;
  hinted.channels = channels;
  Schedule chosen = chooseSchedule(hinted, device);
  HALO_TRY(schedule, Schedule::parse(text, chosen));
  if (schedule.fir == chosen.fir || chosen.fir == Fir::Direct)
    return schedule;
  // Another strategy was asked for: the rest is chosen for that one.
  hinted.toeplitzGroup = 0;
  return Schedule::parse(text, chooseSchedule(hinted, device));
}

KernelTraits invariantTraits(KernelTraits traits) {
  if (traits.layout == Layout::BDL)
    traits.toeplitzGroup = 0;
  return traits;
}

bool mayRecord(const KernelTraits &traits, const Schedule &schedule) {
  bool summed = traits.modes > 0 || traits.head > 0; // Over pieces that the schedule cuts.
  return traits.layout != Layout::BDL || (!summed && schedule.fir == Fir::Direct);
}

/// The device that runs a form of the compiler's.
static std::string_view deviceOf(const CompileTarget &target) {
  return target.emit == "sim" ? "sim" : target.emit == "gpu" ? "null" : "cuda";
}

std::string tunedSchedule(const CompileTarget &target, const Problem &problem,
                          const std::string &source, const Shape &shape) {
  if (target.gpu.empty() || tuningPolicy() == TuningPolicy::Off)
    return "";
  const TuningRecord *record = tunedRecords().find(
      target.gpu, target.driver, recordProblem(problem, source), recordSizes(problem, shape));
  if (record)
    return record->schedule;
  if (tuningPolicy() == TuningPolicy::OnFirstUse && !problem.invariant)
    tuneInBackground(problem, shape, deviceOf(target));
  return "";
}

std::vector<TunedBlockL> tunedBlockLs(const CompileTarget &target, const Problem &problem,
                                      const std::string &source, const std::string &schedule) {
  if (target.gpu.empty() || tuningPolicy() == TuningPolicy::Off)
    return {};
  return tunedRecords().blockLs(target.gpu, recordProblem(problem, source), schedule);
}

} // namespace halo

#include "runtime/ScheduleChoice.h"

namespace halo {

Result<Schedule> resolveSchedule(const KernelTraits &traits, const DeviceTraits &device,
                                 int64_t channels, std::string_view text) {
  KernelTraits hinted = traits;
  hinted.channels = channels;
  return Schedule::parse(text, chooseSchedule(hinted, device));
}

} // namespace halo

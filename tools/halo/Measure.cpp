#include "tools/halo/Measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

using namespace halo;
using namespace halo::tool;

Statistics halo::tool::summarise(std::vector<double> samples) {
  if (samples.empty())
    return {};
  std::sort(samples.begin(), samples.end());
  auto quantile = [&](double q) {
    double place = q * double(samples.size() - 1);
    size_t below = size_t(place), above = std::min(below + 1, samples.size() - 1);
    return samples[below] + (place - double(below)) * (samples[above] - samples[below]);
  };
  return {quantile(0.5), quantile(0.1), quantile(0.9)};
}

static bool flushes(const Protocol &protocol, const Device &device) {
  return !protocol.hot && device.kind() == "cuda";
}

std::string halo::tool::describe(const Protocol &protocol, const Device &device) {
  if (device.kind() != "cuda")
    return fmt::format("timings of the {} device, not of a GPU", device.kind());
  if (protocol.hot)
    return "hot L2: one untimed launch right before each timed one";
  return fmt::format("cold L2: {} MiB written right before each timed launch", FlushBytes >> 20);
}

Result<void> halo::tool::measure(const std::shared_ptr<Device> &device, const Protocol &protocol,
                                 std::vector<Contender> &contenders, Progress &progress) {
  DeviceBuffer flush;
  if (flushes(protocol, *device)) {
    HALO_TRY(buffer, DeviceBuffer::allocate(device, FlushBytes));
    flush = std::move(buffer);
  }
  for (Contender &contender : contenders)
    HALO_CHECK(contender.launch());
  HALO_CHECK(device->synchronize(nullptr));

  for (int64_t round = 0; round < protocol.repeat; ++round) {
    progress.show(fmt::format("measuring: round {} of {}", round + 1, protocol.repeat));
    for (Contender &contender : contenders) {
      std::function<Result<void>()> before;
      if (flush.data())
        before = [&] { return device->fill(flush.data(), uint8_t(round), FlushBytes); };
      else if (protocol.hot)
        before = contender.launch;
      HALO_TRY(ms, device->time(before, contender.launch));
      contender.samples.push_back(ms);
    }
  }
  progress.show("");
  return {};
}

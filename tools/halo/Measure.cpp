#include "tools/halo/Measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

using namespace halo;
using namespace halo::tool;

std::string_view halo::tool::name(Clock clock) {
  return clock == Clock::Burst ? "burst" : clock == Clock::Sustained ? "sustained" : "unpaced";
}

std::string halo::tool::describe(const Protocol &protocol, const Device &device) {
  if (device.kind() != "cuda")
    return fmt::format("timings of the {} device, not of a GPU", device.kind());
  std::string text =
      protocol.hot
          ? "hot L2: one untimed launch right before each timed one"
          : fmt::format("cold L2: {} MiB written right before each timed launch", FlushBytes >> 20);
  if (protocol.clock == Clock::Burst)
    text += fmt::format(", burst: {} ms idle before each round", BurstIdleMs);
  if (protocol.clock == Clock::Sustained)
    text += fmt::format(", sustained: {} ms of back-to-back launches before each turn of {}",
                        SustainedHeatMs, SustainedTurn);
  return text;
}

namespace {
/// Takes one sample at a time, each behind the protocol's state of the cache.
class Sampler {
public:
  static Result<Sampler> create(const std::shared_ptr<Device> &device, const Protocol &protocol) {
    Sampler sampler(device, protocol);
    if (!protocol.hot && device->kind() == "cuda") {
      HALO_TRY(buffer, DeviceBuffer::allocate(device, FlushBytes));
      sampler.flush = std::move(buffer);
    }
    return sampler;
  }

  Result<void> sample(Contender &contender) {
    auto before = [&]() -> Result<void> {
      // Under a sustained load the flush alone would let the clocks recover.
      if (protocol.hot || protocol.clock == Clock::Sustained)
        HALO_CHECK(contender.launch());
      return flush.data() ? device->fill(flush.data(), ++pattern, FlushBytes) : Result<void>();
    };
    HALO_TRY(ms, device->time(before, contender.launch));
    contender.samples.push_back(ms);
    return {};
  }

private:
  Sampler(std::shared_ptr<Device> device, const Protocol &protocol)
      : device(std::move(device)), protocol(protocol) {}

  std::shared_ptr<Device> device;
  Protocol protocol;
  DeviceBuffer flush;
  uint8_t pattern = 0;
};
} // namespace

/// Back-to-back launches. The queue is emptied now and then, or it would hold seconds of work by
/// the time this one has passed.
static Result<void> heat(Device &device, const Contender &contender) {
  auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(SustainedHeatMs);
  for (int launches = 1; std::chrono::steady_clock::now() < end; ++launches) {
    HALO_CHECK(contender.launch());
    if (launches % 64 == 0)
      HALO_CHECK(device.synchronize(nullptr));
  }
  return {};
}

static Result<void> measureTurns(Device &device, const Protocol &protocol, Sampler &sampler,
                                 std::vector<Contender> &contenders, Progress &progress) {
  for (int64_t done = 0; done < protocol.repeat; done += SustainedTurn)
    for (Contender &contender : contenders) {
      progress.show(fmt::format("measuring under load: {} of {}", done, protocol.repeat));
      HALO_CHECK(heat(device, contender));
      for (int64_t i = done; i < std::min(done + SustainedTurn, protocol.repeat); ++i)
        HALO_CHECK(sampler.sample(contender));
    }
  return {};
}

static Result<void> measureRounds(const Protocol &protocol, Sampler &sampler,
                                  std::vector<Contender> &contenders, Progress &progress) {
  for (int64_t round = 0; round < protocol.repeat; ++round) {
    progress.show(fmt::format("measuring: round {} of {}", round + 1, protocol.repeat));
    if (protocol.clock == Clock::Burst)
      std::this_thread::sleep_for(std::chrono::milliseconds(BurstIdleMs));
    for (size_t i = 0; i < contenders.size(); ++i)
      HALO_CHECK(sampler.sample(contenders[(size_t(round) + i) % contenders.size()]));
  }
  return {};
}

Result<void> halo::tool::measure(const std::shared_ptr<Device> &device, const Protocol &protocol,
                                 std::vector<Contender> &contenders, Progress &progress) {
  HALO_TRY(sampler, Sampler::create(device, protocol));
  for (Contender &contender : contenders)
    HALO_CHECK(contender.launch());
  HALO_CHECK(device->synchronize(nullptr));
  if (protocol.clock == Clock::Sustained)
    HALO_CHECK(measureTurns(*device, protocol, sampler, contenders, progress));
  else
    HALO_CHECK(measureRounds(protocol, sampler, contenders, progress));
  progress.show("");
  return {};
}

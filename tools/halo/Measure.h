// Timing several launches fairly: interleaved, each behind the same state of the L2 cache and of
// the clocks.
//
//   round 1: flush copy, flush A, flush B;  round 2: flush A, flush B, flush copy;  ...
//
// Clocks and temperature drift over a run; what is compared is measured side by side. Which one
// begins a round rotates, since after an idle moment the first one finds the coolest chip.
#pragma once

#include "runtime/Device.h"
#include "tools/halo/Output.h"
#include "tools/halo/Statistics.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace halo::tool {

/// Something to time: what it enqueues on the default stream, and its milliseconds so far.
struct Contender {
  std::string name;
  std::function<Result<void>()> launch;
  std::vector<double> samples;
};

/// What the chip did before a sample. Under load the clocks of a GPU fall.
enum class Clock {
  Unpaced,   ///< Round after round, neither rested nor heated on purpose.
  Burst,     ///< 60 ms of idling before each round.
  Sustained, ///< 0.4 s of back-to-back launches, then samples without idling.
};
std::string_view name(Clock clock); ///< "unpaced", "burst" or "sustained".

struct Protocol {
  int64_t repeat = 50;
  bool hot = false; ///< No flush; one untimed launch before each timed one.
  Clock clock = Clock::Unpaced;
};

/// Bytes written before each cold launch: several times any L2.
constexpr size_t FlushBytes = size_t(256) << 20;
constexpr int BurstIdleMs = 60;
constexpr int SustainedHeatMs = 400;
/// A sustained load is a contender's own: contenders take turns of so many samples, each turn
/// heated anew, and before each of its samples the contender runs once more, untimed.
constexpr int64_t SustainedTurn = 25;

/// Adds `repeat` samples to each contender. Each is launched once, untimed, before the first:
/// modules load lazily. A flush needs FlushBytes of device memory; only cuda is flushed.
Result<void> measure(const std::shared_ptr<Device> &device, const Protocol &protocol,
                     std::vector<Contender> &contenders, Progress &progress);

/// One sentence on what state of the caches and clocks the numbers mean.
std::string describe(const Protocol &protocol, const Device &device);

} // namespace halo::tool

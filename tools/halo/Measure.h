// Timing several launches fairly: interleaved, each behind the same state of the L2 cache.
//
//   round 1: flush copy, flush A, flush B;  round 2: flush copy, flush A, flush B;  ...
//
// Clocks and temperature drift over a run; what is compared is measured side by side.
#pragma once

#include "runtime/Device.h"
#include "tools/halo/Output.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace halo::tool {

struct Statistics {
  double median = 0, p10 = 0, p90 = 0;
};
/// Of a copy of the samples; all zero where there are none. Between two samples it interpolates.
Statistics summarise(std::vector<double> samples);

/// Something to time: what it enqueues on the default stream, and its milliseconds so far.
struct Contender {
  std::string name;
  std::function<Result<void>()> launch;
  std::vector<double> samples;
};

struct Protocol {
  int64_t repeat = 50;
  bool hot = false; ///< No flush; one untimed launch before each timed one.
};

/// Bytes written before each cold launch: several times any L2.
constexpr size_t FlushBytes = size_t(256) << 20;

/// Runs `repeat` rounds. Each contender is launched once, untimed, before the first: modules load
/// lazily. A flush needs FlushBytes of device memory; only cuda is flushed.
Result<void> measure(const std::shared_ptr<Device> &device, const Protocol &protocol,
                     std::vector<Contender> &contenders, Progress &progress);

/// One sentence on what state of the caches the numbers mean.
std::string describe(const Protocol &protocol, const Device &device);

} // namespace halo::tool

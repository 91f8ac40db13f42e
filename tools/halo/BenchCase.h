// What one benchmark measures: a problem, a shape, and the schedules that compete on it.
#pragma once

#include "runtime/Device.h"
#include "runtime/Schedule.h"
#include "tools/halo/Measure.h"

#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <vector>

namespace halo::tool {

struct BenchCase {
  std::string kernel, dtype, wdtype, with;
  std::vector<std::string> settings;  ///< As --set spells them.
  std::vector<std::string> schedules; ///< At least one; "" is the analytic choice.
  Shape shape;
};

struct BenchOptions {
  Protocol protocol;
  bool onlyCopy = false; ///< Measures the copy ceiling and no kernel.
  uint64_t seed = 1;
};

/// "B=1,L=65536,D=4096"; B may be left out and is 1 then. L is 0 where it is left out, as for a step.
Result<Shape> parseShape(const std::string &text);
/// A suite: a JSON array of {kernel, shape, set, dtype, wdtype, with, schedule}, each field as on
/// the command line or as JSON spells it: set {"K": 4}, shape {"B": 1, ...}, with ["bias"].
Result<std::vector<BenchCase>> readSuite(const std::string &path);

/// Measures one case: an array with one object for each schedule.
Result<nlohmann::ordered_json> runCase(const std::shared_ptr<Device> &device,
                                       const BenchCase &bench, const BenchOptions &options,
                                       Progress &progress);

} // namespace halo::tool

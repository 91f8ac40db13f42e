// Is a candidate right? Asked before it is timed, in two launches:
//
//   small   a shape of a few tiles with ragged ends, every element against the f64 oracle, or, for
//           a kernel without one, against the default schedule
//   full    the shape that is tuned, 64 windows of each output against the default schedule: what
//           only shows at size, as an offset past 2^31
//
// Both between guards, both on poisoned outputs. The default schedule goes first: in the full
// launch it is held to leave no poison in its windows.
#pragma once

#include "runtime/Kernel.h"
#include "runtime/Problem.h"
#include "runtime/Safetensors.h"
#include "tools/halo/DeviceTensors.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace halo::tool {

/// Few elements, but several tiles of most schedules and ends that fill none. No larger than
/// `shape`; channels that the operands fix stay, whole groups stay whole, and rows stay as
/// divisible by 16 bytes as the aligned variant needs.
Shape checkShape(const KernelInfo &info, const Shape &shape);

class TuneCheck {
public:
  TuneCheck(std::shared_ptr<Device> device, Problem problem, const Shape &shape, uint64_t seed)
      : device(std::move(device)), problem(std::move(problem)), shape(shape), seed(seed),
        full(this->device, /*guarded=*/true) {}

  /// Launches the kernel twice and compares; the first kernel must be the default schedule's.
  /// Gives what it was compared with: "oracle", "default", or "nothing" on a device that does not
  /// compute.
  Result<std::string> check(const Kernel &kernel);
  /// The tensors of the tuned shape, once a kernel was checked.
  const DeviceTensors &tensors() const { return full; }

private:
  std::shared_ptr<Device> device;
  Problem problem;
  Shape shape;
  uint64_t seed;
  DeviceTensors full;
  TensorMap inputs;
  std::optional<TensorMap> expected;   ///< At the small shape.
  std::optional<TensorMap> windowsOfDefault;
  bool againstOracle = false;

  bool computes() const { return device->kind() != "null"; }
  Result<void> prepare(const KernelInfo &info);
  Result<void> checkSmall(const Kernel &kernel);
  Result<void> checkFull(const Kernel &kernel);
  Result<TensorMap> windows(const KernelInfo &info) const;
};

} // namespace halo::tool

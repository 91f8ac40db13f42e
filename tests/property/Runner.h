// Compiling and launching: the one path that every check takes.
#pragma once

#include "runtime/Kernel.h"
#include "tests/property/Case.h"
#include "tests/property/TensorViews.h"

#include <deque>

namespace halo::property {

/// Opens devices and remembers kernels. "sim" is a device per thread order.
class Runner {
public:
  explicit Runner(std::string deviceName) : deviceName(std::move(deviceName)) {}

  Result<std::shared_ptr<Device>> device(uint64_t order);
  /// The case's kernel. A schedule that the compiler refuses is an error with code Invalid and
  /// "schedule" in its sentence.
  Result<Kernel> kernel(const Case &of);
  bool computes() const { return deviceName != "null"; }
  bool simulated() const { return deviceName == "sim"; }

private:
  struct Compiled {
    std::string key;
    Kernel kernel;
  };
  std::string deviceName;
  std::map<uint64_t, std::shared_ptr<Device>> devices;
  std::deque<Compiled> recent; ///< Cases in a row share a kernel: a few are enough.
};

/// How one launch places its tensors; the default is contiguous, with the case's guard.
struct Placement {
  std::map<std::string, ViewSpec> views;
  int64_t guard = 0;
  int64_t blockL = 0; ///< Forces block_l; 0 leaves it to the schedule.
  bool inPlace = false; ///< Outputs named as inputs share their memory.
};

/// Places the inputs, poisons the outputs, launches once and verifies every byte around them.
/// `inputs` are updated to what the launch read (strides may repeat memory).
Result<TensorMap> launch(const std::shared_ptr<Device> &device, const Kernel &kernel,
                         TensorMap &inputs, const Shape &shape, const Placement &placement);

} // namespace halo::property

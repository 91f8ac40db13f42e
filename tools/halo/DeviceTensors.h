// The tensors of one launch in device memory, by operand name; inputs and outputs apart, since a
// state may be both.
#pragma once

#include "runtime/Device.h"
#include "runtime/Launch.h"
#include "runtime/Safetensors.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace halo::tool {

/// Owns the memory. With guards, every buffer lies between two strips of known bytes, which
/// checkGuards() looks at after a run: a kernel that writes outside its operands is found. The
/// simulator sees such accesses itself, reads too, where buffers are exact, so it needs none.
class DeviceTensors {
public:
  DeviceTensors(std::shared_ptr<Device> device, bool guarded);

  /// An input with undefined contents.
  Result<void> add(const std::string &name, DType dtype, const std::vector<int64_t> &shape);
  /// A copy of a host tensor.
  Result<void> addInput(const std::string &name, const HostTensor &tensor);
  /// Every byte 0xff: a NaN in each storage type, so that an element nobody wrote shows.
  Result<void> addOutput(const std::string &name, DType dtype, const std::vector<int64_t> &shape);

  /// An output that is its input, in one memory (`inPlace`) or begun as a copy of it: what is updated
  /// where it is. The input must be there.
  Result<void> addUpdated(const std::string &name, bool inPlace);

  /// The tensor of this name; where there is an input and an output, the input's.
  const TensorRef &operator[](const std::string &name) const;
  /// The output's tensor.
  const TensorRef &output(const std::string &name) const { return entries.at({name, true}).tensor; }
  /// Contiguous; the names live as long as this object. Of one name, the input comes first.
  std::vector<Argument> arguments() const;
  /// An output's values.
  Result<HostTensor> download(const std::string &name) const;
  Result<void> checkGuards() const;

private:
  struct Entry {
    DeviceBuffer buffer;
    TensorRef tensor;
    size_t bytes = 0;
  };

  std::shared_ptr<Device> device;
  size_t guard;
  std::map<std::pair<std::string, bool>, Entry> entries; ///< By name and "is an output".

  Result<void> allocate(const std::string &name, bool output, DType dtype,
                        const std::vector<int64_t> &shape);
};

/// Bytes of a contiguous tensor; refused where they do not fit in 63 bits.
Result<size_t> bytesOf(const std::string &name, DType dtype, const std::vector<int64_t> &shape);

} // namespace halo::tool

// A tensor too large for the host: an input repeats a short random table over its whole buffer, so
// that any element is known without a download; of an output single elements are read back.
#pragma once

#include "runtime/Device.h"
#include "runtime/Launch.h"
#include "runtime/Safetensors.h"
#include "tests/property/Case.h"

namespace halo::property {

class LargeTensor {
public:
  /// Unavailable where the device has too little memory.
  static Result<LargeTensor> create(std::shared_ptr<Device> device, const Operand &operand,
                                    const std::vector<int64_t> &shape, const ViewSpec &view);
  /// Every element of the buffer, gaps included, becomes table[index % period].
  Result<void> fillRandom(uint64_t seed, double scale);
  /// Every byte of the buffer becomes 0xff: NaN.
  Result<void> poison();

  TensorRef ref() const;
  /// Element of the buffer where the view has `index`.
  int64_t at(const std::vector<int64_t> &index) const;
  /// An input's value.
  double value(const std::vector<int64_t> &index) const;
  /// Downloads `count` elements of dimension `dimension` from `index` on, to `into` at `place`.
  Result<void> read(std::vector<int64_t> index, size_t dimension, int64_t count, HostTensor &into,
                    int64_t place) const;
  /// Downloads everything and fails where poison is left. Only for contiguous tensors.
  Result<void> checkWritten() const;
  bool contiguous() const;

private:
  std::shared_ptr<Device> device;
  DeviceBuffer buffer;
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  ViewSpec view;
  std::vector<unsigned char> table;
};

} // namespace halo::property

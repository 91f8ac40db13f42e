// A tensor in device memory as a case places it: strides, an offset, guards, and gaps whose bytes
// are known. The host keeps an image of the whole buffer:
//
//   | guard | offset | row | gap | row | gap | ... | row | guard |
//
// Inputs have NaN in every byte that is no element, so that an element read from there shows in the
// result. Outputs have NaN in their elements, and a pattern elsewhere that must survive.
#pragma once

#include "runtime/Device.h"
#include "runtime/Launch.h"
#include "runtime/Safetensors.h"
#include "tests/property/Case.h"

namespace halo::property {

class PlacedTensor {
public:
  /// An input with `values`. Where strides repeat memory, the last value written there is what
  /// read() gives: take the values from it.
  static Result<PlacedTensor> input(std::shared_ptr<Device> device, const HostTensor &values,
                                    const ViewSpec &view, int64_t guard);
  static Result<PlacedTensor> output(std::shared_ptr<Device> device, DType dtype,
                                     const std::vector<int64_t> &shape, const ViewSpec &view,
                                     int64_t guard);

  /// Makes an input an output too: its elements will be written.
  void expectWrite();

  /// For a launch; valid while this object, or one it was moved to, is.
  TensorRef ref() const;
  /// Downloads and checks that every byte but an output's elements is as it was; `name` is for the
  /// message. An output's values are then in read().
  Result<void> verify(const std::string &name);
  /// The elements, contiguous.
  HostTensor read() const;

private:
  Result<void> place(std::shared_ptr<Device> device, DType type, const std::vector<int64_t> &sizes,
                     const ViewSpec &spec, int64_t guardBytes, unsigned char pattern);
  template <typename Visit> void eachElement(Visit visit) const;
  std::string describe(size_t byte) const;

  std::shared_ptr<Device> device;
  DeviceBuffer buffer;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  ViewSpec view;
  size_t guard = 0;
  bool writable = false;
  std::vector<unsigned char> image; ///< The whole buffer.
};

/// Contiguous strides for a shape.
ViewSpec contiguousView(const std::vector<int64_t> &shape);

/// Elements [begin, begin + count) of one dimension.
HostTensor slice(const HostTensor &tensor, size_t dimension, int64_t begin, int64_t count);
/// Two tensors joined along one dimension.
HostTensor join(const HostTensor &first, const HostTensor &second, size_t dimension);

} // namespace halo::property

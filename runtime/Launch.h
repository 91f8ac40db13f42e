// Binding tensors to a compiled kernel: every rule of the law that depends on shapes is checked
// here, before anything is launched, and the flat parameter list is built.
#pragma once

#include "runtime/Device.h"
#include "runtime/KernelInfo.h"
#include "runtime/Result.h"
#include "runtime/Schedule.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace halo {

/// A strided tensor somewhere in memory; nothing is owned. Strides count elements.
struct TensorRef {
  void *data = nullptr;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;

  /// Row-major, contiguous.
  static TensorRef contiguous(void *data, DType dtype, std::vector<int64_t> shape);
};

/// An operand's name and its tensor.
struct Argument {
  std::string_view name;
  TensorRef tensor;
};

/// A checked launch: the grid and the parameters, ready for Device::launch. It points into
/// nothing but itself; the tensors' memory must live until the launch has finished.
class BoundLaunch {
public:
  uint64_t blocks = 0;
  Shape shape;
  int64_t blockL = 0;
  /// The parameter array for Device::launch; valid while this object is.
  void **params();

private:
  friend Result<BoundLaunch> bind(const KernelInfo &, const std::vector<Argument> &,
                                  const DeviceTraits &);
  std::vector<uint64_t> slots;
  std::vector<void *> pointers;
};

/// Checks the arguments against the kernel (names, ranks, dtypes, shapes: conv_c1 ... conv_c7) and
/// builds the launch. An aligned kernel (info.align > 1) with an unaligned tensor is refused: ask
/// alignmentOf first and compile the variant that fits.
Result<BoundLaunch> bind(const KernelInfo &info, const std::vector<Argument> &arguments,
                         const DeviceTraits &device);

/// 16 if the tensors allow the aligned variant of a kernel with this layout and these operands
/// (their `vector` elements = 16 / smallest view element... see KernelInfo::align), else 1.
/// Operands that are no views do not matter.
int alignmentOf(const std::vector<Operand> &operands, const std::vector<Argument> &arguments);

/// The shape that an output must have, given the inputs' sizes.
std::vector<int64_t> outputShape(const Operand &output, Layout layout, const Shape &shape);

} // namespace halo

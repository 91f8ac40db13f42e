// Binding tensors to a compiled kernel: every rule of the law that depends on shapes is checked
// here, before anything is launched, and the flat parameter list is built.
#pragma once

#include "runtime/Device.h"
#include "runtime/Export.h"
#include "runtime/KernelInfo.h"
#include "runtime/Result.h"
#include "runtime/Schedule.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace halo {

struct TunedBlockL;

/// A strided tensor somewhere in memory; nothing is owned. Strides count elements.
struct HALO_API TensorRef {
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
  /// The parameter array for Device::launch; valid while this object, or one it was moved to, is.
  void **params() const { return const_cast<void **>(pointers.data()); }

  BoundLaunch() = default;
  BoundLaunch(BoundLaunch &&) = default;
  BoundLaunch &operator=(BoundLaunch &&) = default;

private:
  friend class LaunchBuilder;
  std::vector<uint64_t> slots;
  std::vector<void *> pointers; ///< Into `slots`, hence no copies.
};

/// Call it as halo::bind: without the prefix std::bind matches too, and better.
/// Checks the arguments against the kernel (names, ranks, dtypes, shapes: conv_c1 ... conv_c7) and
/// builds the launch. An aligned kernel (info.align > 1) with an unaligned tensor is refused: ask
/// alignmentOf first and compile the variant that fits.
/// block_l is the schedule's where it has one, else that of `tuned` for this bucket of sizes
/// (TuningRecords.h; null: none), else chooseBlockL's.
HALO_API Result<BoundLaunch> bind(const KernelInfo &info, const std::vector<Argument> &arguments,
                                  const DeviceTraits &device,
                                  const std::vector<TunedBlockL> *tuned = nullptr);

/// 16 if the tensors allow the aligned variant of a kernel with these operands, else 1. A view
/// allows it where its base pointer is a multiple of 16 bytes, its contiguous dimension (bdl: L,
/// bld: C) has stride 1 and a size of whole 16-byte groups, and every other stride that is ever
/// taken is whole groups too. A view without elements always does; operands that are no views do
/// not matter.
HALO_API int alignmentOf(const std::vector<Operand> &operands,
                         const std::vector<Argument> &arguments);

/// The shape that an operand must have, given the launch's sizes.
HALO_API std::vector<int64_t> outputShape(const Operand &output, const Shape &shape);

} // namespace halo

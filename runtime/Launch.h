// Binding tensors to a compiled kernel: every rule of the law that depends on shapes is checked
// here, before anything is launched, and the flat parameter list is built. A launch that keeps the
// rules allocates nothing.
#pragma once

#include "runtime/Export.h"
#include "runtime/KernelInfo.h"
#include "runtime/Result.h"
#include "runtime/Schedule.h"
#include "runtime/TensorRef.h"

#include <cstdint>
#include <vector>

namespace halo {

struct TunedBlockL;

/// A checked launch: the grid and the parameters, ready for Device::launch. It points into
/// nothing but itself; the tensors' memory must live until the launch has finished.
class HALO_API BoundLaunch {
public:
  uint64_t blocks = 0;
  Shape shape;
  int64_t blockL = 0;
  /// The parameter array for Device::launch; valid while this object is.
  void **params() const { return const_cast<void **>(pointers); }

  BoundLaunch() = default;
  BoundLaunch(const BoundLaunch &other) { *this = other; }
  BoundLaunch &operator=(const BoundLaunch &other);

private:
  friend class LaunchBuilder;
  size_t count = 0;
  uint64_t slots[kMaxParameters];
  void *pointers[kMaxParameters]; ///< pointers[i] == &slots[i] for i < count.
};

/// What every launch of a kernel needs to know, worked out once.
struct HALO_API LaunchPlan {
  LaunchPlan(const KernelInfo &info, const DeviceTraits &device);

  const KernelInfo &info; ///< Must outlive the plan.
  DeviceTraits device;
  int64_t requiredChannels;
  bool storesState;
  int64_t maxBlockL; ///< The largest multiple of stepL that an i32 parameter holds.
  /// States that are input and output under one name: their places in info.operands.
  struct Update {
    size_t input, output;
  };
  std::vector<Update> updates;
};

/// Whether a BoundLaunch has room for the kernel's parameters; else the refusal.
HALO_API Result<void> checkParameterCount(const KernelInfo &info);

/// Call it as halo::bind: without the prefix std::bind matches too, and better.
/// Checks the arguments against the kernel (names, ranks, dtypes, shapes: conv_c1 ... conv_c7) and
/// builds the launch. An aligned kernel (info.align > 1) with an unaligned tensor is refused: ask
/// alignmentOf first and compile the variant that fits. Where a state is an input and an output,
/// the first argument of its name is the input, the second the output; both may be one tensor in a
/// step (a kernel of [B, C] views) and where the state is kept (Operand::kept), which then is updated
/// in place, and must not overlap elsewhere. Where only some of its elements are written
/// (Operand::updates), an output that is another tensor keeps its own in the others' places.
/// block_l is the schedule's where it has one, else that of `tuned` for this bucket of sizes
/// (TuningRecords.h), else chooseBlockL's.
HALO_API Result<BoundLaunch> bind(const KernelInfo &info, Span<Argument> arguments,
                                  const DeviceTraits &device, Span<TunedBlockL> tuned = {});
/// The same without names: tensors in the order of info.operands.
HALO_API Result<BoundLaunch> bind(const KernelInfo &info, Span<TensorRef> tensors,
                                  const DeviceTraits &device);

/// 16 if the tensors allow the aligned variant of a kernel with these operands, else 1. A view
/// allows it where its base pointer is a multiple of 16 bytes, its contiguous dimension (bdl: L,
/// bld: C) has stride 1 and a size of whole 16-byte groups, and every other stride that is ever
/// taken is whole groups too; taps and channels where their base pointer is and they are
/// contiguous. A tensor without elements always does; states do not matter.
HALO_API int alignmentOf(const std::vector<Operand> &operands, Span<Argument> arguments);

/// The shape that an operand must have, given the launch's sizes; of what has sizes of its own (slots, a
/// longer state, the ends of sequences) the least.
HALO_API Dims outputShape(const Operand &output, const Shape &shape);

} // namespace halo

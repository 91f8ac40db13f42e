// One problem on one device, for whatever tensors come: what a program that launches the same
// operator again and again holds on to.
//
//   halo::Operator conv(device, problem);
//   HALO_CHECK(conv.prepare());              // compiles and loads, both variants
//   HALO_CHECK(conv.launch({x, w, y}, stream)); // TensorRefs, in the order of
//   conv.info()->operands
//
// The key of a launch is what its tensors can change in the code: whether all of them allow 16-byte
// accesses. So the table from key to kernel has two entries, each published once by an atomic
// store; a launch whose kernel is there takes no lock and allocates nothing. B, D, L and the other
// strides are parameters. The schedule is chosen once, from CompileOptions::shapeHint.
#pragma once

#include "runtime/Device.h"
#include "runtime/Export.h"
#include "runtime/Kernel.h"
#include "runtime/Launch.h"
#include "runtime/Problem.h"
#include "runtime/Result.h"

#include <memory>

namespace halo {

/// Thread-safe. A launch in a thread whose current context is another than the device's is correct
/// and slower.
class HALO_API Operator {
public:
  /// Compiles nothing yet. With problem.align == 1 every launch takes the variant for any tensors.
  Operator(std::shared_ptr<Device> device, Problem problem, CompileOptions options = {});
  Operator(Operator &&) noexcept;
  Operator &operator=(Operator &&) noexcept;
  ~Operator();

  /// Compiles and loads what is missing of all variants that tensors may need.
  Result<void> prepare();
  /// The same for one: 16 is the variant for aligned, contiguous tensors, 1 takes any.
  Result<void> prepare(int align);

  /// Checks the tensors and enqueues one launch. Where their variant is not loaded it is compiled
  /// first, unless the operator or the process is frozen or the stream is being captured: those
  /// are refused with a sentence that names the problem.
  Result<void> launch(Span<TensorRef> tensors, Stream stream = nullptr);
  Result<void> launch(Span<Argument> arguments, Stream stream = nullptr);

  /// From now on nothing is compiled or loaded by this operator, prepare() included.
  void freeze();

  /// Of a variant that is loaded, else null; the operands are the same in all.
  const KernelInfo *info() const;
  /// The variant for 16 or 1, loaded where it has to be.
  Result<Kernel> kernel(int align);

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace halo

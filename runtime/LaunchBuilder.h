// The steps of a launch, for those who do not want them all at once. Internal to the runtime.
#pragma once

#include "runtime/Launch.h"
#include "runtime/TuningRecords.h"

#include <utility>

namespace halo {

/// Operands that kMaxParameters leave room for: each has a pointer and a stride.
constexpr size_t kMaxOperands = kMaxParameters / 2;

/// One launch on its way from tensors to parameters; all of it lies on the caller's stack. Each
/// step returns whether it succeeded; `why` says what the failed one has refused.
class LaunchBuilder {
public:
  /// `tuned`: block_l for some buckets of sizes (TuningRecords.h); must live as long as the builder.
  explicit LaunchBuilder(const LaunchPlan &plan, Span<TunedBlockL> tuned = {})
      : plan(&plan), tuned(tuned) {}

  /// The tensors must live until the end of build().
  bool match(Span<Argument> arguments);
  bool match(Span<TensorRef> tensors);
  /// Everything but alignment.
  bool check();
  /// Whether the checked tensors allow the aligned variant. That they do not is no failure.
  bool aligned();
  /// The same tensors with another variant of the kernel.
  void use(const LaunchPlan &other, Span<TunedBlockL> blockLs = {}) {
    plan = &other;
    tuned = blockLs;
  }
  /// Chooses the grid and lays out the parameters.
  bool build(BoundLaunch &into);
  /// All steps.
  template <typename T> Result<void> bind(Span<T> arguments, BoundLaunch &into) {
    if (match(arguments) && check() && build(into))
      return {};
    return std::move(why);
  }

  Error why;

private:
  struct Grid {
    int64_t blockL, tilesL, tilesN, blocks;
  };
  bool checkAlignment(Error *reason);
  bool chooseGrid(Grid &grid);

  const LaunchPlan *plan;
  Span<TunedBlockL> tuned;
  Shape shape;
  bool knownAligned = false;
  const TensorRef *tensors[kMaxOperands];
};

} // namespace halo

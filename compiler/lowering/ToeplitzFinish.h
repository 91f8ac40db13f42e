// Multiply and finish of a staged kernel: a warp multiplies Toeplitz blocks of its channels' filter
// with their window, and computes the epilogue as the accumulators lie (ToeplitzFragments.h).
#pragma once

#include "compiler/lowering/StagedFinish.h"
#include "compiler/lowering/ToeplitzFragments.h"

#include <functional>

namespace halo::compiler {

class ToeplitzFinish : public StagedFinish {
public:
  /// Emits the loads of taps and of the epilogue's numbers per channel.
  explicit ToeplitzFinish(StagedBlock &block);

  llvm::SmallVector<mlir::Value> finish(mlir::Value position, mlir::ValueRange) override;

private:
  StagedBlock &block;
  Emitter &e;
  const KernelPlan &plan;
  const StagedPlan &staged;

  /// A task of a warp: up to 16 channels of one group, [first, end) of the stripe.
  struct Warp {
    mlir::Value column;     ///< Of its first lane: `first`, or the even channel before.
    mlir::Value first, end; ///< The task has no channels where first >= end.
    std::vector<mlir::Value> rows;                   ///< ldmatrix: the lane's row, by window.
    mlir::Value swizzle;                             ///< Of that row, times 16.
    std::vector<std::unique_ptr<ToeplitzTaps>> taps; ///< By FIR.
    /// Who computes what the lane finishes, by owner.
    struct Lane {
      std::unique_ptr<Emitter> emitter;
      mlir::Value column;                     ///< In the stripe.
      llvm::SmallVector<mlir::Value, 2> owned; ///< One for all, or by channel of a pair; empty where all are.
    };
    std::vector<Lane> lanes;
  };
  std::unique_ptr<ToeplitzFragments> fragments;
  std::vector<std::unique_ptr<Warp>> warps;
  std::unique_ptr<KernelPlan> lanePlan, taskPlan;
  mlir::Value zero;                                      ///< In f32.
  bool byLoad = false; ///< Samples themselves come by a load, not by a product.
  llvm::SmallVector<ToeplitzFragments::Four> identities; ///< By window.
  mlir::Value firstBlock;                                ///< Of the warp's.

  using Sums = ToeplitzFragments::Sums;
  using Accumulators = llvm::SmallVector<Sums>; ///< By block.

  void locate(Warp &w, mlir::Value task);
  ToeplitzFragments::Four samplesOf(Warp &w, size_t index, mlir::Value position, int64_t blocks,
                                    bool transposed = false);
  Accumulators identity(Warp &w, size_t index, mlir::Value position, int64_t first, int64_t count);
  Accumulators multiplyBlocks(Warp &w, size_t index, mlir::Value position, int64_t first,
                              int64_t count);
  /// Blocks [first, first + count) of a task.
  struct Part {
    Warp *warp;
    int64_t first, count;
    llvm::SmallVector<Accumulators> sums; ///< By FIR, then by window.
  };
  void finish(llvm::MutableArrayRef<Part> parts, mlir::Value position);
  /// Computes what an owner finishes of a part's block `i`; the result stores it.
  std::function<void()> finishLane(Part &part, size_t owner, mlir::Value position, int64_t i);
  /// A signal's sums, of those by FIR, then by window; null if it has none.
  const Sums *sumsOf(mlir::OpResult signal, llvm::ArrayRef<Sums> sums) const;
};

} // namespace halo::compiler

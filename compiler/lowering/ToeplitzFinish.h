// Multiply and finish of a staged kernel: a warp multiplies Toeplitz blocks of its channels' filter
// with their window, and computes the epilogue as the accumulators lie.
#pragma once

#include "compiler/lowering/StagedFinish.h"
#include "compiler/lowering/Toeplitz.h"

namespace halo::compiler {

class ToeplitzFinish : public StagedFinish {
public:
  /// Emits the loads of taps and of the epilogue's numbers per channel.
  explicit ToeplitzFinish(StagedBlock &block);

  llvm::SmallVector<mlir::Value> finish(mlir::Value position, mlir::ValueRange) override {
    for (auto &warp : warps)
      finish(*warp, position);
    return {};
  }

private:
  StagedBlock &block;
  Emitter &e;
  const KernelPlan &plan;
  const StagedPlan &staged;

  /// A task of a warp: up to 16 channels of one group.
  struct Warp {
    mlir::Value column;                              ///< Its first channel, in the stripe.
    std::vector<mlir::Value> rows;                   ///< ldmatrix: the lane's row, by window.
    mlir::Value swizzle;                             ///< Of that row, times 16.
    std::vector<std::unique_ptr<ToeplitzTaps>> taps; ///< By FIR.
    /// Who computes two (or one) of the lane's channels, in the order of the accumulators.
    struct Lane {
      std::unique_ptr<Emitter> emitter;
      mlir::Value column, valid; ///< In the stripe; valid is null where it always is.
      int64_t matrix, first;
    };
    std::vector<Lane> lanes;
  };
  std::vector<std::unique_ptr<Warp>> warps;
  std::unique_ptr<KernelPlan> lanePlan, taskPlan;
  mlir::Value zero, none;              ///< 0 in f32; no bits.
  llvm::SmallVector<mlir::Value> ones; ///< The identity's diagonal, by window.
  mlir::Value half, row,
      firstBlock; ///< ldmatrix's half, the accumulator's row, the warp's first block.

  using Accumulators = llvm::SmallVector<std::array<mlir::Value, 4>>; ///< [block][matrix]

  llvm::SmallVector<mlir::Value, 4> samplesOf(Warp &w, size_t index, mlir::Value position, int64_t blocks);
  Accumulators identity(Warp &w, size_t index, mlir::Value position, int64_t first, int64_t count);
  Accumulators multiplyBlocks(Warp &w, size_t index, mlir::Value position, int64_t first,
                              int64_t count);
  void finish(Warp &w, mlir::Value position);
  /// What a signal's accumulators are, of those by FIR, then by window; null if it has none.
  const Accumulators *sumOf(mlir::OpResult signal, llvm::ArrayRef<Accumulators> sums) const;
};

} // namespace halo::compiler

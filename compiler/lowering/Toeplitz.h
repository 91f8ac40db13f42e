// The taps of a long FIR as Toeplitz blocks in the registers of a warp, and their product with a
// window of samples.
//
// y[t, c] = sum over d of A_d u[t - 16 d ..], where A_d is 16 x 16 with A_d[r][k] = h[16 d + r - k],
// h[a] the tap that meets the sample a positions back, 0 outside [0, K). As the left side of an mma
// (TensorCore.h) a lane's four registers of A_d depend on r - k alone. With g = lane / 4, q = lane % 4:
//
//   R_m = (h[8 m + g - 2 q], h[8 m + g - 2 q - 1])      A_d = (R_2d, R_2d+1, R_2d-1, R_2d)
//
// so that d blocks take 2 d registers, not 4 d.
//
//   K = 128: d = 0 .. 8, R_0 .. R_16 (R_-1 and R_17 are 0)
#pragma once

#include "compiler/lowering/Emitter.h"
#include "compiler/lowering/StagedPlan.h"

namespace halo::compiler {

class ToeplitzTaps {
public:
  /// Emits the loads of the taps of `e.channel`'s group; `e` has one lane. `row` is lane / 4,
  /// `pair` 2 * (lane % 4).
  ToeplitzTaps(Emitter &e, const StagedFir &fir, mlir::Type element, mlir::Value row,
               mlir::Value pair);

  /// The parts of A_d: one, or where the taps are split two. Empty where A_d is 0.
  llvm::SmallVector<std::array<mlir::Value, 4>, 2> block(int64_t d) const;

private:
  /// R_m of one part; null where it is 0 throughout.
  mlir::Value at(size_t part, int64_t m) const;

  llvm::SmallVector<llvm::SmallVector<mlir::Value>, 2> parts;
  mlir::Value zero;
};

} // namespace halo::compiler

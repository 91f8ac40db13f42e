// The taps of a long FIR as Toeplitz blocks in the registers of a warp, and their product with a
// window of samples.
//
// y[t, c] = sum over d of A_d u[t - 16 d ..], where A_d is 16 x 16 with A_d[r][k] = h[16 d + r - k],
// h[a] the tap that meets the sample a positions back, 0 outside [0, K). As the left side of an mma
// (TensorCore.h) a lane's four registers of A_d depend on r - k alone. With g = lane / 4, q = lane % 4:
//
//   R_m = (h[8 m + g - 2 q], h[8 m + g - 2 q - 1])      A_d = (R_2d, R_2d+1, R_2d-1, R_2d)
//
// so that 2 d numbers make d blocks. (As the right side they depend on as little, ToeplitzFragments.h.) An mma wants its four registers side by side, though, and would
// copy them there at every step: the copies are made once, and hidden from the assembler.
//
//   K = 128: d = 0 .. 8, R_0 .. R_16 (R_-1 and R_17 are 0)
#pragma once

#include "compiler/lowering/Emitter.h"
#include "compiler/lowering/StagedPlan.h"

#include <array>

namespace halo::compiler {

/// A lane's registers of A_d: register i holds the taps of ages 16 d + r - k + ages[i] and one less.
struct TapRegisters {
  mlir::Value r, k;            ///< i32, r - k is at least -6.
  std::array<int64_t, 4> ages;
  int64_t most = 7;            ///< The greatest r - k.
  bool shared = false;         ///< Registers 2 and 3 are copies of others.
};

class ToeplitzTaps {
public:
  /// Emits the loads of the taps of `e.channel`'s group; `e` has one lane.
  ToeplitzTaps(Emitter &e, const StagedFir &fir, mlir::Type element,
               const TapRegisters &registers);

  /// The parts of A_d: one, or where the taps are split two.
  llvm::SmallVector<std::array<mlir::Value, 4>, 2> block(int64_t d) const;

private:
  llvm::SmallVector<llvm::SmallVector<std::array<mlir::Value, 4>>, 2> blocks; ///< [part][d]
};

} // namespace halo::compiler

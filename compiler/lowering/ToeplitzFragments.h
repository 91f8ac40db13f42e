// How a 16 x 16 block of a long FIR lies in the registers of a warp: which numbers a lane gives to
// an mma (TensorCore.h) and which results it gets. With g = lane / 4 and q = lane % 4:
//
//            left               right              a lane's results
//   bld      taps A_d           samples of         positions g and g + 8 of
//            (Toeplitz.h)       8 channels         channels 2 q, 2 q + 1 (+ 8)
//   bdl      samples of         taps of            positions 4 q .. 4 q + 3 of
//            16 channels        8 positions        channels g and g + 8
//
// In bdl the columns of the right side may stand for any 8 positions: for column n the first mma
// takes t(n) = 4 (n / 2) + n % 2 and the second t(n) + 2. A lane's columns 2 q and 2 q + 1 are then
// four neighbours, one access of 8 bytes, and its registers of block d, rows 2 q (+ 8) and the
// next, hold taps of ages 16 d + t(g) - 2 q (- 8) and one less, plus 2 in the second: four
// different numbers.
#pragma once

#include "compiler/lowering/StagedBlock.h"
#include "compiler/lowering/Toeplitz.h"

#include <array>
#include <memory>

namespace halo::compiler {

class ToeplitzFragments {
public:
  using Four = std::array<mlir::Value, 4>;
  /// Sums of a block of 16 positions by 16 channels, one register set per mma.
  using Sums = llvm::SmallVector<Four, 2>;
  /// A channel of the task that a lane finishes (bld: the first of `lanes`), and which of its own.
  struct Owner {
    mlir::Value channel;
    int64_t index;
  };

  /// As the block's layout has it.
  static std::unique_ptr<ToeplitzFragments> make(StagedBlock &block, mlir::Value lane);
  virtual ~ToeplitzFragments() = default;

  TapRegisters taps;
  mlir::Value position;               ///< The first of a lane's positions in a block.
  llvm::SmallVector<int64_t> offsets; ///< From there, what it finishes one after the other.
  int64_t lanes = 1;                  ///< Adjacent numbers it finishes at a time:
  bool along = false;                 ///< channels, or positions of one channel.
  int64_t products = 2;               ///< mma per block.
  llvm::SmallVector<Owner> owners;
  /// ldmatrix: a lane gives the address of this half of 16 positions of this channel of the task.
  mlir::Value samplesHalf;
  virtual mlir::Value samplesChannel() = 0;

  /// The block that multiplies samples by 1.
  virtual Four identity(mlir::Type element) = 0;
  /// bld: what a transposing ldmatrix gave, which lies as sums do, as sums.
  virtual Sums widened(mlir::Type element, const Four &samples) { return {}; }
  /// Product `index` of a block of taps and samples, added to its sums.
  virtual Four multiplied(mlir::Type element, const Four &taps, const Four &samples, int64_t index,
                          const Four &sum) = 0;
  /// An owner's numbers at an offset.
  virtual llvm::SmallVector<mlir::Value> numbers(const Sums &sums, const Owner &owner,
                                                 int64_t offset) = 0;
};

} // namespace halo::compiler

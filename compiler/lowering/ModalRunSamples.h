// The samples of a recurrence in bdl whose warps work alone (StagedPlan.h): a channel's tile from
// the rows of a slot to left sides (ModalRunFinish.h), in registers all the way. Short FIRs of
// loaded samples are products themselves: 8 outputs of each of 16 chunks take the 8 samples before
// them and the 8 at them,
//
//   p = z F      F[k, i] = tap of age i + 8 - k, or 0, of up to 9 taps: exact
//
// and the sums of f32 lie as the samples do. Pointwise ops in between are computed two positions at
// a time. Worked, hcl: of a channel's 256 positions 6 ldmatrix (a stream's 32 x 8 matrices, and the
// 8 positions before every other chunk), 6 products, 16 roundings and products of pairs; produce
// and the way through windows take five times as many instructions.
#pragma once

#include "compiler/lowering/ModalFactors.h"

namespace halo::compiler {

class ModalRunSamples {
public:
  /// By window, left sides of 16 positions of the chunks.
  using Windows = llvm::SmallVector<llvm::SmallVector<ModalLanes::Fragment>>;

  /// Emits where the lane's rows of a slot lie. `lanes` must outlive it.
  explicit ModalRunSamples(const ModalLanes &lanes);

  /// A channel of the warp: its taps as right sides.
  struct Channel {
    int64_t index = 0;          ///< Of the warp's.
    Emitter *emitter = nullptr; ///< Its lanes are two adjacent positions.
    llvm::DenseMap<mlir::Operation *, std::array<mlir::Value, 2>> taps; ///< By FIR.
  };
  Channel channel(mlir::Value column, int64_t index, Emitter &emitter) const;

  /// The round at a position from the slot that begins at a byte, `inTile` positions into its tile.
  /// Past the end samples of the recurrence's window are 0.
  Windows at(const Channel &channel, mlir::Value position, mlir::Value inTile,
             mlir::Value slotByte) const;

private:
  /// Of 8 positions of chunks 2g and 2g + 1 a register each.
  using Eight = std::array<mlir::Value, 2>;
  /// Of a load, bytes in the slot: the lane's row of 16 positions (ldmatrix), by 16, and of the 8
  /// before.
  struct Rows {
    llvm::SmallVector<mlir::Value> tile;
    mlir::Value before;
  };
  mlir::Value furtherBefore; ///< From there to where the same lies in rounds after the first.
  const ModalLanes &l;
  Emitter &e;
  llvm::SmallVector<Rows> rows; ///< By load.

  llvm::SmallVector<Eight> eights(const Channel &channel, size_t load, int64_t stream,
                                  mlir::Value roundByte, mlir::Value beforeByte) const;
};

} // namespace halo::compiler

// The constants of a staged recurrence in bdl (ModalRunFinish.h) for one channel: T, P and Q as
// right sides of products whose rows are chunks.
//
//   T'[j, i] = h[i - j]    P'[s, i] = R[s] exp(lp[s] (i + 1))    Q'[j, s] = exp(lp[s] (C - 1 - j))
//
// A right side is 16 x 8 (TensorCore.h): with g = lane / 4 and q = lane % 4 a lane has rows 2q, 2q
// + 1, 2q + 8 and 2q + 9 of column g. T's are R_m and R_m-1 of Toeplitz.h for m = (i - j) / 8, so
// of 2 d and 2 d + 1 at a distance of d blocks; Q's are those of 16 positions, whose sums decay
// before the next add.
//
// P and Q of the class fast, and the greater parts of the class accurate, are registers. In shared
// memory lie, of a channel, each two right sides to 16 bytes:
//
//   T        entry i of 14 is what the lanes with g - 2q = i - 6 hold, per part and distance
//   P, Q     their lesser parts, per lane
#pragma once

#include "compiler/lowering/ModalFactors.h"

namespace halo::compiler {

/// Bytes of a channel's tables.
int64_t modalRunTableBytes(const StagedPlan &staged, const StagedModal &modal);

/// A number of the channel at `column` of the stripe.
mlir::Value modalNumber(const ModalLanes &lanes, llvm::StringRef operand, mlir::Value column,
                        mlir::Value mode);
/// exp(lp k) by the approximation of 2^x.
mlir::Value modalPower(const ModalLanes &lanes, mlir::Value logPole, mlir::Value k);
/// Address of what lies some bytes further.
mlir::Value furtherBytes(Emitter &emitter, mlir::Value from, int64_t bytes);

class ModalRunFactors {
public:
  /// Right sides of 16 rows by 16 columns: of columns 0 to 7, then of 8 to 15.
  using Rights = std::array<std::array<mlir::Value, 2>, 2>;
  /// One, or hi and lo.
  using Parts = llvm::SmallVector<Rights, 2>;

  /// Emits the constants of the channel at `first` + `index` of the stripe; `index` becomes part of
  /// immediates.
  ModalRunFactors(const ModalLanes &lanes, mlir::Value first, int64_t index);

  Parts within(int64_t d) const;            ///< T at a distance of d blocks.
  Parts output(int64_t m, int64_t b) const; ///< P of 16 modes, for block b of a chunk.
  Parts input(int64_t m) const;             ///< Q of 16 modes and positions.

private:
  using Four = std::array<mlir::Value, 4>; ///< Two right sides.

  const ModalLanes &l;
  Emitter &e;
  mlir::Value first, column;
  int64_t index;
  mlir::Value withinAt, lesserAt;          ///< The lane's first entries.
  llvm::SmallVector<Four> outputs, inputs; ///< [16 modes, block]; [16 modes]: the greater parts.

  mlir::Value entry(int64_t offset, mlir::Value index) const;
  Parts known(const Four &greater, int64_t lesser) const;
  llvm::SmallVector<Four, 2> pack(llvm::ArrayRef<std::array<mlir::Value, 2>> values) const;
  Four keep(llvm::ArrayRef<std::array<mlir::Value, 2>> values, int64_t lesser) const;
  int64_t lesserOutput(int64_t m, int64_t b) const { return m * (1 + l.blocks) + 1 + b; }
  void prepareOutputs();
  void storeWithin(llvm::ArrayRef<mlir::Value> filter) const;
  void prepareInputs();
};

} // namespace halo::compiler

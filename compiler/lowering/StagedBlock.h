// What the phases of a staged kernel share: where their tiles and windows lie in shared memory, and
// the stripe and positions of the block.
#pragma once

#include "compiler/lowering/Emitter.h"
#include "compiler/lowering/StagedPlan.h"

#include <memory>

namespace halo::compiler {

struct StagedBlock {
  explicit StagedBlock(Emitter &emitter);

  /// Bytes of an asynchronous copy, of a piece of a window, and of the widest shared access.
  static constexpr int64_t kAccess = 16;

  Emitter &e;
  const KernelPlan &plan;
  const StagedPlan &staged;
  mlir::Value stripe, begin; ///< The block's first channel and position.
  mlir::Value setByte;       ///< Of the set of tiles in use.

  int64_t bytesOf(mlir::Type type) const { return e.storageBytes(type); }

  /// Address of a byte; the constant apart, as it becomes the access's immediate.
  mlir::Value byteAt(int64_t base, mlir::Value index) const;

  /// Where piece k of 8 positions of a channel's ring lies is permuted by the channel, so that both
  /// eight neighbours (ldmatrix) and eight channels of stride 4 (produce) touch different banks.
  mlir::Value swizzleOf(mlir::Value column) const;

  /// Byte of `position` + `offset` in a channel's ring; both are multiples of 8, or `position` lies
  /// within such a piece. Not more than a ring before the warmup begins.
  mlir::Value ringByte(mlir::Value position, int64_t offset, mlir::Value swizzle,
                       int64_t bytes) const;

  /// bdl: byte of a channel's row in a tile. Four of eight neighbours lie an access further, so
  /// that they are in different banks although rows are an even number of accesses long.
  mlir::Value tileRow(const StagedTile &tile, mlir::Value column) const;
  /// Address of row `inTile` + offset at `column`, in the set in use; bdl: the row is the column's.
  /// `swizzle` permutes the row's bytes.
  mlir::Value tileByte(const StagedTile &tile, mlir::Value column, mlir::Value inTile,
                       int64_t offset, mlir::Value swizzle = {}) const;
  /// Of a swizzled store's row, a multiple of 8 apart or not: its pieces' permutation and `words`,
  /// that of the words in them.
  mlir::Value pieceSwizzle(const StagedStore &store, mlir::Value row, mlir::Value words) const;

  /// An emitter like ours that computes the channels from `column` of the stripe on.
  std::unique_ptr<Emitter> mapped(const KernelPlan &mapping, mlir::Value column) const;
};

/// Accesses of 16 bytes, rows of them shared out among the block's threads.
struct StagedPieces {
  /// `rowsAtOnce` is a multiple of `unit` where there are enough threads.
  StagedPieces(Emitter &e, int64_t rowBytes, int64_t unit = 1);

  int64_t perRow, rowsAtOnce;
  mlir::Value row, piece, active; ///< The thread's first row; its piece of every row.
};

} // namespace halo::compiler

// The first and the last phase of a staged kernel in bdl: rows are channels, so that a tile is a
// run of positions of each, in accesses of 16 bytes; the halo of a row is a few accesses before it.
//
// Where warps work alone each copies the rows of its own channels, whose accesses lie as in a window, and the
// halo of the first tile is what its state holds.
#pragma once

#include "compiler/lowering/StagedBlock.h"

namespace halo::compiler {

class StagedRunCopies {
public:
  /// Emits the addresses of the thread's pieces.
  explicit StagedRunCopies(StagedBlock &block);

  /// Starts the copies of the tile at a position; tiles past the end copy nothing.
  void fetch(mlir::Value position, mlir::Value end, mlir::Value slot);
  /// Stores the tile at a position from the set in use.
  void store(mlir::Value position);

private:
  StagedBlock &block;
  Emitter &e;
  const StagedPlan &staged;

  /// One access of a row: where it comes from, at position 0 of the tile, and where it goes.
  struct Piece {
    const StagedLoad *load;
    mlir::Value channel, stream; ///< In the stripe; the stream of a view.
    mlir::Value source;          ///< In memory, at position 0.
    mlir::Value target;          ///< In the slot, bytes.
    mlir::Value offset;          ///< Of its first position from the tile's.
    mlir::Value active;          ///< Null where it always is.
  };
  /// Rows of one stream's tile: the thread's first, and those `rowsAtOnce` further.
  struct Rows {
    Piece first;
    int64_t rowsAtOnce;
  };
  /// The thread's accesses of rows.
  struct Accesses {
    mlir::Value row, piece;
    int64_t rowsAtOnce;
  };
  llvm::SmallVector<Rows> tiles;
  llvm::SmallVector<Piece> halos;

  llvm::SmallVector<Accesses> accessesOf(int64_t rowBytes) const;
  mlir::Value inRow(mlir::Value piece, int64_t bytes) const;
  void eachRow(mlir::Value row, int64_t rowsAtOnce, llvm::function_ref<void(int64_t)> body);
  void storeRows(const StagedStore &store, const Memory &m, const Accesses &pieces,
                 mlir::Value position);
  mlir::Value beforeFirst(const Piece &piece);
  const Memory &memoryOf(const StagedLoad &load) const;
  mlir::Value memoryChannel(const Piece &piece, mlir::Value channel);
  void locate(Piece &piece);
  void addHalo(const StagedLoad &load);
  mlir::Value target(const Piece &piece, mlir::Value slotByte, int64_t rows);
  void copy(const Piece &piece, mlir::Value slotByte, int64_t rows, mlir::Value from);
  void copyWhole(mlir::Value position, mlir::Value slotByte);
  void copyClamped(mlir::Value position, mlir::Value slotByte);
  mlir::Value wholeTile(mlir::Value position, int64_t before);
};

} // namespace halo::compiler

// The first and the last phase of a staged kernel: views -> slots, asynchronously, and tiles of the
// stores -> views, both in accesses of 16 bytes along rows.
#pragma once

#include "compiler/lowering/StagedBlock.h"

namespace halo::compiler {

class StagedCopies {
public:
  /// Emits the addresses of the thread's pieces.
  explicit StagedCopies(StagedBlock &block);

  /// Starts the copies of the tile at a position; tiles past the end copy nothing.
  void fetch(mlir::Value position, mlir::Value end, mlir::Value slot);
  /// Stores the tile at a position from the set in use.
  void store(mlir::Value position);

private:
  struct Copy {
    const StagedLoad *load;
    int64_t part;
    StagedPieces pieces;
    mlir::Value row;    ///< The thread's first, from the tile's position.
    mlir::Value source; ///< At that row of a tile at position 0, at the thread's piece.
  };
  StagedBlock &block;
  Emitter &e;
  const StagedPlan &staged;
  llvm::SmallVector<Copy> copies;

  mlir::Value rowsFrom(const Memory &m, mlir::Value pointer, mlir::Value rows);
  mlir::Value straight(mlir::Value values, mlir::Value row);
  mlir::Value safePiece(const StagedPieces &pieces, int64_t perChannel);
};

} // namespace halo::compiler

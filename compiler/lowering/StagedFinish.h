// What multiplies and finishes a staged kernel's tiles: Toeplitz blocks (ToeplitzFinish) or a
// recurrence (ModalFinish, in bdl ModalRunFinish).
#pragma once

#include "compiler/lowering/StagedBlock.h"

namespace halo::compiler {

class StagedFinish {
public:
  virtual ~StagedFinish() = default;
  /// What is carried from tile to tile, before the first.
  virtual llvm::SmallVector<mlir::Value> begin() { return {}; }
  /// The tile at a position: windows, tiles -> tiles of the stores; what the next tile gets.
  virtual llvm::SmallVector<mlir::Value> finish(mlir::Value position, mlir::ValueRange carried) = 0;
  /// After the last tile.
  virtual void end(mlir::ValueRange carried) {}
};

} // namespace halo::compiler

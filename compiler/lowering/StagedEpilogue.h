// The epilogue of a staged kernel, as the accumulators lie: what follows the long FIR or
// recurrence, up to the tiles of the stores.
#pragma once

#include "compiler/lowering/StagedBlock.h"

namespace halo::compiler {

/// Computes and stores, of the channels of `own` from `column` of the stripe on, the rows `inTile`
/// + each of `offsets` of the tile at `position`. `accumulated` gives what lies in accumulators,
/// one value per channel (bdl: position) of `own`, or null for other signals.
void emitEpilogue(
    StagedBlock &block, Emitter &own, mlir::Value column, mlir::Value position, mlir::Value inTile,
    llvm::ArrayRef<int64_t> offsets,
    llvm::function_ref<mlir::Value(mlir::OpResult signal, int64_t offset)> accumulated);

} // namespace halo::compiler

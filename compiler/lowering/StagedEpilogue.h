// The epilogue of a staged kernel, as the accumulators lie: what follows the long FIR or
// recurrence, up to the tiles of the stores.
#pragma once

#include "compiler/lowering/StagedBlock.h"

namespace halo::compiler {

/// Channels from `column` of the stripe on, rows `inTile` + each of `offsets` of the tile at
/// `position`.
struct EpiloguePlace {
  mlir::Value column, position, inTile;
  llvm::SmallVector<int64_t> offsets;
};

/// What is to be stored there, for the channels of `own`, in the types of the stores: by offset,
/// then by store. `accumulated` gives what lies in accumulators, one value per channel (bdl:
/// position) of `own`, or null for other signals.
llvm::SmallVector<mlir::Value> emitEpilogue(
    StagedBlock &block, Emitter &own, const EpiloguePlace &at,
    llvm::function_ref<mlir::Value(mlir::OpResult signal, int64_t offset)> accumulated);

/// Stores it. `owned` says which of the two channels of `own` are; empty: all.
void storeEpilogue(StagedBlock &block, Emitter &own, const EpiloguePlace &at,
                   mlir::ValueRange values, mlir::ValueRange owned);

} // namespace halo::compiler

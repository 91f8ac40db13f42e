// The second phase of a staged kernel: slots -> windows and tiles, everything before the long FIRs.
#pragma once

#include "compiler/lowering/StagedBlock.h"

namespace halo::compiler {

class StagedProduce {
public:
  /// After the invariants. Emits the stores of the taps where they lie in shared memory.
  explicit StagedProduce(StagedBlock &block);

  /// In each step, before it waits for the tile: loads the taps, if they lie in shared memory.
  void prepare();
  /// The tile at a position, from a slot.
  void produce(mlir::Value position, mlir::Value slot);

private:
  StagedBlock &block;
  Emitter &e;
  const KernelPlan &plan;
  const StagedPlan &staged;

  mlir::Value fromSlot(Place &place, mlir::OpResult signal, int64_t offset, mlir::Value slotByte);
  mlir::Value tapsByte();
  void fillWindow(Place &place, const StagedWindow &window);
  void fillTile(Place &place, const StagedTile &tile);
};

} // namespace halo::compiler

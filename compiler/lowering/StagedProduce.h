// The second phase of a staged kernel: slots -> windows and tiles, everything before the long FIRs.
#pragma once

#include "compiler/lowering/StagedBlock.h"

namespace halo::compiler {

class StagedProduce {
public:
  explicit StagedProduce(StagedBlock &block)
      : block(block), e(block.e), plan(block.plan), staged(block.staged) {}

  /// The tile at a position, from a slot.
  void produce(mlir::Value position, mlir::Value slot);

private:
  StagedBlock &block;
  Emitter &e;
  const KernelPlan &plan;
  const StagedPlan &staged;

  mlir::Value fromSlot(Place &place, mlir::OpResult signal, int64_t offset, mlir::Value slotByte);
  void fillWindow(Place &place, const StagedWindow &window);
  void fillTile(Place &place, const StagedTile &tile);
};

} // namespace halo::compiler

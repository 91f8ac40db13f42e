// The second phase of a staged kernel in bdl: a thread computes `unroll` adjacent runs of one
// channel.
//
// Where all of a tile and its halo lie in the sequence, a run is computed as a vector of positions,
// so that two of them are rounded by one instruction and nothing is masked. So it is in the first
// tile, if all it needs from before the sequence are samples, which the slot holds as zeros. Tiles
// before the sequence are zeros too, unless a state says otherwise. The few others go position by
// position.
#pragma once

#include "compiler/lowering/StagedBlock.h"

namespace halo::compiler {

class StagedRunProduce {
public:
  /// Emits the loads of the short FIRs' taps.
  explicit StagedRunProduce(StagedBlock &block);

  /// The tile at a position, from a slot.
  void prepare() {}
  void produce(mlir::Value position, mlir::Value slot);

private:
  StagedBlock &block;
  Emitter &e;
  const KernelPlan &plan;
  const StagedPlan &staged;
  std::unique_ptr<KernelPlan> runPlan;
  std::unique_ptr<Emitter> runs; ///< Its lanes are the positions of a run.
  int64_t history = 0;           ///< Positions before a tile that must lie in the sequence.
  bool zeroBefore = true;        ///< All windows are 0 before the sequence.

  mlir::Value rowByte(mlir::OpResult signal, const StagedLoad &load, mlir::Value slotByte);
  const StagedLoad &loadOf(mlir::OpResult signal) const;
  void insideRuns(mlir::Value position, mlir::Value slotByte);
  void zeroRuns(mlir::Value position);
  void edgeRun(mlir::Value position, mlir::Value inTile, mlir::Value slotByte);
  /// Stores one run, given in the types of windows and tiles, by windows and then tiles (or none).
  void fill(mlir::Value position, mlir::Value inTile, llvm::ArrayRef<mlir::Value> values);
};

} // namespace halo::compiler

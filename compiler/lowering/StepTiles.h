// What a block of a step holds in shared memory: the rows of its channels' states, once for each row of
// the batch that is under way (`stages` of the schedule), and its long filters, once for all of them.
#pragma once

#include "compiler/lowering/KernelPlan.h"

namespace halo::compiler {

/// Bytes of the copies that move a tile where its rows lie together.
constexpr int64_t kStepAccessBytes = 16;

/// A state as the block holds it: rows of `width` samples, and one element behind the last.
struct StateTile {
  std::string input;        ///< The operand that is read.
  std::string output;       ///< The operand that is written; "" if none.
  mlir::Attribute streams;  ///< How its rows lie among the channels.
  mlir::Type element;
  bool ring = false; ///< Its samples do not begin with the oldest, and only the newest is written.
  int64_t count = 1; ///< Streams.
  int64_t width = 0; ///< K - 1.
  int64_t base = 0;  ///< Byte in a stage, a multiple of 16.

  bool interleaved() const;
};

/// A long filter's rows of the block's channels, for accesses of 16 bytes; each is padded by one to spread
/// the banks.
struct TapTile {
  mutable ir::FirOp fir; ///< A handle; MLIR accessors are not const.
  mlir::Type element;
  int64_t taps = 0, group = 1, rows = 0, pitch = 0, base = 0;
};

struct StepTiles {
  llvm::SmallVector<StateTile> states;
  llvm::SmallVector<TapTile> filters;
  int64_t stageBytes = 0; ///< Of the states of one row of the batch.
  int64_t bytes = 0;

  const StateTile *find(llvm::StringRef input) const;
};

/// Bytes of an element.
int64_t bytesOf(mlir::Type element);
/// The state that holds a signal's past; null where the past is zeros.
mlir::FlatSymbolRefAttr pastOf(mlir::Value signal);
/// Which of its load's signals this is; 0 for others.
int64_t streamOf(mlir::Value signal);
/// The stores of samples: those of a recurrence's states are its own (stepModal).
llvm::SmallVector<ir::StoreStateOp> sampleStores(const KernelPlan &plan);

/// True for a FIR whose taps are staged and looped over; shorter ones are unrolled.
bool isStagedInStep(const KernelPlan &plan, ir::FirOp fir);

/// The tiles, or a diagnostic where a state is stored that the step cannot move.
mlir::FailureOr<StepTiles> stepTilesOf(const KernelPlan &plan);

} // namespace halo::compiler

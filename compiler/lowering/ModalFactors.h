// The constants of a staged recurrence (ModalFinish.h) for one channel: T, P and Q as left sides,
// and the decays of its modes. What would be too many registers lies in shared memory, of a
// channel:
//
//   T        entry i of 14 is what the lanes with g - 2q = i - 6 hold, per part and block of 16
//   decays   per mode: exp(lp k) for k = 16, C and 2 C, and expm1(lp tile)
//   start    per mode and q: exp(2 C lp q)
//   Q        its lesser part where there are two, per lane
//
// In a cluster a mode's decays are those for k = 16 and 2 C, and beside them lies the slot that the
// block before writes: the state where the block's tile begins, and the tile's index + 1 (0: none
// yet). expm1(lp tile) takes the place of the start with q = 0, which is 1.
#pragma once

#include "compiler/lowering/StagedBlock.h"

namespace halo::compiler {

/// Where a lane is, and its arithmetic.
struct ModalLanes {
  explicit ModalLanes(StagedBlock &block);

  using Fragment = std::array<mlir::Value, 4>;
  /// The parts of a left side: one, or hi and lo.
  using Parts = llvm::SmallVector<Fragment, 2>;

  StagedBlock &block;
  Emitter &e;
  const StagedPlan &staged;
  const StagedModal &modal;
  int64_t chunk, blocks, modeBlocks, parts; ///< C; blocks of 16 in it.
  mlir::Type element;
  std::unique_ptr<KernelPlan> one; ///< A mapping of one channel.
  mlir::Value lane, warp, g, q, zero, none;

  mlir::Value real(double value) const;
  mlir::Value times(mlir::Value x, mlir::Value y) const;
  mlir::Value plus(mlir::Value x, mlir::Value y) const;
  /// The value of lane `from` of each `width` lanes.
  mlir::Value shuffle(mlir::Value value, mlir::Value from, int64_t width) const;
  /// Pairs of f32 as registers of a left side.
  Parts pack(llvm::ArrayRef<std::array<mlir::Value, 2>> values) const;
  /// Four numbers of 4 bytes from shared memory.
  Fragment four(mlir::Type type, mlir::Value from) const;
};

/// Bytes of a channel's tables.
int64_t modalTableBytes(const StagedPlan &staged, const StagedModal &modal);

class ModalFactors {
public:
  using Parts = ModalLanes::Parts;

  /// Emits the constants of the channel at `column` of the stripe.
  ModalFactors(const ModalLanes &lanes, mlir::Value column);

  Parts within(int64_t d) const; ///< T at a distance of d blocks.
  const Parts &output(int64_t m, int64_t at) const { return outputs[m][at]; } ///< P of 16 modes.
  Parts input(int64_t m) const; ///< Q of 16 positions.
  /// exp(lp k) for k = 16, C and 2 C, and expm1(lp tile).
  std::array<mlir::Value, 4> decays(int64_t mode) const;
  mlir::Value start(int64_t mode) const;
  /// In a cluster: where the slots of 8 modes lie, one per g.
  mlir::Value slot(int64_t mode) const;

private:
  const ModalLanes &l;
  Emitter &e;
  mlir::Value column;
  llvm::SmallVector<llvm::SmallVector<Parts>> outputs; ///< [16 modes][block of 16 positions].
  llvm::SmallVector<ModalLanes::Fragment> inputs;      ///< [16 modes], the greater part.
  mlir::Value withinAt, decaysAt, startAt, lesserAt;   ///< The lane's first entries.

  mlir::Value entry(int64_t offset, mlir::Value index) const;
  mlir::Value further(mlir::Value from, int64_t bytes) const;
  mlir::Value number(llvm::StringRef operand, mlir::Value mode) const;
  mlir::Value ofChunk(mlir::Value block) const;
  mlir::Value power(mlir::Value log2Pole, mlir::Value k) const;
  void prepareOutputs();
  void prepareInputs();
};

} // namespace halo::compiler

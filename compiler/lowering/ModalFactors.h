// The constants of a staged recurrence (ModalFinish.h) for one channel: T, P and Q as left sides,
// and the decays of its modes. What would be too many registers lies in shared memory, of a
// channel:
//
//   T        entry i of 14 is what the lanes with g - 2q = i - 6 hold, per part and block of 16
//   decays   per mode: exp(lp k) for k = 16, C and 2 C, and expm1(lp tile)
//   (with constants of one part: of T's later blocks the half that is not the block's before, and the
//   decays are exp(16 lp), its squares being computed, and expm1(lp tile))
//   start    per mode and q: exp(2 C lp q)
//   Q        its lesser part where there are two, per lane
//
// In a cluster a mode's decays are exp(16 lp) and expm1(lp tile), and beside them lies the slot that
// the block before writes: the state where the block's tile begins, and the tile's index + 1 (0: none
// yet).
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

  /// Whether what can be computed from other constants is: shared memory serves 128 bytes at a time,
  /// and with constants of one part more waits for it than for arithmetic (H200: 2 % of hcl; with two
  /// parts the loads are 2 % ahead).
  bool computes() const { return parts == 1; }
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

  llvm::SmallVector<Parts> within() const; ///< T by distance in blocks.
  const Parts &output(int64_t m, int64_t at) const { return outputs[m][at]; } ///< P of 16 modes.
  /// Of the chunk's blocks, those that Q spans: all where registers hold it, else one, whose sums
  /// decay by 16 positions before the next block's are added.
  int64_t inputBlocks() const;
  Parts input(int64_t m, int64_t b) const; ///< Q of 16 modes and block b.
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
  /// [16 modes][block], the greater part.
  llvm::SmallVector<llvm::SmallVector<ModalLanes::Fragment>> inputs;
  mlir::Value withinAt, laterAt, decaysAt, startAt, lesserAt;   ///< The lane's first entries.

  mlir::Value entry(int64_t offset, mlir::Value index, int64_t bytes = 16) const;
  mlir::Value further(mlir::Value from, int64_t bytes) const;
  mlir::Value number(llvm::StringRef operand, mlir::Value mode) const;
  mlir::Value ofChunk(mlir::Value block) const;
  mlir::Value power(mlir::Value log2Pole, mlir::Value k) const;
  void prepareOutputs();
  void prepareInputs();
};

} // namespace halo::compiler

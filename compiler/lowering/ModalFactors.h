// The constants of a staged recurrence (ModalFinish.h) for one channel: T, P and Q as left sides,
// and the decays of its modes. What would be too many registers lies in shared memory, of a
// channel:
//
//   T        entry i of 14 is what the lanes with g - 2q = i - 6 hold, per part and block of 16
//   decays   per mode: exp(lp k) for k = 16, C and 2 C, and expm1(lp tile)
//   start    per mode and q: exp(2 C lp q)
//   Q        its lesser part where there are two, per lane
//
// In bdl the same registers are right sides of the transposed products (`right`). P's lesser part lies
// in shared memory too then, and the decays are those of ModalRunScan.h.
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
  bool runs;                                ///< bdl.
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
  /// A number of the channel at `column` of the stripe.
  mlir::Value number(llvm::StringRef operand, mlir::Value column, mlir::Value mode) const;
  /// exp(lp k) by the approximation of 2^x; `log2Pole` is lp / ln 2.
  mlir::Value power(mlir::Value log2Pole, mlir::Value k) const;
  static mlir::Value further(Emitter &e, mlir::Value from, int64_t bytes);
};

/// Bytes of a channel's tables, in bdl without those of ModalRunScan.h.
int64_t modalTableBytes(const StagedPlan &staged, const StagedModal &modal, bool runs);

class ModalFactors {
public:
  using Parts = ModalLanes::Parts;

  /// Emits the constants of the channel at `first` + `index` of the stripe; `index` becomes part of immediates.
  ModalFactors(const ModalLanes &lanes, mlir::Value first, int64_t index = 0);

  Parts within(int64_t d) const; ///< T at a distance of d blocks.
  Parts output(int64_t m, int64_t at) const; ///< P of 16 modes.
  Parts input(int64_t m) const;              ///< Q of 16 positions.
  /// Columns [8 half, 8 half + 8) of a left side's transpose, as a right side.
  static std::array<mlir::Value, 2> right(const ModalLanes::Fragment &left, int64_t half) {
    return {left[half], left[half + 2]};
  }
  /// exp(lp k) for k = 16, C and 2 C, and expm1(lp tile).
  std::array<mlir::Value, 4> decays(int64_t mode) const;
  mlir::Value start(int64_t mode) const;
  /// In a cluster: where the slots of 8 modes lie, one per g.
  mlir::Value slot(int64_t mode) const;

private:
  const ModalLanes &l;
  Emitter &e;
  mlir::Value first, column;
  int64_t index;
  llvm::SmallVector<llvm::SmallVector<Parts>> outputs; ///< [16 modes][block of 16 positions].
  llvm::SmallVector<ModalLanes::Fragment> inputs;      ///< [16 modes], the greater part.
  mlir::Value withinAt, decaysAt, startAt, lesserAt, outputsAt; ///< The lane's first entries.

  mlir::Value entry(int64_t offset, mlir::Value index) const;
  mlir::Value further(mlir::Value from, int64_t bytes) const;
  mlir::Value number(llvm::StringRef operand, mlir::Value mode) const;
  mlir::Value ofChunk(mlir::Value block) const;
  void keepOutputs(int64_t m, Parts made);
  void storeWithin(const Parts &made, int64_t d) const;
  mlir::Value power(mlir::Value log2Pole, mlir::Value k) const { return l.power(log2Pole, k); }
  void prepareOutputs();
  void prepareInputs();
};

} // namespace halo::compiler

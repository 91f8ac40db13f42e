// Multiply and finish of a staged recurrence: a tile is 8 chunks of C positions, the columns of
// four products per channel.
//
//   y = T u + P S        S' = decay S + Q u                          S: the states where a chunk
//   begins T[i, j] = h[i - j]   P[i, s] = R[s] exp(lp[s] (i + 1))   Q[s, j] = exp(lp[s] (C - 1 -
//   j))
//
// A warp has `channelsPerWarp` channels, two at a time, and their T, P and Q in registers as left
// sides (TensorCore.h). With g = lane / 4 and q = lane % 4 a lane holds, of a channel and 16 modes,
//
//   Q u    modes g and g + 8, chunks 2q and 2q + 1: what they add to the states
//   S      the same, after a scan over the chunks, which is one over the four lanes of a g
//   y      positions g and g + 8 of each 16, chunks 2q and 2q + 1
//
// S goes through shared memory to become a right side: the transpose of what the scan leaves.
//
// What would be too many registers lies in shared memory: T as the lanes hold it, which depends on
// g - 2q alone, and the decays of a mode. Q is that of 16 positions; the sums of 16 decay before
// the next add.
//
// Numerics. T, P, Q and S are numbers of the samples' type, or where the kernel is accurate sums of
// two (hi + lo; lo times lo is dropped). Powers within a tile are within 1e-6 and start afresh in
// every tile; from tile to tile the f32 states decay by expm1(lp * tile), so that slow poles lose
// nothing (hyena_c3). A sequence that ends within a tile: the states of its last whole chunk, then
// position by position.
#pragma once

#include "compiler/lowering/StagedFinish.h"

namespace halo::compiler {

/// Bytes of a channel's tables.
int64_t modalTableBytes(const StagedPlan &staged, const StagedModal &modal);

class ModalFinish : public StagedFinish {
public:
  /// Emits T, P and Q of the warp's channels.
  explicit ModalFinish(StagedBlock &block);

  llvm::SmallVector<mlir::Value> begin() override;
  llvm::SmallVector<mlir::Value> finish(mlir::Value position, mlir::ValueRange states) override;
  void end(mlir::ValueRange states) override;

private:
  using Fragment = std::array<mlir::Value, 4>;
  /// The parts of a left side: one, or hi and lo.
  using Parts = llvm::SmallVector<Fragment, 2>;

  struct Channel {
    mlir::Value column;                  ///< In the stripe.
    llvm::SmallVector<mlir::Value> rows; ///< ldmatrix: the lane's row at position 0, by window.
    llvm::SmallVector<llvm::SmallVector<Parts>> p; ///< [16 modes][block of 16 positions].
    llvm::SmallVector<Parts> q;                    ///< [16 modes].
    llvm::SmallVector<mlir::Value> start;          ///< [mode]: exp(2 C lp q).
    llvm::SmallVector<Parts> t;                    ///< By distance in blocks of 16.
    /// [mode]: exp(lp k) for k = 16, C and 2 C, expm1(lp tile).
    llvm::SmallVector<std::array<mlir::Value, 4>> perMode;
    mlir::Value scratch, own;     ///< Where S is transposed: to load from; the lane's place.
    mlir::Value toeplitz, decays; ///< The lane's first entries in the tables.
  };
  struct Pair {
    std::array<Channel, 2> channels;
    std::unique_ptr<Emitter> emitter; ///< Of both.
  };
  struct Scanned {
    llvm::SmallVector<std::array<mlir::Value, 2>> starts; ///< [mode]: S of chunks 2q, 2q + 1.
    llvm::SmallVector<mlir::Value> next;                  ///< [mode]: S where the next tile begins.
  };

  StagedBlock &block;
  Emitter &e;
  const StagedPlan &staged;
  const StagedModal &modal;
  int64_t chunk, blocks, modeBlocks, parts;
  mlir::Type element;
  std::unique_ptr<KernelPlan> onePlan, pairPlan;
  mlir::Value g, q, lane, warp;
  mlir::Value zero, none;
  Fragment ones; ///< The identity.
  std::vector<Pair> pairs;

  mlir::Value real(double value);
  mlir::Value times(mlir::Value x, mlir::Value y);
  mlir::Value plus(mlir::Value x, mlir::Value y);
  mlir::Value shuffle(mlir::Value value, mlir::Value from, int64_t width);
  /// exp(lp k) by the approximation of 2^x; `log2Pole` is lp / ln 2.
  mlir::Value power(mlir::Value log2Pole, mlir::Value k);
  mlir::Value number(llvm::StringRef operand, Channel &channel, mlir::Value mode);
  Parts pack(llvm::ArrayRef<std::array<mlir::Value, 2>> values);
  void prepare(Channel &channel);
  mlir::Value toeplitzByte(Channel &channel, int64_t d, int64_t part);
  mlir::Value decaysByte(Channel &channel, int64_t mode);
  std::array<mlir::Value, 4> four(mlir::Type type, mlir::Value from);
  mlir::Value tableByte(Channel &channel, int64_t offset, mlir::Value index);
  void prepareOutputs(Channel &channel);
  void prepareStates(Channel &channel);

  using Samples = llvm::SmallVector<mlir::Value>; ///< Right sides, two registers per 16 positions.
  Samples samplesOf(Channel &channel, size_t window, mlir::Value position);
  Scanned scan(Channel &channel, const Samples &samples, mlir::ValueRange states);
  llvm::SmallVector<mlir::Value> nextStates(const Scanned &scanned, mlir::Value position);
  void transpose(Channel &channel, const Scanned &scanned);
  Fragment multiply(const Fragment &left, mlir::ValueRange right, const Fragment &sum);
  /// The parts of T's blocks at a distance of `d` blocks.
  Parts toeplitzOf(Channel &channel, int64_t d);
  Fragment output(Channel &channel, const Samples &samples, mlir::ValueRange states, int64_t at);
};

} // namespace halo::compiler

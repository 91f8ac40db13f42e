// Multiply and finish of a staged recurrence: a tile is 8 chunks of C positions, the columns of four
// products per channel.
//
//   y = T u + P S           T[i, j] = h[i - j]           P[i, s] = R[s] exp(lp[s] (i + 1))
//   S' = decay S + Q u      Q[s, j] = exp(lp[s] (C - 1 - j))
//
// S are the states where a chunk begins.
//
// A warp has `channelsPerWarp` channels, two at a time, and their T, P and Q in registers as left
// sides (TensorCore.h). With g = lane / 4 and q = lane % 4 a lane holds, of a channel and 16 modes,
//
//   Q u    modes g and g + 8, chunks 2q and 2q + 1: what they add to the states
//   S      the same, after a scan over the chunks, which is one over the four lanes of a g
//   y      positions g and g + 8 of each 16, chunks 2q and 2q + 1
//
// S goes through shared memory to become a right side: the transpose of what the scan leaves. The
// epilogue computes as y lies; the signals that it needs besides are read from their windows by
// transposing loads. At last the words of two channels are paired.
//
// In a cluster (Staged.cpp) the next tile is another block's, which gets the states by stores into
// its shared memory (ModalFactors.h): each with its tile's index in one 8-byte word, so that nothing
// else has to be ordered. A slot is free by then: what is written to it comes of what was read there.
// The bits are those of a block alone.
//
// Where registers do not hold it all, Q is that of 16 positions, and the sums of 16 decay before the
// next add. ModalFactors has the constants.
//
// Numerics. T, P, Q and S are numbers of the samples' type, or where the kernel is accurate sums of
// two (hi + lo; lo times lo is dropped). Powers within a tile are within 1e-6 and start afresh in
// every tile; from tile to tile the f32 states decay by expm1(lp * tile), so that slow poles lose
// nothing (hyena_c3). A sequence that ends within a tile: the states of its last whole chunk, then
// position by position.
#pragma once

#include "compiler/lowering/ModalFactors.h"
#include "compiler/lowering/StagedFinish.h"

namespace halo::compiler {

/// The states in the slots, once all of them have come, for the tile with that index (i32).
llvm::SmallVector<mlir::Value> receiveStates(const ModalLanes &lanes, mlir::ValueRange slots,
                                             mlir::Value tile);
/// A state for the tile with that index, into a slot, of this block or another of the cluster.
void sendState(const ModalLanes &lanes, mlir::Value state, mlir::Value tile, mlir::Value slot);
/// All blocks of the cluster.
void meetCluster(Emitter &emitter);
/// Whether the epilogue computes with a signal in the type that it is exact in.
bool staysNarrow(ir::KernelOp kernel, mlir::Value signal);

class ModalFinish : public StagedFinish, private ModalLanes {
public:
  /// Emits T, P and Q of the warp's channels.
  explicit ModalFinish(StagedBlock &block);

  llvm::SmallVector<mlir::Value> begin() override;
  llvm::SmallVector<mlir::Value> finish(mlir::Value position, mlir::ValueRange states) override;
  void end(mlir::ValueRange carried) override;

private:
  struct Channel {
    ModalFactors factors;
    mlir::Value column;                  ///< In the stripe.
    llvm::SmallVector<mlir::Value> rows; ///< ldmatrix: the lane's row at position 0, by window.
    mlir::Value scratch, own;            ///< Where S is transposed: to load from; the lane's place.
    std::unique_ptr<Emitter> emitter;    ///< Its lanes are chunks 2q and 2q + 1.
  };
  using Pair = std::array<Channel, 2>;
  using Samples = llvm::SmallVector<mlir::Value>; ///< A register per 8 positions.
  /// A channel's tile under way.
  struct Begun {
    Channel *channel;
    Samples samples;                                      ///< Of the recurrence's window.
    llvm::SmallVector<Parts> within;                      ///< T by distance in blocks.
    llvm::SmallVector<Samples> own;                       ///< By window, as outputs lie.
    llvm::SmallVector<Fragment> outputs;                  ///< By block of 16 positions.
    llvm::SmallVector<std::array<mlir::Value, 2>> starts; ///< [mode]: S of chunks 2q, 2q + 1.
    llvm::SmallVector<mlir::Value> states;                ///< S as right sides.
  };

  std::unique_ptr<KernelPlan> chunksPlan;
  std::vector<Pair> pairs;

  Channel channelAt(mlir::Value column);
  Samples samplesOf(Channel &channel, size_t window, mlir::Value position, bool transposed);
  struct Chain;
  /// `turns`: with the other blocks of the cluster.
  llvm::SmallVector<mlir::Value> scan(llvm::MutableArrayRef<Begun> begun, mlir::Value position,
                                      mlir::ValueRange states, bool turns);
  void takeTurns(llvm::MutableArrayRef<Chain> chains, mlir::Value position);
  llvm::SmallVector<mlir::Value> receive(mlir::Value tile);
  void within(llvm::MutableArrayRef<Begun> begun, int64_t at);
  void transpose(const Begun &begun);
  std::vector<Begun> begun(mlir::Value position);
  llvm::SmallVector<mlir::Value> afterChunks(mlir::ValueRange states);
  void storeStates(mlir::ValueRange carried);
  void before(llvm::MutableArrayRef<Begun> begun);
  Fragment multiply(const Fragment &left, mlir::ValueRange right, const Fragment &sum);
  /// What is stored of positions 16 at + g and 16 at + g + 8, by store: of each, both chunks.
  llvm::SmallVector<std::array<mlir::Value, 2>> epilogue(const Begun &begun, mlir::Value position,
                                                         int64_t at);
  void store(llvm::ArrayRef<Begun> begun, mlir::Value position, int64_t at);
};

} // namespace halo::compiler

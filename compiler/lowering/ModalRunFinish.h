// Multiply and finish of a staged recurrence in bdl: the products of ModalFinish.h transposed, so
// that nothing that a lane has ever changes place. A tile is 16 chunks of C positions, the rows of
//
//   y  = u T' + S P'        T'[j, i] = h[i - j]
//   S' = S decay + u Q'     by chunk: rows of S are those of u
//
// With g = lane / 4 and q = lane % 4, rows g and g + 8 are chunks 2g and 2g + 1, and a lane holds,
// of a channel,
//
//   u      of both chunks, positions 2q, 2q + 1, 2q + 8, 2q + 9 of each 16: what ldmatrix gives,
//   the left
//          side as it is, and what the epilogue computes with
//   u Q'   of both chunks, modes 2q, 2q + 1, 2q + 8, 2q + 9
//   S      the same, after a scan over the chunks, which is one over the eight lanes of a q: a left
//   side
//          as it is
//   y      as u; two positions are a word, stored as the windows lie
//
// Where warps work alone (StagedPlan.h) samples come from a slot, and y goes there; else both lie
// in windows.
//
// The constants are right sides (ModalRunFactors.h). States from tile to tile, clusters, numerics:
// as in ModalFinish.h.
#pragma once

#include "compiler/lowering/ModalRunSamples.h"
#include "compiler/lowering/ModalRunScan.h"
#include "compiler/lowering/StagedFinish.h"

namespace halo::compiler {

class ModalRunFinish : public StagedFinish, private ModalLanes {
public:
  /// Emits the constants of the warp's channels.
  explicit ModalRunFinish(StagedBlock &block);

  llvm::SmallVector<mlir::Value> begin() override;
  llvm::SmallVector<mlir::Value> finish(mlir::Value position, mlir::ValueRange states) override;
  void end(mlir::ValueRange carried) override;

private:
  /// A channel's constants that lie in shared memory, loaded: [16 positions], [16 modes] and both.
  struct Constants {
    llvm::SmallVector<ModalRunFactors::Parts> within, input;
    llvm::SmallVector<llvm::SmallVector<ModalRunFactors::Parts>> output;
    llvm::SmallVector<Fragment> ofBlock, ofChunk, ofTile, starts;
    llvm::SmallVector<std::array<Fragment, ModalRunScan::kSteps>> ofStep;
  };
  struct Channel {
    ModalRunFactors factors;
    ModalRunScan scan;
    mlir::Value column;                  ///< In the stripe.
    llvm::SmallVector<mlir::Value> rows; ///< ldmatrix: the lane's row, by window and 16 positions.
    std::unique_ptr<Emitter> emitter;    ///< Its lanes are two adjacent positions.
    ModalRunSamples::Channel alone;      ///< Where warps work alone.
    std::optional<Constants> resident;   ///< Where registers hold them from tile to tile.
  };
  /// A channel's round under way.
  struct Begun {
    Channel *channel;
    ModalRunSamples::Windows samples;
    llvm::SmallVector<Fragment> outputs; ///< By 8 positions of a chunk.
    llvm::SmallVector<Parts> states;     ///< [16 modes]: S.
    llvm::SmallVector<std::array<mlir::Value, 2>>
        starts; ///< [mode]: S of chunks 2g, 2g + 1 in f32.
  };
  struct Chain;

  std::unique_ptr<KernelPlan> runPlan;
  std::unique_ptr<ModalRunSamples> slots; ///< Where warps work alone.
  std::vector<Channel> channels;

  bool isResident() const;
  Constants load(const Channel &channel) const;
  std::vector<Begun> begun(llvm::MutableArrayRef<Channel> channels, mlir::Value position,
                           mlir::Value inTile);
  llvm::SmallVector<mlir::Value> finishRound(mlir::Value position, mlir::Value inTile,
                                             mlir::ValueRange states);
  std::vector<Begun> begunAgain();
  llvm::SmallVector<Fragment> ofWindow(const Channel &channel, size_t window);
  void keep(const Begun &begun);
  std::vector<Chain> added(llvm::MutableArrayRef<Begun> begun, mlir::ValueRange states);
  llvm::SmallVector<mlir::Value> scan(llvm::MutableArrayRef<Begun> begun, mlir::Value position,
                                      mlir::ValueRange states, bool turns);
  void takeTurns(llvm::MutableArrayRef<Chain> chains, mlir::Value position);
  llvm::SmallVector<mlir::Value> receive(llvm::ArrayRef<Channel *> channels, mlir::Value tile);
  void within(llvm::MutableArrayRef<Begun> begun);
  void before(llvm::MutableArrayRef<Begun> begun);
  void store(const Begun &begun, mlir::Value position, mlir::Value inTile);
  llvm::SmallVector<mlir::Value> afterChunks(mlir::ValueRange states);
  void storeStates(mlir::ValueRange carried);
};

} // namespace halo::compiler

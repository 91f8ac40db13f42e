// The plan of a staged kernel (fir=toeplitz): its chain is cut into phases, each in a thread mapping
// of its own; what crosses a cut lies in shared memory.
//
//             threads                      reads                      writes
//   fetch     16-byte pieces of rows       views                      slots, `stages` tiles deep
//   produce   `vector` channels,           slots                      windows: inputs of long FIRs,
//             `unroll` rows each                                      channel-major; tiles: what the
//                                                                     epilogue needs besides
//   multiply  a warp per group (16 of its  windows                    accumulators: 16 positions x
//             channels at a time), or, of a                           8 channels per mma, or 8 chunks
//             recurrence, per pair of channels                        of a channel
//   finish    as the accumulators lie      accumulators, tiles        tiles of the stores
//   store     16-byte pieces of rows       tiles of the stores        views
//
// In one step of its walk a block produces a tile, multiplies and finishes the one before, and stores
// the one before that: what one phase writes, the next reads a step later, so that one barrier a step
// is enough and warps in different phases overlap. Hence three sets of tiles.
//
// A recurrence's constants fill registers and shared memory (ModalFinish.h): one set of tiles, a tile
// of ring, and a second barrier, between produce and multiply.
//
// A block owns a stripe of block_n channels and walks its positions tile by tile. A window is a ring
// of positions, so that a tile finds the history of the tiles before it; a block begins `warmup`
// positions early to fill it.
//
// Layout decides how memory and tiles lie, the rest of the walk is the same:
//
//             bld                                  bdl
//   slots     rows of positions, tile + halo       rows of channels, stream by stream:
//                                                  halo, rounded up to an access, + tile
//   produce   `vector` channels, `unroll` rows     one channel, `unroll` runs of `vector`
//                                                  adjacent positions
//   multiply  taps times samples: 16 positions     samples times taps: 16 channels x 8
//             x 8 channels per mma                 positions per mma (ToeplitzFragments.h)
//   tiles     [tile][block_n]                      [block_n][tile]
//   chunks    8, columns of products               16, rows of products (ModalRunFinish.h)
//
// Worked, hcm in bf16: z interleaved x3, Kp = 3, K = 128, groups of 16, block_n 64, 8 warps, vector 4,
// unroll 4, stages 2 (the test pins it):
//
//   tile 64, blocks of history 8, ring 256, warmup 128, 4 tasks, 2 warps a task, 2 blocks of 16 a warp
//   slots   2 x 66 rows x 384 B; window of u 64 x 512 B; tiles of x2 3 x 64 x 144 B
//   u itself, for the skip, comes from the window too: one more product, with the identity, or where
//   taps are split a transposing load
//
// The same in bdl, block_n 32, 4 warps, vector 8, unroll 4: tile 128, ring 512, 2 tasks, 2 warps a task,
// 4 blocks a warp; slots 2 x 3 x 32 rows x 272 B (16 of halo); window 32 x 1024 B; tiles 3 x 32 x 288 B
//
// A sector of memory, 16 channels, must not be split between blocks (0.41 of the copy at D 1920 in
// groups of 15). Tiles of 32 positions leave room for 240 channels, 16 groups of 15, unskewed and
// in a ring that is no power of two; or groups straddle stripes, and a task has what lies in its
// own. Lanes take pairs of channels from an even one on, so that a group of an odd number splits
// one pair: its halves are stored apart, and y does not take x2's place. Worked, hcm as above in
// groups of 15, per output: instructions of a lane, of which mma (the tests pin the first plan):
//
//   block_n, warps, tile     shared    registers  instructions   mma   of the copy (H200, D 1920)
//   240, 8,  32              221824 B  236        35             2.7   0.71
//   240, 16, 32              221824 B  128        44             2.7   0.64, stores among the reads
//   48,  4,  64, straddled    91264 B  203        43             3.3   0.71; f32 taps, vector 2: 0.59
//   96,  8,  64, straddled   178432 B  203        43             3.3   0.61, stores among the reads
#pragma once

#include "dialect/HaloDialect.h"

#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace halo::compiler {

struct KernelPlan;

/// The stripe's part of one view in a slot. bld: tile + halo rows of `pieces` runs of channels. bdl:
/// `pieces` streams of block_n rows, each `before` bytes of halo, the tile, and padding.
struct StagedLoad {
  ir::LoadOp op;
  int64_t halo = 0;   ///< Positions before the tile.
  int64_t pieces = 1; ///< bld: 1, or one per split stream. bdl: one per stream.
  int64_t pieceBytes = 0;
  int64_t base = 0;   ///< In the slot, bytes.
  int64_t before = 0; ///< bdl: bytes of a row that lie before the tile.
  /// bld: bytes after each `unroll` rows, so that threads one below the other read different banks.
  int64_t pad = 0;
  int64_t rowBytes() const { return pieces * pieceBytes; } ///< bld.
};

/// A signal's values in a tile, row-major: `tileSets` sets of [tile][block_n], in bdl
/// [block_n][tile].
struct StagedTile {
  mlir::Value signal; ///< Null for a store's own tile.
  mlir::Type element;
  int64_t base = 0, rowBytes = 0;
};
constexpr int64_t kTileSets = 3;

/// The input of long FIRs, channel-major: [block_n][ring].
struct StagedWindow {
  mlir::Value signal;
  mlir::Type element;
  int64_t base = 0;
  bool finished = false; ///< The epilogue needs the signal itself too.
};

struct StagedFir {
  ir::FirOp fir;
  size_t window = 0;
  int64_t blocks = 0; ///< 16 x 16 Toeplitz blocks: 1 + those of history.
  bool split = false; ///< Taps as a sum of two numbers of the window's type.
};

/// A recurrence over the chunks of a tile (ModalFinish.h).
struct StagedModal {
  mutable ir::ModalOp op;
  mutable ir::StoreStateOp stored; ///< Of its states, or null.
  size_t window = 0;
  int64_t modes = 0, modeBlocks = 0; ///< Its modes, and in sixteens.
  bool split = false;  ///< Constants and states as sums of two numbers of the window's type.
  int64_t scratch = 0; ///< Where the states are transposed, in shared memory.
  int64_t tables = 0; ///< What is too much for registers: per channel `tableBytes` (ModalFinish.h).
  int64_t tableBytes = 0;
};

struct StagedStore {
  ir::StoreOp op;
  StagedTile tile;
  /// Word i of each 16 bytes lies at i ^ q, q = row / (2 chunks) % 4: the four lanes of a
  /// recurrence's position write different banks.
  bool swizzled = false;
  /// Besides, piece p of a row's n pieces of 16 bytes lies at p ^ (row n / 8 % n), and rows have no
  /// padding; 0: rows are padded.
  int64_t pieces = 0;
  /// A recurrence's in bdl: channels' rows lie as those of a window, [block_n][ring].
  bool windowed = false;
};

struct StagedPlan {
  int64_t tile = 0;   ///< Positions per step.
  int64_t ring = 0;   ///< Positions of a window; a power of two.
  int64_t warmup = 0; ///< Positions a block begins early; whole tiles.
  int64_t group = 1;  ///< Channels of a task's group within the stripe.
  bool straddles = false; ///< Groups begin and end in the midst of stripes.
  int64_t tasks = 0;  ///< Up to 16 channels of one group each.
  int64_t tasksPerWarp = 1, warpsPerTask = 1;
  int64_t blocksPerWarp = 1; ///< Of 16 positions, per tile and task.
  int64_t taps = 0;          ///< Where the short FIRs' taps lie in shared memory,
  int64_t tapBytes = 0;      ///< and what those of a thread's channels take; 0: in registers.
  int64_t slotBytes = 0;
  int64_t setBytes = 0; ///< Of one set of all tiles.
  /// A step finishes the tile before the one that it produces (Staged.cpp); else there is one set.
  bool skewed = true;
  int64_t tileSets = kTileSets;
  int64_t cluster = 1; ///< Blocks that take the tiles in turn (a recurrence; Staged.cpp).
  /// Positions of a recurrence's chunk, 8 of them a round (bdl: 16); else 0.
  int64_t chunk = 0;
  int64_t round = 0; ///< Positions a recurrence takes at a time: a tile, or, alone, a part of one.
  int64_t channelsPerWarp = 0; ///< Of a recurrence.
  /// A recurrence in bdl whose short FIRs are products too (ModalRunSamples.h): there is no produce, and warps
  /// never wait for each other. A tile may have several rounds, which makes the runs that memory is read
  /// in longer; of one, y takes the place of a stream in the slot. The window of the input holds what the last
  /// round leaves for the states, if they are stored.
  bool alone = false;
  llvm::SmallVector<StagedLoad> loads;
  llvm::SmallVector<StagedTile> tiles;
  llvm::SmallVector<StagedWindow> windows;
  llvm::SmallVector<StagedFir> firs;
  llvm::SmallVector<StagedModal, 1> modals; ///< One at most, and then no firs.
  llvm::SmallVector<StagedStore> stores;
  int64_t sharedBytes = 0;

  /// Channels are taken in pairs: a group of an odd number may begin on the second of one.
  int64_t tasksPerGroup() const { return (group + group % 2 + 15) / 16; }
};

/// Channels per filter of a kernel's long FIRs if fir=toeplitz can compute them under some
/// schedule, else 0.
int64_t toeplitzGroup(ir::KernelOp kernel);

/// Completes a plan whose schedule says fir=toeplitz, or says why it cannot be.
mlir::LogicalResult planStaged(KernelPlan &plan);

} // namespace halo::compiler

// The plan of a kernel: everything the lowering decides before it emits an op. A pure function of
// the specialised kernel and its schedule, so that it can be printed and tested alone.
//
// Threads. A block covers a tile of channels and walks block_l positions. Its threads form a grid
// threadsN x threadsL:
//
//            window=registers                          window=shared
//   bld      `vector` adjacent channels each,          one channel each, `unroll` rows per step,
//            `unroll` rows per step; the samples       samples and taps in shared memory
//            under the taps stay in registers from
//            step to step
//   bdl      one channel each, `unroll` runs of        one channel each, `unroll` adjacent
//            `vector` adjacent positions per step;     positions per step
//            halo samples are loaded again (cache)
//
// A kernel that carries a recurrence goes through the whole sequence in steps of threadsL runs of
// `unroll` accesses (Modal.h).
//
// A kernel that updates states in place (`longer`, `slots`, or rings in bdl) is lowered as bdl, each
// block taking the whole sequence of its channels; its bd views are sequences of one. With vector > 1 such
// a sequence is lowered as one of bld: up to `vector` adjacent channels to a thread (KeptWide.cpp).
//
// In bd, one position, the threads of row 0 have one channel each and the others help to move the
// states; a block walks block_l rows of the batch (Step.h).
//
// Lanes of a warp run along the contiguous dimension of what is stored: along channels in bld and
// where parts of a split are stored [B, L, n]; along positions in bdl.
#pragma once

#include "compiler/HaloInference.h"
#include "compiler/lowering/StagedPlan.h"
#include "runtime/KernelInfo.h"

#include "llvm/ADT/SmallVector.h"

namespace halo::compiler {

/// What says where one sequence ends and the next begins (`halo.load packed`).
struct Packing {
  std::string operand;
  bool bounds; ///< By bounds; else by a number per position.
};

struct KernelPlan {
  mutable ir::KernelOp kernel; ///< A handle; MLIR accessors are not const.
  ir::ScheduleAttr schedule;
  HaloMap halos;

  Layout layout = Layout::BLD;
  bool shared = false; ///< window=shared: the FIRs longer than kUnrolledTaps are rolled.
  int64_t lanes = 1;   ///< Adjacent channels a thread computes together (bld).
  bool along = false;  ///< The lanes are adjacent positions of one channel instead (Staged, bdl).
  int64_t run = 1;     ///< Adjacent positions per access (bdl, window=registers).
  int64_t unroll = 1;
  int64_t threadsN = 1, threadsL = 1;
  bool channelsFast = true; ///< Lanes of a warp run along channels.
  int64_t stepL = 1;        ///< Positions the whole block advances per step.
  llvm::SmallVector<ChannelTiles> tiles;
  int64_t threadStep = 1;   ///< Positions a thread's walk advances per step.
  int64_t sharedBytes = 0;
  int64_t ringBase = 0; ///< Where the ring of loads lies in shared memory.
  std::optional<StagedPlan> staged; ///< fir=toeplitz: the phases.
  llvm::SmallVector<ir::ModalOp> carries; ///< Recurrences carried along L (Modal.h).
  int64_t carryBase = 0; ///< Where their shared memory lies.
  bool keeps = false; ///< A block walks whole sequences, for states updated in place (KeptStates.cpp).
  bool reduces = false; ///< Threads meet inside the walk (a normalised split store).
  std::optional<Packing> packing;
  int64_t halo = 0; ///< The joint halo of the loads.

  /// One position of states that are kept, adjacent channels to a thread.
  bool keptStep() const { return keeps && layout == Layout::BLD; }
  bool byBounds() const { return packing && packing->bounds; }
  bool byPositions() const { return packing && !packing->bounds; }

  int64_t threads() const { return threadsN * threadsL; }
};

/// The runtime's word for a bound layout.
Layout layoutOf(mlir::Attribute layout);

/// Whether some state is kept in a way that a step's tiles are not made for: the kernel is lowered as
/// one of bdl that walks whole sequences. `layout` is that of its views.
bool keepsStates(ir::KernelOp kernel, Layout layout);

/// In a kernel with window=shared or fir=toeplitz, FIRs up to this many taps are unrolled all the same.
constexpr int64_t kUnrolledTaps = 8;
/// Taps staged in shared memory at a time.
constexpr int64_t kTapChunk = 64;
/// The longest FIR that window=registers unrolls: beyond it code and registers explode.
constexpr int64_t kMaxUnrolledTaps = 64;

/// Modes per channel that a thread holds in registers at most.
constexpr int64_t kMaxModes = 128;

/// The storage type in which a signal is exact; null if none is known.
mlir::Type exactType(ir::KernelOp kernel, mlir::Value signal);
/// True of a multiply-add whose three operands are exact in the type that its one user rounds it to:
/// then the sum is rounded once, by an instruction of that type.
bool isRoundedOnce(ir::KernelOp kernel, mlir::Operation *fma);

/// True if the plan computes this FIR by a loop over its taps.
bool isRolled(const KernelPlan &plan, ir::FirOp fir);
/// FIRs of the kernel that are rolled and that no other rolled FIR reads, in program order. (One
/// that another reads is computed while that one's window is filled.)
llvm::SmallVector<ir::FirOp> outerRolledFirs(const KernelPlan &plan);

/// The plan, or a diagnostic on the kernel with the reason its schedule is impossible.
/// `sharedLimit` is the target's shared memory per block.
mlir::FailureOr<KernelPlan> planKernel(ir::KernelOp kernel, int64_t sharedLimit);

/// Cuts [0, D) into tiles of at most `blockN` channels that split no head: {begin, end, width}
/// runs, the last one open (end 0) when the widths are not all known. `widths` and `heads` are
/// those of the split store, both empty where there is none. Worked table (tested):
///   no split, blockN 256                               {0, 0, 256}
///   widths 100, 28; heads 50, 0; blockN 64             {0, 100, 50} {100, 128, 64}
///   widths 256, 256; heads 128, 128; blockN 256        {0, 0, 256}
llvm::SmallVector<ChannelTiles> cutChannels(llvm::ArrayRef<int64_t> widths,
                                            llvm::ArrayRef<int64_t> heads, int64_t blockN);

} // namespace halo::compiler

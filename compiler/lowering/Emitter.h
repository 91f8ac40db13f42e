// Emission by pulling: a store asks for its signal at an offset, which asks for its inputs, down
// to the loads. A Place remembers what it has emitted, so nothing is computed twice within it.
//
// A signal's value at one offset is an f32, or a vector of `lanes` f32 for the adjacent channels a
// thread owns (bld). Everything emitted is thread-level gpu/scf/arith/vector/llvm; there is no
// inline assembly, so that the simulator runs what ships.
#pragma once

#include "compiler/lowering/KernelPlan.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringMap.h"

#include <functional>

namespace halo::compiler {

/// Where a position stands in its packed sequence (Packed.h).
struct PackedPosition {
  mlir::Value since; ///< i32, positions since the sequence's first, at least 0.
  mlir::Value row;   ///< i32, the sequence's row of the states.
};

/// A run of positions and what has been emitted for it. Offset j stands for `position` + j.
struct Place {
  mlir::Value position; ///< i32.
  /// True where `position` may be negative; otherwise it is at least 0. It may always pass L - 1:
  /// loads are clamped, and what they give there is never stored.
  bool anywhere = false;
  /// All offsets from 0 up that are asked for are known to lie before L: nothing is clamped, and
  /// rows are reached by stepping from one to the next.
  bool inside = false;
  /// True where every offset that is asked for is known to lie at position 0 or later.
  bool begun = false;
  /// bdl: `position` is a multiple of this, and loads take aligned runs of it.
  int64_t run = 1;

  /// Packed sequences. Where all offsets from 0 up belong to one sequence that may begin behind 0:
  /// its first position and its row of the states. Null: position 0, the block's row.
  mlir::Value origin, row;
  /// By bounds, where offsets belong to several: those for which a FIR is asked. Empty: one alone.
  llvm::DenseMap<int64_t, PackedPosition> packed;
  /// By a number per position: those at hand, and whether all in reach are known to be one that is
  /// not negative.
  llvm::DenseMap<int64_t, mlir::Value> labels;
  bool uniform = false;

  using Key = std::pair<mlir::Value, int64_t>;
  llvm::DenseMap<Key, mlir::Value> signals; ///< Values at an offset.
  llvm::DenseMap<Key, mlir::Value> history; ///< Masked values at an offset before 0.
  llvm::DenseMap<Key, mlir::Value> rows;    ///< Pointers of rows, where `inside`.
  llvm::DenseMap<Key, mlir::Value> raw;     ///< Loaded values in storage type (bdl: by run).
};

/// What one load brings: a thread's channels at a position, or (bdl) a run of positions.
struct Piece {
  mlir::Value position, clamped; ///< i32: where it lies, and in range.
  mlir::Type type;               ///< Storage type, or a vector of it.
  int64_t width = 1;             ///< Positions.
  bool maybeBefore = false;      ///< It may lie before position 0.
};

/// A tensor operand as the kernel sees it. Strides are i64, in elements.
struct Memory {
  ir::OperandDeclAttr decl;
  mlir::Type element;
  mlir::Value pointer;
  llvm::SmallVector<mlir::Value, 3> strides;
};

class Emitter {
public:
  Emitter(const KernelPlan &plan, mlir::gpu::GPUFuncOp func);
  /// Another mapping of the same block's threads, from where `like` has got to: the same operands
  /// and sizes; `channel` is the caller's to set, what is hoisted per channel to emit again.
  Emitter(const KernelPlan &plan, const Emitter &like);

  const KernelPlan &plan;
  mlir::OpBuilder b;
  mlir::Location loc;
  mlir::Value rows, channels, length, blockLen, tilesL, tilesN; ///< i32; `rows` is B.
  mlir::Value batch; ///< i32: the row of the batch. In a step, whose blocks walk along B, see takeRow.
  mlir::Value tileL;     ///< Index of the block's tile of positions.
  mlir::Value block;        ///< Linear index; of the cluster where blocks form clusters.
  mlir::Value rank;         ///< The block's in its cluster, or null.
  mlir::Value thread;       ///< Linear index in the block.
  mlir::Value laneN, laneL; ///< The thread's place in the block: threadsN x threadsL.
  mlir::Value own;          ///< First channel of the thread, wherever it lies.
  mlir::Value channel;      ///< The same, clamped into [0, D).
  mlir::Value channelOk; ///< False for threads beyond the tile or D.
  mlir::Value sharedBase; ///< Dynamic shared memory, or null.

  /// Where set, asked before anything is computed: the value of a signal that lies somewhere
  /// already, or null.
  std::function<mlir::Value(Place &, mlir::OpResult signal, int64_t offset)> source;

  /// Emits the entry: sizes, thread and block indices, tile, hoisted pointers.
  void emitEntry();
  /// In a step: from here on `batch` is this row.
  void takeRow(mlir::Value row);
  /// Emits the loads of taps, per-channel numbers and destinations: after the first loads of
  /// activations are under way, so that both latencies overlap. `taps` = false leaves out the FIRs.
  void emitInvariants(bool taps = true);

  /// The signal's value at an offset.
  mlir::Value at(Place &place, mlir::Value signal, int64_t offset);
  /// The value a FIR sees: as `at`, but 0 before the sequence where nothing says otherwise.
  mlir::Value historic(Place &place, mlir::Value signal, int64_t offset);
  /// The storage-typed value of a load's signal (bld: at a row).
  mlir::Value rawAt(Place &place, mlir::Value signal, int64_t offset);

  // The steps of a load, for those who issue it early (LoadRing). `index` counts positions, or
  // runs in bdl, from the place; it is the key of Place::raw.
  Piece pieceOf(Place &place, mlir::OpResult signal, int64_t index);
  bool oneAccess(mlir::OpResult signal) const;
  mlir::Value piecePointer(Place &place, mlir::OpResult signal, int64_t index,
                           const Piece &piece);
  mlir::Value finishPiece(Place &place, mlir::OpResult signal, const Piece &piece,
                          llvm::function_ref<mlir::Value()> loaded);
  int64_t bytesOf(mlir::Type type) const;

  /// Stores for offsets [0, count) of the place; in bdl `count` is a run.
  void store(Place &place, ir::StoreOp op, int64_t count);
  void store(Place &place, ir::SplitStoreOp op, int64_t count);
  /// The end states, by the blocks that walk the last tile.
  void storeStates();
  /// Zeros for every position of every stored view: a row of the batch that is padding.
  void storePadding();

  /// Where the block's row of a state is (KeptStates.cpp); a plain state's is that of the batch.
  struct Kept {
    mlir::Value row;    ///< i32: the first index into the state.
    mlir::Value length; ///< i32: N, the samples it holds.
    mlir::Value start;  ///< i32 in [0, N): place of sample 0 of a ring; null elsewhere.
  };
  Kept kept(llvm::StringRef state) const;
  /// The place in a state of the sample at a position before 0, which it reaches.
  mlir::Value placeOf(const Kept &kept, mlir::Value position);
  /// i1: no state of the block's row has slot -1. Null where no state has slots.
  mlir::Value rowOk;
  /// Puts the samples that loads continue from kept states into the place of a step (KeptWide.cpp).
  void recallKept(Place &place);

  /// The numbers of a `modes` operand for the thread's channels, one value per mode.
  llvm::ArrayRef<mlir::Value> modes(llvm::StringRef operand) const;
  /// Number `index` (i32) of the bounds of packed sequences, and how many sequences there are.
  mlir::Value bound(mlir::Value index);
  mlir::Value sequenceCount();
  /// What seq_idx says of an offset; of position 0 before it, of L - 1 behind it.
  mlir::Value labelAt(Place &place, int64_t offset);
  /// Whether seq_idx says the same of both offsets.
  mlir::Value sameLabel(Place &a, int64_t i, Place &b, int64_t j);
  /// By bounds: a FIR's sum so far, and on it the taps that lie before the sequence, over its
  /// history; the sum itself where it has none.
  mlir::Value sumHistory(ir::FirOp fir, const PackedPosition &own, mlir::Value sum);
  /// True if the FIR's input has samples before its sequence.
  bool hasHistory(ir::FirOp fir) const;
  /// The signal as it is stored: 0 where seq_idx is negative.
  mlir::Value stored(Place &place, mlir::Value signal, int64_t offset);

  /// One tap for the thread's channels. `index` is the tap's index in memory.
  mlir::Value loadTap(ir::FirOp fir, mlir::Value index);
  /// The taps that have been hoisted, in the kernel's order: for those who keep them elsewhere.
  llvm::SmallVector<mlir::Value *> hoistedTaps();
  /// The index in memory of the tap that meets the sample `age` positions back.
  int64_t tapIndex(ir::FirOp fir, int64_t age) const;

  // Small integer arithmetic, i32 unless said otherwise.
  mlir::Value num(int64_t value);
  mlir::Value wide(int64_t value);
  mlir::Value widen(mlir::Value value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value div(mlir::Value x, mlir::Value y);
  mlir::Value rem(mlir::Value x, mlir::Value y);
  mlir::Value min(mlir::Value x, mlir::Value y);
  mlir::Value max(mlir::Value x, mlir::Value y);
  mlir::Value less(mlir::Value x, mlir::Value y);
  mlir::Value both(mlir::Value x, mlir::Value y);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  mlir::Value offset(mlir::Value x, int64_t by) { return by ? add(x, num(by)) : x; }

  // Pieces shared by the strategies.
  mlir::Type signalType(mlir::Type scalar); ///< f32 -> vector<lanes x f32>.
  mlir::Value zero();
  mlir::Value splat(mlir::Value scalar);
  mlir::Value toF32(mlir::Value stored);
  /// The same for what comes from memory: two bf16 of a word are widened as integers. (Rounded values
  /// stay conversions, which LLVM undoes where the next rounding allows it.)
  mlir::Value loadedToF32(mlir::Value stored);
  /// Rounded to `element`; what was widened from it is given back as it was.
  mlir::Value toStorage(mlir::Value value, mlir::Type element);
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z);
  mlir::Value intrinsic(llvm::StringRef name, mlir::Value x); ///< Lane by lane.
  mlir::Value pack(llvm::ArrayRef<mlir::Value> scalars);
  mlir::Value lane(mlir::Value vector, int64_t index);
  mlir::Value address(mlir::Type element, mlir::Value pointer, mlir::Value index64);
  mlir::Value load(mlir::Type type, mlir::Value pointer, int64_t align, bool invariant);
  void storeTo(mlir::Value value, mlir::Value pointer, int64_t align);
  mlir::Value sharedByte(mlir::Value index); ///< Address of byte `index`.
  mlir::Value sharedFloat(mlir::Value index); ///< Address of f32 number `index`.
  void barrier();
  void ifThen(mlir::Value condition, llvm::function_ref<void()> body);
  void ifElse(mlir::Value condition, llvm::function_ref<void()> then,
              llvm::function_ref<void()> otherwise);
  /// The values of `then` where the condition holds, else `otherwise`.
  llvm::SmallVector<mlir::Value>
  ifValues(mlir::Value condition, mlir::ValueRange otherwise,
           llvm::function_ref<llvm::SmallVector<mlir::Value>()> then);
  /// The values, of these types, of one of the two.
  llvm::SmallVector<mlir::Value>
  either(mlir::Value condition, mlir::TypeRange types,
         llvm::function_ref<llvm::SmallVector<mlir::Value>()> then,
         llvm::function_ref<llvm::SmallVector<mlir::Value>()> otherwise);
  /// while (condition(values)) values = body(values), all of them i32.
  llvm::SmallVector<mlir::Value>
  repeat(mlir::ValueRange values, llvm::function_ref<mlir::Value(mlir::ValueRange)> condition,
         llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange)> body);
  /// for (i = from; i < to; i += step) with loop-carried values; `body` returns the next ones.
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value from, mlir::Value to, mlir::Value step, mlir::ValueRange carried,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);

  /// An input, or an output: a state may be both under one name.
  const Memory &memory(llvm::StringRef operand, bool output = false) const;
  /// Memory channel of stream s of channel c.
  mlir::Value memoryChannel(mlir::Value c, mlir::Attribute streams, int64_t s, int64_t count);
  int64_t storageBytes(mlir::Type element) const { return element.getIntOrFloatBitWidth() / 8; }

private:
  bool runsAlong(const Place &place) const; ///< bdl: loads take runs of positions.
  mlir::gpu::GPUFuncOp func;
  llvm::StringMap<Memory> memories[2]; ///< Inputs, outputs.
  /// Pointer of a load's signal at position 0 for the thread's channel, per stream.
  llvm::DenseMap<mlir::Value, mlir::Value> rowPointers;
  llvm::DenseMap<mlir::Value, mlir::Value> channelSignals;
  llvm::DenseMap<mlir::Value, mlir::Value> narrow; ///< What f32 numbers were widened from.
  llvm::StringMap<llvm::SmallVector<mlir::Value>> modeValues;
  llvm::DenseMap<std::pair<mlir::Operation *, int64_t>, mlir::Value> taps;
  /// A split store's destination for the thread's channels.
  struct Destination {
    mlir::Value pointer, rowStride, head, normed, headStart;
  };
  llvm::DenseMap<mlir::Operation *, Destination> destinations;

  void emitIndices();
  void emitRow();
  void emitKept();
  void storeKept(ir::StoreStateOp op);
  void storeApart(ir::StoreStateOp op);
  llvm::StringMap<Kept> keptStates;
  /// A kept state whose samples are at hand (KeptWide.cpp): storage type, of the thread's channels.
  struct WideKept {
    mlir::Value fits; ///< i1: the samples lie together in memory.
    llvm::SmallVector<mlir::Value> samples; ///< By age, from 1 up.
    mlir::Value newest;
  };
  llvm::StringMap<WideKept> wideKept;
  const WideKept *wideOf(ir::StoreStateOp op) const;
  void storeTogether(ir::StoreStateOp op, const WideKept &wide);
  void emitChannelTile(mlir::Value tile);
  void emitOperands();
  void emitDestination(ir::SplitStoreOp op);
  mlir::Value tapRow(ir::FirOp fir, mlir::Value c);
  bool sharesRow(ir::FirOp fir) const;
  void preloadTaps(ir::FirOp fir);
  bool preloadStream(ir::FirOp fir, int64_t count, int64_t streams);
  void preloadModes(llvm::StringRef operand);
  llvm::SmallVector<mlir::Value> loadContiguous(const Memory &memory, mlir::Value first,
                                                int64_t count);
  mlir::Value compute(Place &place, mlir::OpResult signal, int64_t offset);
  mlir::Value computeFir(Place &place, ir::FirOp fir, int64_t offset);
  mlir::Value loopedFir(Place &place, ir::FirOp fir, int64_t offset);
  mlir::Value computeRound(Place &place, ir::RoundOp round, int64_t offset);
  mlir::Value computePointwise(Place &place, mlir::Operation *op, int64_t offset);
  mlir::Value rawPiece(Place &place, mlir::OpResult signal, int64_t index);
  mlir::Value loadPiece(Place &place, mlir::OpResult signal, int64_t index, const Piece &piece);
  void storeRows(mlir::Value position, llvm::ArrayRef<mlir::Value> values, mlir::Value pointer,
                 mlir::Value stride, mlir::Type element,
                 llvm::function_ref<void(mlir::Value value, mlir::Value to)> storeRow);
  mlir::Value computePackedFir(Place &place, ir::FirOp fir, int64_t offset);
  mlir::Value kept(Place &place, mlir::Value signal);
  mlir::Value begunAt(const Place &place, mlir::Value position);
  mlir::Value signalFromState(llvm::StringRef state, mlir::Attribute streams, int64_t stream,
                              mlir::Value position, mlir::Value row);
  void storeState(ir::StoreStateOp op, mlir::Value row, mlir::Value origin, mlir::Value end);
  mlir::Value normalise(ir::SplitStoreOp op, mlir::Value value);
};

/// While it lives, what is emitted belongs to the line of one op of the kernel's text: for line
/// tables. What belongs to none has the line of the kernel itself.
class OpLine {
public:
  OpLine(Emitter &emitter, mlir::Operation *op) : emitter(emitter), before(emitter.loc) {
    emitter.loc = op->getLoc();
  }
  OpLine(const OpLine &) = delete;
  ~OpLine() { emitter.loc = before; }

private:
  Emitter &emitter;
  mlir::Location before;
};

/// Strides an operand of this type has in the calling convention; a state of a length of its own
/// has it behind them.
int strideCount(mlir::Type operand);

/// Everything the kernel stores of a place: offsets [0, count) (Direct.cpp).
void storeAll(Emitter &emitter, Place &place, int64_t count);
/// Issues the loads of offsets [-halo, count) (or [0, count)) ahead of all arithmetic.
void loadAll(Emitter &emitter, Place &place, int64_t count, bool withHalo);

/// The direct strategy's main loops (Direct.cpp).
void emitDirect(Emitter &emitter);
/// What a kept step computes and stores but for its states (KeptWide.cpp).
void emitKeptStep(Emitter &emitter);

} // namespace halo::compiler

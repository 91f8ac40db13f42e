#include "compiler/lowering/StagedPlan.h"

#include "compiler/lowering/KernelPlan.h"
#include "compiler/lowering/ModalFactors.h"
#include "compiler/lowering/ModalRunScan.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

namespace {

constexpr int64_t kAccess = 16;      ///< Bytes of an asynchronous copy.
constexpr int64_t kBanksBytes = 128; ///< What shared memory serves at a time.
constexpr int64_t kBlock = 16;       ///< Positions of a Toeplitz block, channels of a task.
/// Positions of a swizzle: 8 pieces of 8.
constexpr int64_t kSwizzled = 64;
/// The shortest tile. From 64 on rings are powers of two; shorter ones save what they can.
constexpr int64_t kLeastTile = 32;
/// Channels above which shared memory holds no second set of short tiles.
constexpr int64_t kMostSkewed = 128;
/// Taps in registers: K / 4 of them, twice that where they are split.
constexpr int64_t kMostTaps = 256;
/// Columns of a recurrence's products, in bdl their rows; positions of one, so that its T, P and Q
/// are still registers.
constexpr int64_t kChunks = 8, kLongestChunk = 64, kChunksBDL = 16, kLongestChunkBDL = 32;
/// As if all of a tile were one round.
constexpr int64_t kLongestChunkAlone = 64;
constexpr int64_t kMostModes = 32;

class Planner {
public:
  explicit Planner(KernelPlan &plan) : plan(plan), staged(plan.staged.emplace()) {}

  /// What no schedule can mend.
  LogicalResult checkKernel() { return failure(failed(findFirs()) || failed(cut())); }

  LogicalResult run() {
    if (failed(checkForm()) || failed(findFirs()) || failed(cut()) || failed(shareOut()))
      return failure();
    layOut();
    return success();
  }

private:
  KernelPlan &plan;
  StagedPlan &staged;
  llvm::SetVector<Value> firInputs, crossing;
  llvm::DenseSet<Value> afterFir; ///< Signals computed from what a long FIR gives.

  InFlightDiagnostic impossible() { return plan.kernel.emitError() << "schedule: fir=toeplitz "; }
  Block &body() { return plan.kernel.getBody().front(); }
  bool bld() const { return plan.layout == Layout::BLD; }
  static int64_t bytesOf(Type type) { return type.getIntOrFloatBitWidth() / 8; }

  LogicalResult checkForm() {
    if (plan.schedule.getAlign() != 16)
      return impossible() << "needs align 16, got align " << plan.schedule.getAlign();
    if (plan.schedule.getStages() < 2)
      return impossible() << "needs stages of at least 2, got " << plan.schedule.getStages();
    if (plan.shared)
      return impossible() << "needs window=registers, got window=shared";
    staged.tile = plan.stepL;
    int64_t least = bld() ? kLeastTile : kSwizzled;
    if (staged.tile < least || !llvm::isPowerOf2_64(staged.tile))
      return impossible() << "needs a power of two of at least " << least
                          << " positions per step, got " << staged.tile;
    if (staged.tile < kSwizzled && plan.schedule.getBlockN() > kMostSkewed) {
      staged.skewed = false;
      staged.tileSets = 2;
    }
    if (bld() && plan.unroll > 8 && plan.unroll % 8)
      return impossible() << "needs unroll of up to 8 or a multiple, got " << plan.unroll;
    return success();
  }

  /// The class `fast` keeps one part of each number.
  static bool isFast(Operation *op) {
    auto precision = op->getAttrOfType<PrecisionAttr>("precision");
    return precision && precision.getValue() == Precision::Fast;
  }

  LogicalResult findFirs() {
    for (Operation &op : body())
      if (isa<SplitStoreOp>(op))
        return impossible() << "does not lower halo.split_store";
    for (auto load : body().getOps<LoadOp>())
      if (auto streams = dyn_cast_or_null<StreamsAttr>(load.getStreams().value_or(Attribute())))
        if (streams.getKind() == StreamKind::ColumnSplit && load.getNumResults() > 1)
          return impossible() << "needs streams interleave or split, got column_split";
    for (auto fir : body().getOps<FirOp>()) {
      if (!isRolled(plan, fir) || !plan.halos.count(fir.getResult()))
        continue;
      StringRef name = fir.getWeight();
      auto type = cast<TapsType>(plan.kernel.lookupOperand(name).getType());
      Type taps = knownElement(type.getElement()), input = exactType(plan.kernel, fir.getInput());
      if (tapsOf(fir) > kMostTaps)
        return impossible() << "holds at most " << kMostTaps << " taps, '" << name << "' has "
                            << tapsOf(fir);
      if (*knownCount(type.getStreams()) != 1)
        return impossible() << "needs taps of one stream, '" << name << "' has "
                            << *knownCount(type.getStreams());
      if (!input || !(input.isBF16() || input.isF16()))
        return impossible() << "multiplies 2-byte samples: what '" << name
                            << "' filters must be loaded or rounded as bf16 or f16";
      if (input.isF16() && !taps.isF16())
        return impossible() << "needs f16 taps for f16 samples, '" << name << "' has " << taps;
      int64_t group = *knownCount(type.getGroup());
      if (!staged.firs.empty() && group != staged.group)
        return impossible() << "needs equal groups, '" << name << "' has " << group << " where "
                            << staged.group << " came before";
      staged.group = group;
      firInputs.insert(fir.getInput());
      StagedFir entry;
      entry.fir = fir;
      entry.window = llvm::find(firInputs, fir.getInput()) - firInputs.begin();
      entry.blocks = 1 + llvm::divideCeil(tapsOf(fir) - 1, kBlock);
      entry.split = taps != input && !isFast(fir);
      staged.firs.push_back(entry);
    }
    for (auto modal : body().getOps<ModalOp>())
      if (failed(findModal(modal)))
        return failure();
    if (int64_t cluster = plan.schedule.getCluster(); cluster > 1 && staged.modals.empty())
      return impossible() << "takes cluster 1 for long FIRs, got cluster " << cluster;
    if (staged.firs.empty() && staged.modals.empty())
      return impossible() << "needs a halo.modal, or a FIR of more than " << kUnrolledTaps
                          << " taps";
    return success();
  }

  LogicalResult findModal(ModalOp modal) {
    StringRef name = modal.getLogPoles();
    if (!staged.firs.empty() || !staged.modals.empty())
      return impossible() << "takes one halo.modal and no long FIR beside it, that of '" << name
                          << "' comes second";
    Type input = exactType(plan.kernel, modal.getInput());
    // f16 holds neither small residues nor what a slow pole gathers.
    if (!input || !input.isBF16())
      return impossible() << "needs bf16 samples: what the recurrence of '" << name
                          << "' takes must be loaded or rounded as bf16";
    StagedModal entry;
    entry.op = modal;
    entry.modes = modesOf(plan.kernel, name);
    entry.modeBlocks = llvm::divideCeil(entry.modes, kBlock);
    if (entry.modes > kMostModes)
      return impossible() << "holds at most " << kMostModes << " modes, '" << name << "' has "
                          << entry.modes;
    entry.split = !isFast(modal);
    for (auto store : body().getOps<StoreStateOp>())
      if (llvm::is_contained(store.getInputs(), modal.getResult()))
        entry.stored = store;
    firInputs.insert(modal.getInput());
    staged.modals.push_back(entry);
    return success();
  }

  bool isStaged(Operation *op) {
    return llvm::any_of(staged.firs, [&](StagedFir &entry) { return entry.fir == op; }) ||
           llvm::any_of(staged.modals, [&](StagedModal &entry) { return entry.op == op; });
  }

  /// What the epilogue needs of a signal, apart from accumulators and numbers per channel.
  LogicalResult pull(Value signal) {
    Operation *op = signal.getDefiningOp();
    if (isa<arith::ConstantOp, ChannelOp>(op))
      return success();
    // Narrow values cross; what is cheap to compute from them is computed again.
    bool pointwise = !isa<LoadOp, FirOp, ResumeOp, ModalOp>(op);
    if (!afterFir.contains(signal) && (exactType(plan.kernel, signal) || !pointwise)) {
      crossing.insert(signal);
      return success();
    }
    if (isStaged(op)) {
      auto fir = dyn_cast<FirOp>(op);
      return fir && fir.getAddend() ? pull(fir.getAddend()) : success();
    }
    if (isa<FirOp, ResumeOp>(op))
      return impossible() << "cannot look back into what a long FIR gives";
    for (Value operand : op->getOperands())
      if (failed(pull(operand)))
        return failure();
    return success();
  }

  LogicalResult cut() {
    for (Operation &op : body())
      if (isStaged(&op) ||
          llvm::any_of(op.getOperands(), [&](Value operand) { return afterFir.contains(operand); }))
        for (Value result : op.getResults())
          afterFir.insert(result);
    for (Value input : firInputs)
      if (afterFir.contains(input))
        return impossible() << "cannot filter what a long FIR gives";
    for (auto store : body().getOps<StoreOp>())
      if (failed(pull(store.getInput())))
        return failure();
    return success();
  }

  /// Rows are copied in whole accesses; those of bdl by threads that take one each.
  LogicalResult checkCopies() {
    int64_t blockN = plan.schedule.getBlockN(), threads = 32 * plan.schedule.getNumWarps();
    for (auto decl : plan.kernel.getOperandDecls().getAsRange<OperandDeclAttr>())
      if (auto view = dyn_cast<ViewType>(decl.getType())) {
        int64_t bytes = bytesOf(knownElement(view.getElement()));
        if (bld() && blockN * bytes % kAccess)
          return impossible() << "copies accesses of " << kAccess << " bytes, block_n " << blockN
                              << " of '" << decl.getName() << "' has " << blockN * bytes;
        if (!bld() && staged.tile * bytes / kAccess > threads)
          return impossible() << "copies " << staged.tile * bytes / kAccess << " accesses of "
                              << kAccess << " bytes of a row of '" << decl.getName()
                              << "' by as many threads, got " << threads;
      }
    return success();
  }

  /// Groups to warps.
  LogicalResult shareOut() {
    int64_t blockN = plan.schedule.getBlockN(), warps = plan.schedule.getNumWarps();
    if (failed(checkCopies()))
      return failure();
    if (!staged.modals.empty())
      return shareOutChannels();
    staged.straddles = blockN % staged.group && staged.group % blockN;
    if (!staged.straddles)
      staged.group = std::min(staged.group, blockN);
    staged.tasks = groupsOf(blockN) * staged.tasksPerGroup();
    // Tasks without channels make the rounds whole.
    while (staged.straddles && (staged.tasks > warps ? staged.tasks % warps : warps % staged.tasks))
      ++staged.tasks;
    if (staged.tasks > warps ? staged.tasks % warps : warps % staged.tasks)
      return impossible() << "cannot share " << staged.tasks << " tasks of up to 16 channels among "
                          << warps << " warps";
    staged.tasksPerWarp = std::max<int64_t>(1, staged.tasks / warps);
    staged.warpsPerTask = std::max<int64_t>(1, warps / staged.tasks);
    int64_t blocks = staged.tile / kBlock;
    if (blocks % staged.warpsPerTask)
      return impossible() << "has " << blocks << " blocks of 16 positions a step for "
                          << staged.warpsPerTask << " warps";
    staged.blocksPerWarp = blocks / staged.warpsPerTask;
    return success();
  }

  /// Groups of which a stripe has channels, at most: it begins at any multiple of the greatest
  /// common divisor in its first group.
  int64_t groupsOf(int64_t blockN) const {
    int64_t furthest = staged.straddles ? staged.group - std::gcd(blockN, staged.group) : 0;
    return llvm::divideCeil(furthest + blockN, staged.group);
  }

  /// A lane reads a pair of channels of which another warp may finish one: what is stored does not
  /// take the place of what is read.
  bool sharesPairs() const { return bld() && staged.modals.empty() && staged.group % 2; }

  /// Channels to warps, two at a time.
  LogicalResult shareOutChannels() {
    int64_t blockN = plan.schedule.getBlockN(), warps = plan.schedule.getNumWarps();
    if (bld() && blockN % (2 * warps))
      return impossible() << "cannot share pairs of " << blockN << " channels among " << warps
                          << " warps";
    if (blockN % warps)
      return impossible() << "cannot share " << blockN << " channels among " << warps << " warps";
    staged.channelsPerWarp = blockN / warps;
    int64_t chunks = bld() ? kChunks : kChunksBDL;
    staged.alone = !bld() && isAlone();
    int64_t longest = chunks * (bld()          ? kLongestChunk
                                : staged.alone ? kLongestChunkAlone
                                               : kLongestChunkBDL);
    if (staged.tile % (chunks * kBlock) || staged.tile > longest)
      return impossible() << "needs " << chunks * kBlock << " to " << longest
                          << " positions per step for a halo.modal, got " << staged.tile;
    staged.round = staged.alone ? chunks * kBlock : staged.tile;
    staged.chunk = staged.round / chunks;
    staged.skewed = false;
    staged.tileSets = 1;
    staged.cluster = plan.schedule.getCluster();
    if (staged.cluster > 1 && staged.round < staged.tile)
      return impossible() << "needs " << staged.round << " positions per step in a cluster, got "
                          << staged.tile;
    return success();
  }

  /// Whether all that comes before the recurrence are samples of 2 bytes and FIRs of them that are
  /// exact products, with no more history than an access.
  bool isAlone() {
    auto narrow = [&](Value signal) {
      Type type = exactType(plan.kernel, signal);
      return type && type.isBF16();
    };
    int64_t streams = 0, stores = 0;
    for (Operation &op : body()) {
      if (auto load = dyn_cast<LoadOp>(op)) {
        if (!narrow(load.getSignals().front()) || haloOf(load) * 2 > kAccess)
          return false;
        streams += haloOf(load) < 0 ? 0 : load.getNumResults();
      } else if (auto store = dyn_cast<StoreOp>(op)) {
        auto type = cast<ViewType>(plan.kernel.lookupOperand(store.getView()).getType());
        if (bytesOf(knownElement(type.getElement())) != 2)
          return false;
        ++stores;
      } else if (auto fir = dyn_cast<FirOp>(op)) {
        auto taps = cast<TapsType>(plan.kernel.lookupOperand(fir.getWeight()).getType());
        if (!fir.getInput().getDefiningOp<LoadOp>() || !knownElement(taps.getElement()).isBF16())
          return false;
      } else if (isa<ResumeOp>(op)) {
        return false;
      }
    }
    return stores <= streams && llvm::all_of(crossing, narrow);
  }

  /// Rows that produce reads before a tile, by load.
  int64_t haloOf(LoadOp load) {
    llvm::DenseMap<Value, int64_t> halos;
    for (Value signal : firInputs)
      halos[signal] = 0;
    for (Value signal : crossing)
      halos[signal] = 0;
    for (Operation &op : llvm::reverse(body()))
      for (Value result : op.getResults())
        if (auto known = halos.find(result); known != halos.end()) {
          int64_t halo = known->second;
          auto fir = dyn_cast<FirOp>(op);
          for (Value operand : op.getOperands()) {
            int64_t more = fir && operand == fir.getInput() ? tapsOf(fir) - 1 : 0;
            int64_t &entry = halos.try_emplace(operand, 0).first->second;
            entry = std::max(entry, halo + more);
          }
        }
    int64_t most = -1;
    for (Value signal : load.getSignals())
      if (auto known = halos.find(signal); known != halos.end())
        most = std::max(most, known->second);
    return most;
  }

  void layOutRows(StagedLoad &entry) {
    int64_t streams = entry.op.getNumResults();
    auto kind = dyn_cast_or_null<StreamsAttr>(entry.op.getStreams().value_or(Attribute()));
    bool split = streams > 1 && kind && kind.getKind() == StreamKind::Split;
    entry.pieces = split ? streams : 1;
    entry.pieceBytes = plan.schedule.getBlockN() * (streams / entry.pieces) *
                       bytesOf(exactType(plan.kernel, entry.op.getSignals().front()));
    entry.pad = padOf(entry, streams / entry.pieces);
    int64_t rows = staged.tile + entry.halo;
    staged.slotBytes += rows * entry.rowBytes() + (rows - 1) / plan.unroll * entry.pad;
    staged.slotBytes = llvm::alignTo(staged.slotBytes, kAccess);
  }

  /// An odd number of accesses per row: neighbouring channels' runs then lie in different banks.
  void layOutRuns(StagedLoad &entry) {
    int64_t bytes = bytesOf(exactType(plan.kernel, entry.op.getSignals().front()));
    entry.pieces = entry.op.getNumResults();
    entry.before = llvm::alignTo(entry.halo * bytes, kAccess);
    entry.pieceBytes = ((entry.before + staged.tile * bytes) / kAccess | 1) * kAccess;
    staged.slotBytes += entry.pieces * plan.schedule.getBlockN() * entry.pieceBytes;
  }

  /// Padding puts what a warp finishes at a time, eight rows, into different banks. bld: an access
  /// per row of block_n; bdl: what four lanes of four positions have, per row of the tile, of which
  /// StagedBlock::tileRow takes an access.
  int64_t tileRowBytes(int64_t bytes, bool padded) const {
    return bld() ? llvm::alignTo(plan.schedule.getBlockN() * bytes, kAccess) + padded * kAccess
                 : (staged.tile + 16) * bytes;
  }

  /// A row of threads reads `lanes` channels each of `streams` side by side. Shared memory serves
  /// 128 bytes at a time: where one row of threads reads fewer, the next one's lie beside them.
  int64_t padOf(const StagedLoad &load, int64_t streams) {
    int64_t bytes = load.pieceBytes / (plan.schedule.getBlockN() * streams);
    int64_t own = plan.lanes * streams, access = std::min<int64_t>(kAccess, (own & -own) * bytes);
    int64_t atOnce = plan.threadsN * access;
    // Copies step by whole groups of rows.
    int64_t rowsAtOnce = plan.threads() * kAccess / load.pieceBytes;
    bool aligned = plan.unroll * load.rowBytes() % kBanksBytes == 0 && rowsAtOnce >= plan.unroll;
    return atOnce < kBanksBytes && aligned ? std::max(atOnce, kAccess) : 0;
  }

  void layOut() {
    int64_t blockN = plan.schedule.getBlockN(), history = 0;
    for (StagedFir &entry : staged.firs)
      history = std::max(history, kBlock * (entry.blocks - 1));
    staged.warmup = llvm::alignTo(history, staged.tile);
    int64_t held = (staged.skewed ? 2 : 1) * staged.tile + history;
    staged.ring = staged.tile < kSwizzled ? llvm::alignTo(held, kSwizzled)
                                          : llvm::PowerOf2Ceil(held);
    for (auto load : body().getOps<LoadOp>()) {
      StagedLoad entry;
      entry.op = load;
      entry.halo = haloOf(load);
      if (entry.halo < 0)
        continue;
      entry.base = staged.slotBytes;
      bld() ? layOutRows(entry) : layOutRuns(entry);
      staged.loads.push_back(entry);
    }
    int64_t next = staged.slotBytes * plan.schedule.getStages();
    // With a lane's positions far apart, what the epilogue needs comes best by way of the tensor
    // cores.
    if (!staged.modals.empty())
      for (Value signal : crossing)
        if (Type type = exactType(plan.kernel, signal); type && type.isBF16())
          firInputs.insert(signal);
    for (Value signal : firInputs) {
      staged.windows.push_back({signal, exactType(plan.kernel, signal), next, crossing.contains(signal)});
      crossing.remove(signal);
      bool stays = !staged.alone || (staged.windows.size() == 1 && staged.modals.front().stored);
      next += stays ? blockN * staged.ring * bytesOf(staged.windows.back().element) : 0;
    }
    int64_t first = next;
    auto newTile = [&](Value signal, Type element, bool padded = true) {
      StagedTile tile{signal, element, next, tileRowBytes(bytesOf(element), padded)};
      next += (bld() ? staged.tile : blockN) * tile.rowBytes;
      return tile;
    };
    for (Value signal : crossing) {
      Type type = exactType(plan.kernel, signal);
      staged.tiles.push_back(
          newTile(signal, type ? type : Float32Type::get(plan.kernel.getContext())));
    }
    // A store's tile takes the place of a tile of its width: each thread reads before it writes.
    llvm::DenseSet<int64_t> taken;
    for (auto store : body().getOps<StoreOp>()) {
      Type element = knownElement(
          cast<ViewType>(plan.kernel.lookupOperand(store.getView()).getType()).getElement());
      auto fits = [&](StagedTile &tile) {
        return bytesOf(tile.element) == bytesOf(element) && !taken.contains(tile.base);
      };
      // The epilogue's values are all read before any is stored only where there is one store.
      auto own = range_size(body().getOps<StoreOp>()) == 1 && !sharesPairs()
                     ? llvm::find_if(staged.tiles, fits)
                     : staged.tiles.end();
      if (staged.alone && staged.round == staged.tile) {
        staged.stores.push_back({store, streamTile(element), false, 0, /*windowed=*/true});
        continue;
      }
      if (staged.chunk && !bld()) {
        StagedTile tile{{}, element, next, staged.ring * bytesOf(element)};
        next += blockN * tile.rowBytes;
        staged.stores.push_back({store, tile, false, 0, /*windowed=*/true});
        continue;
      }
      bool swizzled = staged.chunk && bytesOf(element) == 2, fresh = own == staged.tiles.end();
      int64_t pieces = blockN * bytesOf(element) / kAccess;
      if (!swizzled || !fresh || !llvm::isPowerOf2_64(pieces) || pieces > 8)
        pieces = 0;
      StagedTile tile = fresh ? newTile({}, element, /*padded=*/!pieces) : *own;
      tile.element = element;
      taken.insert(tile.base);
      staged.stores.push_back({store, tile, swizzled, pieces});
    }
    if (sharesPairs())
      --staged.tileSets;
    staged.setBytes = next - first;
    staged.sharedBytes = first + staged.tileSets * staged.setBytes;
    for (StagedModal &modal : staged.modals) {
      modal.scratch = staged.sharedBytes;
      if (bld())
        staged.sharedBytes += blockN * modal.modeBlocks * (modal.split ? 2 : 1) * kBlock * kAccess;
      modal.tables = staged.sharedBytes;
      modal.tableBytes = bld() ? modalTableBytes(staged, modal)
                               : modalRunTableBytes(staged, modal) + modalScanBytes(staged, modal);
      staged.sharedBytes += blockN * modal.tableBytes;
      if (bld())
        keepTapsShared();
    }
  }

  /// In the slot, the rows of the stream that as many stores have left.
  StagedTile streamTile(Type element) {
    int64_t stream = staged.stores.size();
    for (const StagedLoad &load : staged.loads) {
      int64_t bytes = plan.schedule.getBlockN() * load.pieceBytes;
      if (stream < load.pieces)
        return {{}, element, load.base + stream * bytes + load.before, load.pieceBytes};
      stream -= load.pieces;
    }
    llvm_unreachable("isAlone has counted them");
  }

  /// A recurrence's constants fill the registers.
  void keepTapsShared() {
    int64_t count = 0;
    for (auto fir : body().getOps<FirOp>())
      count += tapsOf(fir);
    // An odd number of accesses: neighbours' lie in different banks.
    int64_t accesses = llvm::divideCeil(4 * plan.lanes * count, kAccess) | 1;
    staged.taps = staged.sharedBytes;
    staged.tapBytes = count ? accesses * kAccess : 0;
    staged.sharedBytes += plan.threadsN * staged.tapBytes;
  }

  template <typename Range> static int64_t range_size(Range &&range) {
    return std::distance(range.begin(), range.end());
  }
};

} // namespace

int64_t compiler::toeplitzGroup(KernelOp kernel) {
  KernelPlan plan;
  plan.kernel = kernel;
  plan.halos = inferHalos(kernel);
  plan.schedule = ScheduleAttr::get(kernel.getContext(), 64, 0, 4, 4, 8, 2, 1,
                                    WindowKind::Registers, 16, FirKind::Toeplitz, 1);
  ScopedDiagnosticHandler quiet(kernel.getContext(), [](Diagnostic &) { return success(); });
  if (failed(Planner(plan).checkKernel()))
    return 0;
  return plan.staged->group;
}

LogicalResult compiler::planStaged(KernelPlan &plan) { return Planner(plan).run(); }

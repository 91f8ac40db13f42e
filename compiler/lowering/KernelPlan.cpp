#include "compiler/lowering/KernelPlan.h"

#include "compiler/lowering/LoadRing.h"
#include "compiler/lowering/Modal.h"
#include "compiler/lowering/RolledFir.h"
#include "compiler/lowering/Step.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

Layout compiler::layoutOf(Attribute layout) {
  switch (cast<LayoutKindAttr>(layout).getValue()) {
  case LayoutKind::BDL:
    return Layout::BDL;
  case LayoutKind::BLD:
    return Layout::BLD;
  case LayoutKind::BD:
    return Layout::BD;
  case LayoutKind::DL:
    return Layout::DL;
  }
  return Layout::BLD;
}

bool compiler::isRolled(const KernelPlan &plan, FirOp fir) {
  bool staged = plan.schedule.getFir() == FirKind::Toeplitz;
  return (plan.shared || staged) && tapsOf(fir) > kUnrolledTaps;
}

SmallVector<FirOp> compiler::outerRolledFirs(const KernelPlan &plan) {
  SmallVector<FirOp> firs;
  llvm::DenseSet<Value> feedsRolled;
  for (Operation &op : llvm::reverse(plan.kernel.getBody().front())) {
    bool inside = llvm::any_of(op.getResults(), [&](Value v) { return feedsRolled.count(v); });
    auto fir = dyn_cast<FirOp>(op);
    bool rolled = fir && isRolled(plan, fir) && plan.halos.count(fir.getResult());
    if (rolled && !inside)
      firs.push_back(fir);
    if (rolled || inside)
      // An addend starts the sums; it is not staged.
      for (Value operand : op.getOperands())
        if (!(rolled && !inside) || operand == fir.getInput())
          feedsRolled.insert(operand);
  }
  std::reverse(firs.begin(), firs.end());
  return firs;
}

SmallVector<ChannelTiles> compiler::cutChannels(ArrayRef<int64_t> widths, ArrayRef<int64_t> heads,
                                                int64_t blockN) {
  SmallVector<ChannelTiles> tiles;
  int64_t begin = 0;
  bool even = true;
  for (auto [i, width] : llvm::enumerate(widths)) {
    int64_t head = heads.empty() ? 0 : heads[i];
    even &= head == 0 || (begin % head == 0 && blockN % head == 0);
    int64_t tile = head ? blockN / head * head : blockN;
    // Plain channels may be cut anywhere, so neighbouring plain parts share tiles.
    bool joins = head == 0 && !tiles.empty() && tiles.back().width == blockN &&
                 (i == 0 || heads.empty() || heads[i - 1] == 0);
    if (joins)
      tiles.back().end = begin + width;
    else
      tiles.push_back({begin, begin + width, tile});
    begin += width;
  }
  if (even)
    return {{0, 0, blockN}};
  return tiles;
}

static FailureOr<KernelPlan> checkShared(const KernelPlan &plan, int64_t limit) {
  if (plan.sharedBytes > limit)
    return plan.kernel.emitError() << "schedule: shared memory " << plan.sharedBytes
                                   << " B exceeds the target's " << limit << " B";
  return plan;
}

/// What the loads say of packed sequences, and what that rules out.
static LogicalResult findPacking(KernelPlan &plan) {
  KernelOp kernel = plan.kernel;
  for (auto load : kernel.getBody().front().getOps<LoadOp>()) {
    if (!load.getPacked() || load.getPacked()->empty())
      continue;
    StringRef name = cast<FlatSymbolRefAttr>((*load.getPacked())[0]).getValue();
    if (plan.packing && plan.packing->operand != name)
      return load.emitError() << "view '" << load.getView() << "' is packed by '" << name
                              << "', another by '" << plan.packing->operand << "', expected one";
    auto view = cast<ViewType>(kernel.lookupOperand(load.getView()).getType());
    LayoutKind layout = cast<LayoutKindAttr>(view.getLayout()).getValue();
    if (layout != LayoutKind::BDL && layout != LayoutKind::BLD)
      return load.emitError() << "view '" << load.getView() << "' is "
                              << stringifyLayoutKind(layout)
                              << ", packed sequences go with bdl and bld";
    auto indices = cast<IndicesType>(kernel.lookupOperand(name).getType());
    plan.packing = {name.str(), indices.getForm() == ir::IndexForm::Bounds};
  }
  if (!plan.packing)
    return success();
  if (!plan.carries.empty() && !plan.packing->bounds)
    return plan.carries.front().emitError()
           << "a halo.modal takes packed sequences by bounds, got a number per position in operand '"
           << plan.packing->operand << "'";
  if (!plan.carries.empty() && plan.layout == Layout::BDL && plan.schedule.getVector() != 1)
    return kernel.emitError() << "schedule: packed sequences of a halo.modal in bdl need vector 1, got "
                              << plan.schedule.getVector();
  if (plan.schedule.getFir() == FirKind::Toeplitz)
    return kernel.emitError() << "schedule: fir=toeplitz takes no packed sequences, got operand '"
                              << plan.packing->operand << "'";
  return success();
}

/// True if the signal is computed from a recurrence: it has no value before a tile but by walking.
static bool dependsOnModal(Value signal) {
  Operation *op = signal.getDefiningOp();
  return isa<ModalOp>(op) || llvm::any_of(op->getOperands(), dependsOnModal);
}

/// What a kernel with a recurrence may hold.
static LogicalResult checkCarries(const KernelPlan &plan) {
  KernelOp kernel = plan.kernel;
  for (ModalOp modal : plan.carries) {
    int64_t modes = modesOf(kernel, modal.getLogPoles());
    if (modes > kMaxModes)
      return modal.emitError() << "operand '" << modal.getLogPoles() << "' has " << modes
                               << " modes, more than the " << kMaxModes
                               << " that a thread can hold";
    if (int64_t halo = plan.halos.lookup(modal.getResult()))
      return modal.emitError() << "a FIR reads " << halo
                               << " positions back from what depends on this recurrence, which "
                                  "keeps 0";
  }
  for (auto store : kernel.getBody().front().getOps<StoreStateOp>())
    if (!isa<ModalStateType>(kernel.lookupOperand(store.getState(), true).getType()) &&
        llvm::any_of(store.getInputs(), dependsOnModal))
      return store.emitError() << "state '" << store.getState()
                               << "' holds samples of what depends on a halo.modal, which keeps 0";
  return success();
}

/// How it may be scheduled.
static LogicalResult checkModalSchedule(const KernelPlan &plan) {
  auto impossible = [&]() { return plan.kernel.emitError() << "schedule: "; };
  if (plan.shared)
    return impossible() << "a halo.modal needs window=registers, got shared";
  if (plan.schedule.getBlockL())
    return impossible() << "a halo.modal walks the whole sequence: block_l is "
                        << plan.schedule.getBlockL() << ", expected 0";
  if (plan.schedule.getFir() == FirKind::Direct && plan.schedule.getStages() != 1)
    return impossible() << "a halo.modal with fir=direct needs stages 1, got "
                        << plan.schedule.getStages();
  return success();
}

bool compiler::keepsStates(KernelOp kernel, Layout layout) {
  return llvm::any_of(kernel.getOperandDecls().getAsRange<OperandDeclAttr>(),
                      [&](OperandDeclAttr decl) {
                        auto state = dyn_cast<StateType>(decl.getType());
                        return state && (state.getLonger() || state.getSlots() ||
                                         (state.getRing() && layout != Layout::BD));
                      });
}

/// What a kernel that keeps states may hold, and how it may be scheduled.
static LogicalResult checkKeeps(const KernelPlan &plan) {
  KernelOp kernel = plan.kernel;
  if (plan.layout == Layout::BLD)
    return kernel.emitError() << "states that are kept go with views of bd or bdl, got bld";
  if (plan.schedule.getFir() == FirKind::Toeplitz)
    return kernel.emitError() << "schedule: fir=toeplitz has no states that are kept";
  if (plan.schedule.getBlockL())
    return kernel.emitError() << "schedule: a kept state takes the whole sequence: block_l is "
                              << plan.schedule.getBlockL() << ", expected 0";
  for (Operation &op : kernel.getBody().front()) {
    if (isa<ModalOp, SplitStoreOp>(op))
      return op.emitError() << "a kernel that keeps states has no '" << op.getName() << "'";
    auto store = dyn_cast<StoreStateOp>(op);
    if (!store)
      continue;
    auto type = cast<StateType>(kernel.lookupOperand(store.getState(), true).getType());
    // What is computed from states cannot be computed again once they are written.
    for (Value input : store.getInputs())
      if (type.isKept() && !input.getDefiningOp<LoadOp>())
        return store.emitError() << "state '" << store.getState()
                                 << "' keeps the signals of a halo.load, this one is computed";
  }
  return success();
}

/// One thread per channel; the block's other threads help to move the states.
static FailureOr<KernelPlan> planStep(KernelPlan plan, int64_t sharedLimit) {
  ScheduleAttr schedule = plan.schedule;
  auto impossible = [&]() { return plan.kernel.emitError() << "schedule: "; };
  if (schedule.getVector() != 1 || schedule.getUnroll() != 1)
    return impossible() << "a step has vector 1 and unroll 1, got " << schedule.getVector()
                        << " and " << schedule.getUnroll();
  if (schedule.getFir() == FirKind::Toeplitz)
    return impossible() << "fir=toeplitz needs layout bld, got bd";
  for (Operation &op : plan.kernel.getBody().front())
    if (isa<SplitStoreOp>(op))
      return op.emitError() << "a step has no split_store";
  int64_t threads = 32 * schedule.getNumWarps();
  plan.threadsN = schedule.getBlockN();
  if (!llvm::isPowerOf2_64(plan.threadsN) || plan.threadsN > threads)
    return impossible() << "block_n " << plan.threadsN
                        << " of a step is not a power of two of at most " << threads << " threads";
  plan.threadsL = threads / plan.threadsN;
  plan.tiles = {{0, 0, plan.threadsN}};
  auto bytes = stepSharedBytes(plan);
  if (failed(bytes))
    return failure();
  plan.sharedBytes = *bytes;
  return checkShared(plan, sharedLimit);
}

Type compiler::exactType(KernelOp kernel, Value signal) {
  if (auto load = signal.getDefiningOp<LoadOp>())
    return knownElement(
        cast<ViewType>(kernel.lookupOperand(load.getView()).getType()).getElement());
  if (auto channel = signal.getDefiningOp<ChannelOp>())
    return knownElement(
        cast<ChannelType>(kernel.lookupOperand(channel.getOperand()).getType()).getElement());
  if (auto round = signal.getDefiningOp<RoundOp>())
    return cast<TypeAttr>(round.getType()).getValue();
  if (auto resume = signal.getDefiningOp<ResumeOp>())
    return exactType(kernel, resume.getInput());
  return {};
}

bool compiler::isRoundedOnce(KernelOp kernel, Operation *fma) {
  if (!isa<math::FmaOp>(fma) || !fma->hasOneUse())
    return false;
  auto round = dyn_cast<RoundOp>(*fma->user_begin());
  Type type = round ? cast<TypeAttr>(round.getType()).getValue() : Type();
  return type && (type.isBF16() || type.isF16()) &&
         llvm::all_of(fma->getOperands(),
                      [&](Value operand) { return exactType(kernel, operand) == type; });
}

FailureOr<KernelPlan> compiler::planKernel(KernelOp kernel, int64_t sharedLimit) {
  KernelPlan plan;
  plan.kernel = kernel;
  plan.schedule = kernel.getScheduleAttr();
  plan.halos = inferHalos(kernel);
  plan.carries = carriesOf(kernel);
  plan.halo = jointHalo(kernel, plan.halos);
  ScheduleAttr schedule = plan.schedule;
  auto impossible = [&]() { return kernel.emitError() << "schedule: "; };
  if (!schedule)
    return impossible() << "the kernel has none";

  if (schedule.getCluster() > 1 && schedule.getFir() != FirKind::Toeplitz)
    return impossible() << "cluster " << schedule.getCluster()
                        << " needs fir=toeplitz of a halo.modal, else cluster 1";

  bool first = true;
  int64_t elementBytes = 1;
  for (auto decl : kernel.getOperandDecls().getAsRange<OperandDeclAttr>())
    if (auto view = dyn_cast<ViewType>(decl.getType())) {
      Layout layout = layoutOf(view.getLayout());
      for (LayoutKind alone : {LayoutKind::BD, LayoutKind::DL}) {
        Layout its = layoutOf(LayoutKindAttr::get(kernel.getContext(), alone));
        if (!first && (plan.layout == its) != (layout == its))
          return kernel.emitError()
                 << "operand '" << decl.getName() << "' is "
                 << stringifyLayoutKind(cast<LayoutKindAttr>(view.getLayout()).getValue())
                 << ", but " << stringifyLayoutKind(alone) << " views go with "
                 << stringifyLayoutKind(alone) << " views alone";
      }
      if (first)
        plan.layout = layout;
      first = false;
      elementBytes = std::max<int64_t>(
          elementBytes, knownElement(view.getElement()).getIntOrFloatBitWidth() / 8);
    }
  if (first)
    return kernel.emitError() << "kernel '" << kernel.getSymName()
                              << "' has no view: nothing says its layout";
  if (plan.layout == Layout::DL)
    plan.layout = Layout::BDL; // With one row in the batch.

  int64_t vector = schedule.getVector();
  if (schedule.getAlign() == 1 && vector != 1)
    return impossible() << "vector " << vector << " needs align 16, got align 1";
  if (vector * elementBytes > 16)
    return impossible() << "vector " << vector << " of " << elementBytes
                        << "-byte elements is " << vector * elementBytes
                        << " bytes, more than an access of 16";

  SmallVector<int64_t> widths, heads;
  bool crossLayout = false;
  kernel.walk([&](SplitStoreOp split) {
    llvm::append_range(widths, cast<DenseI64ArrayAttr>(split.getWidths()).asArrayRef());
    if (auto known = dyn_cast_or_null<DenseI64ArrayAttr>(split.getHeads().value_or(Attribute())))
      llvm::append_range(heads, known.asArrayRef());
    crossLayout = plan.layout == Layout::BDL;
  });
  int64_t largestHead = heads.empty() ? 0 : *llvm::max_element(heads);
  plan.reduces = largestHead > 0;

  if (failed(checkCarries(plan)) || failed(findPacking(plan)))
    return failure();
  plan.keeps = keepsStates(kernel, plan.layout);
  if (plan.keeps && failed(checkKeeps(plan)))
    return failure();
  if (plan.keeps && plan.layout == Layout::BD && vector != 1) {
    if (schedule.getUnroll() != 1 || schedule.getStages() != 1 ||
        schedule.getWindow() != WindowKind::Registers)
      return impossible() << "views of bd have one position: with vector " << vector
                          << " unroll and stages are 1 and window=registers, got unroll "
                          << schedule.getUnroll() << ", stages " << schedule.getStages();
    plan.layout = Layout::BLD;
  } else if (plan.keeps) {
    plan.layout = Layout::BDL;
  }
  if (plan.layout == Layout::BD)
    return planStep(std::move(plan), sharedLimit);
  plan.shared = schedule.getWindow() == WindowKind::Shared;
  bool bld = plan.layout == Layout::BLD;
  plan.lanes = bld && !plan.shared ? vector : 1;
  if (plan.keptStep()) // Narrow blocks, narrower accesses.
    plan.lanes = std::gcd(vector, int64_t(schedule.getBlockN()));
  plan.run = !bld && !plan.shared ? vector : 1;
  plan.unroll = schedule.getUnroll();
  int64_t threads = 32 * schedule.getNumWarps();
  int64_t blockN = schedule.getBlockN();
  plan.threadsN = llvm::divideCeil(blockN, plan.lanes);
  // Groups of any size: the last threads of a stripe may have no channels.
  if (schedule.getFir() == FirKind::Toeplitz)
    plan.threadsN = llvm::PowerOf2Ceil(plan.threadsN);
  if (!llvm::isPowerOf2_64(plan.threadsN) || blockN % plan.lanes)
    return impossible() << "block_n " << blockN << " is not a power of two times vector "
                        << plan.lanes;
  if (plan.threadsN > threads || threads % plan.threadsN)
    return impossible() << "block_n " << blockN << " needs " << plan.threadsN
                        << " threads across channels, which does not divide the block's "
                        << threads;
  plan.threadsL = threads / plan.threadsN;
  plan.channelsFast = bld || crossLayout || schedule.getFir() == FirKind::Toeplitz;
  plan.stepL = plan.threadsL * plan.run * plan.unroll;
  plan.threadStep = bld && !plan.shared ? plan.unroll : plan.stepL;
  if (schedule.getBlockL() % plan.stepL)
    return impossible() << "block_l " << schedule.getBlockL()
                        << " is not a multiple of the block's step of " << plan.stepL
                        << " positions";
  if (schedule.getStages() > 1 && plan.shared)
    return impossible() << "stages " << schedule.getStages() << " needs window=registers, else 1";
  if (schedule.getStages() > 1 && vector * elementBytes < 4)
    return impossible() << "stages " << schedule.getStages() << " needs accesses of 4 bytes, vector "
                        << vector << " gives " << vector * elementBytes;

  if (!plan.carries.empty() && failed(checkModalSchedule(plan)))
    return failure();

  for (auto [width, head] : llvm::zip(widths, heads))
    if (head > blockN)
      return impossible() << "block_n " << blockN << " is less than head " << head;
  for (int64_t width : widths)
    if (width % plan.lanes)
      return impossible() << "vector " << plan.lanes << " does not divide part width " << width;
  for (int64_t head : heads)
    if (head % plan.lanes)
      return impossible() << "vector " << plan.lanes << " does not divide head " << head;
  plan.tiles = cutChannels(widths, heads, blockN);

  LogicalResult short_ = success();
  kernel.walk([&](FirOp fir) {
    int64_t taps = tapsOf(fir);
    if (!plan.shared && !isRolled(plan, fir) && taps > kMaxUnrolledTaps)
      short_ = impossible() << "window=registers unrolls at most " << kMaxUnrolledTaps
                            << " taps, '" << fir.getWeight() << "' has " << taps;
  });
  if (failed(short_))
    return failure();

  if (schedule.getFir() == FirKind::Toeplitz) {
    if (failed(planStaged(plan)))
      return failure();
    plan.sharedBytes = plan.staged->sharedBytes;
    return checkShared(plan, sharedLimit);
  }
  for (FirOp fir : outerRolledFirs(plan))
    plan.sharedBytes = std::max(plan.sharedBytes, rolledSharedBytes(plan, fir));
  if (plan.reduces)
    plan.sharedBytes = std::max(plan.sharedBytes, 4 * threads);
  plan.ringBase = plan.sharedBytes;
  plan.sharedBytes += LoadRing::sharedBytes(plan);
  plan.carryBase = plan.sharedBytes;
  for (ModalOp modal : plan.carries)
    plan.sharedBytes += modalSharedBytes(plan, modal);
  return checkShared(plan, sharedLimit);
}

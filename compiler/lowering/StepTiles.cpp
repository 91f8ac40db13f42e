#include "compiler/lowering/StepTiles.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

bool StateTile::interleaved() const {
  auto known = dyn_cast_or_null<StreamsAttr>(streams);
  return count == 1 || (known && known.getKind() == StreamKind::Interleave);
}

const StateTile *StepTiles::find(StringRef input) const {
  for (const StateTile &tile : states)
    if (tile.input == input)
      return &tile;
  return nullptr;
}

bool compiler::isStagedInStep(const KernelPlan &plan, FirOp fir) {
  auto decl = KernelOp(plan.kernel).lookupOperand(fir.getWeight(), /*output=*/false);
  return plan.layout == Layout::BD && tapsOf(fir) > kUnrolledTaps &&
         *knownCount(cast<TapsType>(decl.getType()).getStreams()) == 1;
}

int64_t compiler::bytesOf(Type element) { return element.getIntOrFloatBitWidth() / 8; }

FlatSymbolRefAttr compiler::pastOf(Value signal) {
  if (auto load = signal.getDefiningOp<LoadOp>())
    return load.getInitAttr();
  if (auto resume = signal.getDefiningOp<ResumeOp>())
    return resume.getStateAttr();
  return {};
}

int64_t compiler::streamOf(Value signal) {
  return signal.getDefiningOp<LoadOp>() ? cast<OpResult>(signal).getResultNumber() : 0;
}

SmallVector<StoreStateOp> compiler::sampleStores(const KernelPlan &plan) {
  SmallVector<StoreStateOp> stores(plan.kernel.getBody().front().getOps<StoreStateOp>());
  llvm::erase_if(stores, [](StoreStateOp store) {
    return isa_and_nonnull<ModalOp>(store.getInputs()[0].getDefiningOp());
  });
  return stores;
}

/// The tile of a stored state: that of the state its signals continue.
static LogicalResult addOutput(StepTiles &tiles, StoreStateOp store, KernelOp kernel) {
  auto type = cast<StateType>(kernel.lookupOperand(store.getState(), true).getType());
  for (auto [s, signal] : llvm::enumerate(store.getInputs())) {
    FlatSymbolRefAttr past = pastOf(signal);
    auto tile = llvm::find_if(tiles.states, [&](const StateTile &t) {
      return past && t.input == past.getValue() &&
             (t.output.empty() || t.output == store.getState());
    });
    bool fits = tile != tiles.states.end() &&
                kernel.lookupOperand(tile->input, false).getType() == type &&
                streamOf(signal) == int64_t(s) &&
                (tile->count == 1 || tile->streams == store.getStreams().value_or(Attribute()));
    if (!fits)
      return store.emitError() << "a step stores a state that its signals were continued from: "
                                  "signal "
                               << s << " of '" << store.getState() << "' is not";
    tile->output = store.getState().str();
  }
  return success();
}

FailureOr<StepTiles> compiler::stepTilesOf(const KernelPlan &plan) {
  StepTiles tiles;
  KernelOp kernel = plan.kernel;
  auto addState = [&](FlatSymbolRefAttr name, Attribute streams) {
    if (!name || tiles.find(name.getValue()))
      return;
    auto type = cast<StateType>(kernel.lookupOperand(name.getValue(), false).getType());
    StateTile tile;
    tile.input = name.getValue().str();
    tile.streams = streams;
    tile.element = knownElement(type.getElement());
    tile.count = *knownCount(type.getStreams());
    tile.width = *knownCount(type.getTaps()) - 1;
    tile.ring = bool(type.getRing());
    tiles.states.push_back(tile);
  };
  for (Operation &op : kernel.getBody().front()) {
    if (auto load = dyn_cast<LoadOp>(op))
      addState(load.getInitAttr(), load.getStreams().value_or(Attribute()));
    else if (auto resume = dyn_cast<ResumeOp>(op))
      addState(resume.getStateAttr(), {});
    else if (auto fir = dyn_cast<FirOp>(op); fir && isStagedInStep(plan, fir)) {
      auto type = cast<TapsType>(kernel.lookupOperand(fir.getWeight(), false).getType());
      TapTile tile;
      tile.fir = fir;
      tile.element = knownElement(type.getElement());
      tile.taps = tapsOf(fir);
      tile.group = *knownCount(type.getGroup());
      // A tile may begin and end within a group.
      tile.rows = tile.group == 1 ? plan.threadsN : (plan.threadsN - 2) / tile.group + 2;
      int64_t group = kStepAccessBytes / bytesOf(tile.element);
      tile.pitch = llvm::alignTo(tile.taps, 8 * group) + group;
      tiles.filters.push_back(tile);
    }
  }
  for (StoreStateOp store : sampleStores(plan))
    if (failed(addOutput(tiles, store, kernel)))
      return failure();
  for (StateTile &tile : tiles.states) {
    tile.base = tiles.stageBytes;
    int64_t elements = tile.count * plan.threadsN * tile.width + 1;
    tiles.stageBytes += llvm::alignTo(elements * bytesOf(tile.element), kStepAccessBytes);
  }
  tiles.bytes = tiles.stageBytes * plan.schedule.getStages();
  for (TapTile &tile : tiles.filters) {
    tile.base = tiles.bytes;
    tiles.bytes += llvm::alignTo(tile.rows * tile.pitch * bytesOf(tile.element), kStepAccessBytes);
  }
  return tiles;
}

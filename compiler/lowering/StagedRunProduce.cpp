#include "compiler/lowering/StagedRunProduce.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

/// A load without a state: 0 before the sequence, and the slot says so.
static bool isPlainLoad(Value signal) {
  auto load = signal.getDefiningOp<LoadOp>();
  return load && !load.getInitAttr();
}

StagedRunProduce::StagedRunProduce(StagedBlock &block)
    : block(block), e(block.e), plan(block.plan), staged(block.staged) {
  for (const StagedLoad &load : staged.loads)
    history = std::max(history, load.halo);
  auto firs = plan.kernel.getBody().front().getOps<FirOp>();
  if (llvm::all_of(firs,
                   [&](FirOp fir) { return isRolled(plan, fir) || isPlainLoad(fir.getInput()); }))
    history = 0;
  for (const StagedWindow &window : staged.windows) {
    Operation *op = window.signal.getDefiningOp();
    zeroBefore &= isPlainLoad(window.signal) || !isa<LoadOp, ResumeOp>(op);
  }
  runPlan = std::make_unique<KernelPlan>(plan);
  runPlan->lanes = plan.run;
  runPlan->along = true;
  runs = std::make_unique<Emitter>(*runPlan, e);
  runs->channel = e.channel;
  runs->b.restoreInsertionPoint(e.b.saveInsertionPoint());
  runs->emitInvariants();
  e.b.restoreInsertionPoint(runs->b.saveInsertionPoint());
}

const StagedLoad &StagedRunProduce::loadOf(OpResult signal) const {
  return *llvm::find_if(staged.loads,
                        [&](const StagedLoad &load) { return load.op == signal.getOwner(); });
}

/// The thread's channel in a slot, at the tile's first position.
Value StagedRunProduce::rowByte(OpResult signal, const StagedLoad &load, Value slotByte) {
  Value row = e.address(e.b.getI8Type(), slotByte, e.widen(e.mul(e.laneN, e.num(load.pieceBytes))));
  int64_t stream = signal.getResultNumber() * plan.schedule.getBlockN();
  return e.address(e.b.getI8Type(), row,
                   e.wide(load.base + load.before + stream * load.pieceBytes));
}

void StagedRunProduce::fill(Value position, Value inTile, ArrayRef<Value> values) {
  for (auto [value, window] : llvm::zip(values.take_front(staged.windows.size()), staged.windows)) {
    int64_t bytes = block.bytesOf(window.element);
    Value byte = e.add(e.mul(e.laneN, e.num(staged.ring * bytes)),
                       block.ringByte(position, 0, block.swizzleOf(e.laneN), bytes));
    e.storeTo(value, block.byteAt(window.base, byte), plan.run * bytes);
  }
  if (values.size() == staged.windows.size())
    return;
  for (auto [value, tile] : llvm::zip(values.drop_front(staged.windows.size()), staged.tiles)) {
    int64_t bytes = block.bytesOf(tile.element);
    Value byte = e.add(block.tileRow(tile, e.laneN), e.mul(inTile, e.num(bytes)));
    e.storeTo(value, block.byteAt(tile.base, e.add(block.setByte, byte)), plan.run * bytes);
  }
}

void StagedRunProduce::insideRuns(Value position, Value slotByte) {
  Value first = e.mul(e.laneL, e.num(plan.unroll * plan.run));
  runs->b.restoreInsertionPoint(e.b.saveInsertionPoint());
  Emitter &own = *runs;
  Place place;
  place.position = e.add(position, first);
  place.begun = true;
  llvm::DenseMap<Place::Key, Value> samples;
  // Accesses are aligned runs; before the tile only as wide as the halo.
  auto sample = [&](OpResult signal, int64_t offset) {
    if (auto known = samples.find({signal, offset}); known != samples.end())
      return known->second;
    const StagedLoad &load = loadOf(signal);
    Type element = own.memory(LoadOp(load.op).getView()).element;
    int64_t bytes = block.bytesOf(element), run = llvm::divideFloorSigned(offset, plan.run);
    int64_t needed = run < 0 ? load.halo + (run + 1) * plan.run : plan.run;
    int64_t width = llvm::PowerOf2Ceil(std::min(needed, plan.run));
    int64_t begin = (run + 1) * plan.run - width;
    Value row = rowByte(signal, load, slotByte);
    row = e.address(e.b.getI8Type(), row, e.widen(e.mul(first, e.num(bytes))));
    Type type = width > 1 ? Type(VectorType::get({width}, element)) : element;
    Value loaded = own.load(type, own.address(element, row, own.wide(begin)), width * bytes, false);
    for (int64_t k = 0; k < width; ++k)
      samples[{signal, begin + k}] = own.loadedToF32(own.lane(loaded, k));
    return samples.lookup({signal, offset});
  };
  own.source = [&](Place &, OpResult signal, int64_t offset) -> Value {
    if (!signal.getDefiningOp<LoadOp>())
      return {};
    e.b.restoreInsertionPoint(own.b.saveInsertionPoint());
    SmallVector<Value> lanes;
    for (int64_t k = 0; k < plan.run; ++k)
      lanes.push_back(sample(signal, offset + k));
    return own.pack(lanes);
  };
  // All values before any store: the slot is read once.
  SmallVector<SmallVector<Value>> values(plan.unroll);
  for (auto [r, run] : llvm::enumerate(values)) {
    for (const StagedWindow &window : staged.windows)
      run.push_back(own.toStorage(own.at(place, window.signal, r * plan.run), window.element));
    for (const StagedTile &tile : staged.tiles)
      run.push_back(own.toStorage(own.at(place, tile.signal, r * plan.run), tile.element));
  }
  own.source = nullptr;
  e.b.restoreInsertionPoint(own.b.saveInsertionPoint());
  for (auto [r, run] : llvm::enumerate(values))
    fill(e.offset(place.position, r * plan.run), e.offset(first, r * plan.run), run);
}

void StagedRunProduce::zeroRuns(Value position) {
  SmallVector<Value> zeros;
  for (const StagedWindow &window : staged.windows) {
    Type type = runs->signalType(window.element);
    zeros.push_back(arith::ConstantOp::create(e.b, e.loc, cast<TypedAttr>(e.b.getZeroAttr(type))));
  }
  Value first = e.mul(e.laneL, e.num(plan.unroll * plan.run));
  for (int64_t r = 0; r < plan.unroll; ++r) {
    Value inTile = e.offset(first, r * plan.run);
    fill(e.add(position, inTile), inTile, zeros);
  }
}

void StagedRunProduce::edgeRun(Value position, Value inTile, Value slotByte) {
  Place place;
  place.position = e.add(position, inTile);
  place.anywhere = true;
  e.source = [&](Place &place, OpResult signal, int64_t offset) -> Value {
    if (!signal.getDefiningOp<LoadOp>())
      return {};
    Piece piece = e.pieceOf(place, signal, offset);
    return e.toF32(e.finishPiece(place, signal, piece, [&] {
      const StagedLoad &load = loadOf(signal);
      Type element = e.memory(LoadOp(load.op).getView()).element;
      Value row = rowByte(signal, load, slotByte);
      return e.load(element, e.address(element, row, e.widen(e.offset(inTile, offset))),
                    block.bytesOf(element), false);
    }));
  };
  auto runOf = [&](Value signal, Type element, bool zeroAfter) {
    SmallVector<Value> lanes;
    for (int64_t k = 0; k < plan.run; ++k) {
      Value value = e.historic(place, signal, k);
      // Zeros after the end: a tile's earlier positions multiply them (conv_c6).
      if (zeroAfter)
        value = e.select(e.less(e.offset(place.position, k), e.length), value, e.zero());
      lanes.push_back(e.toStorage(value, element));
    }
    return e.pack(lanes);
  };
  SmallVector<Value> values;
  for (const StagedWindow &window : staged.windows)
    values.push_back(runOf(window.signal, window.element, true));
  for (const StagedTile &tile : staged.tiles)
    values.push_back(runOf(tile.signal, tile.element, false));
  e.source = nullptr;
  fill(place.position, inTile, values);
}

void StagedRunProduce::produce(Value position, Value slot) {
  Value slotByte = e.sharedByte(e.mul(slot, e.num(staged.slotBytes)));
  Value inside = e.both(e.less(e.num(history - 1), position),
                        e.less(e.offset(position, staged.tile - 1), e.length));
  auto edgeRuns = [&] {
    Value first = e.mul(e.laneL, e.num(plan.unroll * plan.run));
    e.loop(e.num(0), e.num(plan.unroll * plan.run), e.num(plan.run), {},
           [&](Value run, ValueRange) {
             edgeRun(position, e.add(first, run), slotByte);
             return SmallVector<Value>{};
           });
  };
  // A tile lies before the sequence as a whole or not at all.
  auto outside = [&] {
    if (!zeroBefore)
      return edgeRuns();
    e.ifElse(
        e.less(position, e.num(0)), [&] { zeroRuns(position); }, edgeRuns);
  };
  auto produceRuns = [&] {
    e.ifElse(
        inside, [&] { insideRuns(position, slotByte); }, outside);
  };
  int64_t blockN = plan.schedule.getBlockN();
  if (plan.threadsN > blockN)
    e.ifThen(e.less(e.laneN, e.num(blockN)), produceRuns);
  else
    produceRuns();
}

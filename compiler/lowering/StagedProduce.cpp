#include "compiler/lowering/StagedProduce.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

StagedProduce::StagedProduce(StagedBlock &block)
    : block(block), e(block.e), plan(block.plan), staged(block.staged) {
  if (!staged.tapBytes)
    return;
  e.ifThen(e.less(e.laneL, e.num(1)), [&] {
    for (auto [i, tap] : llvm::enumerate(e.hoistedTaps()))
      e.storeTo(*tap, block.byteAt(staged.taps + i * 4 * plan.lanes, tapsByte()),
                std::min<int64_t>(16, 4 * plan.lanes));
  });
}

/// Of the thread's channels' taps.
Value StagedProduce::tapsByte() { return e.mul(e.laneN, e.num(staged.tapBytes)); }

void StagedProduce::prepare() {
  if (!staged.tapBytes)
    return;
  SmallVector<Value *> taps = e.hoistedTaps();
  SmallVector<Value> numbers;
  for (int64_t count = taps.size() * plan.lanes, i = 0, width; i < count; i += width) {
    width = std::min<int64_t>(4, llvm::bit_floor(uint64_t(count - i)));
    Value some = e.load(VectorType::get({width}, e.b.getF32Type()),
                        block.byteAt(staged.taps + 4 * i, tapsByte()), 4 * width, false);
    for (int64_t k = 0; k < width; ++k)
      numbers.push_back(e.lane(some, k));
  }
  for (auto [i, tap] : llvm::enumerate(taps))
    *tap = e.pack(ArrayRef(numbers).slice(i * plan.lanes, plan.lanes));
}

/// A load's value at an offset, from the slot. All of an interleaved row's streams come at once.
Value StagedProduce::fromSlot(Place &place, OpResult signal, int64_t offset, Value slotByte) {
  auto op = cast<LoadOp>(signal.getOwner());
  OpLine line(e, op);
  Piece piece = e.pieceOf(place, signal, offset);
  auto finished = [&] {
    return e.loadedToF32(e.finishPiece(place, signal, piece, [&] {
      return place.raw.lookup({signal, offset});
    }));
  };
  if (place.raw.contains({signal, offset}))
    return finished();
  const StagedLoad &load =
      *llvm::find_if(staged.loads, [&](const StagedLoad &load) { return load.op == op; });
  Type element = e.memory(op.getView()).element;
  int64_t bytes = block.bytesOf(element), streams = op.getNumResults() / load.pieces;
  Value rowOf = e.mul(e.laneL, e.num(plan.unroll * load.rowBytes() + load.pad));
  Value own = e.mul(e.laneN, e.num(plan.lanes * streams * bytes));
  int64_t row = offset + load.halo;
  int64_t fixed = load.base + row * load.rowBytes() + row / plan.unroll * load.pad +
                  (load.pieces > 1 ? signal.getResultNumber() * load.pieceBytes : 0);
  Value base = e.address(e.b.getI8Type(), slotByte, e.widen(e.add(rowOf, own)));
  base = e.address(e.b.getI8Type(), base, e.wide(fixed));
  int64_t total = plan.lanes * streams;
  int64_t width = std::min<int64_t>(StagedBlock::kAccess / bytes, total & -total);
  SmallVector<Value> elements;
  for (int64_t i = 0; i < total; i += width) {
    Type type = width > 1 ? Type(VectorType::get({width}, element)) : element;
    Value part = e.load(type, e.address(element, base, e.wide(i)), width * bytes, false);
    for (int64_t k = 0; k < width; ++k)
      elements.push_back(e.lane(part, k));
  }
  for (int64_t s = 0; s < streams; ++s) {
    SmallVector<Value> lanes;
    for (int64_t i = 0; i < plan.lanes; ++i)
      lanes.push_back(elements[i * streams + s]);
    place.raw[{load.pieces > 1 ? signal : op.getSignals()[s], offset}] = e.pack(lanes);
  }
  return finished();
}

void StagedProduce::produce(Value position, Value slot) {
  Value slotByte = e.sharedByte(e.mul(slot, e.num(staged.slotBytes)));
  e.source = [&](Place &place, OpResult signal, int64_t offset) -> Value {
    return signal.getDefiningOp<LoadOp>() ? fromSlot(place, signal, offset, slotByte) : Value();
  };
  int64_t halo = 0;
  for (const StagedLoad &load : staged.loads)
    halo = std::max(halo, load.halo);
  Value inside = e.both(e.less(e.num(halo - 1), position),
                        e.less(e.offset(position, staged.tile - 1), e.length));
  auto rows = [&](bool anywhere) {
    Place place;
    place.position = e.add(position, e.mul(e.laneL, e.num(plan.unroll)));
    place.anywhere = anywhere;
    place.begun = !anywhere;
    // All values before any store: the slot is read once.
    for (const StagedWindow &window : staged.windows)
      for (int64_t j = 0; j < plan.unroll; ++j)
        e.historic(place, window.signal, j);
    for (const StagedTile &tile : staged.tiles)
      for (int64_t j = 0; j < plan.unroll; ++j)
        e.historic(place, tile.signal, j);
    for (const StagedWindow &window : staged.windows)
      fillWindow(place, window);
    for (const StagedTile &tile : staged.tiles)
      fillTile(place, tile);
  };
  auto produceRows = [&] {
    e.ifElse(
        inside, [&] { rows(false); }, [&] { rows(true); });
  };
  int64_t blockN = plan.schedule.getBlockN();
  if (plan.threadsN * plan.lanes > blockN)
    e.ifThen(e.less(e.mul(e.laneN, e.num(plan.lanes)), e.num(blockN)), produceRows);
  else
    produceRows();
  e.source = nullptr;
}

void StagedProduce::fillWindow(Place &place, const StagedWindow &window) {
  OpLine line(e, window.signal.getDefiningOp());
  int64_t bytes = block.bytesOf(window.element), run = std::min<int64_t>(plan.unroll, 8);
  SmallVector<Value> samples;
  for (int64_t j = 0; j < plan.unroll; ++j) {
    Value value = e.historic(place, window.signal, j);
    // Zeros after the end: a tile's earlier positions multiply them (conv_c6).
    if (place.anywhere)
      value = e.select(e.less(e.offset(place.position, j), e.length), value, e.zero());
    samples.push_back(e.toStorage(value, window.element));
  }
  for (int64_t i = 0; i < plan.lanes; ++i) {
    Value column = e.offset(e.mul(e.laneN, e.num(plan.lanes)), i);
    Value swizzle = block.swizzleOf(column);
    Value ring = e.mul(column, e.num(staged.ring * bytes));
    for (int64_t j = 0; j < plan.unroll; j += run) {
      SmallVector<Value> piece;
      for (int64_t k = j; k < j + run; ++k)
        piece.push_back(e.lane(samples[k], i));
      Value byte = e.add(ring, block.ringByte(place.position, j, swizzle, bytes));
      e.storeTo(e.pack(piece), block.byteAt(window.base, byte), run * bytes);
    }
  }
}

void StagedProduce::fillTile(Place &place, const StagedTile &tile) {
  OpLine line(e, tile.signal.getDefiningOp());
  int64_t bytes = block.bytesOf(tile.element);
  Value own = e.add(e.mul(e.laneL, e.num(plan.unroll * tile.rowBytes)),
                    e.mul(e.laneN, e.num(plan.lanes * bytes)));
  for (int64_t j = 0; j < plan.unroll; ++j) {
    Value value = e.toStorage(e.historic(place, tile.signal, j), tile.element);
    e.storeTo(value, block.byteAt(tile.base + j * tile.rowBytes, e.add(block.setByte, own)),
              std::min<int64_t>(StagedBlock::kAccess, plan.lanes * bytes));
  }
}

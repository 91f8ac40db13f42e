#include "compiler/lowering/StagedEpilogue.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

SmallVector<Value>
compiler::emitEpilogue(StagedBlock &block, Emitter &own, const EpiloguePlace &at,
                       llvm::function_ref<Value(OpResult, int64_t)> accumulated) {
  Emitter &e = block.e;
  own.b.restoreInsertionPoint(e.b.saveInsertionPoint());
  Place place;
  place.position = e.add(at.position, at.inTile);
  int64_t lanes = own.plan.lanes;
  own.source = [&](Place &, OpResult signal, int64_t offset) -> Value {
    if (Value sum = accumulated(signal, offset)) {
      auto fir = signal.getDefiningOp<FirOp>();
      Value addend = fir ? fir.getAddend() : Value();
      return addend
                 ? Value(arith::AddFOp::create(own.b, own.loc, sum, own.at(place, addend, offset)))
                 : sum;
    }
    for (const StagedTile &tile : block.staged.tiles)
      if (tile.signal == signal)
        return own.toF32(own.load(own.signalType(tile.element),
                                  block.tileByte(tile, at.column, at.inTile, offset),
                                  lanes * block.bytesOf(tile.element), false));
    return {};
  };
  SmallVector<Value> values;
  for (int64_t offset : at.offsets)
    for (const StagedStore &store : block.staged.stores) {
      OpLine line(own, StoreOp(store.op));
      values.push_back(own.toStorage(own.at(place, StoreOp(store.op).getInput(), offset),
                                     store.tile.element));
    }
  own.source = nullptr;
  e.b.restoreInsertionPoint(own.b.saveInsertionPoint());
  return values;
}

/// A pair of channels of which one belongs to another group is stored by halves.
static void storeOwned(Emitter &own, Value value, Value pointer, int64_t bytes, ValueRange owned) {
  auto whole = [&] { own.storeTo(value, pointer, own.plan.lanes * bytes); };
  if (owned.empty())
    return whole();
  own.ifThen(own.both(owned[0], owned[1]), whole);
  Value one = own.b.createOrFold<arith::XOrIOp>(own.loc, owned[0], owned[1]);
  own.ifThen(one, [&] {
    Value half = own.select(owned[0], own.lane(value, 0), own.lane(value, 1));
    Value skip = own.select(owned[0], own.num(0), own.num(bytes));
    own.storeTo(half, own.address(own.b.getI8Type(), pointer, own.widen(skip)), bytes);
  });
}

void compiler::storeEpilogue(StagedBlock &block, Emitter &own, const EpiloguePlace &at,
                             ValueRange values, ValueRange owned) {
  Emitter &e = block.e;
  own.b.restoreInsertionPoint(e.b.saveInsertionPoint());
  for (int64_t offset : at.offsets)
    for (const StagedStore &store : block.staged.stores) {
      OpLine line(own, StoreOp(store.op));
      storeOwned(own, values.front(), block.tileByte(store.tile, at.column, at.inTile, offset),
                 block.bytesOf(store.tile.element), owned);
      values = values.drop_front();
    }
  e.b.restoreInsertionPoint(own.b.saveInsertionPoint());
}

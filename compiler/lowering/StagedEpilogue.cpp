#include "compiler/lowering/StagedEpilogue.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

void compiler::emitEpilogue(StagedBlock &block, Emitter &own, Value column, Value position,
                            Value inTile, ArrayRef<int64_t> offsets,
                            llvm::function_ref<Value(OpResult, int64_t)> accumulated) {
  Emitter &e = block.e;
  own.b.restoreInsertionPoint(e.b.saveInsertionPoint());
  Place place;
  place.position = e.add(position, inTile);
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
        return own.toF32(own.load(own.signalType(tile.element), block.tileByte(tile, column, inTile, offset),
                                  lanes * block.bytesOf(tile.element), false));
    return {};
  };
  for (int64_t offset : offsets)
    for (const StagedStore &store : block.staged.stores) {
      OpLine line(own, StoreOp(store.op));
      Value value = own.at(place, StoreOp(store.op).getInput(), offset);
      own.storeTo(own.toStorage(value, store.tile.element),
                  block.tileByte(store.tile, column, inTile, offset),
                  lanes * block.bytesOf(store.tile.element));
    }
  own.source = nullptr;
  e.b.restoreInsertionPoint(own.b.saveInsertionPoint());
}

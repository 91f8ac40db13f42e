// States that are kept in memory of their own making and updated in place: longer than K - 1, rings,
// rows of a larger tensor. Of N samples, N >= K - 1, before and after a launch of L = 2 (a ring's `at`
// is 7, N = 4, 7 mod 4 = 3; x0 and x1 are new):
//
//   linear   a b c d   ->   c d x0 x1       sample at position -1 - j:  place N - 1 - j
//   ring     b c d a   ->   x1 c d x0       sample at position -1 - j:  place at - 1 - j, mod N
//
// A block walks the whole of its channels' sequence (KernelPlan::keeps), and the first thread of a
// channel writes last, upwards: a sample moves down, so that it is read before its place is written.
// A step of adjacent channels: KeptWide.cpp.
#include "compiler/lowering/Emitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

void Emitter::emitKept() {
  Value stayed = num(-1);
  rowOk = Value();
  auto indexOf = [&](FlatSymbolRefAttr name) {
    const Memory &m = memory(name.getValue());
    Value at = b.createOrFold<arith::MulIOp>(loc, widen(batch), m.strides[0]);
    return load(m.element, address(m.element, m.pointer, at), 4, /*invariant=*/true);
  };
  for (auto decl : plan.kernel.getOperandDecls().getAsRange<OperandDeclAttr>()) {
    auto type = dyn_cast<StateType>(decl.getType());
    if (!type || decl.getOutput())
      continue;
    Kept where{batch, num(*knownCount(type.getTaps()) - 1), Value()};
    if (type.getLonger())
      where.length = arith::TruncIOp::create(b, loc, b.getI32Type(),
                                             memory(decl.getName()).strides[3]);
    if (type.getSlots()) {
      where.row = indexOf(type.getSlots());
      Value here = less(stayed, where.row);
      rowOk = rowOk ? both(rowOk, here) : here;
    }
    if (type.getRing()) // An empty ring has no places; nothing is looked for in it.
      where.start = rem(indexOf(type.getRing()), max(where.length, num(1)));
    keptStates[decl.getName()] = where;
  }
}

Emitter::Kept Emitter::kept(StringRef state) const {
  auto known = keptStates.find(state);
  return known == keptStates.end() ? Kept() : known->second;
}

Value Emitter::placeOf(const Kept &kept, Value position) {
  if (!kept.start)
    return add(kept.length, position);
  Value place = add(kept.start, position);
  return select(less(place, num(0)), add(place, kept.length), place);
}

void Emitter::storeKept(StoreStateOp op) {
  if (const WideKept *wide = wideOf(op))
    return ifElse(
        wide->fits, [&] { storeTogether(op, *wide); }, [&] { storeApart(op); });
  storeApart(op);
}

void Emitter::storeApart(StoreStateOp op) {
  const Memory &from = memory(op.getState()), &to = memory(op.getState(), /*output=*/true);
  Kept where = kept(op.getState());
  auto product = [&](Value index, Value stride) {
    return b.createOrFold<arith::MulIOp>(loc, widen(index), stride);
  };
  int64_t count = op.getInputs().size(), bytes = storageBytes(to.element);
  // Rows of each of the thread's channels, stream by stream.
  auto rowOf = [&](const Memory &m, int64_t i, int64_t s) {
    Value c = memoryChannel(offset(channel, i), op.getStreams().value_or(Attribute()), s, count);
    Value start = b.createOrFold<arith::AddIOp>(loc, product(where.row, m.strides[0]),
                                                product(c, m.strides[1]));
    return address(m.element, m.pointer, start);
  };
  SmallVector<Value> sources, rows;
  for (int64_t i = 0; i < plan.lanes; ++i)
    for (int64_t s = 0; s < count; ++s) {
      sources.push_back(rowOf(from, i, s));
      rows.push_back(rowOf(to, i, s));
    }
  auto samples = [&](Value begin, Value end, llvm::function_ref<void(Value)> body) {
    loop(begin, end, num(1), {}, [&](Value i, ValueRange) {
      body(i);
      return SmallVector<Value>{};
    });
  };
  ifThen(less(laneL, num(1)), [&] {
    Value stays = max(sub(where.length, length), num(0));
    if (!where.start)
      samples(num(0), stays, [&](Value i) {
        for (auto [source, row] : llvm::zip(sources, rows)) {
          Value old = load(from.element,
                           address(from.element, source, product(add(i, length), from.strides[2])),
                           bytes, /*invariant=*/false);
          storeTo(old, address(to.element, row, product(i, to.strides[2])), bytes);
        }
      });
    // Of more new samples than places the last ones count.
    samples(max(sub(length, where.length), num(0)), length, [&](Value t) {
      Place here;
      here.position = t;
      here.begun = true;
      Value place = where.start ? rem(add(where.start, t), where.length)
                                : add(sub(where.length, length), t);
      for (auto [s, input] : llvm::enumerate(op.getInputs())) {
        Value newest = toStorage(at(here, input, 0), to.element);
        for (int64_t i = 0; i < plan.lanes; ++i)
          storeTo(lane(newest, i),
                  address(to.element, rows[i * count + s], product(place, to.strides[2])), bytes);
      }
    });
  });
}

void Emitter::storePadding() {
  auto product = [&](Value index, Value stride) {
    return b.createOrFold<arith::MulIOp>(loc, widen(index), stride);
  };
  for (auto op : plan.kernel.getBody().front().getOps<StoreOp>()) {
    OpLine line(*this, op);
    const Memory &m = memory(op.getView(), /*output=*/true);
    Value none = arith::ConstantOp::create(
        b, loc, cast<TypedAttr>(b.getZeroAttr(signalType(m.element))));
    Value start = b.createOrFold<arith::AddIOp>(loc, product(batch, m.strides[0]),
                                                product(channel, m.strides[1]));
    ifThen(channelOk, [&] {
      loop(laneL, length, num(plan.threadsL), {}, [&](Value t, ValueRange) {
        Value place = b.createOrFold<arith::AddIOp>(loc, start, product(t, m.strides[2]));
        storeTo(none, address(m.element, m.pointer, place), bytesOf(none.getType()));
        return SmallVector<Value>{};
      });
    });
  }
}

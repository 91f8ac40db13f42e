// Loads, histories and stores.
//
// Loads are clamped into the tensor instead of guarded: a row past the end loads the last one and
// its result is never stored; a row before the start loads the first one and is replaced, by
// selection, with 0 or with the state (conv_c6: never multiplied away).
#include "compiler/lowering/Emitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

Value Emitter::rawAt(Place &place, Value signal, int64_t offset) {
  auto result = cast<OpResult>(signal);
  if (plan.layout == Layout::BLD || place.run == 1)
    return rawRow(place, result, offset);
  // bdl: one aligned run of positions, then the lane of this offset.
  int64_t index = llvm::divideFloorSigned(offset, place.run);
  Value run = rawRun(place, result, index);
  int64_t width = isa<VectorType>(run.getType()) ? cast<VectorType>(run.getType()).getNumElements()
                                                 : 1;
  return lane(run, offset - index * place.run - (place.run - width));
}

/// Storage-typed values of the thread's channels at an in-range position.
Value Emitter::loadRow(OpResult signal, Value position) {
  auto op = cast<LoadOp>(signal.getOwner());
  const Memory &m = memory(op.getView());
  int64_t s = signal.getResultNumber(), count = op.getNumResults();
  int64_t bytes = storageBytes(m.element);
  Value row = b.createOrFold<arith::MulIOp>(loc, widen(position), m.strides[2]);
  Value pointer = address(m.element, rowPointers.lookup(signal), row);
  if (plan.lanes == 1)
    return load(m.element, pointer, bytes, true);

  auto streams = dyn_cast_or_null<StreamsAttr>(op.getStreams().value_or(Attribute()));
  bool adjacent = count == 1 || (streams && streams.getKind() == StreamKind::Split);
  bool aligned = plan.schedule.getAlign() > 1;
  if (adjacent && aligned)
    return load(VectorType::get({plan.lanes}, m.element), pointer, bytes * plan.lanes, true);

  // Interleaved streams of aligned channels: their common stretch is aligned too; pick every
  // count-th element. LLVM merges the equal loads of the other streams.
  if (aligned && streams && streams.getKind() == StreamKind::Interleave) {
    Value base = address(m.element, pointer, wide(-s));
    SmallVector<Value> pieces, picked;
    auto type = VectorType::get({plan.lanes}, m.element);
    for (int64_t i = 0; i < count; ++i)
      pieces.push_back(load(type, address(m.element, base, wide(i * plan.lanes)),
                            bytes * plan.lanes, true));
    for (int64_t i = 0; i < plan.lanes; ++i) {
      int64_t element = i * count + s;
      picked.push_back(lane(pieces[element / plan.lanes], element % plan.lanes));
    }
    return pack(picked);
  }

  SmallVector<Value> lanes;
  auto streamsAttr = op.getStreams().value_or(Attribute());
  Value first = memoryChannel(channel, streamsAttr, s, count);
  for (int64_t i = 0; i < plan.lanes; ++i) {
    Value c = memoryChannel(offset(channel, i), streamsAttr, s, count);
    Value away = b.createOrFold<arith::MulIOp>(loc, widen(sub(c, first)), m.strides[1]);
    lanes.push_back(load(m.element, address(m.element, pointer, away), bytes, true));
  }
  return pack(lanes);
}

Value Emitter::rawRow(Place &place, OpResult signal, int64_t offset) {
  Place::Key key{signal, offset};
  if (auto known = place.raw.find(key); known != place.raw.end())
    return known->second;
  auto op = cast<LoadOp>(signal.getOwner());
  Value position = this->offset(place.position, offset);
  bool maybeBefore = place.anywhere || offset < 0;
  Value clamped = min(position, this->offset(length, -1));
  if (maybeBefore)
    clamped = max(clamped, num(0));
  Value value;
  if (!maybeBefore) {
    value = loadRow(signal, clamped);
  } else {
    Value begun = less(num(-1), position);
    Type element = memory(op.getView()).element, type = signalType(element);
    auto none = [&]() -> Value {
      return arith::ConstantOp::create(b, loc, cast<TypedAttr>(b.getZeroAttr(type)));
    };
    // An end state may be asked of an empty sequence: then there is no row to clamp to.
    if (op.getInitAttr() || place.anywhere) {
      auto choice = scf::IfOp::create(b, loc, type, begun, /*withElse=*/true);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(choice.thenBlock());
      scf::YieldOp::create(b, loc, loadRow(signal, clamped));
      b.setInsertionPointToStart(choice.elseBlock());
      Value before =
          op.getInitAttr()
              ? toStorage(signalFromState(*op.getInit(), op.getStreams().value_or(Attribute()),
                                          signal.getResultNumber(), position),
                          element)
              : none();
      scf::YieldOp::create(b, loc, before);
      value = choice.getResult(0);
    } else {
      value = select(begun, loadRow(signal, clamped), none());
    }
  }
  return place.raw[key] = value;
}

Value Emitter::rawRun(Place &place, OpResult signal, int64_t index) {
  Place::Key key{signal, index};
  if (auto known = place.raw.find(key); known != place.raw.end())
    return known->second;
  auto op = cast<LoadOp>(signal.getOwner());
  const Memory &m = memory(op.getView());
  // The leftmost run of the halo may be needed only at its end: load its smallest aligned piece.
  int64_t halo = plan.halos.lookup(signal);
  int64_t needed = std::min(place.run, halo + (index + 1) * place.run);
  int64_t width = index < 0 ? llvm::PowerOf2Ceil(std::max<int64_t>(needed, 1)) : place.run;
  Value position = offset(place.position, index * place.run + place.run - width);
  Type type = width > 1 ? Type(VectorType::get({width}, m.element)) : m.element;
  auto loadAt = [&](Value where) {
    Value row = b.createOrFold<arith::MulIOp>(loc, widen(where), m.strides[2]);
    return load(type, address(m.element, rowPointers.lookup(signal), row),
                width * storageBytes(m.element), true);
  };
  Value value;
  Value clamped = min(position, offset(length, -width));
  if (index >= 0) {
    value = loadAt(clamped);
  } else {
    // L is a multiple of the run here, so a piece lies before the start or after it, not across.
    Value begun = less(num(-1), position);
    auto none = arith::ConstantOp::create(b, loc, cast<TypedAttr>(b.getZeroAttr(type)));
    if (op.getInitAttr()) {
      auto choice = scf::IfOp::create(b, loc, type, begun, /*withElse=*/true);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(choice.thenBlock());
      scf::YieldOp::create(b, loc, loadAt(clamped));
      b.setInsertionPointToStart(choice.elseBlock());
      SmallVector<Value> lanes;
      for (int64_t i = 0; i < width; ++i)
        lanes.push_back(toStorage(signalFromState(*op.getInit(),
                                                  op.getStreams().value_or(Attribute()),
                                                  signal.getResultNumber(), offset(position, i)),
                                  m.element));
      scf::YieldOp::create(b, loc, pack(lanes));
      value = choice.getResult(0);
    } else {
      value = select(begun, loadAt(max(clamped, num(0))), none);
    }
  }
  return place.raw[key] = value;
}

/// The state's sample for a position before 0, f32; 0 where the state does not reach.
Value Emitter::signalFromState(StringRef state, Attribute streams, int64_t stream,
                               Value position) {
  const Memory &m = memory(state);
  auto type = cast<StateType>(m.decl.getType());
  int64_t width = *knownCount(type.getTaps()) - 1, count = *knownCount(type.getStreams());
  if (width == 0)
    return zero();
  Value slot = offset(position, width);
  Value reaches = less(num(-1), slot);
  Value safe = min(max(slot, num(0)), num(width - 1));
  auto product = [&](Value index, Value stride) {
    return b.createOrFold<arith::MulIOp>(loc, widen(index), stride);
  };
  SmallVector<Value> lanes;
  for (int64_t i = 0; i < plan.lanes; ++i) {
    Value c = memoryChannel(offset(channel, i), streams, stream, count);
    Value place = b.createOrFold<arith::AddIOp>(loc, product(batch, m.strides[0]),
                                                product(c, m.strides[1]));
    place = b.createOrFold<arith::AddIOp>(loc, place, product(safe, m.strides[2]));
    lanes.push_back(load(m.element, address(m.element, m.pointer, place),
                         storageBytes(m.element), true));
  }
  return select(reaches, toF32(pack(lanes)), zero());
}

void Emitter::store(Place &place, StoreOp op, int64_t count) {
  const Memory &m = memory(op.getView());
  auto product = [&](Value index, Value stride) {
    return b.createOrFold<arith::MulIOp>(loc, widen(index), stride);
  };
  Value start = b.createOrFold<arith::AddIOp>(loc, product(batch, m.strides[0]),
                                              product(channel, m.strides[1]));
  Value pointer = address(m.element, m.pointer, start);
  int64_t bytes = storageBytes(m.element);
  bool aligned = plan.schedule.getAlign() > 1;
  bool runs = plan.layout == Layout::BDL && place.run > 1;
  int64_t step = runs ? place.run : 1;
  for (int64_t j = 0; j < count; j += step) {
    Value position = offset(place.position, j);
    SmallVector<Value> scalars;
    for (int64_t i = 0; i < step; ++i)
      scalars.push_back(at(place, op.getInput(), j + i));
    Value value = toStorage(runs ? pack(scalars) : scalars[0], m.element);
    ifThen(both(less(position, length), channelOk), [&] {
      Value to = address(m.element, pointer, product(position, m.strides[2]));
      if (runs || plan.lanes == 1 || aligned) {
        int64_t elements = runs ? step : plan.lanes;
        storeTo(value, to, bytes * elements);
        return;
      }
      for (int64_t i = 0; i < plan.lanes; ++i)
        storeTo(lane(value, i), address(m.element, to, product(num(i), m.strides[1])), bytes);
    });
  }
}

void Emitter::storeStates() {
  SmallVector<StoreStateOp> states(plan.kernel.getBody().front().getOps<StoreStateOp>());
  if (states.empty())
    return;
  Value last = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, tileL, offset(tilesL, -1));
  ifThen(both(last, channelOk), [&] {
    for (StoreStateOp op : states) {
      const Memory &m = memory(op.getState());
      int64_t width = *knownCount(cast<StateType>(m.decl.getType()).getTaps()) - 1;
      if (width == 0)
        continue;
      auto product = [&](Value index, Value stride) {
        return b.createOrFold<arith::MulIOp>(loc, widen(index), stride);
      };
      loop(laneL, num(width), num(plan.threadsL), {}, [&](Value slot, ValueRange) {
        Place place;
        place.position = add(sub(length, num(width)), slot);
        place.anywhere = true;
        for (auto [s, input] : llvm::enumerate(op.getInputs())) {
          Value value = toStorage(historic(place, input, 0), m.element);
          for (int64_t i = 0; i < plan.lanes; ++i) {
            Value c = memoryChannel(offset(channel, i), op.getStreams().value_or(Attribute()), s,
                                    op.getInputs().size());
            Value to = b.createOrFold<arith::AddIOp>(loc, product(batch, m.strides[0]),
                                                     product(c, m.strides[1]));
            to = b.createOrFold<arith::AddIOp>(loc, to, product(slot, m.strides[2]));
            storeTo(lane(value, i), address(m.element, m.pointer, to), storageBytes(m.element));
          }
        }
        return SmallVector<Value>{};
      });
    }
  });
}

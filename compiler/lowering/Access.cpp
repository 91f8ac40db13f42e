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

bool Emitter::runsAlong(const Place &place) const {
  return plan.layout == Layout::BDL && place.run > 1;
}

Value Emitter::rawAt(Place &place, Value signal, int64_t offset) {
  auto result = cast<OpResult>(signal);
  OpLine line(*this, result.getOwner());
  if (!runsAlong(place))
    return rawPiece(place, result, offset);
  // One aligned run of positions, then the lane of this offset.
  int64_t index = llvm::divideFloorSigned(offset, place.run);
  Value run = rawPiece(place, result, index);
  auto type = dyn_cast<VectorType>(run.getType());
  int64_t width = type ? type.getNumElements() : 1;
  return lane(run, offset - index * place.run - (place.run - width));
}

Piece Emitter::pieceOf(Place &place, OpResult signal, int64_t index) {
  auto op = cast<LoadOp>(signal.getOwner());
  const Memory &m = memory(op.getView());
  Piece piece;
  if (runsAlong(place)) {
    // The leftmost run of the halo may be needed only at its end: load its smallest aligned
    // piece (of at least 4 bytes, which cp.async needs).
    int64_t needed = plan.halos.lookup(signal) + (index + 1) * place.run;
    int64_t least = std::max<int64_t>(1, 4 / storageBytes(m.element));
    needed = std::clamp<int64_t>(needed, least, place.run);
    piece.width = index < 0 ? llvm::PowerOf2Ceil(needed) : place.run;
    piece.position = offset(place.position, index * place.run + place.run - piece.width);
    piece.type = piece.width > 1 ? Type(VectorType::get({piece.width}, m.element)) : m.element;
  } else {
    piece.position = offset(place.position, index);
    piece.type = signalType(m.element);
  }
  piece.maybeBefore = !place.begun && (place.anywhere || index < 0);
  piece.clamped =
      place.inside ? piece.position : min(piece.position, offset(length, -piece.width));
  if (piece.maybeBefore)
    piece.clamped = max(piece.clamped, num(0));
  return piece;
}

bool Emitter::oneAccess(OpResult signal) const {
  if (plan.lanes == 1)
    return true;
  auto op = cast<LoadOp>(signal.getOwner());
  auto streams = dyn_cast_or_null<StreamsAttr>(op.getStreams().value_or(Attribute()));
  bool adjacent =
      op.getNumResults() == 1 || (streams && streams.getKind() != StreamKind::Interleave);
  return adjacent && plan.schedule.getAlign() > 1;
}

Value Emitter::piecePointer(Place &place, OpResult signal, int64_t index, const Piece &piece) {
  const Memory &m = memory(cast<LoadOp>(signal.getOwner()).getView());
  // From row to row by one addition: most of a short FIR's integer work would be addresses.
  if (place.inside && index > 0 && !runsAlong(place)) {
    Value before = place.rows.lookup({signal, index - 1});
    if (before)
      return place.rows[{signal, index}] = address(m.element, before, m.strides[2]);
  }
  Value row = b.createOrFold<arith::MulIOp>(loc, widen(piece.clamped), m.strides[2]);
  Value pointer = address(m.element, rowPointers.lookup(signal), row);
  if (place.inside)
    place.rows[{signal, index}] = pointer;
  return pointer;
}

int64_t Emitter::bytesOf(Type type) const {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? vector.getNumElements() * storageBytes(vector.getElementType())
                : storageBytes(type);
}

/// Storage-typed values of a piece at its clamped, in-range position.
Value Emitter::loadPiece(Place &place, OpResult signal, int64_t index, const Piece &piece) {
  auto op = cast<LoadOp>(signal.getOwner());
  const Memory &m = memory(op.getView());
  Value pointer = piecePointer(place, signal, index, piece);
  if (oneAccess(signal))
    return load(piece.type, pointer, bytesOf(piece.type), true);

  int64_t s = signal.getResultNumber(), count = op.getNumResults();
  int64_t bytes = storageBytes(m.element);
  auto streamsAttr = op.getStreams().value_or(Attribute());
  auto streams = dyn_cast_or_null<StreamsAttr>(streamsAttr);
  // Interleaved streams of aligned channels: their common stretch is aligned too; pick every
  // count-th element. LLVM merges the equal loads of the other streams.
  if (plan.schedule.getAlign() > 1 && streams && streams.getKind() == StreamKind::Interleave) {
    Value base = address(m.element, pointer, wide(-s));
    SmallVector<Value> pieces, picked;
    for (int64_t i = 0; i < count; ++i)
      pieces.push_back(load(piece.type, address(m.element, base, wide(i * plan.lanes)),
                            bytes * plan.lanes, true));
    for (int64_t i = 0; i < plan.lanes; ++i) {
      int64_t element = i * count + s;
      picked.push_back(lane(pieces[element / plan.lanes], element % plan.lanes));
    }
    return pack(picked);
  }

  SmallVector<Value> lanes;
  Value first = memoryChannel(channel, streamsAttr, s, count);
  for (int64_t i = 0; i < plan.lanes; ++i) {
    Value c = memoryChannel(offset(channel, i), streamsAttr, s, count);
    Value away = b.createOrFold<arith::MulIOp>(loc, widen(sub(c, first)), m.strides[1]);
    lanes.push_back(load(m.element, address(m.element, pointer, away), bytes, true));
  }
  return pack(lanes);
}

/// The piece as the signal has it: before position 0 it is 0, or comes from the state. In the
/// aligned variant L is a multiple of a run, so a piece lies before the start or after it.
Value Emitter::finishPiece(Place &place, OpResult signal, const Piece &piece,
                           llvm::function_ref<Value()> loaded) {
  // By bounds, what lies before a sequence is masked where it is used, whatever it is.
  bool masked = plan.byBounds() && !place.origin;
  if (!piece.maybeBefore || masked)
    return loaded();
  auto op = cast<LoadOp>(signal.getOwner());
  Type element = memory(op.getView()).element;
  Value begun = begunAt(place, piece.position);
  auto none = [&]() -> Value {
    return arith::ConstantOp::create(b, loc, cast<TypedAttr>(b.getZeroAttr(piece.type)));
  };
  // An end state may be asked of an empty sequence: then there is no row to clamp to.
  if (!op.getInitAttr() && !place.anywhere) {
    Value value = loaded();
    return select(begun, value, none());
  }
  auto choice = scf::IfOp::create(b, loc, piece.type, begun, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  scf::YieldOp::create(b, loc, loaded());
  b.setInsertionPointToStart(choice.elseBlock());
  if (!op.getInitAttr()) {
    scf::YieldOp::create(b, loc, none());
    return choice.getResult(0);
  }
  Value before = place.origin ? sub(piece.position, place.origin) : piece.position;
  SmallVector<Value> samples;
  for (int64_t i = 0; i < piece.width; ++i)
    samples.push_back(toStorage(
        signalFromState(*op.getInit(), op.getStreams().value_or(Attribute()),
                        signal.getResultNumber(), offset(before, i), place.row ? place.row : batch),
        element));
  scf::YieldOp::create(b, loc, pack(samples));
  return choice.getResult(0);
}

Value Emitter::rawPiece(Place &place, OpResult signal, int64_t index) {
  Place::Key key{signal, index};
  if (auto known = place.raw.find(key); known != place.raw.end())
    return known->second;
  Piece piece = pieceOf(place, signal, index);
  Value value = finishPiece(place, signal, piece, [&] { return loadPiece(place, signal, index, piece); });
  return place.raw[key] = value;
}

/// Whether a position lies in the place's sequence or after it.
Value Emitter::begunAt(const Place &place, Value position) {
  return less(place.origin ? offset(place.origin, -1) : num(-1), position);
}

/// The sample in a row of the state for a position before 0, f32; 0 where the state does not reach.
Value Emitter::signalFromState(StringRef state, Attribute streams, int64_t stream, Value position,
                               Value row) {
  const Memory &m = memory(state);
  // What may be written in place is not invariant.
  bool invariant = !plan.kernel.lookupOperand(state, /*output=*/true);
  auto type = cast<StateType>(m.decl.getType());
  int64_t width = *knownCount(type.getTaps()) - 1, count = *knownCount(type.getStreams());
  if (width == 0)
    return zero();
  // A kept state holds the K - 1 samples that anybody asks for, and more.
  Kept where = kept(state);
  Value slot = type.isKept() ? placeOf(where, position) : offset(position, width);
  Value reaches = less(num(-1), slot);
  Value safe = min(max(slot, num(0)), offset(where.length, -1));
  if (type.isKept())
    row = where.row;
  auto product = [&](Value index, Value stride) {
    return b.createOrFold<arith::MulIOp>(loc, widen(index), stride);
  };
  SmallVector<Value> lanes;
  for (int64_t i = 0; i < plan.lanes; ++i) {
    Value c = memoryChannel(offset(channel, i), streams, stream, count);
    Value place = b.createOrFold<arith::AddIOp>(loc, product(row, m.strides[0]),
                                                product(c, m.strides[1]));
    place = b.createOrFold<arith::AddIOp>(loc, place, product(safe, m.strides[2]));
    lanes.push_back(
        load(m.element, address(m.element, m.pointer, place), storageBytes(m.element), invariant));
  }
  return select(reaches, toF32(pack(lanes)), zero());
}

void Emitter::store(Place &place, StoreOp op, int64_t count) {
  OpLine line(*this, op);
  const Memory &m = memory(op.getView(), true);
  auto product = [&](Value index, Value stride) {
    return b.createOrFold<arith::MulIOp>(loc, widen(index), stride);
  };
  Value start = b.createOrFold<arith::AddIOp>(loc, product(batch, m.strides[0]),
                                              product(channel, m.strides[1]));
  Value pointer = address(m.element, m.pointer, start);
  int64_t bytes = storageBytes(m.element);
  bool aligned = plan.schedule.getAlign() > 1;
  bool runs = runsAlong(place);
  int64_t step = runs ? place.run : 1;
  SmallVector<Value> values;
  for (int64_t j = 0; j < count; j += step) {
    SmallVector<Value> scalars;
    for (int64_t i = 0; i < step; ++i)
      scalars.push_back(stored(place, op.getInput(), j + i));
    values.push_back(toStorage(runs ? pack(scalars) : scalars[0], m.element));
  }
  auto storeOne = [&](Value value, Value to) {
    if (runs || plan.lanes == 1 || aligned)
      return storeTo(value, to, bytesOf(value.getType()));
    for (int64_t i = 0; i < plan.lanes; ++i)
      storeTo(lane(value, i), address(m.element, to, product(num(i), m.strides[1])), bytes);
  };
  if (!runs)
    return storeRows(place.position, values, pointer, m.strides[2], m.element, storeOne);
  for (auto [i, value] : llvm::enumerate(values)) {
    Value position = offset(place.position, i * step);
    ifThen(both(less(position, length), channelOk), [&] {
      storeOne(value, address(m.element, pointer, product(position, m.strides[2])));
    });
  }
}

/// Stores consecutive positions; guards each only where the last one passes the end.
void Emitter::storeRows(Value position, ArrayRef<Value> values, Value pointer, Value stride,
                        Type element, llvm::function_ref<void(Value, Value)> storeRow) {
  Value first = address(
      element, pointer, b.createOrFold<arith::MulIOp>(loc, widen(position), stride));
  Value whole = less(offset(position, values.size() - 1), length);
  ifThen(channelOk, [&] {
    ifElse(
        whole,
        [&] {
          Value to = first;
          for (auto [i, value] : llvm::enumerate(values)) {
            to = i ? address(element, to, stride) : to;
            storeRow(value, to);
          }
        },
        [&] {
          Value to = first;
          for (auto [i, value] : llvm::enumerate(ArrayRef(values).drop_back())) {
            to = i ? address(element, to, stride) : to;
            ifThen(less(offset(position, i), length), [&] { storeRow(value, to); });
          }
        });
  });
}

/// The samples before position `end` of a sequence that begins at `origin` (null: 0), and of its
/// history where it is shorter than the state.
void Emitter::storeState(StoreStateOp op, Value row, Value origin, Value end) {
  OpLine line(*this, op);
  const Memory &m = memory(op.getState(), true);
  if (isa<ModalStateType>(m.decl.getType()))
    return; // Written where it is carried (Modal.cpp).
  if (cast<StateType>(m.decl.getType()).isKept())
    return storeKept(op);
  int64_t width = *knownCount(cast<StateType>(m.decl.getType()).getTaps()) - 1;
  if (width == 0)
    return;
  auto product = [&](Value index, Value stride) {
    return b.createOrFold<arith::MulIOp>(loc, widen(index), stride);
  };
  loop(laneL, num(width), num(plan.threadsL), {}, [&](Value slot, ValueRange) {
    Place place;
    place.position = add(sub(end, num(width)), slot);
    place.anywhere = true;
    place.origin = origin;
    place.row = origin ? row : Value();
    for (auto [s, input] : llvm::enumerate(op.getInputs())) {
      Value value = toStorage(kept(place, input), m.element);
      for (int64_t i = 0; i < plan.lanes; ++i) {
        Value c = memoryChannel(offset(channel, i), op.getStreams().value_or(Attribute()), s,
                                op.getInputs().size());
        Value to = b.createOrFold<arith::AddIOp>(loc, product(row, m.strides[0]),
                                                 product(c, m.strides[1]));
        to = b.createOrFold<arith::AddIOp>(loc, to, product(slot, m.strides[2]));
        storeTo(lane(value, i), address(m.element, m.pointer, to), storageBytes(m.element));
      }
    }
    return SmallVector<Value>{};
  });
}

void Emitter::storeStates() {
  SmallVector<StoreStateOp> states(plan.kernel.getBody().front().getOps<StoreStateOp>());
  if (states.empty())
    return;
  // What one thread of a channel writes in place, others may still be reading: those that share the
  // channel, and those beyond the last one, which read the last one's for nothing.
  if (plan.keeps)
    barrier();
  if (plan.byBounds()) {
    // Sequences in turn over the blocks along L, empty ones too (conv_c7).
    ifThen(channelOk, [&] {
      loop(tileL, sequenceCount(), tilesL, {}, [&](Value row, ValueRange) {
        Value begin = bound(row), end = bound(offset(row, 1));
        for (StoreStateOp op : states)
          storeState(op, row, begin, end);
        return SmallVector<Value>{};
      });
    });
    return;
  }
  Value last = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, tileL, offset(tilesL, -1));
  Value own = both(last, channelOk);
  if (rank)
    own = both(own, less(rank, num(1)));
  ifThen(own, [&] {
    for (StoreStateOp op : states)
      storeState(op, batch, {}, length);
  });
}

#include "compiler/lowering/Packed.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

static Value equal(Emitter &e, Value x, Value y) {
  return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, x, y);
}

Value Emitter::bound(Value index) {
  const Memory &m = memory(plan.packing->operand);
  Value place = b.createOrFold<arith::MulIOp>(loc, widen(index), m.strides[0]);
  return load(b.getI32Type(), address(m.element, m.pointer, place), 4, /*invariant=*/true);
}

Value Emitter::sequenceCount() {
  return arith::TruncIOp::create(b, loc, b.getI32Type(), memory(plan.packing->operand).strides[1]);
}

Value Emitter::labelAt(Place &place, int64_t offset) {
  if (Value known = place.labels.lookup(offset))
    return known;
  const Memory &m = memory(plan.packing->operand);
  auto product = [&](Value index, Value stride) {
    return b.createOrFold<arith::MulIOp>(loc, widen(index), stride);
  };
  auto loaded = [&]() -> Value {
    Value position = max(min(this->offset(place.position, offset), this->offset(length, -1)), num(0));
    Value at = b.createOrFold<arith::AddIOp>(loc, product(batch, m.strides[0]),
                                             product(position, m.strides[1]));
    return load(b.getI32Type(), address(m.element, m.pointer, at), 4, /*invariant=*/true);
  };
  // Asked for an end state, there may be no position at all.
  if (!place.anywhere)
    return loaded();
  return ifValues(less(num(0), length), {num(0)}, [&] { return SmallVector<Value>{loaded()}; })[0];
}

Value Emitter::sameLabel(Place &a, int64_t i, Place &b, int64_t j) {
  Value first = labelAt(a, i);
  return equal(*this, first, labelAt(b, j));
}

Value Emitter::stored(Place &place, Value signal, int64_t offset) {
  Value value = at(place, signal, offset);
  if (!plan.byPositions() || place.uniform)
    return value;
  return select(less(num(-1), labelAt(place, offset)), value, zero());
}

/// A sample for a state. By numbers, 0 where it does not belong to the last position's sequence.
Value Emitter::kept(Place &place, Value signal) {
  if (!plan.byPositions())
    return historic(place, signal, 0);
  Place last;
  last.position = offset(length, -1);
  last.anywhere = true;
  Value label = labelAt(last, 0);
  Value belongs = both(less(num(-1), label), equal(*this, label, labelAt(place, 0)));
  return select(belongs, historic(place, signal, 0), zero());
}

namespace {

/// The samples a signal has before its sequence.
struct History {
  StringRef state;
  Attribute streams;
  int64_t stream = 0;
};

std::optional<History> historyOf(Value signal) {
  if (auto resume = signal.getDefiningOp<ResumeOp>())
    return History{resume.getState(), {}, 0};
  if (auto load = signal.getDefiningOp<LoadOp>(); load && load.getInitAttr())
    return History{*load.getInit(), load.getStreams().value_or(Attribute()),
                   cast<OpResult>(signal).getResultNumber()};
  return std::nullopt;
}

} // namespace

bool Emitter::hasHistory(FirOp fir) const {
  return tapsOf(fir) > 1 && historyOf(fir.getInput()).has_value();
}

Value Emitter::sumHistory(FirOp fir, const PackedPosition &own, Value sum) {
  if (!hasHistory(fir))
    return sum;
  History history = *historyOf(fir.getInput());
  int64_t oldest = tapsOf(fir) - 1;
  Value taps = sub(num(oldest), own.since);
  return ifValues(less(num(0), taps), {sum}, [&] {
    return loop(num(0), taps, num(1), {sum}, [&](Value i, ValueRange carried) {
      Value age = sub(num(oldest), i);
      bool correlation = tapIndex(fir, 0) != 0;
      Value sample = signalFromState(history.state, history.streams, history.stream,
                                     sub(own.since, age), own.row);
      return SmallVector<Value>{fma(loadTap(fir, correlation ? i : age), sample, carried[0])};
    });
  })[0];
}

Value Emitter::computePackedFir(Place &place, FirOp fir, int64_t offset) {
  Value sum = fir.getAddend() ? at(place, fir.getAddend(), offset) : Value();
  auto found = place.packed.find(offset);
  bool bounded = found != place.packed.end(), history = bounded && hasHistory(fir);
  if (history) {
    // -0 adds nothing to any number, not even to -0.
    Value nothing = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(-0.0f));
    sum = sumHistory(fir, found->second, sum ? sum : splat(nothing));
  }
  for (int64_t age = tapsOf(fir) - 1; age >= 0; --age) {
    Value sample = historic(place, fir.getInput(), offset - age);
    Value tap = taps.lookup({fir, tapIndex(fir, age)});
    Value counts;
    if (age > 0)
      counts = bounded ? less(num(age - 1), found->second.since)
                       : sameLabel(place, offset - age, place, offset);
    if (counts && !history)
      sample = select(counts, sample, zero());
    Value next = sum ? fma(tap, sample, sum) : Value(arith::MulFOp::create(b, loc, tap, sample));
    sum = counts && history ? select(counts, next, sum) : next;
  }
  return sum;
}

int64_t compiler::firDepth(const KernelPlan &plan) {
  int64_t deepest = 0;
  for (auto fir : plan.kernel.getBody().front().getOps<FirOp>())
    deepest = std::max(deepest, plan.halos.lookup(fir.getResult()));
  return deepest;
}

Sequence compiler::findSequence(Emitter &e, Value position) {
  // b[low] <= position < b[high], as far as there are such.
  auto bisected = e.repeat(
      {e.num(0), e.sequenceCount()},
      [&](ValueRange range) { return e.less(e.offset(range[0], 1), range[1]); },
      [&](ValueRange range) {
        Value middle = e.div(e.add(range[0], range[1]), e.num(2));
        Value behind = e.less(position, e.bound(middle));
        return SmallVector<Value>{e.select(behind, range[0], middle),
                                  e.select(behind, middle, range[1])};
      });
  return Sequence({bisected[0], e.bound(bisected[0]), e.bound(e.offset(bisected[0], 1))});
}

Sequence compiler::nextSequence(Emitter &e, const Sequence &from, Value position) {
  return Sequence(e.repeat(
      from.values(),
      [&](ValueRange now) {
        return e.both(e.less(now[2], e.offset(position, 1)),
                      e.less(e.offset(now[0], 1), e.sequenceCount()));
      },
      [&](ValueRange now) {
        return SmallVector<Value>{e.offset(now[0], 1), now[2], e.bound(e.offset(now[0], 2))};
      }));
}

Sequence compiler::nearSequence(Emitter &e, const Sequence &from, Value position) {
  Sequence before(e.repeat(
      from.values(),
      [&](ValueRange now) { return e.both(e.less(position, now[1]), e.less(e.num(0), now[0])); },
      [&](ValueRange now) {
        return SmallVector<Value>{e.offset(now[0], -1), e.bound(e.offset(now[0], -1)), now[1]};
      }));
  return nextSequence(e, before, position);
}

Value compiler::liesAlone(Emitter &e, const Sequence &sequence, Value first, Value last) {
  return e.both(e.less(e.offset(sequence.begin, -1), first), e.less(last, sequence.end));
}

void compiler::spreadSequences(Emitter &e, Place &place, const Sequence &near, int64_t from,
                               int64_t to) {
  Sequence own = nearSequence(e, near, e.offset(place.position, from));
  for (int64_t j = from; j < to; ++j) {
    Value position = e.offset(place.position, j);
    if (j > from)
      own = nextSequence(e, own, position);
    place.packed[j] = {e.max(e.sub(position, own.begin), e.num(0)), own.row};
  }
}

Value compiler::loadLabels(Emitter &e, Place &place, int64_t from, int64_t to) {
  for (int64_t j = from; j < to; ++j) {
    Value label = e.labelAt(place, j);
    place.labels[j] = label;
  }
  Value one = place.labels[to - 1];
  Value alike = e.less(e.num(-1), one);
  for (int64_t j = from; j + 1 < to; ++j)
    alike = e.both(alike, equal(e, place.labels[j], one));
  return alike;
}

SmallVector<Value> compiler::choosePacked(Emitter &e, Place &place, const Sequence *sequence,
                                          int64_t from, int64_t count, TypeRange types,
                                          llvm::function_ref<SmallVector<Value>(Place &)> body) {
  const KernelPlan &plan = e.plan;
  bool bounded = plan.byBounds();
  Value alone = bounded ? liesAlone(e, *sequence, e.offset(place.position, -plan.halo),
                                    e.offset(place.position, count - 1))
                        : loadLabels(e, place, -plan.halo, count);
  auto several = [&] {
    Place masked = place;
    if (bounded)
      spreadSequences(e, masked, *sequence, from, count);
    return body(masked);
  };
  // Threads that meet in the body take one way.
  if (plan.reduces)
    return several();
  return e.either(
      alone, types,
      [&] {
        Place plain = place;
        plain.uniform = !bounded;
        return body(plain);
      },
      several);
}

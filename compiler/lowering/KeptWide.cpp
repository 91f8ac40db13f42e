// A decode step from kept states (KeptStates.cpp) by wide accesses: a thread has `lanes` adjacent channels
// of one row at the one position. Where a state holds K - 1 samples a channel, channel after channel, those
// of a thread's channels lie together, and are read and written as K - 1 accesses of `lanes` elements:
//
//   lanes = 4, N = 3:   a1 a2 a3 b1 | b2 b3 c1 c2 | c3 d1 d2 d3
//   linear, after x:    a2 a3 xa b2 | b3 xb c2 c3 | xc d2 d3 xd
//   ring, start 1:      a1 xa a3 b1 | xb b3 c1 xc | c3 d1 xd d3
//
// A ring is written so only in place: what is not new goes back as it was. Longer states, other strides
// and rings that are written elsewhere take the element-wise way; the launch's sizes decide, for all threads
// alike.
#include "compiler/lowering/Emitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

namespace {

Value equal(Emitter &e, Value x, Value y) {
  return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, x, y);
}

/// Whether the samples of a thread's channels are `width` accesses of `bytes` bytes each.
Value liesTogether(Emitter &e, const Memory &m, int64_t width, int64_t bytes) {
  auto whole = [&](Value number, int64_t unit) {
    Value rest = e.b.createOrFold<arith::AndIOp>(e.loc, number, e.wide(unit - 1));
    return equal(e, rest, e.wide(0));
  };
  Value base = LLVM::PtrToIntOp::create(e.b, e.loc, e.b.getI64Type(), m.pointer);
  Value fits = e.both(equal(e, m.strides[2], e.wide(1)), equal(e, m.strides[1], e.wide(width)));
  if (m.strides.size() > 3)
    fits = e.both(fits, equal(e, m.strides[3], e.wide(width)));
  fits = e.both(fits, whole(base, bytes));
  return e.both(fits, whole(m.strides[0], bytes / e.storageBytes(m.element)));
}

/// Where the samples of the thread's channels begin.
Value firstOf(Emitter &e, const Memory &m, const Emitter::Kept &where) {
  auto product = [&](Value index, Value stride) {
    return e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(index), stride);
  };
  Value start = e.b.createOrFold<arith::AddIOp>(e.loc, product(where.row, m.strides[0]),
                                                product(e.channel, m.strides[1]));
  return e.address(m.element, m.pointer, start);
}

Value pieceAt(Emitter &e, const Memory &m, Value first, int64_t piece) {
  return e.address(m.element, first, e.wide(piece * e.plan.lanes));
}

} // namespace

void Emitter::recallKept(Place &place) {
  for (auto op : plan.kernel.getBody().front().getOps<LoadOp>()) {
    if (!op.getInitAttr() || op.getNumResults() != 1)
      continue;
    StringRef name = *op.getInit();
    const Memory &from = memory(name);
    auto type = cast<StateType>(from.decl.getType());
    int64_t width = *knownCount(type.getTaps()) - 1;
    if (!type.isKept() || width == 0 || width >= kUnrolledTaps)
      continue;
    OpLine line(*this, op);
    Type piece = signalType(from.element);
    int64_t bytes = bytesOf(piece);
    Kept where = kept(name);
    WideKept wide;
    wide.fits = liesTogether(*this, from, width, bytes);
    bool written = bool(plan.kernel.lookupOperand(name, /*output=*/true));
    if (written) {
      const Memory &to = memory(name, /*output=*/true);
      wide.fits = both(wide.fits, liesTogether(*this, to, width, bytes));
      auto number = [&](Value pointer) {
        return LLVM::PtrToIntOp::create(b, loc, b.getI64Type(), pointer);
      };
      if (where.start)
        wide.fits = both(wide.fits, equal(*this, number(from.pointer), number(to.pointer)));
    }
    auto together = [&] {
      Value first = firstOf(*this, from, where);
      SmallVector<Value> pieces, samples;
      for (int64_t i = 0; i < width; ++i)
        pieces.push_back(load(piece, pieceAt(*this, from, first, i), bytes, /*invariant=*/false));
      auto element = [&](int64_t channel, int64_t place) {
        int64_t index = channel * width + place;
        return lane(pieces[index / plan.lanes], index % plan.lanes);
      };
      for (int64_t age = 1; age <= width; ++age) {
        SmallVector<Value> lanes;
        Value own = where.start ? placeOf(where, num(-age)) : Value();
        for (int64_t i = 0; i < plan.lanes; ++i) {
          Value sample = element(i, own ? 0 : width - age);
          for (int64_t p = 1; own && p < width; ++p)
            sample = select(equal(*this, own, num(p)), element(i, p), sample);
          lanes.push_back(sample);
        }
        samples.push_back(pack(lanes));
      }
      return samples;
    };
    auto apart = [&] {
      SmallVector<Value> samples;
      for (int64_t age = 1; age <= width; ++age)
        samples.push_back(toStorage(
            signalFromState(name, op.getStreams().value_or(Attribute()), 0, num(-age), batch),
            from.element));
      return samples;
    };
    wide.samples = either(wide.fits, SmallVector<Type>(width, piece), together, apart);
    Value signal = op.getSignals()[0];
    for (int64_t age = 1; age <= width; ++age)
      place.raw[{signal, -age}] = wide.samples[age - 1];
    wide.newest = rawAt(place, signal, 0);
    if (written)
      wideKept[name] = wide;
  }
}

const Emitter::WideKept *Emitter::wideOf(StoreStateOp op) const {
  auto known = wideKept.find(op.getState());
  if (known == wideKept.end() || op.getInputs().size() != 1)
    return nullptr;
  auto load = op.getInputs()[0].getDefiningOp<LoadOp>();
  return load && load.getInit() == op.getState() ? &known->second : nullptr;
}

void Emitter::storeTogether(StoreStateOp op, const WideKept &wide) {
  const Memory &to = memory(op.getState(), /*output=*/true);
  Kept where = kept(op.getState());
  int64_t width = wide.samples.size();
  // What lies at a place afterwards; the oldest sample is gone.
  auto element = [&](int64_t channel, int64_t place) {
    Value newest = lane(wide.newest, channel);
    if (!where.start)
      return place == width - 1 ? newest : lane(wide.samples[width - 2 - place], channel);
    Value sample = newest;
    for (int64_t age = 1; age < width; ++age)
      sample = select(equal(*this, placeOf(where, num(-age)), num(place)),
                      lane(wide.samples[age - 1], channel), sample);
    return sample;
  };
  Value first = firstOf(*this, to, where);
  SmallVector<Value> elements;
  for (int64_t i = 0; i < plan.lanes; ++i)
    for (int64_t p = 0; p < width; ++p)
      elements.push_back(element(i, p));
  for (int64_t i = 0; i < width; ++i) {
    Value piece = pack(ArrayRef(elements).slice(i * plan.lanes, plan.lanes));
    storeTo(piece, pieceAt(*this, to, first, i), bytesOf(piece.getType()));
  }
}

void compiler::emitKeptStep(Emitter &e) {
  Place place;
  place.position = e.num(0);
  place.inside = true;
  // Everything that comes from memory is asked for before anything is waited for.
  loadAll(e, place, 1, /*withHalo=*/false);
  e.emitInvariants();
  e.recallKept(place);
  storeAll(e, place, 1);
}

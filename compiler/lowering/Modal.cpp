#include "compiler/lowering/Modal.h"

#include "compiler/lowering/Exponential.h"
#include "compiler/lowering/Packed.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

/// Values of one mode in shared memory: one per thread. In bdl the threads of a channel are
/// neighbours and read different modes together: the odd pitch spreads them over the banks.
static int64_t pitchOf(const KernelPlan &plan) {
  return plan.threads() + (plan.channelsFast ? 0 : 1);
}

int64_t compiler::modalSharedBytes(const KernelPlan &plan, ModalOp modal) {
  return 4 * plan.lanes * pitchOf(plan) * modesOf(plan.kernel, modal.getLogPoles());
}

Value compiler::modePointer(Emitter &e, const Memory &m, Value channel, Value mode) {
  auto product = [&](Value index, Value stride) {
    return e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(index), stride);
  };
  auto sum = [&](Value x, Value y) { return e.b.createOrFold<arith::AddIOp>(e.loc, x, y); };
  bool batched = m.strides.size() == 3;
  Value place = sum(product(channel, m.strides[batched]), product(mode, m.strides[batched + 1]));
  if (batched)
    place = sum(place, product(e.batch, m.strides[0]));
  return e.address(m.element, m.pointer, place);
}

namespace {

using Values = SmallVector<Value>;

/// A mode that a thread carries: one of every T.
struct OwnMode {
  Value mode;                 ///< i32, its index, clamped into [0, S).
  Value exists;               ///< i1, or null where it is known to.
  Value stepDecay, restDecay; ///< expm1(lp * C), expm1(lp * (L mod C)).
  Value state, lost;          ///< S, and what rounding the last sum lost.
};

/// One halo.modal.
struct Recurrence {
  ModalOp op;
  int64_t base = 0; ///< Its shared memory, in numbers of f32.
  Values poles, residues;
  SmallVector<OwnMode, 1> own;
};

class ModalWalk {
public:
  explicit ModalWalk(Emitter &e) : e(e), plan(e.plan), segment(plan.unroll * plan.run) {}

  void emit() {
    if (!plan.byBounds())
      return emitSequence(e.num(0), e.batch);
    // One after another: for what follows, the row ends with the sequence.
    Value length = e.length;
    e.loop(e.num(0), e.sequenceCount(), e.num(1), {}, [&](Value row, ValueRange) {
      Value from = e.bound(row);
      e.length = e.bound(e.offset(row, 1));
      recurrences.clear();
      emitSequence(from, row);
      return Values{};
    });
    e.length = length;
  }

private:
  Emitter &e;
  const KernelPlan &plan;
  int64_t segment; ///< C
  std::vector<Recurrence> recurrences;
  Value start, row; ///< Of the sequence: its first position, its row of the states.

  /// The states of a row, which are those of the block's own where nothing is packed.
  template <typename Body> void inStateRow(Body body) {
    std::swap(e.batch, row);
    body();
    std::swap(e.batch, row);
  }

  /// Positions from `from` to the length, and the states before and after them.
  void emitSequence(Value from, Value stateRow) {
    start = from;
    row = stateRow;
    int64_t base = plan.carryBase / 4;
    for (ModalOp op : plan.carries) {
      OpLine line(e, op);
      inStateRow([&] { begin(op, base); });
      base += modalSharedBytes(plan, op) / 4;
    }
    Value whole = e.mul(e.div(positions(), e.num(plan.stepL)), e.num(plan.stepL));
    if (plan.byBounds())
      whole = e.add(start, whole);
    rounds(start, whole, /*last=*/false);
    // At most once.
    rounds(whole, e.length, /*last=*/true);
    for (auto store : plan.kernel.getBody().front().getOps<StoreStateOp>())
      for (Recurrence &r : recurrences)
        if (llvm::is_contained(store.getInputs(), r.op.getResult())) {
          OpLine line(e, store);
          inStateRow([&] { storeStates(r, e.memory(store.getState(), true)); });
        }
  }
  Value positions() { return plan.byBounds() ? e.sub(e.length, start) : e.length; }

  Value plus(Value x, Value y) { return arith::AddFOp::create(e.b, e.loc, x, y); }
  Value minus(Value x, Value y) { return arith::SubFOp::create(e.b, e.loc, x, y); }
  Value count(Value positions) {
    return e.splat(arith::SIToFPOp::create(e.b, e.loc, e.b.getF32Type(), positions));
  }
  /// `value()` where the mode exists, else `otherwise`.
  Value where(Value exists, Value otherwise, llvm::function_ref<Value()> value) {
    if (!exists)
      return value();
    return e.ifValues(exists, otherwise, [&] { return Values{value()}; })[0];
  }

  /// Of the thread's lane-th channel.
  Value modePlace(const Memory &m, int64_t lane, Value mode) {
    return modePointer(e, m, e.offset(e.channel, lane), mode);
  }
  Value loadMode(const Memory &m, Value mode, bool invariant) {
    Values lanes;
    for (int64_t i = 0; i < plan.lanes; ++i)
      lanes.push_back(e.load(m.element, modePlace(m, i, mode), 4, invariant));
    return e.pack(lanes);
  }

  void begin(ModalOp op, int64_t base) {
    Recurrence r;
    r.op = op;
    r.base = base;
    r.residues = Values(e.modes(op.getResidues()));
    for (Value logPole : e.modes(op.getLogPoles()))
      r.poles.push_back(emitExp(e, logPole, count(e.num(1))));
    int64_t modes = r.poles.size();
    Value rest = count(e.rem(positions(), e.num(segment)));
    for (int64_t first = 0; first < modes; first += plan.threadsL) {
      OwnMode own;
      own.mode = e.offset(e.laneL, first);
      if (first + plan.threadsL > modes) {
        own.exists = e.less(own.mode, e.num(modes));
        own.mode = e.min(own.mode, e.num(modes - 1));
      }
      Value logPole = loadMode(e.memory(op.getLogPoles()), own.mode, /*invariant=*/true);
      own.stepDecay = emitExpm1(e, logPole, count(e.num(segment)));
      own.restDecay = emitExpm1(e, logPole, rest);
      own.lost = e.zero();
      own.state = op.getInitAttr()
                      ? loadMode(e.memory(*op.getInit()), own.mode, /*invariant=*/false)
                      : e.zero();
      r.own.push_back(own);
    }
    recurrences.push_back(std::move(r));
  }

  Values carried() {
    Values all;
    for (Recurrence &r : recurrences)
      for (OwnMode &own : r.own)
        all.append({own.state, own.lost});
    return all;
  }
  void carry(ValueRange values) {
    for (Recurrence &r : recurrences)
      for (OwnMode &own : r.own) {
        own.state = values[0];
        own.lost = values[1];
        values = values.drop_front(2);
      }
  }

  void rounds(Value from, Value to, bool last) {
    carry(e.loop(from, to, e.num(plan.stepL), carried(), [&](Value position, ValueRange values) {
      carry(values);
      round(position, last);
      return carried();
    }));
  }

  /// Positions [position, position + T * C); only the last round may pass L.
  void round(Value position, bool last) {
    Place place;
    place.position = e.add(position, e.mul(e.laneL, e.num(segment)));
    place.inside = !last;
    place.run = plan.run;
    if (plan.byBounds())
      for (int64_t j = -firDepth(plan); j < segment; ++j) {
        Value since = e.sub(e.offset(place.position, j), start);
        place.packed[j] = {j < 0 ? e.max(since, e.num(0)) : since, row};
      }
    loadAll(e, place, segment, /*withHalo=*/true);
    for (Recurrence &r : recurrences) {
      OpLine line(e, r.op);
      Values samples;
      for (int64_t j = 0; j < segment; ++j)
        samples.push_back(e.at(place, r.op.getInput(), j));
      for (auto [s, added] : llvm::enumerate(sumSegment(r, samples, place.position, last)))
        e.storeTo(added, sharedPlace(r, e.num(s), e.thread), sharedAlign());
      e.barrier();
      walkSegments(r, position, last);
      e.barrier();
      Values states;
      for (size_t s = 0; s < r.poles.size(); ++s)
        states.push_back(loadShared(r, e.num(s), e.thread));
      for (int64_t j = 0; j < segment; ++j)
        place.signals[{r.op.getResult(), j}] = advance(r, states, samples[j]);
    }
    storeAll(e, place, segment);
  }

  /// Q of every mode. Positions from L on add nothing and decay nothing.
  Values sumSegment(Recurrence &r, ArrayRef<Value> samples, Value position, bool last) {
    Values added;
    for (auto [j, sample] : llvm::enumerate(samples)) {
      Value before = last ? e.less(e.offset(position, j), e.length) : Value();
      for (auto [s, pole] : llvm::enumerate(r.poles)) {
        Value old = j ? added[s] : e.zero();
        Value next = j ? e.fma(pole, old, sample) : sample;
        next = last ? e.select(before, next, old) : next;
        j ? void(added[s] = next) : added.push_back(next);
      }
    }
    return added;
  }

  /// One position: the states move on, and their weighted sum is the output.
  Value advance(Recurrence &r, Values &states, Value sample) {
    Value y;
    for (size_t s = 0; s < states.size(); ++s) {
      states[s] = e.fma(r.poles[s], states[s], sample);
      y = y ? e.fma(r.residues[s], states[s], y)
            : Value(arith::MulFOp::create(e.b, e.loc, r.residues[s], states[s]));
    }
    return y;
  }

  Value sharedPlace(Recurrence &r, Value mode, Value thread) {
    Value place = e.add(e.mul(mode, e.num(pitchOf(plan))), thread);
    return e.sharedFloat(e.offset(e.mul(place, e.num(plan.lanes)), r.base));
  }
  /// A thread's lanes lie side by side; shared memory begins at a multiple of 16 bytes.
  int64_t sharedAlign() const { return std::min<int64_t>(16, 4 * plan.lanes); }
  Value loadShared(Recurrence &r, Value mode, Value thread) {
    return e.load(e.signalType(e.b.getF32Type()), sharedPlace(r, mode, thread), sharedAlign(),
                  /*invariant=*/false);
  }

  /// The thread's own modes over the segments of a round: in place of what each adds, where it
  /// starts.
  void walkSegments(Recurrence &r, Value position, bool last) {
    Values values;
    for (OwnMode &own : r.own)
      values.append({own.state, own.lost});
    values =
        e.loop(e.num(0), e.num(plan.threadsL), e.num(1), values, [&](Value j, ValueRange carried) {
          Value thread = plan.channelsFast ? e.add(e.mul(j, e.num(plan.threadsN)), e.laneN)
                                           : e.add(e.mul(e.laneN, e.num(plan.threadsL)), j);
          Value left = e.sub(e.length, e.add(position, e.mul(j, e.num(segment))));
          Values next;
          for (auto [i, own] : llvm::enumerate(r.own))
            next.append(walkSegment(r, own, carried.slice(2 * i, 2), thread, left, last));
          return next;
        });
    for (auto [i, own] : llvm::enumerate(r.own)) {
      own.state = values[2 * i];
      own.lost = values[2 * i + 1];
    }
  }

  Values walkSegment(Recurrence &r, OwnMode &own, ValueRange carried, Value thread, Value left,
                     bool last) {
    Value state = carried[0], lost = carried[1];
    Value added = where(own.exists, e.zero(), [&] {
      Value sum = loadShared(r, own.mode, thread);
      e.storeTo(state, sharedPlace(r, own.mode, thread), sharedAlign());
      return sum;
    });
    Value decay = own.stepDecay;
    if (last)
      decay = e.select(e.less(left, e.num(segment)), own.restDecay, decay);
    Value change = plus(e.fma(decay, state, added), lost);
    // The rounding error of a sum, whichever term is larger.
    Value next = plus(state, change), taken = minus(next, state);
    Value error = plus(minus(state, minus(next, taken)), minus(change, taken));
    if (last) {
      Value moves = e.less(e.num(0), left);
      next = e.select(moves, next, state);
      error = e.select(moves, error, lost);
    }
    return {next, error};
  }

  void storeStates(Recurrence &r, const Memory &m) {
    for (OwnMode &own : r.own)
      e.ifThen(own.exists ? e.both(e.channelOk, own.exists) : e.channelOk, [&] {
        for (int64_t i = 0; i < plan.lanes; ++i)
          e.storeTo(e.lane(own.state, i), modePlace(m, i, own.mode), 4);
      });
  }
};

} // namespace

void compiler::emitModal(Emitter &e) {
  e.emitInvariants();
  ModalWalk(e).emit();
}

Value compiler::modalFilterAt(Emitter &e, Place &place, ModalFilterOp filter, int64_t offset) {
  Value position = e.offset(place.position, offset);
  Value k = e.splat(arith::SIToFPOp::create(e.b, e.loc, e.b.getF32Type(), position));
  Value sum;
  for (auto [logPole, residue] :
       llvm::zip(e.modes(filter.getLogPoles()), e.modes(filter.getResidues()))) {
    Value power = emitExp(e, logPole, k);
    sum =
        sum ? e.fma(residue, power, sum) : Value(arith::MulFOp::create(e.b, e.loc, residue, power));
  }
  return sum;
}

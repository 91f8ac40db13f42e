#include "compiler/lowering/Modal.h"

#include "compiler/lowering/Exponential.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

namespace {

using Values = SmallVector<Value>;

/// One halo.modal: its constants, and its states where the walk stands.
struct Recurrence {
  ModalOp op;
  Values logPoles, residues, poles;
  Values stepDecays; ///< expm1(lp * C).
  Values states;     ///< S at the start of the step.
  Values running;    ///< V
  Values added;      ///< Q
};

class ModalWalk {
public:
  explicit ModalWalk(Emitter &e) : e(e), plan(e.plan) {}

  void emit() {
    int64_t step = plan.stepL;
    for (ModalOp op : plan.carries)
      begin(op, step);
    Value whole = e.mul(e.div(e.length, e.num(step)), e.num(step));

    Values states = e.loop(e.num(0), whole, e.num(step), collect(&Recurrence::states),
                           [&](Value position, ValueRange carried) {
                             put(&Recurrence::states, carried);
                             startStep();
                             walk(position, step, plan.run);
                             for (Recurrence &r : recurrences)
                               finish(r, r.stepDecays);
                             return collect(&Recurrence::states);
                           });
    put(&Recurrence::states, states);

    startStep();
    Values carried = collect(&Recurrence::running);
    carried.append(collect(&Recurrence::added));
    size_t half = carried.size() / 2;
    auto putBoth = [&](ValueRange values) {
      put(&Recurrence::running, values.take_front(half));
      put(&Recurrence::added, values.drop_front(half));
    };
    putBoth(e.loop(whole, e.length, e.num(1), carried, [&](Value position, ValueRange values) {
      putBoth(values);
      walk(position, 1, 1);
      Values next = collect(&Recurrence::running);
      next.append(collect(&Recurrence::added));
      return next;
    }));
    storeStates(e.sub(e.length, whole));
  }

private:
  Emitter &e;
  const KernelPlan &plan;
  std::vector<Recurrence> recurrences;

  Value count(Value positions) {
    return e.splat(arith::SIToFPOp::create(e.b, e.loc, e.b.getF32Type(), positions));
  }

  /// Pointer of the thread's lane-th channel in a modal state.
  Value statePlace(const Memory &m, int64_t lane, int64_t mode) {
    auto product = [&](Value index, Value stride) {
      return e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(index), stride);
    };
    Value place = e.b.createOrFold<arith::AddIOp>(
        e.loc, product(e.batch, m.strides[0]), product(e.offset(e.channel, lane), m.strides[1]));
    place = e.b.createOrFold<arith::AddIOp>(e.loc, place, product(e.num(mode), m.strides[2]));
    return e.address(m.element, m.pointer, place);
  }

  void begin(ModalOp op, int64_t step) {
    Recurrence r;
    r.op = op;
    r.logPoles = Values(e.modes(op.getLogPoles()));
    r.residues = Values(e.modes(op.getResidues()));
    Value one = count(e.num(1)), positions = count(e.num(step));
    for (auto [s, logPole] : llvm::enumerate(r.logPoles)) {
      r.poles.push_back(emitExp(e, logPole, one));
      r.stepDecays.push_back(emitExpm1(e, logPole, positions));
      Values lanes;
      for (int64_t i = 0; i < plan.lanes && op.getInitAttr(); ++i) {
        const Memory &m = e.memory(*op.getInit());
        lanes.push_back(e.load(m.element, statePlace(m, i, s), 4, /*invariant=*/false));
      }
      r.states.push_back(lanes.empty() ? e.zero() : e.pack(lanes));
    }
    recurrences.push_back(std::move(r));
  }

  Values collect(Values Recurrence::*member) {
    Values all;
    for (Recurrence &r : recurrences)
      all.append(r.*member);
    return all;
  }
  void put(Values Recurrence::*member, ValueRange values) {
    for (Recurrence &r : recurrences) {
      r.*member = Values(values.take_front(r.logPoles.size()));
      values = values.drop_front(r.logPoles.size());
    }
  }

  void startStep() {
    for (Recurrence &r : recurrences) {
      r.running = r.states;
      r.added.assign(r.states.size(), e.zero());
    }
  }

  /// Positions [position, position + count), all of them before L.
  void walk(Value position, int64_t count, int64_t run) {
    Place place;
    place.position = position;
    place.inside = true;
    place.run = run;
    loadAll(e, place, count, /*withHalo=*/true);
    for (Recurrence &r : recurrences)
      for (int64_t j = 0; j < count; ++j) {
        Value u = e.at(place, r.op.getInput(), j), y;
        for (size_t s = 0; s < r.poles.size(); ++s) {
          r.running[s] = e.fma(r.poles[s], r.running[s], u);
          r.added[s] = e.fma(r.poles[s], r.added[s], u);
          y = y ? e.fma(r.residues[s], r.running[s], y)
                : Value(arith::MulFOp::create(e.b, e.loc, r.residues[s], r.running[s]));
        }
        place.signals[{r.op.getResult(), j}] = y;
      }
    storeAll(e, place, count);
  }

  /// The states after the step, which decays them by expm1 `decays`.
  void finish(Recurrence &r, ArrayRef<Value> decays) {
    for (size_t s = 0; s < r.states.size(); ++s)
      r.states[s] = arith::AddFOp::create(e.b, e.loc, r.states[s],
                                          e.fma(decays[s], r.states[s], r.added[s]));
  }

  /// The states after the last position, `rest` positions into a step.
  void storeStates(Value rest) {
    for (auto store : plan.kernel.getBody().front().getOps<StoreStateOp>())
      for (Recurrence &r : recurrences) {
        if (!llvm::is_contained(store.getInputs(), r.op.getResult()))
          continue;
        const Memory &m = e.memory(store.getState(), true);
        e.ifThen(e.channelOk, [&] {
          Values before = r.states, decays;
          for (Value logPole : r.logPoles)
            decays.push_back(emitExpm1(e, logPole, count(rest)));
          finish(r, decays);
          Value moved = e.less(e.num(0), rest);
          for (size_t s = 0; s < before.size(); ++s)
            for (int64_t i = 0; i < plan.lanes; ++i)
              // Selected, since a state that is infinite would not survive a decay of nothing.
              e.storeTo(e.select(moved, e.lane(r.states[s], i), e.lane(before[s], i)),
                        statePlace(m, i, s), 4);
          r.states = before;
        });
      }
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
  for (auto [logPole, residue] : llvm::zip(e.modes(filter.getLogPoles()),
                                           e.modes(filter.getResidues()))) {
    Value power = emitExp(e, logPole, k);
    sum = sum ? e.fma(residue, power, sum)
              : Value(arith::MulFOp::create(e.b, e.loc, residue, power));
  }
  return sum;
}

// The direct strategy's main loops.
#include "compiler/lowering/RolledFir.h"

#include "compiler/lowering/Emitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/MapVector.h"

#include <numeric>

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

namespace {

/// Everything the kernel stores of a place: offsets [0, count).
void storeAll(Emitter &e, Place &place, int64_t count) {
  for (Operation &op : e.plan.kernel.getBody().front()) {
    if (auto store = dyn_cast<StoreOp>(op))
      e.store(place, store, count);
    else if (auto split = dyn_cast<SplitStoreOp>(op))
      e.store(place, split, count);
  }
}

/// Issues the loads of offsets [-halo, count) (or [0, count)) ahead of all arithmetic.
void loadAll(Emitter &e, Place &place, int64_t count, bool withHalo) {
  for (auto load : e.plan.kernel.getBody().front().getOps<LoadOp>())
    for (Value signal : load.getSignals())
      if (auto halo = e.plan.halos.find(signal); halo != e.plan.halos.end())
        for (int64_t j = withHalo ? -halo->second : 0; j < count; ++j)
          e.rawAt(place, signal, j);
}

/// bld, window=registers: the thread walks its rows; the samples under each FIR's taps are carried
/// from step to step, in storage type where they are exact in it.
class Walk {
public:
  explicit Walk(Emitter &e) : e(e), plan(e.plan) {
    for (auto fir : plan.kernel.getBody().front().getOps<FirOp>())
      if (plan.halos.count(fir.getResult()) && tapsOf(fir) > 1) {
        int64_t &depth = depths[fir.getInput()];
        depth = std::max(depth, tapsOf(fir) - 1);
      }
    if (plan.schedule.getStages() > 1)
      for (auto load : plan.kernel.getBody().front().getOps<LoadOp>())
        for (Value signal : load.getSignals())
          if (plan.halos.count(signal))
            prefetched.push_back(signal);
  }

  void emit() {
    Value rows = e.div(e.blockLen, e.num(plan.threadsL));
    Value from = e.add(e.mul(e.tileL, e.blockLen), e.mul(e.laneL, rows));
    Value to = e.add(from, rows);
    // Where threads meet inside the walk, all take the same number of steps.
    if (!plan.reduces)
      to = e.min(to, e.length);

    Place before;
    before.position = from;
    SmallVector<Value> carried;
    for (auto [signal, depth] : depths)
      for (int64_t j = -depth; j < 0; ++j)
        carried.push_back(narrow(signal, e.historic(before, signal, j), before, j));
    for (Value signal : prefetched)
      for (int64_t j = 0; j < plan.unroll; ++j)
        carried.push_back(e.rawAt(before, signal, j));

    e.loop(from, to, e.num(plan.unroll), carried, [&](Value position, ValueRange window) {
      return step(position, window);
    });
  }

private:
  Emitter &e;
  const KernelPlan &plan;
  llvm::MapVector<Value, int64_t> depths; ///< Samples carried per FIR input.
  SmallVector<Value> prefetched;

  /// The form in which a sample is carried.
  Value narrow(Value signal, Value value, Place &place, int64_t j) {
    if (signal.getDefiningOp<LoadOp>())
      return e.rawAt(place, signal, j);
    if (auto round = signal.getDefiningOp<RoundOp>())
      return e.toStorage(value, cast<TypeAttr>(round.getType()).getValue());
    return value;
  }

  SmallVector<Value> step(Value position, ValueRange window) {
    Place here, next;
    here.position = position;
    next.position = e.offset(position, plan.unroll);
    size_t slot = 0;
    for (auto [signal, depth] : depths)
      for (int64_t j = -depth; j < 0; ++j) {
        Value carried = window[slot++];
        if (signal.getDefiningOp<LoadOp>())
          here.raw[{signal, j}] = carried;
        else if (signal.getDefiningOp<ResumeOp>())
          here.signals[{signal, j}] = carried;
        else
          here.history[{signal, j}] = e.toF32(carried);
      }
    for (Value signal : prefetched)
      for (int64_t j = 0; j < plan.unroll; ++j)
        here.raw[{signal, j}] = window[slot++];
    SmallVector<Value> ahead;
    for (Value signal : prefetched)
      for (int64_t j = 0; j < plan.unroll; ++j)
        ahead.push_back(e.rawAt(next, signal, j));

    loadAll(e, here, plan.unroll, /*withHalo=*/false);
    storeAll(e, here, plan.unroll);
    SmallVector<Value> results;
    for (auto [signal, depth] : depths)
      for (int64_t j = -depth; j < 0; ++j) {
        int64_t from = j + plan.unroll;
        results.push_back(narrow(signal, e.historic(here, signal, from), here, from));
      }
    results.append(ahead);
    return results;
  }
};

/// bdl, window=registers: every step takes `unroll` runs; halo samples come from the cache.
void emitRuns(Emitter &e) {
  const KernelPlan &plan = e.plan;
  Value begin = e.mul(e.tileL, e.blockLen);
  Value from = e.add(begin, e.mul(e.laneL, e.num(plan.run)));
  Value to = e.add(begin, e.blockLen);
  if (!plan.reduces)
    to = e.min(to, e.length);
  int64_t stride = plan.threadsL * plan.run;
  e.loop(from, to, e.num(plan.stepL), {}, [&](Value position, ValueRange) {
    SmallVector<Place> places(plan.unroll);
    for (auto [i, place] : llvm::enumerate(places)) {
      place.position = e.offset(position, i * stride);
      place.run = plan.run;
      loadAll(e, place, plan.run, /*withHalo=*/true);
    }
    for (Place &place : places)
      storeAll(e, place, plan.run);
    return SmallVector<Value>{};
  });
}

/// window=shared: the block steps through its tile; long FIRs meet in shared memory.
void emitRolled(Emitter &e) {
  const KernelPlan &plan = e.plan;
  Value begin = e.mul(e.tileL, e.blockLen);
  Value to = e.min(e.add(begin, e.blockLen), e.length);
  e.loop(begin, to, e.num(plan.stepL), {}, [&](Value tile, ValueRange) {
    Place place;
    place.position = e.add(tile, e.mul(e.laneL, e.num(plan.unroll)));
    if (plan.layout == Layout::BDL)
      place.run = std::gcd(plan.schedule.getVector(), plan.unroll);
    for (FirOp fir : outerRolledFirs(plan))
      emitRolledFir(e, fir, tile, place);
    storeAll(e, place, plan.unroll);
    return SmallVector<Value>{};
  });
}

} // namespace

void compiler::emitDirect(Emitter &e) {
  auto walk = [&] {
    if (e.plan.shared)
      emitRolled(e);
    else if (e.plan.layout == Layout::BLD)
      Walk(e).emit();
    else
      emitRuns(e);
  };
  // conv_c7: blocks of an empty sequence exist only to write its states.
  auto states = e.plan.kernel.getBody().front().getOps<StoreStateOp>();
  if (states.empty())
    walk();
  else
    e.ifThen(e.less(e.num(0), e.length), walk);
}

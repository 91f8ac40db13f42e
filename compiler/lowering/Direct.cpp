// The direct strategy's main loops.
#include "compiler/lowering/RolledFir.h"

#include "compiler/lowering/LoadRing.h"
#include "compiler/lowering/Packed.h"
#include "compiler/lowering/Staged.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/MapVector.h"

#include <numeric>

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

void compiler::storeAll(Emitter &e, Place &place, int64_t count) {
  for (Operation &op : e.plan.kernel.getBody().front()) {
    if (auto store = dyn_cast<StoreOp>(op))
      e.store(place, store, count);
    else if (auto split = dyn_cast<SplitStoreOp>(op))
      e.store(place, split, count);
  }
}

void compiler::loadAll(Emitter &e, Place &place, int64_t count, bool withHalo) {
  for (auto load : e.plan.kernel.getBody().front().getOps<LoadOp>())
    for (Value signal : load.getSignals())
      if (auto halo = e.plan.halos.find(signal); halo != e.plan.halos.end())
        for (int64_t j = withHalo ? -halo->second : 0; j < count; ++j)
          e.rawAt(place, signal, j);
}

namespace {

/// The steps of a walk, with their loads issued `stages` ahead where the schedule says so.
class Steps {
public:
  /// `places` makes the places of the step at a position.
  using MakePlaces = llvm::function_ref<SmallVector<Place>(Value position)>;

  Steps(Emitter &e, MakePlaces places)
      : e(e), places(places), stages(e.plan.schedule.getStages()), ring(e, e.plan.ringBase) {}

  /// Starts the loads of the first steps.
  void begin(Value from, Value to) {
    if (stages == 1)
      return;
    e.loop(e.num(0), e.num(stages - 1), e.num(1), {}, [&](Value i, ValueRange) {
      Value position = e.add(from, e.mul(i, e.num(e.plan.threadStep)));
      issue(position, to, i, /*often=*/false);
      return SmallVector<Value>{};
    });
  }

  /// for (position = from; position < to; position += the block's step): calls `body` with the
  /// step's places, loads issued, and the carried values; it returns the next ones.
  void walk(Value from, Value to, SmallVector<Value> carried,
            llvm::function_ref<SmallVector<Value>(MutableArrayRef<Place>, ValueRange)> body) {
    bool ringed = stages > 1;
    if (ringed)
      carried.push_back(e.num(0));
    e.loop(from, to, e.num(e.plan.threadStep), carried, [&](Value position, ValueRange values) {
      SmallVector<Place> step = places(position);
      if (!ringed)
        return body(step, values);
      Value slot = values.back();
      ring.wait();
      ring.take(step, slot);
      Value first = e.less(slot, e.num(1));
      issue(e.offset(position, (stages - 1) * e.plan.threadStep), to,
            e.select(first, e.num(stages - 1), e.offset(slot, -1)), /*often=*/true);
      SmallVector<Value> next = body(step, values.drop_back());
      Value last = e.less(e.num(stages - 2), slot);
      next.push_back(e.select(last, e.num(0), e.offset(slot, 1)));
      return next;
    });
  }

private:
  Emitter &e;
  MakePlaces places;
  int64_t stages;
  LoadRing ring;

  /// Steps past the end load nothing, but count as a group: waiting stays uniform.
  void issue(Value position, Value to, Value slot, bool often) {
    bool rows = e.plan.layout == Layout::BLD && e.plan.unroll > 1;
    auto issueStep = [&] {
      SmallVector<Place> step = places(position);
      step[0].inside = rows;
      ring.issue(step, slot);
    };
    e.ifThen(e.less(position, to), [&] {
      if (!rows)
        return issueStep();
      if (!often)
        return ring.issueRows(position, slot);
      Value whole = e.less(e.offset(position, e.plan.unroll - 1), e.length);
      e.ifElse(whole, issueStep, [&] { ring.issueRows(position, slot); });
    });
    ring.commit();
  }
};

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
  }

  void emit() {
    Value rows = e.div(e.blockLen, e.num(plan.threadsL));
    Value from = e.add(e.mul(e.tileL, e.blockLen), e.mul(e.laneL, rows));
    Value to = e.add(from, rows);
    // Where threads meet inside the walk, all take the same number of steps.
    if (!plan.reduces)
      to = e.min(to, e.length);

    auto places = [](Value position) {
      SmallVector<Place> step(1);
      step[0].position = position;
      return step;
    };
    Steps steps(e, places);
    steps.begin(from, to);
    Place before;
    before.position = from;
    for (auto load : plan.kernel.getBody().front().getOps<LoadOp>())
      for (Value signal : load.getSignals())
        if (auto depth = depths.find(signal); depth != depths.end())
          for (int64_t j = -depth->second; j < 0; ++j)
            e.rawAt(before, signal, j);
    e.emitInvariants();
    std::optional<Sequence> sequence;
    if (plan.byBounds()) {
      sequence = findSequence(e, from);
      if (int64_t deepest = firDepth(plan))
        spreadSequences(e, before, *sequence, -deepest, 0);
    }
    SmallVector<Value> carried;
    for (auto [signal, depth] : depths)
      for (int64_t j = -depth; j < 0; ++j)
        carried.push_back(narrow(signal, e.historic(before, signal, j), before, j));
    size_t samples = carried.size();
    if (sequence)
      llvm::append_range(carried, sequence->values());
    steps.walk(from, to, carried, [&](MutableArrayRef<Place> step, ValueRange values) {
      Place &here = step[0];
      ValueRange window = values.take_front(samples);
      open(here, window);
      if (!plan.packing)
        return body(here);
      if (sequence)
        sequence = nextSequence(e, Sequence(values.drop_front(samples)), here.position);
      SmallVector<Value> results =
          choosePacked(e, here, sequence ? &*sequence : nullptr, 0, plan.unroll,
                       window.getTypes(), [&](Place &place) { return body(place); });
      if (sequence)
        llvm::append_range(results, sequence->values());
      return results;
    });
  }

private:
  Emitter &e;
  const KernelPlan &plan;
  llvm::MapVector<Value, int64_t> depths; ///< Samples carried per FIR input.

  /// The form in which a sample is carried.
  Value narrow(Value signal, Value value, Place &place, int64_t j) {
    if (signal.getDefiningOp<LoadOp>())
      return e.rawAt(place, signal, j);
    Type exact = exactType(signal);
    return exact ? e.toStorage(value, exact) : value;
  }

  /// The storage type that holds every sample of a signal, or null.
  Type exactType(Value signal) {
    if (auto round = signal.getDefiningOp<RoundOp>())
      return cast<TypeAttr>(round.getType()).getValue();
    auto resume = signal.getDefiningOp<ResumeOp>();
    auto round = resume ? resume.getInput().getDefiningOp<RoundOp>() : RoundOp();
    if (!round || e.memory(resume.getState()).element != cast<TypeAttr>(round.getType()).getValue())
      return {};
    return cast<TypeAttr>(round.getType()).getValue();
  }

  /// Takes up the carried samples and loads the step's.
  void open(Place &here, ValueRange window) {
    // By bounds there is no history before position 0, only before a sequence.
    bool bounded = plan.byBounds();
    size_t slot = 0;
    for (auto [signal, depth] : depths)
      for (int64_t j = -depth; j < 0; ++j) {
        Value carried = window[slot++];
        if (signal.getDefiningOp<LoadOp>())
          here.raw[{signal, j}] = carried;
        else if (bounded || signal.getDefiningOp<ResumeOp>())
          here.signals[{signal, j}] = e.toF32(carried);
        else
          here.history[{signal, j}] = e.toF32(carried);
      }
    loadAll(e, here, plan.unroll, /*withHalo=*/false);
  }

  /// Stores the step; the samples to carry on.
  SmallVector<Value> body(Place &here) {
    storeAll(e, here, plan.unroll);
    SmallVector<Value> results;
    for (auto [signal, depth] : depths)
      for (int64_t j = -depth; j < 0; ++j) {
        int64_t from = j + plan.unroll;
        results.push_back(narrow(signal, e.historic(here, signal, from), here, from));
      }
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
  auto places = [&](Value position) {
    SmallVector<Place> step(plan.unroll);
    for (auto [i, place] : llvm::enumerate(step)) {
      place.position = e.offset(position, i * plan.threadsL * plan.run);
      place.run = plan.run;
    }
    return step;
  };
  Steps steps(e, places);
  steps.begin(from, to);
  e.emitInvariants();
  bool bounded = plan.byBounds();
  SmallVector<Value> carried; // Where bounded, the sequence of the step's first place.
  if (bounded)
    carried = findSequence(e, from).values();
  steps.walk(from, to, carried, [&](MutableArrayRef<Place> step, ValueRange values) {
    for (Place &place : step)
      loadAll(e, place, plan.run, /*withHalo=*/true);
    std::optional<Sequence> sequence;
    SmallVector<Value> next;
    for (Place &place : step) {
      if (bounded) {
        sequence = nextSequence(e, sequence ? *sequence : Sequence(values), place.position);
        if (next.empty())
          next = sequence->values();
      }
      auto store = [&](Place &place) {
        storeAll(e, place, plan.run);
        return SmallVector<Value>{};
      };
      if (plan.packing)
        choosePacked(e, place, sequence ? &*sequence : nullptr, -firDepth(plan), plan.run, {},
                     store);
      else
        store(place);
    }
    return next;
  });
}

/// A tile of packed sequences: by bounds masked where it is not of one alone, which all threads of the
/// block find alike. By numbers always: a thread would have to look at the whole tile's.
void emitPackedTile(Emitter &e, Value tile, Place &place, llvm::function_ref<void(Place &)> emit) {
  const KernelPlan &plan = e.plan;
  if (plan.byPositions())
    return emit(place);
  Sequence sequence = findSequence(e, tile);
  Value alone = liesAlone(e, sequence, e.offset(tile, -plan.halo), e.offset(tile, plan.stepL - 1));
  e.ifElse(
      alone,
      [&] {
        Place plain = place;
        emit(plain);
      },
      [&] {
        Place masked = place;
        spreadSequences(e, masked, sequence, -firDepth(plan), plan.unroll);
        emit(masked);
      });
}

/// window=shared: the block steps through its tile; long FIRs meet in shared memory.
void emitRolled(Emitter &e) {
  const KernelPlan &plan = e.plan;
  e.emitInvariants();
  Value begin = e.mul(e.tileL, e.blockLen);
  Value to = e.min(e.add(begin, e.blockLen), e.length);
  e.loop(begin, to, e.num(plan.stepL), {}, [&](Value tile, ValueRange) {
    Place place;
    place.position = e.add(tile, e.mul(e.laneL, e.num(plan.unroll)));
    if (plan.layout == Layout::BDL)
      place.run = std::gcd(plan.schedule.getVector(), plan.unroll);
    auto emit = [&](Place &place) {
      for (FirOp fir : outerRolledFirs(plan))
        emitRolledFir(e, fir, tile, place);
      storeAll(e, place, plan.unroll);
    };
    if (!plan.packing)
      emit(place);
    else
      emitPackedTile(e, tile, place, emit);
    return SmallVector<Value>{};
  });
}

} // namespace

void compiler::emitDirect(Emitter &e) {
  auto walk = [&] {
    if (e.plan.staged)
      emitStaged(e);
    else if (e.plan.shared)
      emitRolled(e);
    else if (e.plan.layout == Layout::BLD)
      Walk(e).emit();
    else
      emitRuns(e);
  };
  // conv_c7: blocks of an empty sequence exist only to write its states; a carry goes through none.
  auto states = e.plan.kernel.getBody().front().getOps<StoreStateOp>();
  if (states.empty() || !e.plan.carries.empty())
    return walk();
  e.ifThen(e.less(e.num(0), e.length), walk);
  // storeStates emits after the branch: what it uses must stand outside it.
  e.emitInvariants();
}

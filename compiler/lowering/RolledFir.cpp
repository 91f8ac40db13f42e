#include "compiler/lowering/RolledFir.h"

#include "compiler/lowering/Packed.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

namespace {

constexpr int64_t kTapUnroll = 8;

/// The shape of one FIR's work: see the header's table.
struct Window {
  int64_t outputs; ///< P + h outputs per thread.
  int64_t halo;    ///< h
  int64_t tile;    ///< TL
  bool padded;     ///< bdl: threads stride by P, one word of padding per P spreads the banks.
  int64_t pad;     ///< P

  Window(const KernelPlan &plan, FirOp fir)
      : outputs(plan.unroll + plan.halos.lookup(fir.getResult())),
        halo(plan.halos.lookup(fir.getResult())), tile(plan.threadsL * plan.unroll),
        padded(plan.threadsN == 1), pad(plan.unroll) {}

  int64_t samples(int64_t taps) const { return tile + halo + taps - 1; }
  int64_t words(int64_t taps) const {
    int64_t n = samples(taps);
    return padded ? n + n / pad + 1 : n;
  }
};

class RolledFirEmitter {
public:
  RolledFirEmitter(Emitter &e, FirOp fir, Value tileBase, Place &place)
      : e(e), plan(e.plan), fir(fir), tileBase(tileBase), place(place), window(plan, fir),
        tapWords(kTapChunk * plan.threadsN), bounded(!place.packed.empty()),
        labelled(plan.byPositions()) {}

  void emit() {
    OpLine line(e, fir);
    int64_t count = tapsOf(fir), rest = count % kTapChunk;
    SmallVector<Value> sums;
    for (int64_t j = -window.halo; j < plan.unroll; ++j) {
      sums.push_back(fir.getAddend() ? e.at(place, fir.getAddend(), j) : e.zero());
      if (bounded)
        sums.back() = e.sumHistory(fir, place.packed.lookup(j), sums.back());
    }
    if (rest)
      sums = chunk(e.num(count - rest), rest, sums);
    if (count >= kTapChunk) {
      // Oldest chunk first: youngest age k0 = count - rest - (i + 1) * kTapChunk.
      auto full = e.loop(e.num(0), e.num(count / kTapChunk), e.num(1), sums,
                         [&](Value i, ValueRange carried) {
                           Value k0 = e.sub(e.num(count - rest - kTapChunk),
                                            e.mul(i, e.num(kTapChunk)));
                           return chunk(k0, kTapChunk, llvm::to_vector(carried));
                         });
      sums.assign(full.begin(), full.end());
    }
    for (auto [i, sum] : llvm::enumerate(sums))
      place.signals[{fir.getResult(), int64_t(i) - window.halo}] = sum;
  }

private:
  Emitter &e;
  const KernelPlan &plan;
  FirOp fir;
  Value tileBase;
  Place &place;
  Window window;
  int64_t tapWords;
  bool bounded;  ///< Packed by bounds, and the tile is not of one sequence.
  bool labelled; ///< Packed by a number per position.

  Value sampleAddress(Value q) {
    Value slot = window.padded ? e.add(q, e.div(q, e.num(window.pad))) : q;
    Value word = e.add(e.mul(slot, e.num(plan.threadsN)), e.laneN);
    return e.sharedFloat(e.offset(word, tapWords));
  }
  Value tapAddress(Value i) {
    return e.sharedFloat(e.add(e.mul(i, e.num(plan.threadsN)), e.laneN));
  }

  /// Stages the samples and taps of ages [k0, k0 + n); every thread fills its own channel.
  void stage(Value k0, int64_t n) {
    e.barrier();
    Value first = e.sub(tileBase, e.offset(k0, window.halo + n - 1));
    e.loop(e.laneL, e.num(window.samples(n)), e.num(plan.threadsL), {},
           [&](Value q, ValueRange) {
             Place sample;
             sample.position = e.add(first, q);
             sample.anywhere = true;
             if (bounded) {
               Sequence own = findSequence(e, sample.position);
               sample.origin = own.begin;
               sample.row = own.row;
             }
             e.storeTo(e.historic(sample, fir.getInput(), 0), sampleAddress(q), 4);
             return SmallVector<Value>{};
           });
    bool correlation = tapsOf(fir) > 1 && e.tapIndex(fir, 0) != 0;
    e.loop(e.laneL, e.num(n), e.num(plan.threadsL), {}, [&](Value i, ValueRange) {
      Value age = e.sub(e.offset(k0, n - 1), i);
      Value index = correlation ? e.sub(e.num(tapsOf(fir) - 1), age) : age;
      e.storeTo(e.loadTap(fir, index), tapAddress(i), 4);
      return SmallVector<Value>{};
    });
    e.barrier();
  }

  /// A tap's term on the sum of output `j`, where the tap of this age counts.
  Value addTerm(int64_t j, Value age, Value tap, Value sample, Value sum) {
    int64_t offset = j - window.halo;
    Value counts;
    if (bounded) {
      counts = e.less(e.offset(age, -1), place.packed.lookup(offset).since);
    } else if (labelled) {
      Place from;
      from.position = e.sub(e.offset(place.position, offset), age);
      counts = e.sameLabel(from, 0, place, offset);
    }
    if (!counts)
      return e.fma(tap, sample, sum);
    if (bounded && e.hasHistory(fir))
      return e.select(counts, e.fma(tap, sample, sum), sum);
    return e.fma(tap, e.select(counts, sample, e.zero()), sum);
  }

  /// `steps` taps from index `i`, of ages k0 + n - 1 - i and less; `state` is the sums, then the
  /// window's outputs - 1 samples.
  SmallVector<Value> slide(Value k0, int64_t n, Value i, int64_t steps, ArrayRef<Value> state) {
    SmallVector<Value> sums(state.take_front(window.outputs));
    SmallVector<Value> samples(state.drop_front(window.outputs));
    Value start = e.mul(e.laneL, e.num(plan.unroll));
    Type f32 = e.b.getF32Type();
    for (int64_t s = 0; s < steps; ++s) {
      Value now = e.offset(i, s);
      Value newest = e.offset(e.add(start, now), window.outputs - 1);
      samples.push_back(e.load(f32, sampleAddress(newest), 4, false));
      Value tap = e.load(f32, tapAddress(now), 4, false);
      Value age = bounded || labelled ? e.sub(e.offset(k0, n - 1), now) : Value();
      for (int64_t j = 0; j < window.outputs; ++j)
        sums[j] = addTerm(j, age, tap, samples[j], sums[j]);
      samples.erase(samples.begin());
    }
    sums.append(samples);
    return sums;
  }

  SmallVector<Value> chunk(Value k0, int64_t n, ArrayRef<Value> sums) {
    stage(k0, n);
    SmallVector<Value> state(sums);
    Value start = e.mul(e.laneL, e.num(plan.unroll));
    for (int64_t j = 0; j + 1 < window.outputs; ++j)
      state.push_back(e.load(e.b.getF32Type(), sampleAddress(e.offset(start, j)), 4, false));
    int64_t odd = n % kTapUnroll;
    state = slide(k0, n, e.num(0), odd, state);
    state = e.loop(e.num(odd), e.num(n), e.num(kTapUnroll), state,
                   [&](Value i, ValueRange carried) {
                     return slide(k0, n, i, kTapUnroll, llvm::to_vector(carried));
                   });
    state.resize(window.outputs);
    return state;
  }
};

} // namespace

int64_t compiler::rolledSharedBytes(const KernelPlan &plan, FirOp fir) {
  int64_t taps = std::min(tapsOf(fir), kTapChunk);
  return 4 * plan.threadsN * (kTapChunk + Window(plan, fir).words(taps));
}

void compiler::emitRolledFir(Emitter &emitter, FirOp fir, Value tileBase, Place &place) {
  RolledFirEmitter(emitter, fir, tileBase, place).emit();
}

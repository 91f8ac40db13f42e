#include "compiler/lowering/Step.h"

#include "compiler/lowering/Modal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

namespace {

constexpr int64_t kTapUnroll = 8;

class StepEmitter {
public:
  StepEmitter(Emitter &e, StepTiles tiles) : e(e), plan(e.plan), tiles(std::move(tiles)) {
    begin = e.sub(e.own, e.laneN);
  }

  /// The block's rows of the batch, one after another; while one is worked on, the states of the
  /// next `stages` - 1 are on their way, and the views of the next.
  void emit() {
    active = e.both(e.channelOk, e.less(e.laneL, e.num(1)));
    Value first = e.mul(e.tileL, e.blockLen), end = e.min(e.add(first, e.blockLen), e.rows);
    int64_t ahead = plan.schedule.getStages() - 1;
    // Everything that comes from memory is asked for before anything is waited for.
    for (const TapTile &tile : tiles.filters)
      fetch(tile);
    for (int64_t i = 0; i < ahead; ++i)
      request(e.offset(first, i), end, e.num(i));
    SmallVector<Value> carried;
    if (ahead) {
      carried = loadViews(first);
      carried.push_back(e.num(0));
    }
    e.emitInvariants();
    e.loop(first, end, e.num(1), carried, [&](Value row, ValueRange values) {
      if (!ahead) {
        request(row, end, e.num(0));
        step(row, e.num(0), 0, loadViews(row));
        return SmallVector<Value>{};
      }
      Value own = values.back();
      // The stage that was worked on last is free.
      Value free = e.select(e.less(own, e.num(1)), e.num(ahead), e.offset(own, -1));
      request(e.offset(row, ahead), end, free);
      SmallVector<Value> next = loadViews(e.min(e.offset(row, 1), e.offset(end, -1)));
      step(row, own, ahead, SmallVector<Value>(values.drop_back()));
      next.push_back(e.select(e.less(own, e.num(ahead)), e.offset(own, 1), e.num(0)));
      return next;
    });
  }

private:
  Emitter &e;
  const KernelPlan &plan;
  StepTiles tiles;
  Value begin;     ///< First channel of the block's tile.
  Value active;    ///< The thread computes a channel.
  Value stageByte; ///< Where the stage lies that is asked for or worked on.
  std::vector<SmallVector<Value>> modalStates; ///< Of each recurrence, before the position.

  /// The states of a row of the batch, if the block has it, on their way to a stage.
  void request(Value row, Value end, Value stage) {
    stageByte = e.mul(stage, e.num(tiles.stageBytes));
    e.ifThen(e.less(row, end), [&] {
      e.batch = row;
      for (const StateTile &tile : tiles.states)
        fetch(tile);
    });
    NVVM::CpAsyncCommitGroupOp::create(e.b, e.loc);
  }

  SmallVector<Value> loadedSignals() {
    SmallVector<Value> signals;
    for (auto load : plan.kernel.getBody().front().getOps<LoadOp>())
      llvm::append_range(signals, load.getSignals());
    return signals;
  }

  /// What a row's views hold for the thread's channel, in storage type.
  SmallVector<Value> loadViews(Value row) {
    e.takeRow(row);
    Place place;
    place.position = e.num(0);
    return llvm::map_to_vector(loadedSignals(),
                               [&](Value signal) { return e.rawAt(place, signal, 0); });
  }

  /// One row of these views, whose states are in `stage` once no more than `later` requests are under
  /// way.
  void step(Value row, Value stage, int64_t later, ArrayRef<Value> views) {
    stageByte = e.mul(stage, e.num(tiles.stageBytes));
    e.takeRow(row);
    Place place;
    place.position = e.num(0);
    for (auto [signal, value] : llvm::zip(loadedSignals(), views))
      place.raw[{signal, 0}] = value;
    modalStates.clear();
    for (ModalOp modal : plan.carries)
      modalStates.push_back(loadModalStates(e, modal));
    NVVM::CpAsyncWaitGroupOp::create(e.b, e.loc, uint32_t(later));
    e.barrier();
    SmallVector<Value> newest = compute(place);
    e.barrier();
    e.ifThen(active, [&] { append(newest); });
    e.barrier();
    for (const StateTile &tile : tiles.states)
      if (!tile.output.empty() && tile.width > 0 && !tile.ring)
        writeBack(tile);
    e.barrier(); // The stage is free.
  }

  Value element(const StateTile &tile, Value index) {
    Value base = e.sharedByte(e.offset(stageByte, tile.base));
    return e.address(tile.element, base, e.widen(index));
  }

  /// Row of stream `s` of the thread's channel in the tile.
  Value rowOf(const StateTile &tile, int64_t s) {
    return tile.interleaved() ? e.offset(e.mul(e.laneN, e.num(tile.count)), s)
                              : e.offset(e.laneN, s * plan.threadsN);
  }

  /// Calls `copy(index in the tile, pointer in memory)` for every element the block's channels
  /// have.
  void eachElement(const StateTile &tile, const Memory &m,
                   llvm::function_ref<void(Value, Value)> copy) {
    int64_t elements = tile.count * plan.threadsN * tile.width;
    auto product = [&](Value index, Value stride) {
      return e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(index), stride);
    };
    Value rowStart = e.address(tile.element, m.pointer, product(e.batch, m.strides[0]));
    e.loop(e.thread, e.num(elements), e.num(plan.threads()), {}, [&](Value i, ValueRange) {
      Value row = e.div(i, e.num(tile.width)), slot = e.rem(i, e.num(tile.width));
      int64_t per = tile.interleaved() ? tile.count : plan.threadsN;
      Value high = e.div(row, e.num(per)), low = e.rem(row, e.num(per));
      Value own = e.add(begin, tile.interleaved() ? high : low);
      e.ifThen(e.less(own, e.channels), [&] {
        Value c = tile.interleaved() ? e.add(e.mul(own, e.num(tile.count)), low)
                                     : streamChannel(tile, own, high);
        Value at = e.b.createOrFold<arith::AddIOp>(e.loc, product(c, m.strides[1]),
                                                   product(slot, m.strides[2]));
        copy(i, e.address(tile.element, rowStart, at));
      });
      return SmallVector<Value>{};
    });
  }

  /// Memory channel of a stream that is not known until run time.
  Value streamChannel(const StateTile &tile, Value own, Value stream) {
    Value c = e.memoryChannel(own, tile.streams, 0, tile.count);
    for (int64_t s = 1; s < tile.count; ++s)
      c = e.select(e.less(e.num(s - 1), stream), e.memoryChannel(own, tile.streams, s, tile.count),
                   c);
    return c;
  }

  /// Runs of rows that lie together in memory and in the tile: one of all interleaved streams, else
  /// one for each stream.
  int64_t runsOf(const StateTile &tile) { return tile.interleaved() ? 1 : tile.count; }
  int64_t runElements(const StateTile &tile) {
    return tile.count * plan.threadsN * tile.width / runsOf(tile);
  }

  /// Where every run is contiguous and fits 16-byte accesses `wide` gets their starts, else
  /// `narrow` is emitted. The same for all threads of a block.
  void ifContiguous(const StateTile &tile, const Memory &m,
                    llvm::function_ref<void(ArrayRef<Value>)> wide,
                    llvm::function_ref<void()> narrow) {
    if (runElements(tile) * bytesOf(tile.element) % kStepAccessBytes)
      return narrow();
    auto equal = [&](Value x, Value y) -> Value {
      return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, x, y);
    };
    auto product = [&](Value index, Value stride) {
      return e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(index), stride);
    };
    Value last = e.offset(begin, plan.threadsN - 1);
    Value fits = e.both(e.less(last, e.channels), e.both(equal(m.strides[2], e.wide(1)),
                                                         equal(m.strides[1], e.wide(tile.width))));
    SmallVector<Value> starts;
    for (int64_t s = 0; s < runsOf(tile); ++s) {
      Value first = e.memoryChannel(begin, tile.streams, s, tile.count);
      Value offset = e.b.createOrFold<arith::AddIOp>(e.loc, product(e.batch, m.strides[0]),
                                                     product(first, m.strides[1]));
      starts.push_back(e.address(tile.element, m.pointer, offset));
      Value number = LLVM::PtrToIntOp::create(e.b, e.loc, e.b.getI64Type(), starts.back());
      Value misfit = e.b.createOrFold<arith::AndIOp>(e.loc, number, e.wide(kStepAccessBytes - 1));
      fits = e.both(fits, equal(misfit, e.wide(0)));
      // A tile of column_split may reach into the next head.
      if (!tile.interleaved())
        fits = e.both(fits, equal(e.sub(e.memoryChannel(last, tile.streams, s, tile.count), first),
                                  e.num(plan.threadsN - 1)));
    }
    e.ifElse(
        fits, [&] { wide(starts); }, narrow);
  }

  /// Calls `move(index in the tile, pointer in memory)` for every 16 bytes of the runs.
  void eachPiece(const StateTile &tile, ArrayRef<Value> starts,
                 llvm::function_ref<void(Value, Value)> move) {
    int64_t group = kStepAccessBytes / bytesOf(tile.element), run = runElements(tile);
    for (size_t s = 0; s < starts.size(); ++s)
      e.loop(e.thread, e.num(run / group), e.num(plan.threads()), {}, [&](Value i, ValueRange) {
        Value first = e.mul(i, e.num(group));
        move(e.offset(first, int64_t(s) * run), e.address(tile.element, starts[s], e.widen(first)));
        return SmallVector<Value>{};
      });
  }

  void fetch(const StateTile &tile) {
    if (tile.width == 0)
      return;
    const Memory &m = e.memory(tile.input);
    auto wide = [&](ArrayRef<Value> starts) {
      eachPiece(tile, starts, [&](Value i, Value from) {
        NVVM::CpAsyncOp::create(e.b, e.loc, element(tile, i), from, uint32_t(kStepAccessBytes),
                                NVVM::LoadCacheModifierKind::CG, Value());
      });
    };
    ifContiguous(tile, m, wide, [&] {
      int64_t bytes = bytesOf(tile.element);
      eachElement(tile, m, [&](Value i, Value from) {
        e.storeTo(e.load(tile.element, from, bytes, /*invariant=*/false), element(tile, i), bytes);
      });
    });
  }

  /// The first row of the tile's filters, and the thread's own among them.
  Value firstRow(const TapTile &tile) { return e.div(begin, e.num(tile.group)); }

  void fetch(const TapTile &tile) {
    OpLine line(e, tile.fir);
    const Memory &m = e.memory(tile.fir.getWeight());
    auto product = [&](Value index, Value stride) {
      return e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(index), stride);
    };
    int64_t bytes = bytesOf(tile.element);
    // In the aligned variant rows are contiguous: words of them are copied asynchronously.
    bool words = plan.schedule.getAlign() > 1 && tile.taps * bytes % 4 == 0;
    int64_t group = words ? 4 / bytes : 1, perRow = tile.taps / group;
    Value first = firstRow(tile);
    Value last = e.div(e.offset(e.channels, -1), e.num(tile.group));
    e.loop(e.thread, e.num(tile.rows * perRow), e.num(plan.threads()), {},
           [&](Value i, ValueRange) {
             Value row = e.div(i, e.num(perRow));
             Value tap = e.mul(e.rem(i, e.num(perRow)), e.num(group));
             // Rows behind the last channel's repeat it: nobody reads them.
             Value at = e.b.createOrFold<arith::AddIOp>(
                 e.loc, product(e.min(e.add(first, row), last), m.strides[0]),
                 product(tap, m.strides[1]));
             Value from = e.address(tile.element, m.pointer, at);
             Value to = tapAddress(tile, row, tap);
             if (words)
               NVVM::CpAsyncOp::create(e.b, e.loc, to, from, uint32_t(4),
                                       NVVM::LoadCacheModifierKind::CA, Value());
             else
               e.storeTo(e.load(tile.element, from, bytes, true), to, bytes);
             return SmallVector<Value>{};
           });
  }

  Value tapAddress(const TapTile &tile, Value row, Value tap) {
    Value index = e.add(e.mul(row, e.num(tile.pitch)), tap);
    return e.address(tile.element, e.sharedByte(e.num(tile.base)), e.widen(index));
  }

  /// Storage-typed sample `slot`, 0 being the oldest, of a signal's past.
  Value past(const StateTile &tile, Value signal, Value slot) {
    return sampleAt(tile, signal, placeOf(tile, slot));
  }
  Value placeOf(const StateTile &tile, Value slot) {
    if (!tile.ring)
      return slot;
    // As an unsigned number what is left of the end is the larger one.
    Value place = e.add(e.kept(tile.input).start, slot);
    return arith::MinUIOp::create(e.b, e.loc, place, e.offset(place, -tile.width));
  }
  Value sampleAt(const StateTile &tile, Value signal, Value place) {
    Value row = e.mul(rowOf(tile, streamOf(signal)), e.num(tile.width));
    return e.load(tile.element, element(tile, e.add(row, place)), bytesOf(tile.element), false);
  }
  /// Samples before position 0 under the taps of an unrolled FIR.
  void remember(Place &place, FirOp fir) {
    OpLine line(e, fir);
    Value signal = fir.getInput();
    FlatSymbolRefAttr state = pastOf(signal);
    const StateTile *tile = state ? tiles.find(state.getValue()) : nullptr;
    for (int64_t age = 1; age < tapsOf(fir); ++age) {
      Place::Key key{signal, -age};
      // Further back than the state reaches there is nothing.
      Value sample = tile && age <= tile->width
                         ? e.toF32(past(*tile, signal, e.num(tile->width - age)))
                         : e.zero();
      (signal.getDefiningOp<LoadOp>() || signal.getDefiningOp<ResumeOp>() ? place.signals
                                                                          : place.history)[key] =
          sample;
    }
  }

  /// A long FIR at position 0.
  Value sum(Place &place, const TapTile &tile) {
    FirOp fir = tile.fir;
    OpLine line(e, fir);
    Value signal = fir.getInput();
    Value row = e.sub(e.div(e.channel, e.num(tile.group)), firstRow(tile));
    bool convolution = e.tapIndex(fir, 0) == 0;
    auto tap = [&](Value age) {
      Value index = convolution ? age : e.sub(e.num(tile.taps - 1), age);
      return e.toF32(
          e.load(tile.element, tapAddress(tile, row, index), bytesOf(tile.element), false));
    };
    Value start = fir.getAddend() ? e.at(place, fir.getAddend(), 0) : e.zero();
    FlatSymbolRefAttr name = pastOf(signal);
    if (const StateTile *state = name ? tiles.find(name.getValue()) : nullptr) {
      int64_t samples = std::min(state->width, tile.taps - 1);
      // Slot `from` holds the oldest sample that a tap meets.
      int64_t from = state->width - samples;
      auto one = [&](Value sum, int64_t i) {
        return e.fma(tap(e.num(samples - i)), e.toF32(past(*state, signal, e.num(i + from))), sum);
      };
      // Runs of samples whose taps lie together, and begin at a multiple of as many.
      int64_t odd = convolution ? (samples + 1) % kTapUnroll
                                : (samples - tile.taps + 1) & (kTapUnroll - 1);
      odd = std::min(odd, samples);
      int64_t end = odd + (samples - odd) / kTapUnroll * kTapUnroll;
      for (int64_t i = 0; i < odd; ++i)
        start = one(start, i);
      auto run = [&](Value sum, Value i, llvm::function_ref<Value(Value slot)> sample) {
        Value first = convolution ? e.sub(e.num(samples - kTapUnroll + 1), i)
                                  : e.offset(i, tile.taps - 1 - samples);
        SmallVector<Value> taps = tapRun(tile, row, first);
        if (convolution)
          std::reverse(taps.begin(), taps.end());
        for (int64_t j = 0; j < kTapUnroll; ++j)
          sum = e.fma(taps[j], e.toF32(sample(e.offset(i, from + j))), sum);
        return sum;
      };
      // Runs that lie together, the slots of which are places less `shift`.
      auto runs = [&](Value sum, Value begin, Value end, Value shift) {
        return e.loop(begin, end, e.num(kTapUnroll), {sum}, [&](Value i, ValueRange carried) {
          return SmallVector<Value>{run(carried[0], i, [&](Value slot) {
            return sampleAt(*state, signal, shift ? e.add(slot, shift) : slot);
          })};
        })[0];
      };
      if (!state->ring) {
        start = runs(start, e.num(odd), e.num(end), Value());
      } else {
        // Those before the ring's end, one across it, those from its beginning on.
        Value shift = e.kept(state->input).start;
        Value turn = e.sub(e.num(state->width - from), shift);
        Value before = e.max(e.offset(turn, -odd), e.num(0));
        before = e.sub(before, e.rem(before, e.num(kTapUnroll)));
        Value across = e.min(e.offset(before, odd), e.num(end));
        start = runs(start, e.num(odd), across, shift);
        Value crosses = e.both(e.less(across, e.num(end)), e.less(across, turn));
        start = e.ifValues(crosses, start, [&] {
          return SmallVector<Value>{
              run(start, across, [&](Value slot) { return past(*state, signal, slot); })};
        })[0];
        Value after = e.select(crosses, e.offset(across, kTapUnroll), across);
        start = runs(start, after, e.num(end), e.offset(shift, -state->width));
      }
      for (int64_t i = end; i < samples; ++i)
        start = one(start, i);
    }
    return e.fma(tap(e.num(0)), e.at(place, signal, 0), start);
  }

  /// kTapUnroll taps from `first` on, a multiple of as many, f32.
  SmallVector<Value> tapRun(const TapTile &tile, Value row, Value first) {
    int64_t group = std::min(kTapUnroll, kStepAccessBytes / bytesOf(tile.element));
    SmallVector<Value> taps;
    for (int64_t k = 0; k < kTapUnroll; k += group) {
      Value piece = e.loadedToF32(e.load(VectorType::get({group}, tile.element),
                                         tapAddress(tile, row, e.offset(first, k)),
                                         group * bytesOf(tile.element), false));
      for (int64_t j = 0; j < group; ++j)
        taps.push_back(e.lane(piece, j));
    }
    return taps;
  }

  /// Everything at position 0, by the threads that have a channel. Returns the newest sample of
  /// every stored row, in storage type.
  SmallVector<Value> compute(Place &place) {
    SmallVector<Type> types;
    for (StoreStateOp store : sampleStores(plan))
      types.append(store.getInputs().size(), tileOf(store).element);
    auto branch = scf::IfOp::create(e.b, e.loc, types, active, /*withElse=*/!types.empty());
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToStart(branch.thenBlock());
    for (auto fir : plan.kernel.getBody().front().getOps<FirOp>())
      if (!isStagedInStep(plan, fir))
        remember(place, fir);
    for (const TapTile &tile : tiles.filters)
      place.signals[{tile.fir.getResult(), 0}] = sum(place, tile);
    for (auto [modal, states] : llvm::zip(plan.carries, modalStates))
      stepModal(e, place, modal, states);
    SmallVector<Value> newest;
    for (auto store : plan.kernel.getBody().front().getOps<StoreOp>())
      e.store(place, store, 1);
    for (StoreStateOp store : sampleStores(plan))
      for (Value signal : store.getInputs())
        newest.push_back(e.toStorage(e.at(place, signal, 0), tileOf(store).element));
    if (types.empty())
      return newest;
    scf::YieldOp::create(e.b, e.loc, newest);
    e.b.setInsertionPointToStart(branch.elseBlock());
    SmallVector<Value> none;
    for (Type type : types)
      none.push_back(arith::ConstantOp::create(e.b, e.loc, cast<TypedAttr>(e.b.getZeroAttr(type))));
    scf::YieldOp::create(e.b, e.loc, none);
    return llvm::to_vector(
        llvm::map_range(branch.getResults(), [](OpResult r) { return Value(r); }));
  }

  const StateTile &tileOf(StoreStateOp store) {
    return *llvm::find_if(tiles.states,
                          [&](const StateTile &t) { return t.output == store.getState(); });
  }

  /// Each newest sample goes behind its row; in a ring, to the place of the oldest, in memory.
  void append(ArrayRef<Value> newest) {
    size_t next = 0;
    for (StoreStateOp store : sampleStores(plan)) {
      OpLine line(e, store);
      const StateTile &tile = tileOf(store);
      for (size_t s = 0; s < store.getInputs().size(); ++s, ++next) {
        if (tile.width == 0)
          continue;
        if (tile.ring) {
          storeNewest(tile, int64_t(s), newest[next]);
          continue;
        }
        Value end = e.mul(e.offset(rowOf(tile, int64_t(s)), 1), e.num(tile.width));
        e.storeTo(newest[next], element(tile, end), bytesOf(tile.element));
      }
    }
  }

  void storeNewest(const StateTile &tile, int64_t stream, Value sample) {
    const Memory &m = e.memory(tile.output, /*output=*/true);
    auto product = [&](Value index, Value stride) {
      return e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(index), stride);
    };
    auto plus = [&](Value x, Value y) { return e.b.createOrFold<arith::AddIOp>(e.loc, x, y); };
    Value c = e.memoryChannel(e.channel, tile.streams, stream, tile.count);
    Value at = plus(plus(product(e.batch, m.strides[0]), product(c, m.strides[1])),
                    product(e.kept(tile.input).start, m.strides[2]));
    e.storeTo(sample, e.address(tile.element, m.pointer, at), bytesOf(tile.element));
  }

  void writeBack(const StateTile &tile) {
    const Memory &m = e.memory(tile.output, /*output=*/true);
    int64_t bytes = bytesOf(tile.element), group = kStepAccessBytes / bytes;
    auto wide = [&](ArrayRef<Value> starts) {
      eachPiece(tile, starts, [&](Value i, Value to) {
        Value here = e.load(VectorType::get({group}, tile.element), element(tile, i), kStepAccessBytes,
                            /*invariant=*/false);
        SmallVector<Value> moved;
        for (int64_t j = 1; j < group; ++j)
          moved.push_back(e.lane(here, j));
        moved.push_back(e.load(tile.element, element(tile, e.offset(i, group)), bytes, false));
        e.storeTo(e.pack(moved), to, kStepAccessBytes);
      });
    };
    ifContiguous(tile, m, wide, [&] {
      eachElement(tile, m, [&](Value i, Value to) {
        e.storeTo(e.load(tile.element, element(tile, e.offset(i, 1)), bytes, false), to, bytes);
      });
    });
  }
};

} // namespace

FailureOr<int64_t> compiler::stepSharedBytes(const KernelPlan &plan) {
  auto tiles = stepTilesOf(plan);
  if (failed(tiles))
    return failure();
  return tiles->bytes;
}

void compiler::emitStep(Emitter &emitter) {
  StepEmitter(emitter, *stepTilesOf(emitter.plan)).emit();
}

#include "compiler/lowering/ModalRunFinish.h"

#include "compiler/lowering/Exponential.h"
#include "compiler/lowering/Modal.h"
#include "compiler/lowering/ModalFinish.h"
#include "compiler/lowering/StagedEpilogue.h"
#include "compiler/lowering/TensorCore.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

static constexpr int64_t kBlock = 16;
/// Sixteens of modes a warp has under way: their latencies cover each other, and registers hold
/// them.
static constexpr int64_t kAtOnce = 2;

ModalRunFinish::ModalRunFinish(StagedBlock &block)
    : ModalLanes(block), runPlan(std::make_unique<KernelPlan>(block.plan)) {
  runPlan->lanes = 2;
  runPlan->along = true;
  // Matrices are, of 8 positions and then the next, chunks 2g and then 2g + 1.
  Value matrix = e.div(lane, e.num(8)), row = e.rem(lane, e.num(8));
  Value ofChunk = e.add(e.mul(row, e.num(2)), e.rem(matrix, e.num(2)));
  Value position =
      e.add(e.mul(ofChunk, e.num(chunk)), e.mul(e.div(matrix, e.num(2)), e.num(kBlock / 2)));
  const ModalLanes &lanes = *this;
  if (staged.alone)
    slots = std::make_unique<ModalRunSamples>(lanes);
  for (int64_t i = 0; i < staged.channelsPerWarp; ++i) {
    Value first = e.mul(warp, e.num(staged.channelsPerWarp)), column = e.offset(first, i);
    Channel &channel = channels.emplace_back(Channel{ModalRunFactors(lanes, first, i),
                                                     ModalRunScan(lanes, first, i),
                                                     column,
                                                     {},
                                                     {},
                                                     ModalRunSamples::Channel(),
                                                     {}});
    for (const StagedWindow &window : staged.windows) {
      int64_t bytes = block.bytesOf(window.element);
      for (int64_t first = 0; first < chunk; first += kBlock)
        channel.rows.push_back(block.byteAt(
            window.base, e.add(e.mul(column, e.num(staged.ring * bytes)),
                               block.ringByte(position, first, block.swizzleOf(column), bytes))));
    }
    channel.emitter = block.mapped(*runPlan, column);
    channel.emitter->emitInvariants(/*taps=*/false);
    e.b.restoreInsertionPoint(channel.emitter->b.saveInsertionPoint());
    if (slots)
      channel.alone = slots->channel(column, i, *channel.emitter);
  }
}

/// Whether registers hold the constants of a warp's channels: 255 of them for two sixteens of
/// modes.
bool ModalRunFinish::isResident() const {
  const KernelPlan &plan = block.plan;
  constexpr int64_t kMostWarps = 8;
  return staged.channelsPerWarp * modeBlocks <= 2 && blocks == 1 &&
         plan.schedule.getNumWarps() * plan.schedule.getMinBlocks() <= kMostWarps;
}

ModalRunFinish::Constants ModalRunFinish::load(const Channel &channel) const {
  Constants all;
  for (int64_t b = 0; b < blocks; ++b)
    all.within.push_back(channel.factors.within(b));
  for (int64_t m = 0; m < modeBlocks; ++m) {
    all.input.push_back(channel.factors.input(m));
    auto &output = all.output.emplace_back();
    for (int64_t b = 0; b < blocks; ++b)
      output.push_back(channel.factors.output(m, b));
    all.ofBlock.push_back(channel.scan.ofBlock(m));
    all.ofChunk.push_back(channel.scan.ofChunk(m));
    all.ofTile.push_back(channel.scan.ofTile(m));
    all.starts.push_back(channel.scan.starts(m));
    auto &steps = all.ofStep.emplace_back();
    for (int64_t step = 0; step < ModalRunScan::kSteps; ++step)
      steps[step] = channel.scan.ofStep(step, m);
  }
  return all;
}

/// The tile's samples.
std::vector<ModalRunFinish::Begun> ModalRunFinish::begun(MutableArrayRef<Channel> channels,
                                                         Value position, Value inTile) {
  std::vector<Begun> begun;
  for (Channel &channel : channels) {
    Begun &own = begun.emplace_back();
    own.channel = &channel;
    if (slots) {
      own.samples = slots->at(channel.alone, position, inTile, block.setByte);
      continue;
    }
    for (size_t w = 0; w < staged.windows.size(); ++w)
      own.samples.push_back(ofWindow(channel, w));
  }
  return begun;
}

/// Those of the recurrence alone, from its window: of the last tile.
std::vector<ModalRunFinish::Begun> ModalRunFinish::begunAgain() {
  std::vector<Begun> begun;
  for (Channel &channel : channels) {
    Begun &own = begun.emplace_back();
    own.channel = &channel;
    own.samples.resize(staged.windows.size());
    own.samples[modal.window] = ofWindow(channel, modal.window);
  }
  return begun;
}

SmallVector<ModalLanes::Fragment> ModalRunFinish::ofWindow(const Channel &channel, size_t window) {
  SmallVector<Fragment> samples;
  for (int64_t b = 0; b < blocks; ++b) {
    auto four = loadMatrices(e.b, e.loc, channel.rows[window * blocks + b]);
    samples.push_back({four[0], four[1], four[2], four[3]});
  }
  return samples;
}

/// Where warps work alone: the samples of a tile that the sequence ends in, for its states.
void ModalRunFinish::keep(const Begun &begun) {
  const StagedWindow &window = staged.windows[modal.window];
  int64_t bytes = block.bytesOf(window.element);
  Value inTile = e.add(e.mul(g, e.num(2 * chunk)), e.mul(q, e.num(2)));
  Value column = begun.channel->column, row = e.mul(column, e.num(staged.ring * bytes));
  for (auto [b, left] : llvm::enumerate(begun.samples[modal.window]))
    for (auto [i, word] : llvm::enumerate(left)) {
      int64_t offset = kBlock * b + kBlock / 2 * (i / 2) + chunk * (i % 2);
      Value byte = block.ringByte(inTile, offset, block.swizzleOf(column), bytes);
      e.storeTo(word, block.byteAt(window.base, e.add(row, byte)), 2 * bytes);
    }
}

/// The recurrence of one of a lane's modes.
struct ModalRunFinish::Chain {
  Begun *of;
  int64_t mode;      ///< Of the lane's.
  Value chunk, tile; ///< exp(lp C), expm1(lp tile)
  Value state;       ///< Where the tile begins.
  Value even, odd;   ///< What chunks 2g and 2g + 1 add.
  Value sum, before; ///< The chunks up to 2g + 1, and up to 2g - 1, from no state.
};

/// What the chunks add: u Q'.
std::vector<ModalRunFinish::Chain> ModalRunFinish::added(MutableArrayRef<Begun> begun,
                                                         ValueRange states) {
  std::vector<Chain> chains;
  SmallVector<Value> ofBlocks;
  for (Begun &own : begun)
    for (int64_t m = 0; m < modeBlocks; ++m) {
      const ModalRunScan &scan = own.channel->scan;
      const auto &known = own.channel->resident;
      if (blocks > 1)
        llvm::append_range(ofBlocks, known ? known->ofBlock[m] : scan.ofBlock(m));
      Fragment chunks = known ? known->ofChunk[m] : scan.ofChunk(m);
      Fragment tiles = known ? known->ofTile[m] : scan.ofTile(m);
      for (int64_t i = 0; i < kRunModes; ++i) {
        Value state = states.empty() ? Value() : states[chains.size()];
        chains.push_back({&own, kRunModes * m + i, chunks[i], tiles[i], state, {}, {}, {}, {}});
      }
    }
  SmallVector<ModalRunFactors::Parts> rights; // [channel, 16 modes]
  for (const Begun &own : begun)
    for (int64_t m = 0; m < modeBlocks; ++m)
      rights.push_back(own.channel->resident ? own.channel->resident->input[m]
                                             : own.channel->factors.input(m));
  // [channel, 8 modes]: modes 2q and 2q + 1 of chunk 2g, then of chunk 2g + 1.
  SmallVector<Fragment> sums(2 * rights.size(), {zero, zero, zero, zero});
  for (int64_t b = 0; b < blocks; ++b) {
    for (auto [index, sum] : llvm::enumerate(sums))
      for (int64_t i = 0; b && i < 4; ++i)
        sum[i] = times(sum[i], ofBlocks[2 * index + i % 2]);
    for (int64_t part = 0; part < parts; ++part)
      for (auto [index, sum] : llvm::enumerate(sums))
        sum =
            multiply(e.b, e.loc, element, begun[index / (2 * modeBlocks)].samples[modal.window][b],
                     rights[index / 2][part][index % 2], sum);
  }
  for (auto [index, chain] : llvm::enumerate(chains)) {
    chain.even = sums[index / 2][index % 2];
    chain.odd = sums[index / 2][2 + index % 2];
    chain.sum = e.fma(chain.chunk, chain.even, chain.odd);
  }
  return chains;
}

/// The states where the chunks begin; gives those where the next tile does. Step by step for all
/// channels and modes: each step's latency covers the others'.
SmallVector<Value> ModalRunFinish::scan(MutableArrayRef<Begun> begun, Value position,
                                        ValueRange states, bool turns) {
  std::vector<Chain> chains = added(begun, states);
  // Meanwhile: what does not wait.
  within(begun);
  for (int64_t step = 0; step < ModalRunScan::kSteps; ++step) {
    SmallVector<Value> others, powers;
    for (Chain &chain : chains)
      others.push_back(shuffle(chain.sum, e.offset(lane, -(int64_t(4) << step)), 32));
    for (Begun &own : begun)
      for (int64_t m = 0; m < modeBlocks; ++m)
        llvm::append_range(powers, own.channel->resident ? own.channel->resident->ofStep[m][step]
                                                         : own.channel->scan.ofStep(step, m));
    for (auto [chain, other, power] : llvm::zip(chains, others, powers))
      chain.sum = e.fma(power, other, chain.sum);
  }
  // Of those before it, the last one's coming round to the first.
  for (Chain &chain : chains)
    chain.before = shuffle(chain.sum, e.offset(lane, 28), 32);
  if (turns)
    takeTurns(chains, position);
  SmallVector<Value> next;
  Value first = e.less(g, e.num(1));
  for (Begun &own : begun)
    for (int64_t m = 0; m < modeBlocks; ++m) {
      Fragment powers =
          own.channel->resident ? own.channel->resident->starts[m] : own.channel->scan.starts(m);
      auto four = MutableArrayRef(chains).slice(
          (&own - begun.data()) * kRunModes * modeBlocks + kRunModes * m, kRunModes);
      for (auto [i, chain] : llvm::enumerate(four)) {
        Value start = e.fma(powers[i], chain.state, e.select(first, zero, chain.before));
        own.starts.push_back({start, e.fma(chain.chunk, start, chain.even)});
        if (!turns)
          next.push_back(plus(chain.state, e.fma(chain.tile, chain.state, chain.before)));
      }
      auto s = ArrayRef(own.starts).take_back(kRunModes);
      own.states.push_back(pack({{s[0][0], s[1][0]},
                                 {s[0][1], s[1][1]}, //
                                 {s[2][0], s[3][0]},
                                 {s[2][1], s[3][1]}}));
    }
  // Of a round that the sequence ends in, `end` takes the positions there are.
  Value whole = e.less(e.offset(position, staged.round - 1), e.length);
  for (auto [index, state] : llvm::enumerate(next)) {
    state = shuffle(state, q, 32);
    if (modal.stored)
      state = e.select(whole, state, states[index]);
  }
  return next;
}

/// The states where a tile of this block's begins, once they have all come.
SmallVector<Value> ModalRunFinish::receive(ArrayRef<Channel *> channels, Value tile) {
  SmallVector<Value> slots;
  for (Channel *channel : channels)
    for (int64_t mode = 0; mode < kRunModes * modeBlocks; ++mode)
      slots.push_back(channel->scan.slot(mode));
  return receiveStates(*this, slots, tile);
}

/// Takes the states from the block that has the tile before and hands them on to the one that has
/// the next. `sum`, what the tile adds, is whole in the lanes with g = 7.
void ModalRunFinish::takeTurns(MutableArrayRef<Chain> chains, Value position) {
  Value tile = e.div(position, e.num(staged.round));
  SmallVector<Channel *> own;
  for (Chain &chain : chains)
    if (chain.mode == 0)
      own.push_back(chain.of->channel);
  SmallVector<Value> states = receive(own, tile);
  Value isLast = e.less(e.num(staged.cluster - 2), e.rank);
  Value after = e.select(isLast, none, e.offset(e.rank, 1));
  auto remote = LLVM::LLVMPointerType::get(e.b.getContext(), 7);
  SmallVector<Value> next;
  for (auto [chain, state] : llvm::zip(chains, states)) {
    chain.state = state;
    next.push_back(plus(state, e.fma(chain.tile, state, chain.sum)));
  }
  Value whole = e.less(e.offset(position, staged.round - 1), e.length);
  e.ifThen(e.both(whole, e.less(e.num(6), g)), [&] {
    for (auto [chain, state] : llvm::zip(chains, next)) {
      Value slot = chain.of->channel->scan.slot(chain.mode);
      sendState(*this, state, e.offset(tile, 1),
                NVVM::MapaOp::create(e.b, e.loc, remote, slot, after));
    }
  });
}

/// u T', by 8 outputs of a chunk.
void ModalRunFinish::within(MutableArrayRef<Begun> begun) {
  for (int64_t n = 0; n < 2 * blocks; ++n) {
    for (Begun &own : begun)
      own.outputs.push_back({zero, zero, zero, zero});
    for (int64_t d = n / 2; d >= 0; --d) {
      SmallVector<ModalRunFactors::Parts> rights;
      for (Begun &own : begun)
        rights.push_back(own.channel->resident ? own.channel->resident->within[d]
                                               : own.channel->factors.within(d));
      for (int64_t part = parts; part-- > 0;)
        for (auto [own, t] : llvm::zip(begun, rights))
          own.outputs[n] = multiply(e.b, e.loc, element, own.samples[modal.window][n / 2 - d],
                                    t[part][n % 2], own.outputs[n]);
    }
  }
}

/// The outputs: + S P'.
void ModalRunFinish::before(MutableArrayRef<Begun> begun) {
  // lo times hi, hi times lo, hi times hi; where there is but one part, that.
  SmallVector<std::array<int64_t, 2>> products = {{0, 0}};
  if (parts == 2)
    products = {{1, 0}, {0, 1}, {0, 0}};
  for (int64_t m = 0; m < modeBlocks; ++m) {
    SmallVector<SmallVector<ModalRunFactors::Parts>> rights; // [channel][16 positions]
    for (Begun &own : begun) {
      auto &output = rights.emplace_back();
      for (int64_t b = 0; b < blocks; ++b)
        output.push_back(own.channel->resident ? own.channel->resident->output[m][b]
                                               : own.channel->factors.output(m, b));
    }
    for (auto [left, right] : products)
      for (int64_t n = 0; n < 2 * blocks; ++n)
        for (Begun &own : begun)
          own.outputs[n] =
              multiply(e.b, e.loc, element, own.states[m][left],
                       rights[&own - begun.data()][n / 2][right][n % 2], own.outputs[n]);
  }
}

SmallVector<Value> ModalRunFinish::begin() {
  SmallVector<Value> states;
  ModalOp op = modal.op;
  OpLine line(e, op);
  if (isResident()) {
    NVVM::SyncWarpOp::create(e.b, e.loc, e.num(-1));
    for (Channel &channel : channels)
      channel.resident = load(channel);
  }
  for (Channel &channel : channels)
    for (int64_t i = 0; i < kRunModes * modeBlocks; ++i) {
      if (!op.getInitAttr()) {
        states.push_back(zero);
        continue;
      }
      Value own = e.min(e.add(block.stripe, channel.column), e.offset(e.channels, -1));
      Value mode = e.min(ModalRunScan::modeOf(*this, i), e.num(modal.modes - 1));
      const Memory &memory = e.memory(*op.getInit());
      states.push_back(
          e.load(memory.element, modePointer(e, memory, own, mode), 4, /*invariant=*/false));
    }
  if (!e.rank)
    return states;
  // The states of the first tile are a message of the first block's to itself.
  Value first = e.less(e.rank, e.num(1)), tile = e.select(first, none, e.num(-1));
  e.ifThen(e.less(g, e.num(1)), [&] {
    auto state = states.begin();
    for (Channel &channel : channels)
      for (int64_t mode = 0; mode < kRunModes * modeBlocks; ++mode)
        sendState(*this, *state++, tile, channel.scan.slot(mode));
  });
  meetCluster(e);
  return {};
}

SmallVector<Value> ModalRunFinish::finish(Value position, ValueRange states) {
  if (staged.round == staged.tile)
    return finishRound(position, none, states);
  Value end = e.min(e.num(staged.tile), e.sub(e.length, position));
  return e.loop(none, end, e.num(staged.round), states, [&](Value inTile, ValueRange states) {
    return finishRound(e.add(position, inTile), inTile, states);
  });
}

SmallVector<Value> ModalRunFinish::finishRound(Value position, Value inTile, ValueRange states) {
  SmallVector<Value> next;
  auto left = MutableArrayRef(channels);
  while (!left.empty()) {
    auto some = left.take_front(std::max<int64_t>(1, kAtOnce / modeBlocks));
    left = left.drop_front(some.size());
    std::vector<Begun> begun = this->begun(some, position, inTile);
    if (slots && modal.stored)
      e.ifThen(e.less(e.length, e.offset(position, staged.round)), [&] {
        for (const Begun &own : begun)
          keep(own);
      });
    {
      OpLine line(e, ModalOp(modal.op));
      size_t own = e.rank ? 0 : some.size() * kRunModes * modeBlocks;
      next.append(scan(begun, position, states.take_front(own), bool(e.rank)));
      states = states.drop_front(own);
      before(begun);
    }
    for (const Begun &own : begun)
      store(own, position, inTile);
  }
  return next;
}

/// The epilogue of a channel's round, two positions at a time.
void ModalRunFinish::store(const Begun &begun, Value position, Value roundInTile) {
  Emitter &own = *begun.channel->emitter;
  EpiloguePlace place{
      begun.channel->column, position, e.add(e.mul(g, e.num(2 * chunk)), e.mul(q, e.num(2))), {}};
  for (int64_t n = 0; n < 2 * blocks; ++n)
    for (int64_t odd = 0; odd < 2; ++odd)
      place.offsets.push_back(odd * chunk + 8 * n);
  auto accumulated = [&](OpResult signal, int64_t offset) -> Value {
    int64_t odd = offset / chunk, n = offset % chunk / 8;
    if (ModalOp(modal.op).getResult() == signal) {
      const Fragment &y = begun.outputs[n];
      return own.pack({y[2 * odd], y[2 * odd + 1]});
    }
    for (auto [w, window] : llvm::enumerate(staged.windows))
      if (window.finished && window.signal == signal) {
        Value both = LLVM::BitcastOp::create(own.b, own.loc, own.signalType(window.element),
                                             begun.samples[w][n / 2][2 * (n % 2) + odd]);
        return staysNarrow(block.plan.kernel, signal) ? own.toF32(both) : own.loadedToF32(both);
      }
    return {};
  };
  SmallVector<Value> values = emitEpilogue(block, own, place, accumulated);
  auto value = values.begin();
  for (int64_t offset : place.offsets)
    for (const StagedStore &store : staged.stores) {
      OpLine line(e, StoreOp(store.op));
      int64_t bytes = block.bytesOf(store.tile.element);
      Value row =
          e.add(e.mul(place.column, e.num(store.tile.rowBytes)), e.mul(roundInTile, e.num(bytes)));
      if (slots && staged.round == staged.tile) // In the place of a stream.
        row = e.add(block.setByte, row);
      Value swizzle = slots ? none : block.swizzleOf(place.column);
      Value byte = block.ringByte(place.inTile, offset, swizzle, bytes);
      e.storeTo(*value++, block.byteAt(store.tile.base, e.add(row, byte)), 2 * bytes);
    }
}

/// The states where the last whole chunk ends, from those where the last tile begins, if the
/// sequence ends within it.
SmallVector<Value> ModalRunFinish::afterChunks(ValueRange states) {
  Value left = e.rem(e.length, e.num(staged.round));
  return e.ifValues(e.less(none, left), states, [&] {
    Value position = e.sub(e.length, left);
    std::vector<Begun> last = begunAgain();
    scan(last, position, states, /*turns=*/false);
    Value index = e.div(left, e.num(chunk)), odd = e.less(none, e.rem(index, e.num(2)));
    Value from = e.add(e.mul(e.div(index, e.num(2)), e.num(4)), q);
    SmallVector<Value> ends;
    for (const Begun &own : last)
      for (const auto &starts : own.starts)
        ends.push_back(shuffle(e.select(odd, starts[1], starts[0]), from, 32));
    return ends;
  });
}

void ModalRunFinish::end(ValueRange carried) {
  if (!e.rank) {
    if (modal.stored)
      storeStates(carried);
    return;
  }
  if (modal.stored) {
    // By the block that has got them: its windows hold what remains.
    Value tile = e.div(e.length, e.num(staged.round));
    Value isLast = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq,
                                         e.rem(tile, e.num(staged.cluster)), e.rank);
    SmallVector<Channel *> all;
    for (Channel &channel : channels)
      all.push_back(&channel);
    e.ifThen(isLast, [&] { storeStates(receive(all, tile)); });
  }
  meetCluster(e); // Nobody leaves while others may still write to him.
}

/// A lane takes one of its modes of one channel through what remains of the sequence: lanes with g
/// < 4 the g-th of a channel, the others of the next channel.
void ModalRunFinish::storeStates(ValueRange carried) {
  OpLine line(e, ModalOp(modal.op));
  SmallVector<Value> states = afterChunks(carried);
  const StagedWindow &window = staged.windows[modal.window];
  int64_t bytes = block.bytesOf(window.element), perChannel = kRunModes * modeBlocks;
  const Memory &memory = e.memory(modal.stored.getState(), /*output=*/true);
  Value which = e.div(g, e.num(kRunModes)), of = e.rem(g, e.num(kRunModes));
  Value rest = e.rem(e.length, e.num(chunk)), first = e.sub(e.length, rest);
  for (int64_t i = 0; i < int64_t(channels.size()); i += 2) {
    bool two = i + 1 < int64_t(channels.size());
    Value column = two ? e.add(channels[i].column, which) : channels[i].column;
    Value swizzle = block.swizzleOf(column), ring = e.mul(column, e.num(staged.ring * bytes));
    Value own = e.add(block.stripe, column), safe = e.min(own, e.offset(e.channels, -1));
    auto scalar = block.mapped(*one, column);
    for (int64_t m = 0; m < modeBlocks; ++m) {
      Value mode = ModalRunScan::modeOf(*this, kRunModes * m),
            state = states[i * perChannel + kRunModes * m];
      for (int64_t k = 0; k < kRunModes; ++k) {
        Value mine = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, of, e.num(k));
        Value its = states[i * perChannel + kRunModes * m + k];
        if (two)
          its =
              e.select(e.less(none, which), states[(i + 1) * perChannel + kRunModes * m + k], its);
        state = e.select(mine, its, state);
        mode = e.select(mine, ModalRunScan::modeOf(*this, kRunModes * m + k), mode);
      }
      Value exists = e.both(e.less(mode, e.num(modal.modes)), e.less(own, e.channels));
      if (!two)
        exists = e.both(exists, e.less(which, e.num(1)));
      mode = e.min(mode, e.num(modal.modes - 1));
      const Memory &poles = e.memory(ModalOp(modal.op).getLogPoles());
      Value logPole = e.load(poles.element, modePointer(e, poles, safe, mode), 4, true);
      scalar->b.restoreInsertionPoint(e.b.saveInsertionPoint());
      Value decay = emitExpm1(*scalar, logPole, real(1));
      e.b.restoreInsertionPoint(scalar->b.saveInsertionPoint());
      state = e.loop(none, rest, e.num(1), {state}, [&](Value j, ValueRange carried) {
        Value byte = e.add(
            ring, block.ringByte(e.rem(e.add(first, j), e.num(staged.round)), 0, swizzle, bytes));
        Value sample = e.load(element, block.byteAt(window.base, byte), bytes, false);
        sample = arith::ExtFOp::create(e.b, e.loc, e.b.getF32Type(), sample);
        return SmallVector<Value>{plus(carried[0], e.fma(decay, carried[0], sample))};
      })[0];
      e.ifThen(exists, [&] { e.storeTo(state, modePointer(e, memory, own, mode), 4); });
    }
  }
}

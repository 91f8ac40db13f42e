#include "compiler/lowering/ModalFinish.h"

#include "compiler/lowering/Exponential.h"
#include "compiler/lowering/Modal.h"
#include "compiler/lowering/StagedEpilogue.h"
#include "compiler/lowering/TensorCore.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

static constexpr int64_t kBlock = 16;
/// Of one part of 16 modes' states in the scratch: a row of 8 chunks per mode.
static constexpr int64_t kRowBytes = 16, kPartBytes = 16 * kRowBytes;

ModalFinish::ModalFinish(StagedBlock &block)
    : ModalLanes(block), chunksPlan(std::make_unique<KernelPlan>(block.plan)) {
  chunksPlan->lanes = 2;
  chunksPlan->along = true;
  for (int64_t first = 0; first < staged.channelsPerWarp; first += 2) {
    Value column = e.offset(e.mul(warp, e.num(staged.channelsPerWarp)), first);
    pairs.push_back({channelAt(column), channelAt(e.offset(column, 1))});
    for (Channel &channel : pairs.back()) {
      channel.emitter = block.mapped(*chunksPlan, channel.column);
      channel.emitter->emitInvariants(/*taps=*/false);
      e.b.restoreInsertionPoint(channel.emitter->b.saveInsertionPoint());
    }
  }
}

ModalFinish::Channel ModalFinish::channelAt(Value column) {
  Channel channel{ModalFactors(*this, column), column, {}, {}, {}, {}};
  for (const StagedWindow &window : staged.windows) {
    int64_t bytes = block.bytesOf(window.element);
    Value swizzle = block.swizzleOf(column);
    Value octet = e.rem(e.div(lane, e.num(8)), e.num(std::min<int64_t>(4, chunk / 8)));
    Value position = e.add(e.mul(e.rem(lane, e.num(8)), e.num(chunk)), e.mul(octet, e.num(8)));
    for (int64_t first = 0; first < chunk; first += 32)
      channel.rows.push_back(block.byteAt(
          window.base, e.add(e.mul(column, e.num(staged.ring * bytes)),
                             block.ringByte(position, first, swizzle, bytes))));
  }
  Value base = e.mul(column, e.num(modeBlocks * parts * kPartBytes));
  channel.scratch = block.byteAt(modal.scratch, e.add(base, e.mul(lane, e.num(kRowBytes))));
  channel.own = block.byteAt(modal.scratch,
                             e.add(base, e.add(e.mul(g, e.num(kRowBytes)), e.mul(q, e.num(4)))));
  return channel;
}

ModalFinish::Fragment ModalFinish::multiply(const Fragment &left, ValueRange right,
                                            const Fragment &sum) {
  return compiler::multiply(e.b, e.loc, element, left, {right[0], right[1]}, sum);
}

ModalFinish::Samples ModalFinish::samplesOf(Channel &channel, size_t window, Value position,
                                            bool transposed) {
  int64_t bytes = block.bytesOf(staged.windows[window].element),
          loads = llvm::divideCeil(chunk, 32);
  Value tile = e.b.createOrFold<arith::AndIOp>(e.loc, e.mul(position, e.num(bytes)),
                                               e.num(staged.ring * bytes - 1));
  Samples samples;
  for (int64_t i = 0; i < loads; ++i)
    samples.append(loadMatrices(
        e.b, e.loc, e.address(e.b.getI8Type(), channel.rows[window * loads + i], e.widen(tile)),
        int(std::min<int64_t>(4, chunk / 8)), transposed));
  return samples;
}

/// The recurrences of 8 modes of a channel.
struct ModalFinish::Chain {
  Begun &of;
  int64_t m, half;
  std::array<Value, 4> decays; ///< exp(lp k) for k = 16, C and 2 C, expm1(lp tile)
  Value state;                 ///< Where the tile begins.
  Value even, odd, sum, before;
};

/// The states where the chunks begin; gives those where the next tile does. Step by step for all
/// channels and modes: each step's latency covers the others'.
SmallVector<Value> ModalFinish::scan(MutableArrayRef<Begun> begun, Value position,
                                     ValueRange states, bool turns) {
  std::vector<Chain> chains;
  for (Begun &own : begun)
    for (int64_t m = 0; m < modeBlocks; ++m)
      for (int64_t half = 0; half < 2; ++half)
        chains.push_back({own,
                          m,
                          half,
                          own.channel->factors.decays(2 * m + half),
                          turns ? Value() : states[chains.size()],
                          {},
                          {},
                          {},
                          {}});
  SmallVector<Fragment> added(begun.size() * modeBlocks, {zero, zero, zero, zero});
  const bool decay = begun.front().channel->factors.inputBlocks() == 1;
  for (int64_t b = 0; b < blocks; ++b) {
    for (Chain &chain : chains)
      for (int64_t i = 2 * chain.half; b && decay && i < 2 * chain.half + 2; ++i) {
        Value &sum = added[(&chain - chains.data()) / 2][i];
        sum = times(sum, chain.decays[0]);
      }
    SmallVector<Parts> lefts; // [channel, 16 modes]
    for (const Begun &own : begun)
      for (int64_t m = 0; m < modeBlocks; ++m)
        lefts.push_back(own.channel->factors.input(m, b));
    for (int64_t part = 0; part < parts; ++part)
      for (auto [index, sum] : llvm::enumerate(added)) {
        const Begun &own = begun[index / modeBlocks];
        sum = multiply(lefts[index][part], ValueRange(own.samples).slice(2 * b, 2), sum);
      }
    // Meanwhile: what does not wait.
    within(begun, b);
  }
  for (auto [index, chain] : llvm::enumerate(chains)) {
    chain.even = added[index / 2][2 * chain.half];
    chain.odd = added[index / 2][2 * chain.half + 1];
    chain.sum = e.fma(chain.decays[1], chain.even, chain.odd);
  }
  // Pairs of lanes, then pairs of those: each lane gets the sum of those before it, and the whole.
  auto isSet = [&](int64_t bit) {
    return e.less(none, e.b.createOrFold<arith::AndIOp>(e.loc, q, e.num(bit)));
  };
  auto across = [&](Value value, int64_t bit) {
    return shuffle(value, e.b.createOrFold<arith::XOrIOp>(e.loc, lane, e.num(bit)), 4);
  };
  Value odd = isSet(1), late = isSet(2);
  SmallVector<Value> pairs, others;
  for (Chain &chain : chains)
    others.push_back(across(chain.sum, 1));
  for (auto [chain, other] : llvm::zip(chains, others))
    pairs.push_back(e.fma(chain.decays[2], e.select(odd, other, chain.sum),
                          e.select(odd, chain.sum, other)));
  for (auto [chain, other, pair] : llvm::zip(chains, others, pairs)) {
    Value far = across(pair, 2), two = chain.decays[2];
    Value before = e.select(late, far, zero);
    chain.before = e.select(odd, e.fma(two, before, other), before);
    chain.sum = e.fma(times(two, two), e.select(late, far, pair), e.select(late, pair, far));
  }
  if (turns)
    takeTurns(chains, position);
  SmallVector<Value> next;
  for (Chain &chain : chains) {
    Begun &own = chain.of;
    int64_t mode = 2 * chain.m + chain.half;
    Value start = e.fma(own.channel->factors.start(mode), chain.state, chain.before);
    own.starts.push_back({start, e.fma(chain.decays[1], start, chain.even)});
    if (!turns)
      next.push_back(plus(chain.state, e.fma(chain.decays[3], chain.state, chain.sum)));
  }
  // Of a tile that the sequence ends in, `end` takes the positions there are.
  Value whole = e.less(e.offset(position, staged.tile - 1), e.length);
  if (modal.stored)
    for (auto [state, own] : llvm::zip(next, states))
      state = e.select(whole, state, own);
  return next;
}

static constexpr llvm::StringLiteral kScope = "cluster";

/// The states where a tile of this block's begins, once they have all come: of each 8 modes.
SmallVector<Value> ModalFinish::receive(Value tile) {
  SmallVector<Value> slots;
  for (Pair &pair : pairs)
    for (Channel &channel : pair)
      for (int64_t mode = 0; mode < 2 * modeBlocks; ++mode)
        slots.push_back(channel.factors.slot(mode));
  return receiveStates(*this, slots, tile);
}

SmallVector<Value> compiler::receiveStates(const ModalLanes &lanes, ValueRange slots, Value tile) {
  Emitter &e = lanes.e;
  Value none = lanes.none;
  Type i64 = e.b.getI64Type();
  SmallVector<Type> types(slots.size(), i64);
  auto loop = scf::WhileOp::create(e.b, e.loc, types, ValueRange());
  {
    OpBuilder::InsertionGuard guard(e.b);
    e.b.createBlock(&loop.getBefore());
    SmallVector<Value> messages;
    Value differ = none;
    for (Value slot : slots) {
      messages.push_back(LLVM::LoadOp::create(e.b, e.loc, i64, slot, 8, /*isVolatile=*/false,
                                              /*isNonTemporal=*/false, /*isInvariant=*/false,
                                              /*isInvariantGroup=*/false,
                                              LLVM::AtomicOrdering::monotonic, kScope));
      Value tag = arith::TruncIOp::create(
          e.b, e.loc, e.b.getI32Type(),
          arith::ShRUIOp::create(e.b, e.loc, messages.back(), e.wide(32)));
      Value other = arith::XOrIOp::create(e.b, e.loc, tag, e.offset(tile, 1));
      differ = e.b.createOrFold<arith::OrIOp>(e.loc, differ, other);
    }
    Value missing = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ne, differ, none);
    scf::ConditionOp::create(e.b, e.loc, missing, messages);
    e.b.createBlock(&loop.getAfter(), {}, types, SmallVector<Location>(types.size(), e.loc));
    // A pause of no time, where the simulator turns to the other blocks.
    LLVM::CallIntrinsicOp::create(e.b, e.loc, e.b.getStringAttr("llvm.nvvm.nanosleep"),
                                  ValueRange{none});
    scf::YieldOp::create(e.b, e.loc);
  }
  SmallVector<Value> states;
  for (Value message : loop.getResults())
    states.push_back(arith::BitcastOp::create(
        e.b, e.loc, e.b.getF32Type(),
        arith::TruncIOp::create(e.b, e.loc, e.b.getI32Type(), message)));
  return states;
}

/// By one 8-byte store, so that number and index come together.
void compiler::sendState(const ModalLanes &lanes, Value state, Value tile, Value slot) {
  Emitter &e = lanes.e;
  Type i64 = e.b.getI64Type();
  Value bits = arith::BitcastOp::create(e.b, e.loc, e.b.getI32Type(), state);
  Value message = arith::OrIOp::create(
      e.b, e.loc, arith::ExtUIOp::create(e.b, e.loc, i64, bits),
      arith::ShLIOp::create(e.b, e.loc,
                            arith::ExtUIOp::create(e.b, e.loc, i64, e.offset(tile, 1)),
                            e.wide(32)));
  LLVM::StoreOp::create(e.b, e.loc, message, slot, 8, /*isVolatile=*/false,
                        /*isNonTemporal=*/false, /*isInvariantGroup=*/false,
                        LLVM::AtomicOrdering::monotonic, kScope);
}

/// Takes the states from the block that has the tile before and hands them on to the one that has the
/// next.
void ModalFinish::takeTurns(MutableArrayRef<Chain> chains, Value position) {
  Value tile = e.div(position, e.num(staged.tile));
  SmallVector<Value> states = receive(tile);
  Value isLast = e.less(e.num(staged.cluster - 2), e.rank);
  Value after = e.select(isLast, none, e.offset(e.rank, 1));
  auto remote = LLVM::LLVMPointerType::get(e.b.getContext(), 7);
  SmallVector<Value> next;
  for (auto [chain, state] : llvm::zip(chains, states)) {
    chain.state = state;
    next.push_back(plus(state, e.fma(chain.decays[3], state, chain.sum)));
  }
  Value whole = e.less(e.offset(position, staged.tile - 1), e.length);
  e.ifThen(e.both(whole, e.less(e.num(2), q)), [&] {
    for (auto [chain, state] : llvm::zip(chains, next)) {
      Value own = chain.of.channel->factors.slot(2 * chain.m + chain.half);
      sendState(*this, state, e.offset(tile, 1),
                NVVM::MapaOp::create(e.b, e.loc, remote, own, after));
    }
  });
}

/// S to shared memory, to come back as right sides.
void ModalFinish::transpose(const Begun &begun) {
  for (auto [mode, starts] : llvm::enumerate(begun.starts)) {
    Parts packed = pack({starts});
    for (int64_t part = 0; part < parts; ++part) {
      int64_t row = (mode / 2 * parts + part) * kPartBytes + mode % 2 * 8 * kRowBytes;
      e.storeTo(packed[part][0], e.address(e.b.getI8Type(), begun.channel->own, e.wide(row)), 4);
    }
  }
}

/// T u of the chunks' positions [16 at, 16 at + 16).
void ModalFinish::within(MutableArrayRef<Begun> begun, int64_t at) {
  for (Begun &own : begun) {
    if (!at)
      own.within = own.channel->factors.within();
    own.outputs.push_back({zero, zero, zero, zero});
  }
  for (int64_t d = at; d >= 0; --d) {
    for (int64_t part = parts; part-- > 0;)
      for (Begun &own : begun)
        own.outputs[at] =
            multiply(own.within[d][part], ValueRange(own.samples).slice(2 * (at - d), 2),
                     own.outputs[at]);
  }
}

/// The outputs: + P S.
void ModalFinish::before(MutableArrayRef<Begun> begun) {
  // lo times hi, hi times lo, hi times hi; where there is but one part, that.
  SmallVector<std::array<int64_t, 2>> products = {{0, 0}};
  if (parts == 2)
    products = {{1, 0}, {0, 1}, {0, 0}};
  for (int64_t m = 0; m < modeBlocks; ++m)
    for (auto [left, right] : products)
      for (int64_t at = 0; at < blocks; ++at)
        for (Begun &own : begun)
          own.outputs[at] =
              multiply(own.channel->factors.output(m, at)[left],
                       ValueRange(own.states).slice(2 * (parts * m + right), 2), own.outputs[at]);
}

SmallVector<Value> ModalFinish::begin() {
  SmallVector<Value> states;
  ModalOp op = modal.op;
  OpLine line(e, op);
  for (Pair &pair : pairs)
    for (Channel &channel : pair)
      for (int64_t m = 0; m < 2 * modeBlocks; ++m) {
        if (!op.getInitAttr()) {
          states.push_back(zero);
          continue;
        }
        Value own = e.min(e.add(block.stripe, channel.column), e.offset(e.channels, -1));
        Value mode = e.min(e.offset(g, 8 * m), e.num(modal.modes - 1));
        const Memory &memory = e.memory(*op.getInit());
        states.push_back(e.load(memory.element, modePointer(e, memory, own, mode), 4,
                                /*invariant=*/false));
      }
  if (!e.rank)
    return states;
  // The states of the first tile are a message of the first block's to itself.
  Value first = e.less(e.rank, e.num(1)), tile = e.select(first, none, e.num(-1));
  e.ifThen(e.less(q, e.num(1)), [&] {
    auto state = states.begin();
    for (Pair &pair : pairs)
      for (Channel &channel : pair)
        for (int64_t mode = 0; mode < 2 * modeBlocks; ++mode)
          sendState(*this, *state++, tile, channel.factors.slot(mode));
  });
  meetCluster(e);
  return {};
}

void compiler::meetCluster(Emitter &e) {
  NVVM::ClusterArriveOp::create(e.b, e.loc, e.b.getUnitAttr());
  NVVM::ClusterWaitOp::create(e.b, e.loc, e.b.getUnitAttr());
}

bool compiler::staysNarrow(KernelOp kernel, Value signal) {
  return llvm::all_of(signal.getUsers(), [&](Operation *user) {
    return isa<arith::MulFOp>(user) || isa<HaloDialect>(user->getDialect()) ||
           isRoundedOnce(kernel, user);
  });
}

SmallVector<Value> ModalFinish::finish(Value position, ValueRange states) {
  std::vector<Begun> begun = this->begun(position);
  auto line = std::make_unique<OpLine>(e, ModalOp(modal.op));
  SmallVector<Value> next = scan(begun, position, states, bool(e.rank));
  for (const Begun &own : begun)
    transpose(own);
  NVVM::SyncWarpOp::create(e.b, e.loc, e.num(-1));
  for (Begun &own : begun)
    for (int64_t m = 0; m < modeBlocks; ++m)
      own.states.append(loadMatrices(
          e.b, e.loc,
          e.address(e.b.getI8Type(), own.channel->scratch, e.wide(m * parts * kPartBytes)),
          int(2 * parts), /*transposed=*/true));
  before(begun);
  line.reset();
  for (Begun &own : begun)
    for (size_t w = 0; w < staged.windows.size(); ++w)
      own.own.push_back(staged.windows[w].finished
                            ? samplesOf(*own.channel, w, position, /*transposed=*/true)
                            : Samples());
  for (size_t first = 0; first < begun.size(); first += 2)
    for (int64_t at = 0; at < blocks; ++at)
      store(ArrayRef(begun).slice(first, 2), position, at);
  return next;
}

SmallVector<std::array<Value, 2>> ModalFinish::epilogue(const Begun &begun, Value position,
                                                        int64_t at) {
  Emitter &own = *begun.channel->emitter;
  own.b.restoreInsertionPoint(e.b.saveInsertionPoint());
  Value inTile = e.offset(e.add(e.mul(q, e.num(2 * chunk)), g), kBlock * at);
  Place place;
  place.position = e.add(position, inTile);
  own.source = [&](Place &, OpResult signal, int64_t offset) -> Value {
    const Fragment &y = begun.outputs[at];
    int64_t half = offset / 8;
    if (ModalOp(modal.op).getResult() == signal)
      return own.pack({y[2 * half], y[2 * half + 1]});
    for (auto [w, window] : llvm::enumerate(staged.windows))
      if (window.finished && window.signal == signal) {
        Value both = LLVM::BitcastOp::create(own.b, own.loc, own.signalType(window.element),
                                             begun.own[w][2 * at + half]);
        return staysNarrow(block.plan.kernel, signal) ? own.toF32(both) : own.loadedToF32(both);
      }
    for (const StagedTile &tile : staged.tiles)
      if (tile.signal == signal) {
        SmallVector<Value> both;
        for (int64_t row : {offset, offset + chunk})
          both.push_back(own.load(tile.element,
                                  block.tileByte(tile, begun.channel->column, inTile, row),
                                  block.bytesOf(tile.element), false));
        return own.toF32(own.pack(both));
      }
    return {};
  };
  SmallVector<std::array<Value, 2>> values(staged.stores.size());
  for (int64_t half = 0; half < 2; ++half)
    for (auto [value, store] : llvm::zip(values, staged.stores)) {
      OpLine line(own, StoreOp(store.op));
      value[half] = own.toStorage(own.at(place, StoreOp(store.op).getInput(), 8 * half),
                                  store.tile.element);
    }
  own.source = nullptr;
  e.b.restoreInsertionPoint(own.b.saveInsertionPoint());
  return values;
}

/// The epilogue of two channels' positions [16 at, 16 at + 16) of each chunk.
void ModalFinish::store(ArrayRef<Begun> begun, Value position, int64_t at) {
  auto first = epilogue(begun[0], position, at), second = epilogue(begun[1], position, at);
  Value inTile = e.offset(e.add(e.mul(q, e.num(2 * chunk)), g), kBlock * at);
  for (auto [index, store] : llvm::enumerate(staged.stores)) {
    OpLine line(e, StoreOp(store.op));
    Value swizzle =
        store.swizzled ? block.pieceSwizzle(store, inTile, e.mul(q, e.num(4))) : Value();
    for (int64_t half = 0; half < 2; ++half)
      for (int64_t odd = 0; odd < 2; ++odd) {
        Value pair =
            e.pack({e.lane(first[index][half], odd), e.lane(second[index][half], odd)});
        e.storeTo(pair,
                  block.tileByte(store.tile, begun[0].channel->column, inTile,
                                 8 * half + chunk * odd, swizzle),
                  2 * block.bytesOf(store.tile.element));
      }
  }
}

/// The tile's samples, and nothing else yet.
std::vector<ModalFinish::Begun> ModalFinish::begun(Value position) {
  std::vector<Begun> begun;
  for (Pair &pair : pairs)
    for (Channel &channel : pair) {
      begun.emplace_back().channel = &channel;
      begun.back().samples = samplesOf(channel, modal.window, position, /*transposed=*/false);
    }
  return begun;
}

/// The states where the last whole chunk ends, from those where the last tile begins, if the
/// sequence ends within it.
SmallVector<Value> ModalFinish::afterChunks(ValueRange states) {
  Value left = e.rem(e.length, e.num(staged.tile));
  return e.ifValues(e.less(none, left), states, [&] {
    Value position = e.sub(e.length, left);
    std::vector<Begun> last = begun(position);
    scan(last, position, states, /*turns=*/false);
    Value index = e.div(left, e.num(chunk)), odd = e.less(none, e.rem(index, e.num(2)));
    SmallVector<Value> ends;
    for (const Begun &own : last)
      for (const auto &starts : own.starts)
        ends.push_back(shuffle(e.select(odd, starts[1], starts[0]), e.div(index, e.num(2)), 4));
    return ends;
  });
}

void ModalFinish::end(ValueRange carried) {
  if (!e.rank) {
    if (modal.stored)
      storeStates(carried);
    return;
  }
  if (modal.stored) {
    // By the block that has got them: its windows hold what remains.
    Value tile = e.div(e.length, e.num(staged.tile));
    Value isLast = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq,
                                         e.rem(tile, e.num(staged.cluster)), e.rank);
    e.ifThen(isLast, [&] { storeStates(receive(tile)); });
  }
  meetCluster(e); // Nobody leaves while others may still write to him.
}

/// A lane takes one mode of one channel through what remains of the sequence.
void ModalFinish::storeStates(ValueRange carried) {
  OpLine line(e, ModalOp(modal.op));
  SmallVector<Value> chunked = afterChunks(carried);
  ValueRange states = chunked;
  const StagedWindow &window = staged.windows[modal.window];
  int64_t bytes = block.bytesOf(window.element);
  const Memory &memory = e.memory(modal.stored.getState(), /*output=*/true);
  Value which = e.div(lane, e.num(16)), row = e.rem(lane, e.num(16));
  Value second = e.less(none, which), late = e.less(e.num(7), row);
  Value from = e.mul(e.rem(row, e.num(8)), e.num(4));
  Value rest = e.rem(e.length, e.num(chunk)), first = e.sub(e.length, rest);
  for (Pair &pair : pairs) {
    Value column = e.add(pair[0].column, which), own = e.add(block.stripe, column);
    Value swizzle = block.swizzleOf(column), ring = e.mul(column, e.num(staged.ring * bytes));
    Value safe = e.min(own, e.offset(e.channels, -1));
    auto scalar = block.mapped(*one, column);
    for (int64_t m = 0; m < modeBlocks; ++m) {
      Value mode = e.offset(row, 16 * m);
      Value exists = e.both(e.less(mode, e.num(modal.modes)), e.less(own, e.channels));
      mode = e.min(mode, e.num(modal.modes - 1));
      const Memory &poles = e.memory(ModalOp(modal.op).getLogPoles());
      Value logPole = e.load(poles.element, modePointer(e, poles, safe, mode), 4, true);
      scalar->b.restoreInsertionPoint(e.b.saveInsertionPoint());
      Value decay = emitExpm1(*scalar, logPole, real(1));
      e.b.restoreInsertionPoint(scalar->b.saveInsertionPoint());
      auto ofChannel = [&](int64_t i) {
        Value low = shuffle(states[2 * (modeBlocks * i + m)], from, 32);
        return e.select(late, shuffle(states[2 * (modeBlocks * i + m) + 1], from, 32), low);
      };
      Value state = e.select(second, ofChannel(1), ofChannel(0));
      state = e.loop(none, rest, e.num(1), {state}, [&](Value j, ValueRange carried) {
        Value position = e.add(first, j);
        Value byte = e.add(ring, block.ringByte(position, 0, swizzle, bytes));
        Value sample = e.load(element, block.byteAt(window.base, byte), bytes, false);
        sample = arith::ExtFOp::create(e.b, e.loc, e.b.getF32Type(), sample);
        return SmallVector<Value>{plus(carried[0], e.fma(decay, carried[0], sample))};
      })[0];
      e.ifThen(exists, [&] { e.storeTo(state, modePointer(e, memory, own, mode), 4); });
    }
    states = states.drop_front(4 * modeBlocks);
  }
}

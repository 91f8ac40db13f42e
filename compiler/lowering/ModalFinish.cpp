#include "compiler/lowering/ModalFinish.h"

#include "compiler/lowering/Exponential.h"
#include "compiler/lowering/Modal.h"
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
/// Of one part of 16 modes' states in the scratch: a row of 8 chunks per mode.
static constexpr int64_t kRowBytes = 16, kPartBytes = 16 * kRowBytes;

/// The table of T: an entry for each g - 2q from -6 to 7, per part and block.
static constexpr int64_t kDiagonals = 14, kDiagonalBytes = kDiagonals * 16;

int64_t compiler::modalTableBytes(const StagedPlan &staged, const StagedModal &modal) {
  if (!modal.split)
    return 0;
  return staged.chunk / kBlock * 2 * kDiagonalBytes + modal.modeBlocks * kBlock * 16;
}

ModalFinish::ModalFinish(StagedBlock &block)
    : block(block), e(block.e), staged(block.staged), modal(staged.modals.front()),
      chunk(staged.chunk), blocks(chunk / kBlock), modeBlocks(modal.modeBlocks),
      parts(modal.split ? 2 : 1), element(staged.windows[modal.window].element) {
  lane = e.rem(e.thread, e.num(32));
  warp = e.div(e.thread, e.num(32));
  g = e.div(lane, e.num(4));
  q = e.rem(lane, e.num(4));
  zero = real(0);
  none = e.num(0);
  Value pair = e.mul(q, e.num(2));
  auto equal = [&](Value x, Value y) -> Value {
    return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, x, y);
  };
  int64_t one = element.isBF16() ? 0x3f80 : 0x3c00;
  Value diagonal = e.select(equal(g, pair), e.num(one),
                            e.select(equal(g, e.offset(pair, 1)), e.num(one << 16), none));
  ones = {diagonal, none, none, diagonal};

  onePlan = std::make_unique<KernelPlan>(block.plan);
  onePlan->lanes = 1;
  pairPlan = std::make_unique<KernelPlan>(block.plan);
  pairPlan->lanes = 2;
  for (int64_t first = 0; first < staged.channelsPerWarp; first += 2) {
    Pair &made = pairs.emplace_back();
    for (int64_t i = 0; i < 2; ++i) {
      made.channels[i].column = e.offset(e.mul(warp, e.num(staged.channelsPerWarp)), first + i);
      prepare(made.channels[i]);
    }
    made.emitter = block.mapped(*pairPlan, made.channels[0].column);
    made.emitter->emitInvariants(/*taps=*/false);
    e.b.restoreInsertionPoint(made.emitter->b.saveInsertionPoint());
  }
}

Value ModalFinish::real(double value) {
  return arith::ConstantOp::create(e.b, e.loc, e.b.getF32FloatAttr(float(value)));
}
Value ModalFinish::times(Value x, Value y) { return arith::MulFOp::create(e.b, e.loc, x, y); }
Value ModalFinish::plus(Value x, Value y) { return arith::AddFOp::create(e.b, e.loc, x, y); }

Value ModalFinish::shuffle(Value value, Value from, int64_t width) {
  int64_t segment = 32 - width;
  return NVVM::ShflOp::create(e.b, e.loc, value.getType(), e.num(-1), value, from,
                              e.num(segment << 8 | (width - 1)), NVVM::ShflKind::idx,
                              /*return_value_and_is_valid=*/nullptr);
}

Value ModalFinish::power(Value log2Pole, Value k) {
  Value exponent = times(log2Pole, arith::SIToFPOp::create(e.b, e.loc, e.b.getF32Type(), k));
  return e.intrinsic("llvm.nvvm.ex2.approx.ftz.f32", exponent);
}

Value ModalFinish::number(StringRef operand, Channel &channel, Value mode) {
  const Memory &m = e.memory(operand);
  Value own = e.min(e.add(block.stripe, channel.column), e.offset(e.channels, -1));
  return e.load(m.element, modePointer(e, m, own, mode), 4, /*invariant=*/true);
}

ModalFinish::Parts ModalFinish::pack(ArrayRef<std::array<Value, 2>> values) {
  Parts made(parts);
  for (auto [r, both] : llvm::enumerate(values)) {
    Value rest = e.pack({both[0], both[1]});
    for (Fragment &part : made) {
      Value stored = e.toStorage(rest, element);
      part[r] = LLVM::BitcastOp::create(e.b, e.loc, e.b.getI32Type(), stored);
      rest = arith::SubFOp::create(e.b, e.loc, rest, e.loadedToF32(stored));
    }
  }
  return made;
}

void ModalFinish::prepare(Channel &channel) {
  for (const StagedWindow &window : staged.windows) {
    int64_t bytes = block.bytesOf(window.element);
    Value swizzle = block.swizzleOf(channel.column);
    Value octet = e.rem(e.div(lane, e.num(8)), e.num(std::min<int64_t>(4, chunk / 8)));
    Value position = e.add(e.mul(e.rem(lane, e.num(8)), e.num(chunk)), e.mul(octet, e.num(8)));
    for (int64_t first = 0; first < chunk; first += 32)
      channel.rows.push_back(block.byteAt(
          window.base, e.add(e.mul(channel.column, e.num(staged.ring * bytes)),
                             block.ringByte(e.offset(position, first), swizzle, bytes))));
  }
  int64_t bytes = modeBlocks * parts * kPartBytes;
  Value base = e.mul(channel.column, e.num(bytes));
  channel.scratch = block.byteAt(modal.scratch, e.add(base, e.mul(lane, e.num(kRowBytes))));
  channel.own = block.byteAt(modal.scratch,
                             e.add(base, e.add(e.mul(g, e.num(kRowBytes)), e.mul(q, e.num(4)))));
  if (modal.tableBytes) {
    channel.toeplitz = tableByte(channel, 0, e.offset(e.sub(g, e.mul(q, e.num(2))), 6));
    channel.decays = tableByte(channel, blocks * parts * kDiagonalBytes, g);
  }
  prepareOutputs(channel);
  prepareStates(channel);
}

/// The entry of 16 bytes at an index of a channel's table.
Value ModalFinish::tableByte(Channel &channel, int64_t offset, Value index) {
  return block.byteAt(modal.tables + offset, e.add(e.mul(channel.column, e.num(modal.tableBytes)),
                                                   e.mul(index, e.num(16))));
}

/// T and P. Both come from R[s] exp(lp[s] i), the lane's rows i = 8 r + g, whose sums over s are h.
void ModalFinish::prepareOutputs(Channel &channel) {
  int64_t rows = 2 * blocks, modes = modal.modes;
  SmallVector<Value> filter(rows, zero); // h[8 r + g]
  for (int64_t m = 0; m < modeBlocks; ++m) {
    SmallVector<std::array<Value, 4>> values(rows); // [row][2q, 2q + 1, 2q + 8, 2q + 9]
    for (int64_t i = 0; i < 4; ++i) {
      Value mode = e.offset(e.mul(q, e.num(2)), 16 * m + i % 2 + 8 * (i / 2));
      Value exists = e.less(mode, e.num(modes)), safe = e.min(mode, e.num(modes - 1));
      Value pole =
          times(number(ModalOp(modal.op).getLogPoles(), channel, safe), real(1.4426950408889634));
      Value residue =
          e.select(exists, number(ModalOp(modal.op).getResidues(), channel, safe), zero);
      Value eight = power(pole, e.num(8)), one = power(pole, e.num(1));
      Value value = times(residue, power(pole, g));
      for (int64_t r = 0; r < rows; ++r) {
        filter[r] = plus(filter[r], value);
        values[r][i] = times(value, one);
        value = times(value, eight);
      }
    }
    auto &p = channel.p.emplace_back();
    for (int64_t b = 0; b < blocks; ++b) {
      auto &low = values[2 * b], &high = values[2 * b + 1];
      p.push_back(
          pack({{low[0], low[1]}, {high[0], high[1]}, {low[2], low[3]}, {high[2], high[3]}}));
    }
  }
  for (Value &h : filter)
    for (int64_t distance : {1, 2})
      h = plus(h, shuffle(h, e.b.createOrFold<arith::XOrIOp>(e.loc, lane, e.num(distance)), 32));
  // R_m of Toeplitz.h: h[8 m + g - 2 q] and the one before it, from the lanes that have them.
  auto shifted = [&](int64_t m, Value back) -> Value {
    Value row = e.sub(g, back), before = e.less(row, none);
    Value from = e.add(e.mul(e.select(before, e.offset(row, 8), row), e.num(4)), q);
    auto at = [&](int64_t r) { return r >= 0 && r < rows ? shuffle(filter[r], from, 32) : zero; };
    return e.select(before, at(m - 1), at(m));
  };
  Value pair = e.mul(q, e.num(2));
  SmallVector<std::array<Value, 2>> r;
  for (int64_t m = 0; m < rows; ++m)
    r.push_back({shifted(m, pair), shifted(m, e.offset(pair, 1))});
  for (int64_t d = 0; d < blocks; ++d)
    channel.t.push_back(pack(
        {r[2 * d], r[2 * d + 1], d ? r[2 * d - 1] : std::array<Value, 2>{zero, zero}, r[2 * d]}));
  if (!modal.tableBytes)
    return;
  // One lane of each diagonal writes it.
  Value first = e.less(q, e.num(1)), last = e.both(e.less(e.num(2), q), e.less(g, e.num(6)));
  e.ifThen(e.select(first, first, last), [&] {
    for (int64_t d = 0; d < blocks; ++d)
      for (int64_t part = 0; part < parts; ++part)
        e.storeTo(e.pack(channel.t[d][part]), toeplitzByte(channel, d, part), 16);
  });
}

Value ModalFinish::toeplitzByte(Channel &channel, int64_t d, int64_t part) {
  return e.address(e.b.getI8Type(), channel.toeplitz, e.wide((d * parts + part) * kDiagonalBytes));
}

/// Four numbers from a table.
std::array<Value, 4> ModalFinish::four(Type type, Value from) {
  Value all = e.load(VectorType::get({4}, type), from, 16, /*invariant=*/false);
  return {e.lane(all, 0), e.lane(all, 1), e.lane(all, 2), e.lane(all, 3)};
}

ModalFinish::Parts ModalFinish::toeplitzOf(Channel &channel, int64_t d) {
  if (!modal.tableBytes)
    return channel.t[d];
  Parts made;
  for (int64_t part = 0; part < parts; ++part)
    made.push_back(four(e.b.getI32Type(), toeplitzByte(channel, d, part)));
  return made;
}

Value ModalFinish::decaysByte(Channel &channel, int64_t mode) {
  return e.address(e.b.getI8Type(), channel.decays, e.wide(mode * 8 * 16));
}

/// Q of 16 positions, and what the scan needs.
void ModalFinish::prepareStates(Channel &channel) {
  auto scalar = block.mapped(*onePlan, channel.column);
  for (int64_t m = 0; m < modeBlocks; ++m) {
    std::array<std::array<Value, 4>, 2> rows; // Columns 2q, 2q + 1, 2q + 8, 2q + 9.
    for (int64_t half = 0; half < 2; ++half) {
      Value row = e.offset(g, 16 * m + 8 * half), mode = e.min(row, e.num(modal.modes - 1));
      Value logPole = number(ModalOp(modal.op).getLogPoles(), channel, mode);
      Value pole = times(logPole, real(1.4426950408889634));
      Value one = power(pole, e.num(1)), eight = power(pole, e.num(8));
      // Column 2q + 9 is 6 - 2q positions before the last.
      Value value = power(pole, e.sub(e.num(6), e.mul(q, e.num(2)))), far = times(value, eight);
      rows[half] = {times(far, one), far, times(value, one), value};
      channel.start.push_back(power(pole, e.mul(q, e.num(2 * chunk))));
      scalar->b.restoreInsertionPoint(e.b.saveInsertionPoint());
      Value tile = emitExpm1(*scalar, logPole, real(double(staged.tile)));
      e.b.restoreInsertionPoint(scalar->b.saveInsertionPoint());
      int64_t index = 2 * m + half;
      channel.perMode.push_back({power(pole, e.num(kBlock)), power(pole, e.num(chunk)),
                                 power(pole, e.num(2 * chunk)), tile});
      if (modal.tableBytes)
        e.ifThen(e.less(q, e.num(1)), [&] {
          e.storeTo(e.pack(channel.perMode[index]), decaysByte(channel, index), 16);
        });
    }
    auto &top = rows[0], &low = rows[1];
    channel.q.push_back(
        pack({{top[0], top[1]}, {low[0], low[1]}, {top[2], top[3]}, {low[2], low[3]}}));
  }
}

ModalFinish::Fragment ModalFinish::multiply(const Fragment &left, ValueRange right,
                                            const Fragment &sum) {
  return compiler::multiply(e.b, e.loc, element, left, {right[0], right[1]}, sum);
}

ModalFinish::Samples ModalFinish::samplesOf(Channel &channel, size_t window, Value position) {
  int64_t bytes = block.bytesOf(staged.windows[window].element),
          loads = llvm::divideCeil(chunk, 32);
  Value tile = e.b.createOrFold<arith::AndIOp>(e.loc, e.mul(position, e.num(bytes)),
                                               e.num(staged.ring * bytes - 1));
  Samples samples;
  for (int64_t i = 0; i < loads; ++i)
    samples.append(loadMatrices(
        e.b, e.loc, e.address(e.b.getI8Type(), channel.rows[window * loads + i], e.widen(tile)),
        int(std::min<int64_t>(4, chunk / 8))));
  return samples;
}

/// The states where the chunks begin, and where the next tile does.
ModalFinish::Scanned ModalFinish::scan(Channel &channel, const Samples &samples,
                                       ValueRange states) {
  Scanned result;
  auto masked = [&](int64_t from, Value value) {
    return e.select(e.less(q, e.num(from)), zero, value);
  };
  for (int64_t m = 0; m < modeBlocks; ++m) {
    std::array<std::array<Value, 4>, 2> decays; // Over 16 positions, C, 2 C; expm1 over the tile.
    for (int64_t half = 0; half < 2; ++half) {
      int64_t index = 2 * m + half;
      decays[half] = modal.tableBytes ? four(e.b.getF32Type(), decaysByte(channel, index))
                                      : channel.perMode[index];
    }
    Fragment added = {zero, zero, zero, zero};
    for (int64_t b = 0; b < blocks; ++b) {
      for (int64_t i = 0; b && i < 4; ++i)
        added[i] = times(added[i], decays[i / 2][0]);
      for (const Fragment &part : channel.q[m])
        added = multiply(part, ValueRange(samples).slice(2 * b, 2), added);
    }
    for (int64_t half = 0; half < 2; ++half) {
      auto [block16, one, two, tile] = decays[half];
      Value state = states[2 * m + half];
      Value even = added[2 * half], odd = added[2 * half + 1];
      // Of the lanes up to this one, from no state; then of those before it, the last one's coming
      // round to the first.
      Value sum = e.fma(one, even, odd);
      sum = e.fma(masked(1, two), shuffle(sum, e.offset(lane, -1), 4), sum);
      sum = e.fma(masked(2, times(two, two)), shuffle(sum, e.offset(lane, -2), 4), sum);
      Value before = shuffle(sum, e.offset(lane, 3), 4);
      Value start = e.fma(channel.start[2 * m + half], state, masked(1, before));
      result.starts.push_back({start, e.fma(one, start, even)});
      Value next = plus(state, e.fma(tile, state, before));
      result.next.push_back(shuffle(next, none, 4));
    }
  }
  return result;
}

void ModalFinish::transpose(Channel &channel, const Scanned &scanned) {
  for (auto [mode, starts] : llvm::enumerate(scanned.starts)) {
    Parts packed = pack({starts});
    for (int64_t part = 0; part < parts; ++part) {
      int64_t row = (mode / 2 * parts + part) * kPartBytes + mode % 2 * 8 * kRowBytes;
      e.storeTo(packed[part][0], e.address(e.b.getI8Type(), channel.own, e.wide(row)), 4);
    }
  }
}

/// y of the chunks' positions [16 at, 16 at + 16).
ModalFinish::Fragment ModalFinish::output(Channel &channel, const Samples &samples,
                                          ValueRange states, int64_t at) {
  Fragment sum = {zero, zero, zero, zero};
  for (int64_t m = 0; m < modeBlocks; ++m) {
    ValueRange own = states.slice(2 * parts * m, 2 * parts);
    const Parts &p = channel.p[m][at];
    if (parts == 2) {
      sum = multiply(p[1], own.take_front(2), sum);
      sum = multiply(p[0], own.drop_front(2), sum);
    }
    sum = multiply(p[0], own.take_front(2), sum);
  }
  for (int64_t d = at; d >= 0; --d) {
    Parts t = toeplitzOf(channel, d);
    for (const Fragment &part : llvm::reverse(t))
      sum = multiply(part, ValueRange(samples).slice(2 * (at - d), 2), sum);
  }
  return sum;
}

SmallVector<Value> ModalFinish::begin() {
  SmallVector<Value> states;
  ModalOp op = modal.op;
  for (Pair &pair : pairs)
    for (Channel &channel : pair.channels)
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
  return states;
}

static bool multipliedOnly(Value signal) {
  return llvm::all_of(signal.getUsers(), [](Operation *user) {
    return isa<arith::MulFOp>(user) || isa<HaloDialect>(user->getDialect());
  });
}

SmallVector<Value> ModalFinish::finish(Value position, ValueRange states) {
  int64_t perChannel = 2 * modeBlocks;
  SmallVector<Value> next;
  for (Pair &pair : pairs) {
    std::array<SmallVector<Samples>, 2> samples; // [channel][window]
    std::array<SmallVector<Value>, 2> right;     // S as right sides
    for (auto [i, channel] : llvm::enumerate(pair.channels)) {
      for (size_t window = 0; window < staged.windows.size(); ++window)
        samples[i].push_back(samplesOf(channel, window, position));
      Scanned scanned =
          scan(channel, samples[i][modal.window], states.slice(next.size(), perChannel));
      transpose(channel, scanned);
      next.append(nextStates(scanned, position));
    }
    NVVM::SyncWarpOp::create(e.b, e.loc, e.num(-1));
    for (auto [i, channel] : llvm::enumerate(pair.channels))
      for (int64_t m = 0; m < modeBlocks; ++m)
        right[i].append(loadMatrices(
            e.b, e.loc, e.address(e.b.getI8Type(), channel.scratch, e.wide(m * parts * kPartBytes)),
            int(2 * parts), /*transposed=*/true));
    for (int64_t at = 0; at < blocks; ++at) {
      std::array<Fragment, 2> y;
      std::array<SmallVector<Fragment>, 2> own;
      for (auto [i, channel] : llvm::enumerate(pair.channels)) {
        y[i] = output(channel, samples[i][modal.window], right[i], at);
        for (auto [w, window] : llvm::enumerate(staged.windows))
          own[i].push_back(window.finished
                               ? multiply(ones, ValueRange(samples[i][w]).slice(2 * at, 2),
                                          {zero, zero, zero, zero})
                               : Fragment());
      }
      auto accumulated = [&](OpResult signal, int64_t offset) -> Value {
        int64_t place = (offset % chunk == 8 ? 2 : 0) + (offset >= chunk ? 1 : 0);
        if (ModalOp(modal.op).getResult() == signal)
          return pair.emitter->pack({y[0][place], y[1][place]});
        for (auto [w, window] : llvm::enumerate(staged.windows))
          if (window.finished && window.signal == signal) {
            Emitter &both = *pair.emitter;
            Value values = both.pack({own[0][w][place], own[1][w][place]});
            // Exact in its type: where that is said, LLVM multiplies in it.
            return multipliedOnly(signal) ? both.toF32(both.toStorage(values, window.element))
                                          : values;
          }
        return {};
      };
      Value inTile = e.offset(e.add(e.mul(q, e.num(2 * chunk)), g), kBlock * at);
      emitEpilogue(block, *pair.emitter, pair.channels[0].column, position, inTile,
                   {0, chunk, 8, chunk + 8}, accumulated, e.mul(q, e.num(4)));
    }
  }
  return next;
}

/// The states where the next tile begins, or, where the sequence ends within this one, its last
/// whole chunk.
SmallVector<Value> ModalFinish::nextStates(const Scanned &scanned, Value position) {
  if (!modal.stored)
    return scanned.next;
  Value left = e.sub(e.length, position);
  Value index = e.div(left, e.num(chunk)), odd = e.less(none, e.rem(index, e.num(2)));
  return e.ifValues(e.less(left, e.num(staged.tile)), scanned.next, [&] {
    SmallVector<Value> states;
    for (const auto &starts : scanned.starts)
      states.push_back(shuffle(e.select(odd, starts[1], starts[0]), e.div(index, e.num(2)), 4));
    return states;
  });
}

/// A lane takes one mode of one channel through what remains of the sequence.
void ModalFinish::end(ValueRange states) {
  if (!modal.stored)
    return;
  const StagedWindow &window = staged.windows[modal.window];
  int64_t bytes = block.bytesOf(window.element);
  const Memory &memory = e.memory(modal.stored.getState(), /*output=*/true);
  Value which = e.div(lane, e.num(16)), row = e.rem(lane, e.num(16));
  Value second = e.less(none, which), late = e.less(e.num(7), row);
  Value from = e.mul(e.rem(row, e.num(8)), e.num(4));
  Value rest = e.rem(e.length, e.num(chunk)), first = e.sub(e.length, rest);
  for (Pair &pair : pairs) {
    Value column = e.add(pair.channels[0].column, which), own = e.add(block.stripe, column);
    Value swizzle = block.swizzleOf(column), ring = e.mul(column, e.num(staged.ring * bytes));
    Value safe = e.min(own, e.offset(e.channels, -1));
    auto scalar = block.mapped(*onePlan, column);
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
        Value byte = e.add(ring, block.ringByte(position, swizzle, bytes));
        Value sample = e.load(element, block.byteAt(window.base, byte), bytes, false);
        sample = arith::ExtFOp::create(e.b, e.loc, e.b.getF32Type(), sample);
        return SmallVector<Value>{plus(carried[0], e.fma(decay, carried[0], sample))};
      })[0];
      e.ifThen(exists, [&] { e.storeTo(state, modePointer(e, memory, own, mode), 4); });
    }
    states = states.drop_front(4 * modeBlocks);
  }
}

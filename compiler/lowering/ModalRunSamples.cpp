#include "compiler/lowering/ModalRunSamples.h"

#include "compiler/lowering/TensorCore.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

/// Positions of half a left side, and their bytes.
static constexpr int64_t kEight = 8, kEightBytes = 16;

ModalRunSamples::ModalRunSamples(const ModalLanes &lanes) : l(lanes), e(lanes.e) {
  // Matrices are, of 8 positions and then the next, chunks 2g and then 2g + 1.
  Value matrix = e.div(l.lane, e.num(8)), row = e.rem(l.lane, e.num(8));
  Value pair = e.mul(row, e.num(2 * l.chunk));
  Value position = e.add(e.add(pair, e.mul(e.rem(matrix, e.num(2)), e.num(l.chunk))),
                         e.mul(e.div(matrix, e.num(2)), e.num(kEight)));
  // The first row's lie in the halo, or at the end of the round before.
  Value last = l.block.ringByte(e.num(l.staged.round - kEight), 0, e.num(0), 2);
  furtherBefore =
      e.select(e.less(row, e.num(1)), e.offset(last, kEightBytes - 2 * l.staged.round), e.num(0));
  Value first = e.mul(l.warp, e.num(l.staged.channelsPerWarp));
  for (const StagedLoad &load : l.staged.loads) {
    Rows &own = rows.emplace_back();
    Value begin = e.mul(first, e.num(load.pieceBytes));
    for (int64_t b = 0; b < l.blocks; ++b)
      own.tile.push_back(e.add(begin, l.block.ringByte(position, 2 * kEight * b, e.num(0), 2)));
    Value last = l.block.ringByte(e.offset(pair, -kEight), 0, e.num(0), 2);
    own.before = e.add(begin, e.select(e.less(row, e.num(1)), e.num(-kEightBytes), last));
  }
}

ModalRunSamples::Channel ModalRunSamples::channel(Value column, int64_t index,
                                                  Emitter &emitter) const {
  Channel channel;
  channel.index = index;
  channel.emitter = &emitter;
  auto scalar = l.block.mapped(*l.one, column);
  for (auto fir : l.block.plan.kernel.getBody().front().getOps<FirOp>()) {
    if (!l.block.plan.halos.count(fir.getResult()))
      continue;
    OpLine line(*scalar, fir);
    int64_t count = tapsOf(fir);
    bool convolution = scalar->tapIndex(fir, 0) == 0;
    auto tap = [&](int64_t further) {
      Value age = e.offset(e.sub(l.g, e.mul(l.q, e.num(2))), further);
      Value known = e.max(e.min(age, e.num(count - 1)), e.num(0));
      Value exists = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, age, known);
      scalar->b.restoreInsertionPoint(e.b.saveInsertionPoint());
      Value value = scalar->loadTap(fir, convolution ? known : e.sub(e.num(count - 1), known));
      e.b.restoreInsertionPoint(scalar->b.saveInsertionPoint());
      return e.select(exists, value, l.zero);
    };
    Value packed[2];
    for (int64_t half = 0; half < 2; ++half) {
      Value both = e.pack({tap(kEight - kEight * half), tap(kEight - 1 - kEight * half)});
      packed[half] =
          LLVM::BitcastOp::create(e.b, e.loc, e.b.getI32Type(), e.toStorage(both, l.element));
    }
    channel.taps[fir] = {packed[0], packed[1]};
  }
  return channel;
}

/// A stream's samples: the 8 before each chunk, and then those of the chunk.
SmallVector<ModalRunSamples::Eight> ModalRunSamples::eights(const Channel &channel, size_t index,
                                                            int64_t stream, Value roundByte,
                                                            Value beforeByte) const {
  const StagedLoad &load = l.staged.loads[index];
  int64_t row = stream * l.block.plan.schedule.getBlockN() + channel.index;
  int64_t base = load.base + load.before + row * load.pieceBytes;
  auto matrices = [&](Value byte, Value inRow, int count) {
    return loadMatrices(e.b, e.loc, l.block.byteAt(base, e.add(byte, inRow)), count);
  };
  SmallVector<Eight> eights = {{l.none, l.none}};
  for (int64_t b = 0; b < l.blocks; ++b) {
    auto four = matrices(roundByte, rows[index].tile[b], 4);
    eights.push_back({four[0], four[1]});
    eights.push_back({four[2], four[3]});
  }
  if (load.before)
    eights[0] = {matrices(beforeByte, rows[index].before, 1)[0], eights.back()[0]};
  return eights;
}

ModalRunSamples::Windows ModalRunSamples::at(const Channel &channel, Value position, Value inTile,
                                             Value slotByte) const {
  Emitter &own = *channel.emitter;
  Value roundByte = e.add(slotByte, e.mul(inTile, e.num(2))), beforeByte = roundByte;
  if (l.staged.round < l.staged.tile)
    beforeByte = e.add(roundByte, e.select(e.less(l.none, inTile), furtherBefore, l.none));
  llvm::DenseMap<Value, SmallVector<Eight>> samples;
  for (auto [index, load] : llvm::enumerate(l.staged.loads))
    for (OpResult signal : LoadOp(load.op)->getResults())
      samples[signal] = eights(channel, index, signal.getResultNumber(), roundByte, beforeByte);
  // Sums by FIR and 8 outputs.
  llvm::DenseMap<Operation *, SmallVector<ModalLanes::Fragment>> sums;
  for (int64_t n = 0; n < 2 * l.blocks; ++n)
    for (auto fir : l.block.plan.kernel.getBody().front().getOps<FirOp>())
      if (auto taps = channel.taps.find(fir); taps != channel.taps.end()) {
        OpLine line(e, fir);
        const Eight *of = &samples[fir.getInput()][n];
        sums[fir].push_back(multiply(e.b, e.loc, l.element,
                                     {of[0][0], of[0][1], of[1][0], of[1][1]}, taps->second,
                                     {l.zero, l.zero, l.zero, l.zero}));
      }
  own.b.restoreInsertionPoint(e.b.saveInsertionPoint());
  Place place;
  Value inRound = own.add(own.mul(l.g, own.num(2 * l.chunk)), own.mul(l.q, own.num(2)));
  place.position = own.add(position, inRound);
  own.source = [&](Place &, OpResult signal, int64_t offset) -> Value {
    int64_t odd = offset / l.chunk, n = offset % l.chunk / kEight;
    if (auto of = sums.find(signal.getOwner()); of != sums.end()) {
      const ModalLanes::Fragment &sum = of->second[n];
      Value both = own.pack({sum[2 * odd], sum[2 * odd + 1]});
      Value addend = cast<FirOp>(signal.getOwner()).getAddend();
      return addend
                 ? Value(arith::AddFOp::create(own.b, own.loc, both, own.at(place, addend, offset)))
                 : both;
    }
    if (auto of = samples.find(signal); of != samples.end())
      return own.loadedToF32(LLVM::BitcastOp::create(own.b, own.loc, own.signalType(l.element),
                                                     of->second[n + 1][odd]));
    return {};
  };
  Windows windows;
  for (auto [w, window] : llvm::enumerate(l.staged.windows)) {
    auto &left = windows.emplace_back();
    for (int64_t n = 0; n < 2 * l.blocks; ++n)
      for (int64_t odd = 0; odd < 2; ++odd) {
        int64_t offset = odd * l.chunk + kEight * n;
        Value both = own.toStorage(own.at(place, window.signal, offset), window.element);
        Value word = LLVM::BitcastOp::create(own.b, own.loc, own.b.getI32Type(), both);
        // Zeros after the end: a tile's earlier positions multiply them (conv_c6).
        if (w == l.modal.window)
          word = own.select(own.less(own.offset(place.position, offset), own.length), word, l.none);
        if (n % 2 == 0 && odd == 0)
          left.emplace_back();
        left.back()[2 * (n % 2) + odd] = word;
      }
  }
  own.source = nullptr;
  e.b.restoreInsertionPoint(own.b.saveInsertionPoint());
  return windows;
}

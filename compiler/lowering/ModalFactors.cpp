#include "compiler/lowering/ModalFactors.h"

#include "compiler/lowering/Exponential.h"
#include "compiler/lowering/Modal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

static constexpr int64_t kBlock = 16;
static constexpr double kLog2E = 1.4426950408889634;
static constexpr int64_t kEntry = 16; ///< Bytes.
/// Of T per part and block; of the decays and starts of 16 modes; of the lesser Q of 16 modes.
/// In a cluster: of the slot in the entry of a mode's decays.
static constexpr int64_t kSlot = 8;
static constexpr int64_t kWithinBytes = 14 * kEntry, kDecayBytes = kBlock * kEntry,
                         kStartBytes = kBlock * kEntry, kLesserBytes = 32 * kEntry;

int64_t compiler::modalTableBytes(const StagedPlan &staged, const StagedModal &modal) {
  int64_t parts = modal.split ? 2 : 1;
  return staged.chunk / kBlock * parts * kWithinBytes +
         modal.modeBlocks * (kDecayBytes + kStartBytes + (parts - 1) * kLesserBytes);
}

ModalLanes::ModalLanes(StagedBlock &block)
    : block(block), e(block.e), staged(block.staged), modal(staged.modals.front()),
      chunk(staged.chunk), blocks(chunk / kBlock), modeBlocks(modal.modeBlocks),
      parts(modal.split ? 2 : 1), element(staged.windows[modal.window].element),
      one(std::make_unique<KernelPlan>(block.plan)) {
  one->lanes = 1;
  lane = e.rem(e.thread, e.num(32));
  warp = e.div(e.thread, e.num(32));
  g = e.div(lane, e.num(4));
  q = e.rem(lane, e.num(4));
  zero = real(0);
  none = e.num(0);
}

Value ModalLanes::real(double value) const {
  return arith::ConstantOp::create(e.b, e.loc, e.b.getF32FloatAttr(float(value)));
}

Value ModalLanes::times(Value x, Value y) const { return arith::MulFOp::create(e.b, e.loc, x, y); }

Value ModalLanes::plus(Value x, Value y) const { return arith::AddFOp::create(e.b, e.loc, x, y); }

Value ModalLanes::shuffle(Value value, Value from, int64_t width) const {
  int64_t segment = 32 - width;
  return NVVM::ShflOp::create(e.b, e.loc, value.getType(), e.num(-1), value, from,
                              e.num(segment << 8 | (width - 1)), NVVM::ShflKind::idx,
                              /*return_value_and_is_valid=*/nullptr);
}

ModalLanes::Parts ModalLanes::pack(ArrayRef<std::array<Value, 2>> values) const {
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

ModalLanes::Fragment ModalLanes::four(Type type, Value from) const {
  Value all = e.load(VectorType::get({4}, type), from, 16, /*invariant=*/false);
  return {e.lane(all, 0), e.lane(all, 1), e.lane(all, 2), e.lane(all, 3)};
}

ModalFactors::ModalFactors(const ModalLanes &lanes, Value column)
    : l(lanes), e(lanes.e), column(column) {
  OpLine line(e, ModalOp(l.modal.op));
  int64_t next = l.blocks * l.parts * kWithinBytes;
  withinAt = entry(0, e.offset(e.sub(l.g, e.mul(l.q, e.num(2))), 6));
  decaysAt = entry(next, l.g);
  next += l.modeBlocks * kDecayBytes;
  startAt = e.address(e.b.getI8Type(), entry(next, l.g), e.widen(e.mul(l.q, e.num(4))));
  next += l.modeBlocks * kStartBytes;
  lesserAt = entry(next, l.lane);
  prepareOutputs();
  prepareInputs();
}

/// The entry at an index of a table of the channel's.
Value ModalFactors::entry(int64_t offset, Value index) const {
  Value own = e.mul(column, e.num(l.modal.tableBytes));
  return l.block.byteAt(l.modal.tables + offset, e.add(own, e.mul(index, e.num(kEntry))));
}

Value ModalFactors::further(Value from, int64_t bytes) const {
  return e.address(e.b.getI8Type(), from, e.wide(bytes));
}

Value ModalFactors::number(StringRef operand, Value mode) const {
  const Memory &m = e.memory(operand);
  Value own = e.min(e.add(l.block.stripe, column), e.offset(e.channels, -1));
  return e.load(m.element, modePointer(e, m, own, mode), 4, /*invariant=*/true);
}

/// exp(lp k) by the approximation of 2^x; `log2Pole` is lp / ln 2.
Value ModalFactors::power(Value log2Pole, Value k) const {
  Value exponent = l.times(log2Pole, arith::SIToFPOp::create(e.b, e.loc, e.b.getF32Type(), k));
  return e.intrinsic("llvm.nvvm.ex2.approx.ftz.f32", exponent);
}

ModalFactors::Parts ModalFactors::within(int64_t d) const {
  Parts made;
  for (int64_t part = 0; part < l.parts; ++part)
    made.push_back(
        l.four(e.b.getI32Type(), further(withinAt, (d * l.parts + part) * kWithinBytes)));
  return made;
}

ModalFactors::Parts ModalFactors::input(int64_t m) const {
  Parts made = {inputs[m]};
  if (l.parts == 2)
    made.push_back(l.four(e.b.getI32Type(), further(lesserAt, m * kLesserBytes)));
  return made;
}

/// exp(lp C) from exp(lp 16).
Value ModalFactors::ofChunk(Value block) const {
  for (int64_t blocks = 1; blocks < l.blocks; blocks *= 2)
    block = l.times(block, block);
  return block;
}

std::array<Value, 4> ModalFactors::decays(int64_t mode) const {
  Value entry = further(decaysAt, mode * 8 * kEntry);
  Type f32 = e.b.getF32Type();
  if (!e.rank)
    return l.four(f32, entry);
  Value two = e.load(VectorType::get({2}, f32), entry, kSlot, /*invariant=*/false);
  Value block = e.lane(two, 0), chunk = ofChunk(block);
  Value tile = e.load(f32, further(entry, l.modeBlocks * kDecayBytes), 4, /*invariant=*/false);
  return {block, chunk, e.lane(two, 1), tile};
}

Value ModalFactors::start(int64_t mode) const {
  Value power =
      e.load(e.b.getF32Type(), further(startAt, mode * 8 * kEntry), 4, /*invariant=*/false);
  return e.rank ? e.select(e.less(l.q, e.num(1)), l.real(1), power) : power;
}

Value ModalFactors::slot(int64_t mode) const {
  return further(decaysAt, mode * 8 * kEntry + kSlot);
}

/// T and P. Both come from R[s] exp(lp[s] i), the l.lane's rows i = 8 r + l.g, whose sums over s
/// are h.
void ModalFactors::prepareOutputs() {
  int64_t rows = 2 * l.blocks, modes = l.modal.modes;
  SmallVector<Value> filter(rows, l.zero); // h[8 r + g]
  for (int64_t m = 0; m < l.modeBlocks; ++m) {
    SmallVector<std::array<Value, 4>> values(rows); // [row][2q, 2q + 1, 2q + 8, 2q + 9]
    for (int64_t i = 0; i < 4; ++i) {
      Value mode = e.offset(e.mul(l.q, e.num(2)), 16 * m + i % 2 + 8 * (i / 2));
      Value exists = e.less(mode, e.num(modes)), safe = e.min(mode, e.num(modes - 1));
      Value pole = l.times(number(ModalOp(l.modal.op).getLogPoles(), safe), l.real(kLog2E));
      Value residue = e.select(exists, number(ModalOp(l.modal.op).getResidues(), safe), l.zero);
      Value eight = power(pole, e.num(8)), one = power(pole, e.num(1));
      Value value = l.times(residue, power(pole, l.g));
      for (int64_t r = 0; r < rows; ++r) {
        filter[r] = l.plus(filter[r], value);
        values[r][i] = l.times(value, one);
        value = l.times(value, eight);
      }
    }
    auto &p = outputs.emplace_back();
    for (int64_t b = 0; b < l.blocks; ++b) {
      auto &low = values[2 * b], &high = values[2 * b + 1];
      p.push_back(
          l.pack({{low[0], low[1]}, {high[0], high[1]}, {low[2], low[3]}, {high[2], high[3]}}));
    }
  }
  for (Value &h : filter)
    for (int64_t distance : {1, 2})
      h = l.plus(h,
                 l.shuffle(h, e.b.createOrFold<arith::XOrIOp>(e.loc, l.lane, e.num(distance)), 32));
  // R_m of Toeplitz.h: h[8 m + l.g - 2 q] and the one before it, from the lanes that have them.
  auto shifted = [&](int64_t m, Value back) -> Value {
    Value row = e.sub(l.g, back), before = e.less(row, l.none);
    Value from = e.add(e.mul(e.select(before, e.offset(row, 8), row), e.num(4)), l.q);
    auto at = [&](int64_t r) {
      return r >= 0 && r < rows ? l.shuffle(filter[r], from, 32) : l.zero;
    };
    return e.select(before, at(m - 1), at(m));
  };
  Value pair = e.mul(l.q, e.num(2));
  SmallVector<std::array<Value, 2>> r;
  for (int64_t m = 0; m < rows; ++m)
    r.push_back({shifted(m, pair), shifted(m, e.offset(pair, 1))});
  // One lane of each diagonal writes it.
  Value first = e.less(l.q, e.num(1)), last = e.both(e.less(e.num(2), l.q), e.less(l.g, e.num(6)));
  e.ifThen(e.select(first, first, last), [&] {
    for (int64_t d = 0; d < l.blocks; ++d) {
      Parts t = l.pack({r[2 * d], r[2 * d + 1],
                        d ? r[2 * d - 1] : std::array<Value, 2>{l.zero, l.zero}, r[2 * d]});
      for (int64_t part = 0; part < l.parts; ++part)
        e.storeTo(e.pack(t[part]), further(withinAt, (d * l.parts + part) * kWithinBytes), kEntry);
    }
  });
}

/// Q of 16 positions, and what the scan needs.
void ModalFactors::prepareInputs() {
  auto scalar = l.block.mapped(*l.one, column);
  for (int64_t m = 0; m < l.modeBlocks; ++m) {
    std::array<std::array<Value, 4>, 2> rows; // Columns 2q, 2q + 1, 2q + 8, 2q + 9.
    for (int64_t half = 0; half < 2; ++half) {
      int64_t index = 2 * m + half;
      Value mode = e.min(e.offset(l.g, 8 * index), e.num(l.modal.modes - 1));
      Value logPole = number(ModalOp(l.modal.op).getLogPoles(), mode);
      Value pole = l.times(logPole, l.real(kLog2E));
      Value one = power(pole, e.num(1)), eight = power(pole, e.num(8));
      // Column 2q + 9 is 6 - 2q positions before the last.
      Value value = power(pole, e.sub(e.num(6), e.mul(l.q, e.num(2)))), far = l.times(value, eight);
      rows[half] = {l.times(far, one), far, l.times(value, one), value};
      auto storeStart = [&] {
        e.storeTo(power(pole, e.mul(l.q, e.num(2 * l.chunk))), further(startAt, index * 8 * kEntry),
                  4);
      };
      e.rank ? e.ifThen(e.less(l.none, l.q), storeStart) : storeStart();
      scalar->b.restoreInsertionPoint(e.b.saveInsertionPoint());
      Value tile = emitExpm1(*scalar, logPole, l.real(double(l.staged.tile)));
      e.b.restoreInsertionPoint(scalar->b.saveInsertionPoint());
      Value entry = further(decaysAt, index * 8 * kEntry);
      Value block = power(pole, e.num(kBlock)), chunk = ofChunk(block),
            two = power(pole, e.num(2 * l.chunk));
      e.ifThen(e.less(l.q, e.num(1)), [&] {
        e.storeTo(e.rank ? e.pack({block, two}) : e.pack({block, chunk, two, tile}), entry,
                  e.rank ? kSlot : kEntry);
        if (e.rank)
          e.storeTo(tile, further(entry, l.modeBlocks * kDecayBytes), 4);
      });
    }
    auto &top = rows[0], &low = rows[1];
    Parts made = l.pack({{top[0], top[1]}, {low[0], low[1]}, {top[2], top[3]}, {low[2], low[3]}});
    inputs.push_back(made[0]);
    if (l.parts == 2)
      e.storeTo(e.pack(made[1]), further(lesserAt, m * kLesserBytes), kEntry);
  }
}

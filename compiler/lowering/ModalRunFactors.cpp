#include "compiler/lowering/ModalRunFactors.h"

#include "compiler/lowering/Modal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

static constexpr int64_t kBlock = 16;
static constexpr double kLog2E = 1.4426950408889634;
static constexpr int64_t kEntry = 16; ///< Bytes.
/// Of T per part and block; of two lesser right sides.
static constexpr int64_t kWithinBytes = 14 * kEntry, kLesserBytes = 32 * kEntry;

int64_t compiler::modalRunTableBytes(const StagedPlan &staged, const StagedModal &modal) {
  int64_t parts = modal.split ? 2 : 1, blocks = staged.chunk / kBlock;
  return blocks * parts * kWithinBytes +
         modal.modeBlocks * (parts - 1) * (1 + blocks) * kLesserBytes;
}

Value compiler::modalNumber(const ModalLanes &l, StringRef operand, Value column, Value mode) {
  Emitter &e = l.e;
  const Memory &m = e.memory(operand);
  Value own = e.min(e.add(l.block.stripe, column), e.offset(e.channels, -1));
  return e.load(m.element, modePointer(e, m, own, mode), 4, /*invariant=*/true);
}

Value compiler::modalPower(const ModalLanes &l, Value logPole, Value k) {
  Emitter &e = l.e;
  Value number = arith::SIToFPOp::create(e.b, e.loc, e.b.getF32Type(), k);
  Value exponent = l.times(l.times(logPole, l.real(kLog2E)), number);
  return e.intrinsic("llvm.nvvm.ex2.approx.ftz.f32", exponent);
}

Value compiler::furtherBytes(Emitter &e, Value from, int64_t bytes) {
  return e.address(e.b.getI8Type(), from, e.wide(bytes));
}

ModalRunFactors::ModalRunFactors(const ModalLanes &lanes, Value first, int64_t index)
    : l(lanes), e(lanes.e), first(first), column(lanes.e.offset(first, index)), index(index) {
  OpLine line(e, ModalOp(l.modal.op));
  withinAt = entry(0, e.offset(e.sub(l.g, e.mul(l.q, e.num(2))), 6));
  lesserAt = entry(l.blocks * l.parts * kWithinBytes, l.lane);
  prepareOutputs();
  prepareInputs();
}

/// The entry at an index of a table of the channel's.
Value ModalRunFactors::entry(int64_t offset, Value at) const {
  Value own = e.mul(first, e.num(l.modal.tableBytes));
  return l.block.byteAt(l.modal.tables + index * l.modal.tableBytes + offset,
                        e.add(own, e.mul(at, e.num(kEntry))));
}

/// Pairs of rows, of the first right side and then of the second, by part.
SmallVector<ModalRunFactors::Four, 2>
ModalRunFactors::pack(ArrayRef<std::array<Value, 2>> values) const {
  SmallVector<Four, 2> made;
  for (const auto &part : l.pack(values))
    made.push_back(part);
  return made;
}

static ModalRunFactors::Rights rights(const std::array<Value, 4> &four) {
  return {{{four[0], four[1]}, {four[2], four[3]}}};
}

ModalRunFactors::Parts ModalRunFactors::known(const Four &greater, int64_t lesser) const {
  Parts made = {rights(greater)};
  if (l.parts == 2)
    made.push_back(
        rights(l.four(e.b.getI32Type(), furtherBytes(e, lesserAt, lesser * kLesserBytes))));
  return made;
}

/// Stores the lesser part and gives the greater.
ModalRunFactors::Four ModalRunFactors::keep(ArrayRef<std::array<Value, 2>> values,
                                            int64_t lesser) const {
  auto made = pack(values);
  if (l.parts == 2)
    e.storeTo(e.pack(made[1]), furtherBytes(e, lesserAt, lesser * kLesserBytes), kEntry);
  return made[0];
}

ModalRunFactors::Parts ModalRunFactors::within(int64_t d) const {
  Parts made;
  for (int64_t part = 0; part < l.parts; ++part)
    made.push_back(rights(
        l.four(e.b.getI32Type(), furtherBytes(e, withinAt, (d * l.parts + part) * kWithinBytes))));
  return made;
}

ModalRunFactors::Parts ModalRunFactors::output(int64_t m, int64_t b) const {
  return known(outputs[m * l.blocks + b], lesserOutput(m, b));
}

ModalRunFactors::Parts ModalRunFactors::input(int64_t m) const {
  return known(inputs[m], m * (1 + l.blocks));
}

/// P, and T of the same numbers: R[s] exp(lp[s] i) for i = 8 r + g, whose sums over s are h.
void ModalRunFactors::prepareOutputs() {
  int64_t rows = 2 * l.blocks, modes = l.modal.modes;
  SmallVector<Value> filter(rows, l.zero); // h[8 r + g]
  for (int64_t m = 0; m < l.modeBlocks; ++m) {
    SmallVector<std::array<Value, 4>> values(rows); // [r][2q, 2q + 1, 2q + 8, 2q + 9]
    for (int64_t i = 0; i < 4; ++i) {
      Value mode = e.offset(e.mul(l.q, e.num(2)), 16 * m + i % 2 + 8 * (i / 2));
      Value exists = e.less(mode, e.num(modes)), safe = e.min(mode, e.num(modes - 1));
      Value pole = modalNumber(l, ModalOp(l.modal.op).getLogPoles(), column, safe);
      Value residue =
          e.select(exists, modalNumber(l, ModalOp(l.modal.op).getResidues(), column, safe), l.zero);
      Value eight = modalPower(l, pole, e.num(8)), one = modalPower(l, pole, e.num(1));
      Value value = l.times(residue, modalPower(l, pole, l.g));
      for (int64_t r = 0; r < rows; ++r) {
        filter[r] = l.plus(filter[r], value);
        values[r][i] = l.times(value, one);
        value = l.times(value, eight);
      }
    }
    for (int64_t b = 0; b < l.blocks; ++b) {
      auto &low = values[2 * b], &high = values[2 * b + 1];
      outputs.push_back(
          keep({{low[0], low[1]}, {low[2], low[3]}, {high[0], high[1]}, {high[2], high[3]}},
               lesserOutput(m, b)));
    }
  }
  for (Value &h : filter)
    for (int64_t distance : {1, 2}) {
      Value other = e.b.createOrFold<arith::XOrIOp>(e.loc, l.lane, e.num(distance));
      h = l.plus(h, l.shuffle(h, other, 32));
    }
  storeWithin(filter);
}

/// R_m is h[8 m + g - 2 q] and the one before it, from the lanes that have them.
void ModalRunFactors::storeWithin(ArrayRef<Value> filter) const {
  auto shifted = [&](int64_t m, Value back) -> Value {
    Value row = e.sub(l.g, back), before = e.less(row, l.none);
    Value from = e.add(e.mul(e.select(before, e.offset(row, 8), row), e.num(4)), l.q);
    auto at = [&](int64_t r) { return r >= 0 ? l.shuffle(filter[r], from, 32) : l.zero; };
    return e.select(before, at(m - 1), at(m));
  };
  Value pair = e.mul(l.q, e.num(2));
  SmallVector<std::array<Value, 2>> r;
  for (int64_t m = 0; m < int64_t(filter.size()); ++m)
    r.push_back({shifted(m, pair), shifted(m, e.offset(pair, 1))});
  // One lane of each diagonal writes it.
  Value top = e.less(l.q, e.num(1)), last = e.both(e.less(e.num(2), l.q), e.less(l.g, e.num(6)));
  e.ifThen(e.select(top, top, last), [&] {
    for (int64_t d = 0; d < l.blocks; ++d) {
      std::array<Value, 2> none = {l.zero, l.zero};
      auto made = pack({r[2 * d], d ? r[2 * d - 1] : none, r[2 * d + 1], r[2 * d]});
      for (int64_t part = 0; part < l.parts; ++part)
        e.storeTo(e.pack(made[part]),
                  furtherBytes(e, withinAt, (d * l.parts + part) * kWithinBytes), kEntry);
    }
  });
}

void ModalRunFactors::prepareInputs() {
  for (int64_t m = 0; m < l.modeBlocks; ++m) {
    SmallVector<std::array<Value, 2>> pairs;
    for (int64_t half = 0; half < 2; ++half) {
      Value mode = e.min(e.offset(l.g, 16 * m + 8 * half), e.num(l.modal.modes - 1));
      Value pole = modalNumber(l, ModalOp(l.modal.op).getLogPoles(), column, mode);
      Value one = modalPower(l, pole, e.num(1)), eight = modalPower(l, pole, e.num(8));
      // Position 2q + 9 is 6 - 2q before the last.
      Value value = modalPower(l, pole, e.sub(e.num(6), e.mul(l.q, e.num(2))));
      Value far = l.times(value, eight);
      pairs.push_back({l.times(far, one), far});
      pairs.push_back({l.times(value, one), value});
    }
    inputs.push_back(keep(pairs, m * (1 + l.blocks)));
  }
}

#include "compiler/lowering/ModalRunScan.h"

#include "compiler/lowering/Exponential.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

/// Bytes: of an entry, of a table, of 16 modes' tables with the zeros, of their starts, of a slot.
static constexpr int64_t kEntry = 16, kTable = 4 * kEntry, kTables = 6 * kTable + kEntry,
                         kStarts = 32 * kEntry, kSlot = 8;

/// Of 16 modes.
static int64_t scanBytes(const StagedPlan &staged) {
  return kTables + kStarts + (staged.cluster > 1 ? 16 * kSlot : 0);
}

int64_t compiler::modalScanBytes(const StagedPlan &staged, const StagedModal &modal) {
  return modal.modeBlocks * scanBytes(staged);
}

Value ModalRunScan::modeOf(const ModalLanes &l, int64_t mode) {
  int64_t further = 16 * (mode / kRunModes) + 8 * (mode % kRunModes / 2) + mode % 2;
  return l.e.offset(l.e.mul(l.q, l.e.num(2)), further);
}

ModalRunScan::ModalRunScan(const ModalLanes &lanes, Value first, int64_t index)
    : l(lanes), e(lanes.e) {
  OpLine line(e, ModalOp(l.modal.op));
  int64_t bytes = l.modal.tableBytes;
  int64_t base = l.modal.tables + (index + 1) * bytes - modalScanBytes(l.staged, l.modal);
  auto at = [&](int64_t offset, Value lane) {
    return l.block.byteAt(base + offset, e.add(e.mul(first, e.num(bytes)), lane));
  };
  Value own = e.mul(l.q, e.num(kEntry));
  tables = at(0, own);
  startsAt = at(kTables, e.mul(l.lane, e.num(kEntry)));
  slots = at(kTables + kStarts, e.mul(l.q, e.num(2 * kSlot)));
  for (int64_t step = 0; step < kSteps; ++step)
    steps[step] = at(0, e.select(e.less(l.g, e.num(int64_t(1) << step)), e.num(6 * kTable),
                                 e.offset(own, (2 + step) * kTable)));
  auto scalar = l.block.mapped(*l.one, e.offset(first, index));
  for (int64_t m = 0; m < l.modeBlocks; ++m) {
    SmallVector<Value> logPoles, starts;
    for (int64_t i = 0; i < kRunModes; ++i) {
      Value mode = e.min(modeOf(l, kRunModes * m + i), e.num(l.modal.modes - 1));
      logPoles.push_back(
          modalNumber(l, ModalOp(l.modal.op).getLogPoles(), e.offset(first, index), mode));
    }
    auto powers = [&](Value n) {
      SmallVector<Value> four;
      for (Value logPole : logPoles)
        four.push_back(modalPower(l, logPole, n));
      return e.pack(four);
    };
    int64_t next = m * scanBytes(l.staged);
    e.storeTo(powers(e.mul(l.g, e.num(2 * l.chunk))), furtherBytes(e, startsAt, next), kEntry);
    e.ifThen(e.less(l.g, e.num(1)), [&] {
      auto store = [&](Value four, int64_t k) {
        e.storeTo(four, furtherBytes(e, tables, next + k * kTable), kEntry);
      };
      const int64_t distances[] = {16, l.chunk, 2 * l.chunk, 4 * l.chunk, 8 * l.chunk};
      for (auto [k, n] : llvm::enumerate(distances))
        store(powers(e.num(n)), k);
      SmallVector<Value> four;
      scalar->b.restoreInsertionPoint(e.b.saveInsertionPoint());
      for (Value logPole : logPoles)
        four.push_back(emitExpm1(*scalar, logPole, l.real(double(l.staged.round))));
      e.b.restoreInsertionPoint(scalar->b.saveInsertionPoint());
      store(e.pack(four), 5);
    });
    e.ifThen(e.less(l.lane, e.num(1)), [&] {
      e.storeTo(e.pack({l.zero, l.zero, l.zero, l.zero}),
                l.block.byteAt(base + next + 6 * kTable, e.mul(first, e.num(bytes))), kEntry);
    });
  }
}

ModalRunScan::Fragment ModalRunScan::table(int64_t k, int64_t m) const {
  return l.four(e.b.getF32Type(), furtherBytes(e, tables, m * scanBytes(l.staged) + k * kTable));
}

ModalRunScan::Fragment ModalRunScan::ofStep(int64_t step, int64_t m) const {
  return l.four(e.b.getF32Type(), furtherBytes(e, steps[step], m * scanBytes(l.staged)));
}

ModalRunScan::Fragment ModalRunScan::starts(int64_t m) const {
  return l.four(e.b.getF32Type(), furtherBytes(e, startsAt, m * scanBytes(l.staged)));
}

Value ModalRunScan::slot(int64_t mode) const {
  int64_t m = mode / kRunModes, further = 8 * (mode % kRunModes / 2) + mode % 2;
  return furtherBytes(e, slots, m * scanBytes(l.staged) + further * kSlot);
}

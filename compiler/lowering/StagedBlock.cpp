#include "compiler/lowering/StagedBlock.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;

static Value tileOfChannels(Emitter &e) {
  // As in Emitter's entry: channels first, in bdl positions.
  return e.rem(e.plan.layout == Layout::BLD ? e.block : e.div(e.block, e.tilesL), e.tilesN);
}

StagedPieces::StagedPieces(Emitter &e, int64_t rowBytes, int64_t unit)
    : perRow(rowBytes / StagedBlock::kAccess),
      rowsAtOnce(std::max<int64_t>(1, e.plan.threads() / perRow)) {
  if (rowsAtOnce > unit)
    rowsAtOnce -= rowsAtOnce % unit;
  row = e.div(e.thread, e.num(perRow));
  piece = e.rem(e.thread, e.num(perRow));
  active = e.less(row, e.num(rowsAtOnce));
}

StagedBlock::StagedBlock(Emitter &emitter) : e(emitter), plan(e.plan), staged(*plan.staged) {
  stripe = e.mul(tileOfChannels(e), e.num(plan.schedule.getBlockN()));
  begin = e.mul(e.tileL, e.blockLen);
}

Value StagedBlock::byteAt(int64_t base, Value index) const {
  return e.address(e.b.getI8Type(), e.sharedByte(index), e.wide(base));
}

Value StagedBlock::swizzleOf(Value column) const {
  Value low = e.b.createOrFold<arith::AndIOp>(e.loc, column, e.num(3));
  Value high = e.b.createOrFold<arith::AndIOp>(e.loc, e.div(column, e.num(8)), e.num(3));
  Value middle = e.b.createOrFold<arith::AndIOp>(e.loc, e.div(column, e.num(4)), e.num(1));
  Value mixed = e.b.createOrFold<arith::XOrIOp>(e.loc, low, high);
  return e.mul(e.add(e.mul(mixed, e.num(2)), middle), e.num(kAccess));
}

/// The remainder is the same for all offsets of a position, so that each costs a sum and a wrap.
static Value wrapped(Emitter &e, Value position, int64_t offset, int64_t ring, int64_t warmup) {
  int64_t before = llvm::alignTo(warmup + ring, ring);
  Value start = e.rem(e.offset(position, before), e.num(ring));
  Value at = e.offset(start, (offset % ring + ring) % ring);
  return e.b.createOrFold<arith::MinUIOp>(e.loc, at, e.offset(at, -ring));
}

Value StagedBlock::ringByte(Value position, int64_t offset, Value swizzle, int64_t bytes) const {
  Value byte;
  if (llvm::isPowerOf2_64(staged.ring))
    byte = e.b.createOrFold<arith::AndIOp>(e.loc, e.mul(e.offset(position, offset), e.num(bytes)),
                                           e.num(staged.ring * bytes - 1));
  else
    byte = e.mul(wrapped(e, position, offset, staged.ring, staged.warmup), e.num(bytes));
  if (staged.chunk) {
    // The eight chunks of a tile, too, lie in different banks (ldmatrix); in bdl every other one of
    // sixteen does.
    int64_t apart = plan.layout == Layout::BDL ? 2 * staged.chunk : staged.chunk;
    int64_t mask = (apart / 8 - 1) * kAccess;
    Value chunk = e.b.createOrFold<arith::ShRUIOp>(e.loc, byte, e.num(3));
    byte = e.b.createOrFold<arith::XOrIOp>(
        e.loc, byte, e.b.createOrFold<arith::AndIOp>(e.loc, chunk, e.num(mask)));
  }
  return e.b.createOrFold<arith::XOrIOp>(e.loc, byte, swizzle);
}

Value StagedBlock::tileRow(const StagedTile &tile, Value column) const {
  Value second = e.b.createOrFold<arith::AndIOp>(e.loc, e.div(column, e.num(4)), e.num(1));
  return e.add(e.mul(column, e.num(tile.rowBytes)), e.mul(second, e.num(kAccess)));
}

std::unique_ptr<Emitter> StagedBlock::mapped(const KernelPlan &mapping, Value column) const {
  auto other = std::make_unique<Emitter>(mapping, e);
  Value own = e.add(stripe, column);
  other->channel = e.min(own, e.offset(e.channels, mapping.along ? -1 : -mapping.lanes));
  other->b.restoreInsertionPoint(e.b.saveInsertionPoint());
  return other;
}

Value StagedBlock::tileByte(const StagedTile &tile, Value column, Value inTile, int64_t offset,
                            Value swizzle) const {
  int64_t bytes = bytesOf(tile.element);
  if (plan.layout == Layout::BDL) {
    Value start = e.add(tileRow(tile, column), e.mul(inTile, e.num(bytes)));
    return byteAt(tile.base + offset * bytes, e.add(setByte, start));
  }
  Value own = e.mul(column, e.num(bytes));
  if (swizzle)
    own = e.b.createOrFold<arith::XOrIOp>(e.loc, own, swizzle);
  Value start = e.add(e.mul(inTile, e.num(tile.rowBytes)), own);
  return byteAt(tile.base + offset * tile.rowBytes, e.add(setByte, start));
}

Value StagedBlock::pieceSwizzle(const StagedStore &store, Value row, Value words) const {
  if (!store.pieces)
    return words;
  Value piece = e.rem(e.div(e.mul(row, e.num(store.pieces)), e.num(8)), e.num(store.pieces));
  return e.add(e.mul(piece, e.num(kAccess)), words);
}

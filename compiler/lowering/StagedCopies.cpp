#include "compiler/lowering/StagedCopies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

/// The piece of a row of `bytes` that a thread takes, kept inside the tensor's channels.
Value StagedCopies::safePiece(const StagedPieces &pieces, int64_t perChannel) {
  Value have = e.sub(e.channels, block.stripe);
  Value most = e.offset(e.div(e.mul(have, e.num(perChannel)), e.num(StagedBlock::kAccess)), -1);
  return e.min(pieces.piece, most);
}

StagedCopies::StagedCopies(StagedBlock &block) : block(block), e(block.e), staged(block.staged) {
  for (const StagedLoad &load : staged.loads)
    for (int64_t part = 0; part < load.pieces; ++part) {
      const Memory &m = e.memory(LoadOp(load.op).getView());
      StagedPieces pieces(e, load.pieceBytes, load.pad ? block.plan.unroll : 1);
      int64_t streams = LoadOp(load.op).getNumResults() / load.pieces;
      Value first = load.pieces > 1 ? e.add(block.stripe, e.mul(e.channels, e.num(part)))
                                    : e.mul(block.stripe, e.num(streams));
      Value safe = safePiece(pieces, streams * block.bytesOf(m.element));
      Value own = e.add(first, e.mul(safe, e.num(StagedBlock::kAccess / block.bytesOf(m.element))));
      Value start = e.b.createOrFold<arith::AddIOp>(
          e.loc, e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(e.batch), m.strides[0]),
          e.widen(own));
      Value row = e.offset(pieces.row, -load.halo);
      Value source = e.address(m.element, m.pointer, start);
      copies.push_back({&load, part, pieces, row, rowsFrom(m, source, row)});
    }
}

/// `pointer`, that many rows further.
Value StagedCopies::rowsFrom(const Memory &m, Value pointer, Value rows) {
  Value start = e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(rows), m.strides[2]);
  return e.address(m.element, pointer, start);
}

void StagedCopies::fetch(Value position, Value end, Value slot) {
  e.ifThen(e.less(position, end), [&] {
    for (Copy &copy : copies) {
      OpLine line(e, LoadOp(copy.load->op));
      const Memory &m = e.memory(LoadOp(copy.load->op).getView());
      int64_t rows = staged.tile + copy.load->halo;
      Value to = e.add(e.mul(slot, e.num(staged.slotBytes)),
                       e.add(e.mul(copy.pieces.row, e.num(copy.load->rowBytes())),
                             e.mul(copy.pieces.piece, e.num(StagedBlock::kAccess))));
      int64_t unroll = block.plan.unroll, pad = copy.load->pad;
      if (pad)
        to = e.add(to, e.mul(e.div(copy.pieces.row, e.num(unroll)), e.num(pad)));
      to = block.byteAt(copy.load->base + copy.part * copy.load->pieceBytes, to);
      auto pass = [&](int64_t r, Value from) {
        Value here =
            e.address(e.b.getI8Type(), to, e.wide(r * copy.load->rowBytes() + r / unroll * pad));
        auto copyOne = [&] {
          NVVM::CpAsyncOp::create(e.b, e.loc, here, from, uint32_t(StagedBlock::kAccess),
                                  NVVM::LoadCacheModifierKind::CG, Value());
        };
        if (r + copy.pieces.rowsAtOnce <= rows)
          copyOne();
        else
          e.ifThen(e.less(copy.pieces.row, e.num(rows - r)), copyOne);
      };
      Value whole = e.both(e.less(e.num(copy.load->halo - 1), position),
                           e.less(e.offset(position, staged.tile - 1), e.length));
      e.ifThen(copy.pieces.active, [&] {
        e.ifElse(
            whole,
            [&] {
              // A thread's own part does not change, and the other is the block's.
              Value from = rowsFrom(m, copy.source, position);
              Value step = e.b.createOrFold<arith::MulIOp>(e.loc, m.strides[2],
                                                           e.wide(copy.pieces.rowsAtOnce));
              for (int64_t r = 0; r < rows; r += copy.pieces.rowsAtOnce) {
                from = r ? e.address(m.element, from, step) : from;
                pass(r, from);
              }
            },
            [&] {
              for (int64_t r = 0; r < rows; r += copy.pieces.rowsAtOnce) {
                Value at = e.add(position, e.offset(copy.row, r));
                at = e.max(e.min(at, e.offset(e.length, -1)), e.num(0));
                pass(r, rowsFrom(m, copy.source, e.sub(at, copy.row)));
              }
            });
      });
    }
  });
  NVVM::CpAsyncCommitGroupOp::create(e.b, e.loc);
}

/// The words of an access in their order (StagedStore::swizzled).
Value StagedCopies::straight(Value values, Value row) {
  Type four = VectorType::get({4}, e.b.getI32Type());
  Value words = LLVM::BitcastOp::create(e.b, e.loc, four, values);
  Value q = e.rem(e.div(row, e.num(2 * staged.chunk)), e.num(4));
  for (int64_t bit : {1, 2}) {
    Value swapped = e.less(e.num(0), e.b.createOrFold<arith::AndIOp>(e.loc, q, e.num(bit)));
    SmallVector<Value> next;
    for (int64_t i = 0; i < 4; ++i)
      next.push_back(e.select(swapped, e.lane(words, i ^ bit), e.lane(words, i)));
    words = e.pack(next);
  }
  return LLVM::BitcastOp::create(e.b, e.loc, values.getType(), words);
}

void StagedCopies::store(Value position) {
  int64_t blockN = block.plan.schedule.getBlockN();
  for (const StagedStore &store : staged.stores) {
    OpLine line(e, StoreOp(store.op));
    const Memory &m = e.memory(StoreOp(store.op).getView(), /*output=*/true);
    int64_t bytes = block.bytesOf(store.tile.element), perAccess = StagedBlock::kAccess / bytes;
    StagedPieces pieces(e, blockN * bytes, store.pieces ? 8 : 1);
    Value channel = e.add(block.stripe, e.mul(pieces.piece, e.num(perAccess)));
    Value start = e.b.createOrFold<arith::AddIOp>(
        e.loc, e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(e.batch), m.strides[0]),
        e.widen(channel));
    Value first = e.add(position, pieces.row);
    Value pointer = rowsFrom(m, rowsFrom(m, e.address(m.element, m.pointer, start), pieces.row),
                             position);
    // Rows at once are a multiple of 8 where pieces are permuted.
    Value piece = e.mul(pieces.piece, e.num(StagedBlock::kAccess));
    piece = e.b.createOrFold<arith::XOrIOp>(e.loc, piece,
                                            block.pieceSwizzle(store, pieces.row, e.num(0)));
    Value from = block.byteAt(
        store.tile.base,
        e.add(block.setByte, e.add(e.mul(pieces.row, e.num(store.tile.rowBytes)), piece)));
    Value step = e.b.createOrFold<arith::MulIOp>(e.loc, m.strides[2], e.wide(pieces.rowsAtOnce));
    Type type = VectorType::get({perAccess}, m.element);
    auto rows = [&](bool guarded) {
      auto pass = [&](int64_t r, llvm::function_ref<void()> body) {
        bool last = r + pieces.rowsAtOnce > staged.tile;
        auto inTile = [&] {
          last ? e.ifThen(e.less(pieces.row, e.num(staged.tile - r)), body) : body();
        };
        guarded ? e.ifThen(e.less(e.offset(first, r), e.length), inTile) : inTile();
      };
      auto read = [&](int64_t r) {
        Value here = e.address(e.b.getI8Type(), from, e.wide(r * store.tile.rowBytes));
        return e.load(type, here, StagedBlock::kAccess, false);
      };
      // Where all rows are stored, they are all read before: their latencies cover each other.
      SmallVector<Value> all;
      for (int64_t r = 0; !guarded && r + pieces.rowsAtOnce <= staged.tile; r += pieces.rowsAtOnce)
        all.push_back(read(r));
      Value to = pointer;
      for (int64_t r = 0; r < staged.tile; r += pieces.rowsAtOnce) {
        to = r ? e.address(m.element, to, step) : to;
        pass(r, [&] {
          size_t index = r / pieces.rowsAtOnce;
          Value values = index < all.size() ? all[index] : read(r);
          if (store.swizzled)
            values = straight(values, e.offset(pieces.row, r));
          e.storeTo(values, to, StagedBlock::kAccess);
        });
      }
    };
    Value whole = e.less(e.offset(position, staged.tile - 1), e.length);
    e.ifThen(e.both(pieces.active, e.less(channel, e.channels)), [&] {
      e.ifElse(
          whole, [&] { rows(false); }, [&] { rows(true); });
    });
  }
}

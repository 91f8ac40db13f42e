#include "compiler/lowering/StagedRunCopies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

static constexpr int64_t kAccess = StagedBlock::kAccess;

StagedRunCopies::StagedRunCopies(StagedBlock &block)
    : block(block), e(block.e), staged(block.staged) {
  int64_t blockN = block.plan.schedule.getBlockN();
  for (const StagedLoad &load : staged.loads) {
    int64_t bytes = block.bytesOf(memoryOf(load).element);
    for (const Accesses &own : accessesOf(staged.tile * bytes))
      for (int64_t stream = 0; stream < load.pieces; ++stream) {
        Piece piece;
        piece.load = &load;
        piece.channel = own.row;
        piece.stream = e.num(stream);
        piece.target =
            e.add(e.num(load.base + load.before),
                  e.add(e.mul(e.add(piece.channel, e.num(stream * blockN)), e.num(load.pieceBytes)),
                        inRow(own.piece, bytes)));
        piece.offset = e.mul(own.piece, e.num(kAccess / bytes));
        locate(piece);
        tiles.push_back({piece, own.rowsAtOnce});
      }
    addHalo(load);
  }
}

SmallVector<StagedRunCopies::Accesses> StagedRunCopies::accessesOf(int64_t rowBytes) const {
  if (!staged.alone) {
    StagedPieces pieces(e, rowBytes);
    return {{pieces.row, pieces.piece, pieces.rowsAtOnce}};
  }
  SmallVector<Accesses> accesses;
  Value first = e.mul(e.div(e.thread, e.num(32)), e.num(staged.channelsPerWarp));
  for (int64_t piece = 0; piece < rowBytes / kAccess; piece += 32)
    accesses.push_back({first, e.offset(e.rem(e.thread, e.num(32)), piece), 1});
  return accesses;
}

/// The byte of an access in its row of a slot.
Value StagedRunCopies::inRow(Value piece, int64_t bytes) const {
  return staged.alone ? block.ringByte(e.mul(piece, e.num(kAccess / bytes)), 0, e.num(0), bytes)
                      : e.mul(piece, e.num(kAccess));
}

/// The halo accesses of all rows and streams, one after the other over the block's threads.
void StagedRunCopies::addHalo(const StagedLoad &load) {
  int64_t blockN = block.plan.schedule.getBlockN(), threads = block.plan.threads();
  int64_t perRow = load.before / kAccess, bytes = block.bytesOf(memoryOf(load).element);
  int64_t own = blockN;
  Value thread = e.thread, channels = e.num(0);
  if (staged.alone) {
    own = staged.channelsPerWarp;
    threads = 32;
    thread = e.rem(e.thread, e.num(32));
    channels = e.mul(e.div(e.thread, e.num(32)), e.num(own));
  }
  int64_t count = load.pieces * own * perRow;
  for (int64_t first = 0; first < count; first += threads) {
    Value index = e.offset(thread, first);
    Value row = e.div(index, e.num(perRow)), access = e.rem(index, e.num(perRow));
    Piece piece;
    piece.load = &load;
    piece.channel = e.add(channels, e.rem(row, e.num(own)));
    piece.stream = e.div(row, e.num(own));
    if (staged.alone) // The last lanes have none.
      piece.stream = e.min(piece.stream, e.num(load.pieces - 1));
    if (staged.alone)
      row = e.add(e.mul(piece.stream, e.num(blockN)), piece.channel);
    piece.target = e.add(e.num(load.base),
                         e.add(e.mul(row, e.num(load.pieceBytes)), e.mul(access, e.num(kAccess))));
    piece.offset = e.mul(e.offset(access, -perRow), e.num(kAccess / bytes));
    if (first + threads > count)
      piece.active = e.less(index, e.num(count));
    locate(piece);
    halos.push_back(piece);
  }
}

const Memory &StagedRunCopies::memoryOf(const StagedLoad &load) const {
  return e.memory(LoadOp(load.op).getView());
}

/// As Emitter's, of a stream that only the thread knows.
Value StagedRunCopies::memoryChannel(const Piece &piece, Value channel) {
  LoadOp op = piece.load->op;
  auto streams = dyn_cast_or_null<StreamsAttr>(op.getStreams().value_or(Attribute()));
  int64_t count = op.getNumResults();
  if (count == 1 || !streams)
    return channel;
  return streams.getKind() == StreamKind::Split ? e.add(channel, e.mul(piece.stream, e.channels))
                                                : e.add(e.mul(channel, e.num(count)), piece.stream);
}

void StagedRunCopies::locate(Piece &piece) {
  const Memory &m = memoryOf(*piece.load);
  auto product = [&](Value index, Value stride) {
    return e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(index), stride);
  };
  Value row = memoryChannel(piece, e.add(block.stripe, piece.channel));
  Value start = e.b.createOrFold<arith::AddIOp>(e.loc, product(e.batch, m.strides[0]),
                                                product(row, m.strides[1]));
  start = e.b.createOrFold<arith::AddIOp>(e.loc, start, e.widen(piece.offset));
  piece.source = e.address(m.element, m.pointer, start);
}

/// Where the access `rows` rows below the piece goes.
Value StagedRunCopies::target(const Piece &piece, Value slotByte, int64_t rows) {
  Value to = e.address(e.b.getI8Type(), slotByte, e.widen(piece.target));
  return e.address(e.b.getI8Type(), to, e.wide(rows * piece.load->pieceBytes));
}

void StagedRunCopies::copy(const Piece &piece, Value slotByte, int64_t rows, Value from) {
  NVVM::CpAsyncOp::create(e.b, e.loc, target(piece, slotByte, rows), from, uint32_t(kAccess),
                          NVVM::LoadCacheModifierKind::CG, Value());
}

/// Calls `body` for the thread's rows of a tile, `rowsAtOnce` apart.
void StagedRunCopies::eachRow(Value row, int64_t rowsAtOnce,
                              llvm::function_ref<void(int64_t)> body) {
  int64_t blockN = staged.alone ? staged.channelsPerWarp : block.plan.schedule.getBlockN();
  for (int64_t r = 0; r < blockN; r += rowsAtOnce)
    if (r + rowsAtOnce <= blockN)
      body(r);
    else
      e.ifThen(e.less(row, e.num(blockN - r)), [&] { body(r); });
}

/// All rows lie in the tensor, and all positions from `before` before the tile to its end.
Value StagedRunCopies::wholeTile(Value position, int64_t before) {
  Value channels = e.less(e.offset(block.stripe, block.plan.schedule.getBlockN() - 1), e.channels);
  Value positions = e.both(e.less(e.num(before - 1), position),
                           e.less(e.offset(position, staged.tile - 1), e.length));
  return e.both(channels, positions);
}

void StagedRunCopies::copyWhole(Value position, Value slotByte) {
  for (const Rows &rows : tiles) {
    LoadOp op = rows.first.load->op;
    const Memory &m = memoryOf(*rows.first.load);
    auto streams = dyn_cast_or_null<StreamsAttr>(op.getStreams().value_or(Attribute()));
    bool split = streams && streams.getKind() == StreamKind::Split;
    int64_t apart = rows.rowsAtOnce * (split ? 1 : op.getNumResults());
    Value step = e.b.createOrFold<arith::MulIOp>(e.loc, m.strides[1], e.wide(apart));
    Value from = e.address(m.element, rows.first.source, e.widen(position));
    eachRow(rows.first.channel, rows.rowsAtOnce, [&](int64_t r) {
      from = r ? e.address(m.element, from, step) : from;
      copy(rows.first, slotByte, r, from);
    });
  }
  for (const Piece &piece : halos) {
    auto copyOne = [&] {
      copy(piece, slotByte, 0,
           e.address(memoryOf(*piece.load).element, piece.source, e.widen(position)));
    };
    piece.active ? e.ifThen(piece.active, copyOne) : copyOne();
  }
}

/// What lies outside is copied from the nearest access inside, and never used or masked; only a
/// halo before the sequence is zeros.
void StagedRunCopies::copyClamped(Value position, Value slotByte) {
  auto copyRow = [&](Piece piece, int64_t rows) {
    int64_t bytes = block.bytesOf(memoryOf(*piece.load).element);
    Value at = e.add(position, piece.offset);
    Piece inside = piece;
    Value last = e.sub(e.offset(e.channels, -1), block.stripe);
    inside.channel = e.min(e.offset(piece.channel, rows), last);
    inside.offset = e.max(e.min(at, e.offset(e.length, -kAccess / bytes)), e.num(0));
    locate(inside);
    copy(piece, slotByte, rows, inside.source);
  };
  for (const Rows &rows : tiles)
    eachRow(rows.first.channel, rows.rowsAtOnce, [&](int64_t r) { copyRow(rows.first, r); });
  auto words = VectorType::get({kAccess / 4}, e.b.getI32Type());
  for (const Piece &piece : halos) {
    auto copyHalo = [&] {
      e.ifElse(
          e.less(e.add(position, piece.offset), e.num(0)),
          [&] {
            Value none =
                arith::ConstantOp::create(e.b, e.loc, cast<TypedAttr>(e.b.getZeroAttr(words)));
            bool kept = staged.alone && LoadOp(piece.load->op).getInitAttr();
            e.storeTo(kept ? beforeFirst(piece) : none, target(piece, slotByte, 0), kAccess);
          },
          [&] { copyRow(piece, 0); });
    };
    piece.active ? e.ifThen(piece.active, copyHalo) : copyHalo();
  }
}

/// The access before the sequence, of the load's state.
Value StagedRunCopies::beforeFirst(const Piece &piece) {
  LoadOp op = piece.load->op;
  const Memory &m = e.memory(*op.getInit());
  int64_t history = *knownCount(cast<StateType>(m.decl.getType()).getTaps()) - 1;
  Value last = e.sub(e.offset(e.channels, -1), block.stripe);
  Value row = memoryChannel(piece, e.add(block.stripe, e.min(piece.channel, last)));
  auto product = [&](Value index, Value stride) {
    return e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(index), stride);
  };
  Value start = e.b.createOrFold<arith::AddIOp>(e.loc, product(e.batch, m.strides[0]),
                                                product(row, m.strides[1]));
  Value own = e.address(m.element, m.pointer, start);
  int64_t bytes = block.bytesOf(m.element), count = kAccess / bytes;
  SmallVector<Value> samples;
  for (int64_t k = 0; k < count; ++k) {
    int64_t index = k - count + history;
    samples.push_back(
        index < 0 ? Value(arith::ConstantOp::create(e.b, e.loc, cast<TypedAttr>(e.b.getZeroAttr(m.element))))
                  : e.load(m.element, e.address(m.element, own, product(e.num(index), m.strides[2])),
                           bytes, /*invariant=*/false));
  }
  return e.pack(samples);
}

void StagedRunCopies::fetch(Value position, Value end, Value slot) {
  int64_t before = 0;
  for (const StagedLoad &load : staged.loads)
    before = std::max(before, load.before / block.bytesOf(memoryOf(load).element));
  e.ifThen(e.less(position, end), [&] {
    Value slotByte = e.sharedByte(e.mul(slot, e.num(staged.slotBytes)));
    e.ifElse(
        wholeTile(position, before), [&] { copyWhole(position, slotByte); },
        [&] { copyClamped(position, slotByte); });
  });
  NVVM::CpAsyncCommitGroupOp::create(e.b, e.loc);
}

void StagedRunCopies::store(Value position) {
  for (const StagedStore &store : staged.stores) {
    const Memory &m = e.memory(StoreOp(store.op).getView(), /*output=*/true);
    int64_t bytes = block.bytesOf(m.element);
    for (const Accesses &pieces : accessesOf(staged.tile * bytes))
      storeRows(store, m, pieces, position);
  }
}

void StagedRunCopies::storeRows(const StagedStore &store, const Memory &m, const Accesses &pieces,
                                Value position) {
  int64_t bytes = block.bytesOf(m.element), perAccess = kAccess / bytes;
  auto product = [&](Value index, Value stride) {
    return e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(index), stride);
  };
  Value channel = e.add(block.stripe, pieces.row);
  Value first = e.add(position, e.mul(pieces.piece, e.num(perAccess)));
  Value start = e.b.createOrFold<arith::AddIOp>(e.loc, product(e.batch, m.strides[0]),
                                                product(channel, m.strides[1]));
  Value pointer = e.address(m.element, e.address(m.element, m.pointer, start), e.widen(first));
  // Eight rows further is an immediate.
  auto fromRow = [&](int64_t r) {
    if (store.windowed) {
      Value own = e.offset(pieces.row, r);
      Value swizzle = staged.alone ? e.num(0) : block.swizzleOf(own);
      Value byte = block.ringByte(e.mul(pieces.piece, e.num(perAccess)), 0, swizzle, bytes);
      Value row = e.mul(own, e.num(store.tile.rowBytes));
      if (staged.alone && staged.round == staged.tile) // In the place of a stream.
        row = e.add(block.setByte, row);
      return block.byteAt(store.tile.base, e.add(row, byte));
    }
    Value row = block.tileRow(store.tile, e.offset(pieces.row, r % 8));
    Value byte = e.add(row, e.mul(pieces.piece, e.num(kAccess)));
    return block.byteAt(store.tile.base + r / 8 * 8 * store.tile.rowBytes,
                        e.add(block.setByte, byte));
  };
  Value step = e.b.createOrFold<arith::MulIOp>(e.loc, m.strides[1], e.wide(pieces.rowsAtOnce));
  Type type = VectorType::get({perAccess}, m.element);
  auto rows = [&](bool guarded) {
    Value to = pointer;
    SmallVector<Value> ahead; // A warp alone waits for all its rows at once.
    for (int64_t r = 0; staged.alone && !guarded && r < staged.channelsPerWarp; ++r)
      ahead.push_back(e.load(type, fromRow(r), kAccess, false));
    eachRow(pieces.row, pieces.rowsAtOnce, [&](int64_t r) {
      to = r ? e.address(m.element, to, step) : to;
      auto storeOne = [&] {
        e.storeTo(ahead.empty() ? e.load(type, fromRow(r), kAccess, false) : ahead[r], to, kAccess);
      };
      Value inside = e.both(e.less(e.offset(channel, r), e.channels), e.less(first, e.length));
      guarded ? e.ifThen(inside, storeOne) : storeOne();
    });
  };
  e.ifElse(
      wholeTile(position, 0), [&] { rows(false); }, [&] { rows(true); });
}

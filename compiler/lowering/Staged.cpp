// The walk of a staged kernel. One step:
//
//   wait for a slot, barrier                          all pieces of tile i have landed, step i - 1 is done with
//   fetch: views -> slot of tile i + stages - 1       asynchronous
//   store: tiles -> views, of tile i - 2
//   produce: slot -> windows, tiles, of tile i
//   multiply, finish: windows, tiles -> tiles of the stores, of tile i - 1
#include "compiler/lowering/Staged.h"

#include "compiler/lowering/StagedPlan.h"
#include "compiler/lowering/TensorCore.h"
#include "compiler/lowering/Toeplitz.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

#include <memory>

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

namespace {

constexpr int64_t kAccess = 16;
constexpr int64_t kBlock = 16;
/// Accumulators a warp holds at a time: 4 blocks of 16 positions by 16 channels are 32 registers.
constexpr int64_t kBlocksAtOnce = 4;

/// Pieces of 16 bytes, rows of them shared out among the block's threads.
struct Pieces {
  int64_t perRow, rowsAtOnce;
  Value row, piece, active; ///< The thread's first row; its piece of every row.

  Pieces(Emitter &e, int64_t rowBytes)
      : perRow(rowBytes / kAccess), rowsAtOnce(std::max<int64_t>(1, e.plan.threads() / perRow)) {
    row = e.div(e.thread, e.num(perRow));
    piece = e.rem(e.thread, e.num(perRow));
    active = e.less(row, e.num(rowsAtOnce));
  }
};

class StagedWalk {
public:
  explicit StagedWalk(Emitter &emitter)
      : e(emitter), plan(e.plan), staged(*plan.staged), stages(plan.schedule.getStages()) {}

  void emit() {
    stripe = e.mul(tileOfChannels(), e.num(plan.schedule.getBlockN()));
    begin = e.mul(e.tileL, e.blockLen);
    Value end = e.min(e.add(begin, e.blockLen), e.length);
    Value from = e.offset(begin, -staged.warmup);
    prepareCopies();
    e.loop(e.num(0), e.num(stages - 1), e.num(1), {}, [&](Value i, ValueRange) {
      fetch(e.add(from, e.mul(i, e.num(staged.tile))), end, i);
      return SmallVector<Value>{};
    });
    e.emitInvariants();
    prepareWarps();
    Value last = e.offset(end, 2 * staged.tile);
    SmallVector<Value> carried = {e.num(0)};
    for (int64_t set = 0; set < kTileSets; ++set)
      carried.push_back(e.num(set * staged.setBytes));
    e.loop(from, last, e.num(staged.tile), carried, [&](Value position, ValueRange carried) {
      Value slot = carried[0];
      NVVM::CpAsyncWaitGroupOp::create(e.b, e.loc, uint32_t(stages - 2));
      e.barrier();
      Value ahead = e.offset(position, (stages - 1) * staged.tile);
      fetch(ahead, end, e.select(e.less(slot, e.num(1)), e.num(stages - 1), e.offset(slot, -1)));
      auto within = [&](Value tile) {
        return e.both(e.less(e.offset(begin, -1), tile), e.less(tile, end));
      };
      Value before = e.offset(position, -staged.tile), stored = e.offset(before, -staged.tile);
      setByte = carried[3];
      e.ifThen(within(stored), [&] { store(stored); });
      setByte = carried[1];
      e.ifThen(e.less(position, end), [&] { produce(position, slot); });
      setByte = carried[2];
      e.ifThen(within(before), [&] {
        for (auto &warp : warps)
          finish(*warp, before);
      });
      Value next = e.select(e.less(e.num(stages - 2), slot), e.num(0), e.offset(slot, 1));
      return SmallVector<Value>{next, carried[3], carried[1], carried[2]};
    });
  }

private:
  Emitter &e;
  const KernelPlan &plan;
  const StagedPlan &staged;
  const int64_t stages;
  Value stripe, begin; ///< The block's first channel and position.
  Value setByte;       ///< Of the set of tiles in use.

  /// A task of a warp: up to 16 channels of one group.
  struct Warp {
    Value column;                                    ///< Its first channel, in the stripe.
    std::vector<Value> rows;                         ///< ldmatrix: the lane's row, by window.
    Value swizzle;                                   ///< Of that row, times 16.
    std::vector<std::unique_ptr<ToeplitzTaps>> taps; ///< By FIR.
    /// Who computes two (or one) of the lane's channels, in the order of the accumulators.
    struct Lane {
      std::unique_ptr<Emitter> emitter;
      Value column, valid; ///< In the stripe; valid is null where it always is.
      int64_t matrix, first;
    };
    std::vector<Lane> lanes;
  };
  std::vector<std::unique_ptr<Warp>> warps;
  std::unique_ptr<KernelPlan> lanePlan, taskPlan;
  Value zero, none;          ///< 0 in f32; no bits.
  SmallVector<Value> ones;   ///< The identity's diagonal, by window.
  Value half, row, firstBlock; ///< ldmatrix's half, the accumulator's row, the warp's first block.
  Value storeRow;              ///< In the tile, of the place that `finish` works on.

  int64_t bytesOf(Type type) const { return e.storageBytes(type); }

  Value tileOfChannels() {
    // As in Emitter's entry: channels first.
    Value block = arith::IndexCastOp::create(
        e.b, e.loc, e.b.getI32Type(), gpu::BlockIdOp::create(e.b, e.loc, gpu::Dimension::x));
    return e.rem(block, e.tilesN);
  }

  /// The constant apart: it becomes the access's immediate.
  Value byteAt(int64_t base, Value index) {
    return e.address(e.b.getI8Type(), e.sharedByte(index), e.wide(base));
  }

  // ---- fetch

  struct Copy {
    const StagedLoad *load;
    int64_t part;
    Pieces pieces;
    Value source; ///< Of position 0, at the thread's piece.
  };
  SmallVector<Copy> copies;

  /// The piece of a row of `bytes` that a thread takes, kept inside the tensor's channels.
  Value safePiece(const Pieces &pieces, int64_t perChannel) {
    Value have = e.sub(e.channels, stripe);
    Value most = e.offset(e.div(e.mul(have, e.num(perChannel)), e.num(kAccess)), -1);
    return e.min(pieces.piece, most);
  }

  void prepareCopies() {
    for (const StagedLoad &load : staged.loads)
      for (int64_t part = 0; part < load.pieces; ++part) {
        const Memory &m = e.memory(LoadOp(load.op).getView());
        Pieces pieces(e, load.pieceBytes);
        int64_t streams = LoadOp(load.op).getNumResults() / load.pieces;
        Value first = load.pieces > 1 ? e.add(stripe, e.mul(e.channels, e.num(part)))
                                      : e.mul(stripe, e.num(streams));
        Value safe = safePiece(pieces, streams * bytesOf(m.element));
        Value own = e.add(first, e.mul(safe, e.num(kAccess / bytesOf(m.element))));
        Value start = e.b.createOrFold<arith::AddIOp>(
            e.loc, e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(e.batch), m.strides[0]),
            e.widen(own));
        copies.push_back({&load, part, pieces, e.address(m.element, m.pointer, start)});
      }
  }

  /// Starts the copies of the tile at a position; tiles past the end copy nothing.
  void fetch(Value position, Value end, Value slot) {
    e.ifThen(e.less(position, end), [&] {
      for (Copy &copy : copies) {
        OpLine line(e, LoadOp(copy.load->op));
        const Memory &m = e.memory(LoadOp(copy.load->op).getView());
        int64_t rows = staged.tile + copy.load->halo;
        Value first = e.add(e.offset(position, -copy.load->halo), copy.pieces.row);
        Value to = e.add(e.mul(slot, e.num(staged.slotBytes)),
                         e.add(e.mul(copy.pieces.row, e.num(copy.load->rowBytes())),
                               e.mul(copy.pieces.piece, e.num(kAccess))));
        to = byteAt(copy.load->base + copy.part * copy.load->pieceBytes, to);
        auto source = [&](Value at) {
          return e.address(m.element, copy.source,
                           e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(at), m.strides[2]));
        };
        auto pass = [&](int64_t r, Value from) {
          Value here = e.address(e.b.getI8Type(), to, e.wide(r * copy.load->rowBytes()));
          auto copyOne = [&] {
            NVVM::CpAsyncOp::create(e.b, e.loc, here, from, uint32_t(kAccess),
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
                Value from = source(first);
                Value step = e.b.createOrFold<arith::MulIOp>(
                    e.loc, m.strides[2], e.wide(copy.pieces.rowsAtOnce));
                for (int64_t r = 0; r < rows; r += copy.pieces.rowsAtOnce) {
                  from = r ? e.address(m.element, from, step) : from;
                  pass(r, from);
                }
              },
              [&] {
                for (int64_t r = 0; r < rows; r += copy.pieces.rowsAtOnce) {
                  Value at = e.min(e.offset(first, r), e.offset(e.length, -1));
                  pass(r, source(e.max(at, e.num(0))));
                }
              });
        });
      }
    });
    NVVM::CpAsyncCommitGroupOp::create(e.b, e.loc);
  }

  // ---- produce

  /// A load's value at an offset, from the slot. All of an interleaved row's streams come at once.
  Value fromSlot(Place &place, OpResult signal, int64_t offset, Value slotByte) {
    auto op = cast<LoadOp>(signal.getOwner());
    OpLine line(e, op);
    Piece piece = e.pieceOf(place, signal, offset);
    auto finished = [&] {
      return e.loadedToF32(e.finishPiece(place, signal, piece,
                                         [&] { return place.raw.lookup({signal, offset}); }));
    };
    if (place.raw.contains({signal, offset}))
      return finished();
    const StagedLoad &load =
        *llvm::find_if(staged.loads, [&](const StagedLoad &load) { return load.op == op; });
    Type element = e.memory(op.getView()).element;
    int64_t bytes = bytesOf(element), streams = op.getNumResults() / load.pieces;
    Value rowOf = e.mul(e.laneL, e.num(plan.unroll * load.rowBytes()));
    Value own = e.mul(e.laneN, e.num(plan.lanes * streams * bytes));
    int64_t fixed = load.base + (offset + load.halo) * load.rowBytes() +
                    (load.pieces > 1 ? signal.getResultNumber() * load.pieceBytes : 0);
    Value base = e.address(e.b.getI8Type(), slotByte, e.widen(e.add(rowOf, own)));
    base = e.address(e.b.getI8Type(), base, e.wide(fixed));
    int64_t total = plan.lanes * streams;
    int64_t width = std::min<int64_t>(kAccess / bytes, total & -total);
    SmallVector<Value> elements;
    for (int64_t i = 0; i < total; i += width) {
      Type type = width > 1 ? Type(VectorType::get({width}, element)) : element;
      Value part = e.load(type, e.address(element, base, e.wide(i)), width * bytes, false);
      for (int64_t k = 0; k < width; ++k)
        elements.push_back(e.lane(part, k));
    }
    for (int64_t s = 0; s < streams; ++s) {
      SmallVector<Value> lanes;
      for (int64_t i = 0; i < plan.lanes; ++i)
        lanes.push_back(elements[i * streams + s]);
      place.raw[{load.pieces > 1 ? signal : op.getSignals()[s], offset}] = e.pack(lanes);
    }
    return finished();
  }

  void produce(Value position, Value slot) {
    Value slotByte = e.sharedByte(e.mul(slot, e.num(staged.slotBytes)));
    e.source = [&](Place &place, OpResult signal, int64_t offset) -> Value {
      return signal.getDefiningOp<LoadOp>() ? fromSlot(place, signal, offset, slotByte) : Value();
    };
    int64_t halo = 0;
    for (const StagedLoad &load : staged.loads)
      halo = std::max(halo, load.halo);
    Value inside = e.both(e.less(e.num(halo - 1), position),
                          e.less(e.offset(position, staged.tile - 1), e.length));
    auto rows = [&](bool anywhere) {
      Place place;
      place.position = e.add(position, e.mul(e.laneL, e.num(plan.unroll)));
      place.anywhere = anywhere;
      place.begun = !anywhere;
      // All values before any store: the slot is read once.
      for (const StagedWindow &window : staged.windows)
        for (int64_t j = 0; j < plan.unroll; ++j)
          e.historic(place, window.signal, j);
      for (const StagedTile &tile : staged.tiles)
        for (int64_t j = 0; j < plan.unroll; ++j)
          e.historic(place, tile.signal, j);
      for (const StagedWindow &window : staged.windows)
        fillWindow(place, window);
      for (const StagedTile &tile : staged.tiles)
        fillTile(place, tile);
    };
    auto produceRows = [&] { e.ifElse(inside, [&] { rows(false); }, [&] { rows(true); }); };
    int64_t blockN = plan.schedule.getBlockN();
    if (plan.threadsN * plan.lanes > blockN)
      e.ifThen(e.less(e.mul(e.laneN, e.num(plan.lanes)), e.num(blockN)), produceRows);
    else
      produceRows();
    e.source = nullptr;
  }

  /// Where piece k of 8 positions of a channel's ring lies is permuted by the channel, so that both
  /// eight neighbours (ldmatrix) and eight channels of stride 4 (produce) touch different banks.
  Value swizzleOf(Value column) {
    Value low = e.b.createOrFold<arith::AndIOp>(e.loc, column, e.num(3));
    Value high = e.b.createOrFold<arith::AndIOp>(e.loc, e.div(column, e.num(8)), e.num(3));
    Value middle = e.b.createOrFold<arith::AndIOp>(e.loc, e.div(column, e.num(4)), e.num(1));
    Value mixed = e.b.createOrFold<arith::XOrIOp>(e.loc, low, high);
    return e.mul(e.add(e.mul(mixed, e.num(2)), middle), e.num(kAccess));
  }

  /// Byte of a position, a multiple of 8 or within such a piece, in a channel's ring.
  Value ringByte(Value position, Value swizzle, int64_t bytes) {
    Value byte = e.b.createOrFold<arith::AndIOp>(e.loc, e.mul(position, e.num(bytes)),
                                                 e.num(staged.ring * bytes - 1));
    return e.b.createOrFold<arith::XOrIOp>(e.loc, byte, swizzle);
  }

  void fillWindow(Place &place, const StagedWindow &window) {
    OpLine line(e, window.signal.getDefiningOp());
    int64_t bytes = bytesOf(window.element), run = std::min<int64_t>(plan.unroll, 8);
    SmallVector<Value> samples;
    for (int64_t j = 0; j < plan.unroll; ++j) {
      Value value = e.historic(place, window.signal, j);
      // Zeros after the end: a tile's earlier positions multiply them (conv_c6).
      if (place.anywhere)
        value = e.select(e.less(e.offset(place.position, j), e.length), value, e.zero());
      samples.push_back(e.toStorage(value, window.element));
    }
    for (int64_t i = 0; i < plan.lanes; ++i) {
      Value column = e.offset(e.mul(e.laneN, e.num(plan.lanes)), i);
      Value swizzle = swizzleOf(column);
      Value ring = e.mul(column, e.num(staged.ring * bytes));
      for (int64_t j = 0; j < plan.unroll; j += run) {
        SmallVector<Value> piece;
        for (int64_t k = j; k < j + run; ++k)
          piece.push_back(e.lane(samples[k], i));
        Value byte = e.add(ring, ringByte(e.offset(place.position, j), swizzle, bytes));
        e.storeTo(e.pack(piece), byteAt(window.base, byte), run * bytes);
      }
    }
  }

  void fillTile(Place &place, const StagedTile &tile) {
    OpLine line(e, tile.signal.getDefiningOp());
    int64_t bytes = bytesOf(tile.element);
    Value own = e.add(e.mul(e.laneL, e.num(plan.unroll * tile.rowBytes)),
                      e.mul(e.laneN, e.num(plan.lanes * bytes)));
    for (int64_t j = 0; j < plan.unroll; ++j) {
      Value value = e.toStorage(e.historic(place, tile.signal, j), tile.element);
      e.storeTo(value, byteAt(tile.base + j * tile.rowBytes, e.add(setByte, own)),
                std::min<int64_t>(kAccess, plan.lanes * bytes));
    }
  }

  // ---- multiply and finish

  void prepareWarps() {
    Value warp = e.div(e.thread, e.num(32)), lane = e.rem(e.thread, e.num(32));
    row = e.div(lane, e.num(4));
    Value pair = e.mul(e.rem(lane, e.num(4)), e.num(2));
    half = e.rem(e.div(lane, e.num(8)), e.num(2));
    Value part = e.div(warp, e.num(std::max<int64_t>(1, staged.tasks / staged.tasksPerWarp)));
    firstBlock = e.mul(part, e.num(staged.blocksPerWarp));
    zero = arith::ConstantOp::create(e.b, e.loc, e.b.getF32FloatAttr(0));
    none = e.num(0);
    for (const StagedWindow &window : staged.windows) {
      int64_t one = window.element.isBF16() ? 0x3f80 : 0x3c00;
      auto equal = [&](Value x) -> Value {
        return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, row, x);
      };
      ones.push_back(e.select(equal(pair), e.num(one),
                              e.select(equal(e.offset(pair, 1)), e.num(one << 16), none)));
    }
    int64_t blockN = plan.schedule.getBlockN(), group = staged.group;
    bool pairs = group % 2 == 0;
    taskPlan = std::make_unique<KernelPlan>(plan);
    taskPlan->lanes = 1;
    lanePlan = std::make_unique<KernelPlan>(plan);
    lanePlan->lanes = pairs ? 2 : 1;
    for (int64_t k = 0; k < staged.tasksPerWarp; ++k) {
      warps.push_back(std::make_unique<Warp>());
      Warp &w = *warps.back();
      int64_t atOnce = staged.tasks / staged.tasksPerWarp;
      Value task = e.offset(e.rem(warp, e.num(atOnce)), k * atOnce);
      int64_t perGroup = staged.tasksPerGroup();
      Value inGroup = e.mul(e.rem(task, e.num(perGroup)), e.num(16));
      w.column = e.add(e.mul(e.div(task, e.num(perGroup)), e.num(group)), inGroup);

      // ldmatrix: lanes 0-15 address channels 0-7, lanes 16-31 channels 8-15.
      Value own = e.add(e.mul(e.div(lane, e.num(16)), e.num(8)), e.rem(lane, e.num(8)));
      Value column = e.min(e.add(w.column, own), e.num(blockN - 1));
      w.swizzle = swizzleOf(column);
      for (const StagedWindow &window : staged.windows)
        w.rows.push_back(
            byteAt(window.base, e.mul(column, e.num(staged.ring * bytesOf(window.element)))));

      auto taskEmitter = mapped(*taskPlan, w.column);
      for (const StagedFir &fir : staged.firs) {
        OpLine line(*taskEmitter, FirOp(fir.fir));
        w.taps.push_back(std::make_unique<ToeplitzTaps>(
            *taskEmitter, fir, staged.windows[fir.window].element, row, pair));
      }
      e.b.restoreInsertionPoint(taskEmitter->b.saveInsertionPoint());

      for (int64_t matrix = 0; matrix < 2; ++matrix)
        for (int64_t first = 0; first < 2; first += lanePlan->lanes) {
          if (matrix * 8 >= group)
            continue;
          Warp::Lane lane;
          Value inTask = e.offset(pair, matrix * 8 + first);
          lane.column = e.add(w.column, inTask);
          if (group % 16)
            lane.valid = e.less(e.add(inGroup, inTask), e.num(group));
          lane.matrix = matrix;
          lane.first = first;
          lane.emitter = mapped(*lanePlan, lane.column);
          lane.emitter->emitInvariants(/*taps=*/false);
          e.b.restoreInsertionPoint(lane.emitter->b.saveInsertionPoint());
          w.lanes.push_back(std::move(lane));
        }
    }
  }

  /// An emitter like ours that computes the channels from `column` of the stripe on.
  std::unique_ptr<Emitter> mapped(const KernelPlan &mapping, Value column) {
    auto other = std::make_unique<Emitter>(mapping, e);
    Value own = e.add(stripe, column);
    other->channel = e.min(own, e.offset(e.channels, -mapping.lanes));
    other->b.restoreInsertionPoint(e.b.saveInsertionPoint());
    return other;
  }

  using Accumulators = SmallVector<std::array<Value, 4>>; ///< [block][matrix]

  /// Samples of block `block` of the warp's positions, for its task.
  std::array<Value, 4> samplesOf(Warp &w, size_t index, Value position, int64_t block) {
    Value start = e.add(position, e.add(e.mul(firstBlock, e.num(kBlock)), e.mul(half, e.num(8))));
    Value byte = ringByte(e.offset(start, block * kBlock), w.swizzle,
                          bytesOf(staged.windows[index].element));
    return loadMatrices(e.b, e.loc, e.address(e.b.getI8Type(), w.rows[index], e.widen(byte)));
  }

  /// The samples themselves as accumulators, exactly: the product with the identity.
  Accumulators identity(Warp &w, size_t index, Value position, int64_t first, int64_t count) {
    int64_t matrices = staged.group > 8 ? 2 : 1;
    Accumulators sums;
    for (int64_t i = 0; i < count; ++i) {
      std::array<Value, 4> samples = samplesOf(w, index, position, first + i);
      for (int64_t m = 0; m < matrices; ++m)
        sums.push_back(multiply(e.b, e.loc, staged.windows[index].element,
                                {ones[index], none, none, ones[index]},
                                {samples[2 * m], samples[2 * m + 1]}, {zero, zero, zero, zero}));
    }
    return sums;
  }

  /// Blocks [first, first + count) of a FIR, for the warp's task.
  Accumulators multiplyBlocks(Warp &w, size_t index, Value position, int64_t first,
                              int64_t count) {
    const StagedFir &fir = staged.firs[index];
    const StagedWindow &window = staged.windows[fir.window];
    OpLine line(e, FirOp(fir.fir));
    int64_t matrices = staged.group > 8 ? 2 : 1;
    Accumulators sums(count * matrices, {zero, zero, zero, zero});
    for (int64_t j = 1 - fir.blocks; j < count; ++j) {
      std::array<Value, 4> samples = samplesOf(w, fir.window, position, first + j);
      for (int64_t i = std::max<int64_t>(0, j); i < count && i - j < fir.blocks; ++i)
        for (const auto &block : w.taps[index]->block(i - j))
          for (int64_t m = 0; m < matrices; ++m) {
            auto &sum = sums[i * matrices + m];
            sum = multiply(e.b, e.loc, window.element, block, {samples[2 * m], samples[2 * m + 1]},
                           sum);
          }
    }
    return sums;
  }

  void finish(Warp &w, Value position) {
    int64_t matrices = staged.group > 8 ? 2 : 1;
    for (int64_t first = 0; first < staged.blocksPerWarp; first += kBlocksAtOnce) {
      int64_t count = std::min(kBlocksAtOnce, staged.blocksPerWarp - first);
      // By FIR, then by window.
      SmallVector<Accumulators> sums;
      for (size_t index = 0; index < staged.firs.size(); ++index)
        sums.push_back(multiplyBlocks(w, index, position, first, count));
      for (auto [index, window] : llvm::enumerate(staged.windows))
        sums.push_back(window.finished ? identity(w, index, position, first, count)
                                       : Accumulators(sums[0].size()));
      for (int64_t i = 0; i < count; ++i)
        for (Warp::Lane &lane : w.lanes) {
          Value inTile = e.add(e.mul(e.offset(firstBlock, first + i), e.num(kBlock)), row);
          auto body = [&] {
            SmallVector<std::array<Value, 4>> mine;
            for (Accumulators &sum : sums)
              mine.push_back(sum[i * matrices + lane.matrix]);
            finishLane(lane, position, inTile, mine);
          };
          lane.valid ? e.ifThen(lane.valid, body) : body();
        }
    }
  }

  /// Rows `inTile` and 8 further of one lane's channels.
  void finishLane(Warp::Lane &lane, Value position, Value inTile,
                  ArrayRef<std::array<Value, 4>> sums) {
    Emitter &own = *lane.emitter;
    own.b.restoreInsertionPoint(e.b.saveInsertionPoint());
    Place place;
    place.position = e.add(position, inTile);
    auto byteOf = [&](const StagedTile &tile, int64_t offset) {
      Value start = e.add(e.mul(inTile, e.num(tile.rowBytes)),
                          e.mul(lane.column, e.num(bytesOf(tile.element))));
      return byteAt(tile.base + offset * tile.rowBytes, e.add(setByte, start));
    };
    int64_t lanes = own.plan.lanes;
    auto accumulated = [&](size_t index, int64_t offset) {
      SmallVector<Value> parts;
      for (int64_t i = 0; i < lanes; ++i)
        parts.push_back(sums[index][(offset ? 2 : 0) + lane.first + i]);
      return own.pack(parts);
    };
    own.source = [&](Place &, OpResult signal, int64_t offset) -> Value {
      for (auto [index, window] : llvm::enumerate(staged.windows))
        if (window.finished && window.signal == signal)
          return accumulated(staged.firs.size() + index, offset);
      for (auto [index, fir] : llvm::enumerate(staged.firs))
        if (FirOp(fir.fir).getResult() == signal) {
          Value sum = accumulated(index, offset);
          Value addend = FirOp(fir.fir).getAddend();
          return addend ? Value(arith::AddFOp::create(own.b, own.loc, sum,
                                                      own.at(place, addend, offset)))
                        : sum;
        }
      for (const StagedTile &tile : staged.tiles)
        if (tile.signal == signal)
          return own.toF32(own.load(own.signalType(tile.element), byteOf(tile, offset),
                                    lanes * bytesOf(tile.element), false));
      return {};
    };
    for (int64_t offset : {0, 8})
      for (const StagedStore &store : staged.stores) {
        OpLine line(own, StoreOp(store.op));
        Value value = own.at(place, StoreOp(store.op).getInput(), offset);
        own.storeTo(own.toStorage(value, store.tile.element), byteOf(store.tile, offset),
                    lanes * bytesOf(store.tile.element));
      }
    own.source = nullptr;
    e.b.restoreInsertionPoint(own.b.saveInsertionPoint());
  }

  // ---- store

  void store(Value position) {
    int64_t blockN = plan.schedule.getBlockN();
    for (const StagedStore &store : staged.stores) {
      OpLine line(e, StoreOp(store.op));
      const Memory &m = e.memory(StoreOp(store.op).getView(), /*output=*/true);
      int64_t bytes = bytesOf(store.tile.element), perAccess = kAccess / bytes;
      Pieces pieces(e, blockN * bytes);
      Value channel = e.add(stripe, e.mul(pieces.piece, e.num(perAccess)));
      Value start = e.b.createOrFold<arith::AddIOp>(
          e.loc, e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(e.batch), m.strides[0]),
          e.widen(channel));
      Value first = e.add(position, pieces.row);
      Value pointer = e.address(
          m.element, e.address(m.element, m.pointer, start),
          e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(first), m.strides[2]));
      Value from = byteAt(store.tile.base, e.add(setByte, e.add(e.mul(pieces.row, e.num(store.tile.rowBytes)),
                                                 e.mul(pieces.piece, e.num(kAccess)))));
      Value step = e.b.createOrFold<arith::MulIOp>(e.loc, m.strides[2],
                                                   e.wide(pieces.rowsAtOnce));
      Type type = VectorType::get({perAccess}, m.element);
      auto rows = [&](bool guarded) {
        Value to = pointer;
        for (int64_t r = 0; r < staged.tile; r += pieces.rowsAtOnce) {
          to = r ? e.address(m.element, to, step) : to;
          auto storeOne = [&] {
            Value here =
                e.address(e.b.getI8Type(), from, e.wide(r * store.tile.rowBytes));
            e.storeTo(e.load(type, here, kAccess, false), to, kAccess);
          };
          bool last = r + pieces.rowsAtOnce > staged.tile;
          if (guarded)
            e.ifThen(e.less(e.offset(first, r), e.length), [&] {
              last ? e.ifThen(e.less(pieces.row, e.num(staged.tile - r)), storeOne) : storeOne();
            });
          else if (last)
            e.ifThen(e.less(pieces.row, e.num(staged.tile - r)), storeOne);
          else
            storeOne();
        }
      };
      Value whole = e.less(e.offset(position, staged.tile - 1), e.length);
      e.ifThen(e.both(pieces.active, e.less(channel, e.channels)),
               [&] { e.ifElse(whole, [&] { rows(false); }, [&] { rows(true); }); });
    }
  }
};

} // namespace

void compiler::emitStaged(Emitter &emitter) { StagedWalk(emitter).emit(); }

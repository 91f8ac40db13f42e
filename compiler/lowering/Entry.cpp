// A kernel's entry: sizes, the thread's place, its channel tile, and everything hoisted above the
// walk (row pointers, taps, per-channel numbers, a split's destination).
#include "compiler/lowering/Emitter.h"

#include "compiler/lowering/Step.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

static Type elementOf(Type operand) {
  if (isa<ModesType, ModalStateType>(operand))
    return Float32Type::get(operand.getContext());
  if (isa<IndicesType>(operand))
    return IntegerType::get(operand.getContext(), 32);
  Attribute element = llvm::TypeSwitch<Type, Attribute>(operand)
                          .Case<ViewType, TapsType, ChannelType, StateType>(
                              [](auto type) { return type.getElement(); });
  return knownElement(element);
}

int compiler::strideCount(Type operand) {
  if (auto state = dyn_cast<StateType>(operand); state && state.getLonger())
    return 4; // The fourth is its length.
  return isa<ViewType, StateType, ModalStateType>(operand) ? 3
         : isa<TapsType, ModesType, IndicesType>(operand)  ? 2
                                                           : 1;
}

Emitter::Emitter(const KernelPlan &plan, gpu::GPUFuncOp func)
    : plan(plan), b(func.getContext()), loc(func.getLoc()), func(func) {
  b.setInsertionPointToStart(&func.getBody().front());
}

Emitter::Emitter(const KernelPlan &plan, const Emitter &like)
    : plan(plan), b(like.b), loc(like.loc), rows(like.rows), channels(like.channels),
      length(like.length), blockLen(like.blockLen), tilesL(like.tilesL), tilesN(like.tilesN),
      batch(like.batch), tileL(like.tileL), block(like.block), rank(like.rank), thread(like.thread),
      sharedBase(like.sharedBase), func(like.func),
      memories{like.memories[0], like.memories[1]} {}

const Memory &Emitter::memory(StringRef operand, bool output) const {
  return memories[output].find(operand)->second;
}

void Emitter::emitOperands() {
  bool aligned = plan.schedule.getAlign() > 1;
  unsigned next = 0;
  auto argument = [&] { return func.getArgument(next++); };
  for (auto decl : plan.kernel.getOperandDecls().getAsRange<OperandDeclAttr>()) {
    Memory memory;
    memory.decl = decl;
    memory.element = elementOf(decl.getType());
    memory.pointer = argument();
    for (int i = 0, count = strideCount(decl.getType()); i < count; ++i)
      memory.strides.push_back(argument());
    // The aligned variant knows its contiguous dimension: strides are batch, channel, position.
    if (auto view = dyn_cast<ViewType>(decl.getType()); view && aligned) {
      LayoutKind layout = cast<LayoutKindAttr>(view.getLayout()).getValue();
      bool positionsLast = layout == LayoutKind::BDL || layout == LayoutKind::DL;
      memory.strides[positionsLast ? 2 : 1] = wide(1);
    }
    memories[decl.getOutput()][decl.getName()] = memory;
  }
  rows = argument();
  channels = argument();
  length = argument();
  blockLen = argument();
  tilesL = argument();
  tilesN = argument();
}

void Emitter::emitIndices() {
  auto index = [&](Value v) -> Value {
    return arith::IndexCastOp::create(b, loc, b.getI32Type(), v);
  };
  thread = index(gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x));
  block = index(gpu::BlockIdOp::create(b, loc, gpu::Dimension::x));
  if (int64_t cluster = plan.schedule.getCluster(); cluster > 1) {
    rank = rem(block, num(cluster));
    block = div(block, num(cluster));
  }
  Value fast = num(plan.channelsFast ? plan.threadsN : plan.threadsL);
  (plan.channelsFast ? laneN : laneL) = rem(thread, fast);
  (plan.channelsFast ? laneL : laneN) = div(thread, fast);

  // Neighbouring blocks share memory rows: channels first in bld, positions first in bdl.
  bool bld = plan.layout != Layout::BDL;
  Value inner = bld ? tilesN : tilesL, outer = bld ? tilesL : tilesN;
  Value low = rem(block, inner), rest = div(block, inner), high = rest;
  if (plan.keptStep()) { // One position: a division less.
    high = num(0);
    batch = rest;
  } else if (plan.layout != Layout::BD) {
    high = rem(rest, outer);
    batch = div(rest, outer);
  }
  tileL = bld ? high : low;
  emitChannelTile(bld ? low : high);
  if (plan.keptStep() && plan.threadsL > 1) // One position: more threads than channels have none.
    channelOk = both(channelOk, less(laneL, num(1)));
}

void Emitter::emitChannelTile(Value tile) {
  Value begin, end;
  if (plan.tiles.size() == 1 && plan.tiles[0].end == 0) {
    int64_t width = plan.tiles[0].width;
    begin = mul(tile, num(width));
    end = plan.threadsN * plan.lanes > width ? min(offset(begin, width), channels) : channels;
  } else {
    int64_t before = 0;
    for (const ChannelTiles &run : plan.tiles) {
      Value first = offset(mul(offset(tile, -before), num(run.width)), run.begin);
      Value last = min(offset(first, run.width), num(run.end));
      Value here = less(num(before - 1), tile);
      begin = begin ? select(here, first, begin) : first;
      end = end ? select(here, last, end) : last;
      before += llvm::divideCeil(run.end - run.begin, run.width);
    }
    end = min(end, channels);
  }
  own = add(begin, mul(laneN, num(plan.lanes)));
  channelOk = less(own, end);
  channel = min(own, sub(channels, num(plan.lanes)));
}

Value Emitter::memoryChannel(Value c, Attribute streams, int64_t s, int64_t count) {
  auto known = dyn_cast_or_null<StreamsAttr>(streams);
  if (!known || count == 1)
    return c;
  switch (known.getKind()) {
  case StreamKind::Interleave:
    return offset(mul(c, num(count)), s);
  case StreamKind::Split:
    return add(c, mul(channels, num(s)));
  case StreamKind::ColumnSplit: {
    Value width = div(channels, num(known.getHeads()));
    Value head = div(c, width);
    return add(mul(head, mul(width, num(count))), add(mul(width, num(s)), rem(c, width)));
  }
  }
  return c;
}

Value Emitter::tapRow(FirOp fir, Value c) {
  auto type = cast<TapsType>(memory(fir.getWeight()).decl.getType());
  int64_t streams = *knownCount(type.getStreams()), group = *knownCount(type.getGroup());
  if (streams > 1)
    return memoryChannel(c, fir.getStreams().value_or(Attribute()), fir.getStream().value_or(0),
                         streams);
  return group > 1 ? div(c, num(group)) : c;
}

/// Channels of one group share their taps: a thread's lanes then need one load.
bool Emitter::sharesRow(FirOp fir) const {
  auto type = cast<TapsType>(memory(fir.getWeight()).decl.getType());
  return *knownCount(type.getStreams()) == 1 &&
         (plan.along || *knownCount(type.getGroup()) % plan.lanes == 0);
}

/// `count` adjacent elements from `first`, which is a multiple of `count`, in the widest pieces.
SmallVector<Value> Emitter::loadContiguous(const Memory &m, Value first, int64_t count) {
  int64_t bytes = storageBytes(m.element);
  int64_t piece = std::min<int64_t>(16 / bytes, count & -count);
  Type type = piece > 1 ? Type(VectorType::get({piece}, m.element)) : m.element;
  SmallVector<Value> elements;
  for (int64_t i = 0; i < count; i += piece) {
    Value loaded = load(type, address(m.element, m.pointer, widen(offset(first, i))),
                        piece * bytes, true);
    for (int64_t k = 0; k < piece; ++k)
      elements.push_back(lane(loaded, k));
  }
  return elements;
}

SmallVector<Value *> Emitter::hoistedTaps() {
  SmallVector<Value *> hoisted;
  for (auto fir : plan.kernel.getBody().front().getOps<FirOp>())
    for (int64_t k = 0, count = tapsOf(fir); k < count; ++k)
      if (auto known = taps.find({fir, k}); known != taps.end())
        hoisted.push_back(&known->second);
  return hoisted;
}

/// The same of one stream of several, where its rows for adjacent channels lie at equal distances:
/// interleaved, all streams of the thread's channels come at once (and the other streams' loads are
/// these). One by one they would take as many times the L1's time at the start of every block.
bool Emitter::preloadStream(FirOp fir, int64_t count, int64_t streams) {
  auto kind = dyn_cast_or_null<StreamsAttr>(fir.getStreams().value_or(Attribute()));
  if (!kind || kind.getKind() == StreamKind::ColumnSplit)
    return false;
  int64_t stream = fir.getStream().value_or(0), apart = 1;
  Value row = memoryChannel(channel, kind, stream, streams);
  if (kind.getKind() == StreamKind::Interleave) {
    apart = streams;
    row = mul(channel, num(streams));
  }
  SmallVector<Value> elements = loadContiguous(memory(fir.getWeight()), mul(row, num(count)),
                                               plan.lanes * apart * count);
  for (int64_t k = 0; k < count; ++k) {
    SmallVector<Value> lanes;
    for (int64_t i = 0; i < plan.lanes; ++i)
      lanes.push_back(elements[(i * apart + (apart > 1 ? stream : 0)) * count + k]);
    taps[{fir, k}] = toF32(pack(lanes));
  }
  return true;
}

/// All taps of an unrolled FIR. In the aligned variant rows are contiguous: wide loads.
void Emitter::preloadTaps(FirOp fir) {
  int64_t count = tapsOf(fir);
  const Memory &m = memory(fir.getWeight());
  auto type = cast<TapsType>(m.decl.getType());
  int64_t streams = *knownCount(type.getStreams());
  bool ownRows = streams == 1 && *knownCount(type.getGroup()) == 1;
  if (plan.schedule.getAlign() != 1 && streams > 1 && plan.lanes > 1 && !plan.along &&
      preloadStream(fir, count, streams))
    return;
  if (plan.schedule.getAlign() == 1 || (!sharesRow(fir) && !ownRows)) {
    for (int64_t k = 0; k < count; ++k)
      taps[{fir, k}] = loadTap(fir, num(k));
    return;
  }
  int64_t rows = sharesRow(fir) ? 1 : plan.lanes;
  Value row = sharesRow(fir) ? tapRow(fir, channel) : channel;
  SmallVector<Value> elements = loadContiguous(m, mul(row, num(count)), rows * count);
  for (int64_t k = 0; k < count; ++k) {
    SmallVector<Value> column;
    for (int64_t i = 0; i < rows; ++i)
      column.push_back(elements[i * count + k]);
    Value tap = toF32(pack(column));
    taps[{fir, k}] = rows == 1 ? splat(tap) : tap;
  }
}

void Emitter::preloadModes(StringRef operand) {
  const Memory &m = memory(operand);
  auto product = [&](Value index, Value stride) {
    return b.createOrFold<arith::MulIOp>(loc, widen(index), stride);
  };
  SmallVector<Value> &values = modeValues[operand];
  values.clear();
  int64_t count = *knownCount(cast<ModesType>(m.decl.getType()).getModes());
  if (plan.schedule.getAlign() > 1) {
    SmallVector<Value> all = loadContiguous(m, mul(channel, num(count)), plan.lanes * count);
    for (int64_t s = 0; s < count; ++s) {
      SmallVector<Value> lanes;
      for (int64_t i = 0; i < plan.lanes; ++i)
        lanes.push_back(all[i * count + s]);
      values.push_back(pack(lanes));
    }
    return;
  }
  for (int64_t s = 0; s < count; ++s) {
    SmallVector<Value> lanes;
    for (int64_t i = 0; i < plan.lanes; ++i) {
      Value place = b.createOrFold<arith::AddIOp>(loc, product(offset(channel, i), m.strides[0]),
                                                  product(num(s), m.strides[1]));
      lanes.push_back(load(m.element, address(m.element, m.pointer, place), 4, true));
    }
    values.push_back(pack(lanes));
  }
}

ArrayRef<Value> Emitter::modes(StringRef operand) const {
  return modeValues.find(operand)->second;
}

Value Emitter::loadTap(FirOp fir, Value index) {
  const Memory &m = memory(fir.getWeight());
  Value column = b.createOrFold<arith::MulIOp>(loc, widen(index), m.strides[1]);
  auto one = [&](Value c) {
    Value row = b.createOrFold<arith::MulIOp>(loc, widen(tapRow(fir, c)), m.strides[0]);
    Value place = b.createOrFold<arith::AddIOp>(loc, row, column);
    return load(m.element, address(m.element, m.pointer, place), storageBytes(m.element), true);
  };
  if (plan.along || sharesRow(fir))
    return splat(toF32(one(channel)));
  SmallVector<Value> lanes;
  for (int64_t i = 0; i < plan.lanes; ++i)
    lanes.push_back(one(offset(channel, i)));
  return toF32(pack(lanes));
}

void Emitter::emitDestination(SplitStoreOp op) {
  auto widths = cast<DenseI64ArrayAttr>(op.getWidths()).asArrayRef();
  auto heads = dyn_cast_or_null<DenseI64ArrayAttr>(op.getHeads().value_or(Attribute()));
  Destination to;
  int64_t begin = 0;
  // Lanes route themselves: boundaries lie anywhere, and a block may straddle several.
  for (auto [i, part] : llvm::enumerate(op.getParts())) {
    const Memory &m = memory(cast<FlatSymbolRefAttr>(part).getValue(), true);
    Value own = widen(offset(channel, -begin));
    Value start = b.createOrFold<arith::AddIOp>(
        loc, b.createOrFold<arith::MulIOp>(loc, widen(batch), m.strides[0]),
        b.createOrFold<arith::MulIOp>(loc, own, m.strides[1]));
    Value pointer = address(m.element, m.pointer, start);
    int64_t head = heads ? heads[i] : 0;
    // The head's first channel, as a place among the block's threads.
    Value within = head ? rem(offset(channel, -begin), num(head)) : num(0);
    Value headStart = sub(laneN, div(within, num(plan.lanes)));
    if (i == 0) {
      to = {pointer, m.strides[2], num(head), num(head > 0), headStart};
    } else {
      Value here = less(num(begin - 1), channel);
      to.pointer = select(here, pointer, to.pointer);
      to.rowStride = select(here, m.strides[2], to.rowStride);
      to.head = select(here, num(head), to.head);
      to.headStart = select(here, headStart, to.headStart);
    }
    begin += widths[i];
  }
  to.normed = less(num(0), to.head);
  destinations[op] = to;
}

void Emitter::emitEntry() {
  emitOperands();
  emitIndices();
  if (plan.sharedBytes) {
    auto type = LLVM::LLVMPointerType::get(b.getContext(), 3);
    auto global = func->getParentOfType<gpu::GPUModuleOp>().lookupSymbol<LLVM::GlobalOp>(
        "halo_shared");
    sharedBase = LLVM::AddressOfOp::create(b, loc, type, global.getSymName());
  }
  if (plan.layout != Layout::BD)
    emitRow();
}

void Emitter::takeRow(Value row) {
  batch = row;
  emitRow();
}

/// What depends on the row of the batch.
void Emitter::emitRow() {
  emitKept();
  auto product = [&](Value index, Value stride) {
    return b.createOrFold<arith::MulIOp>(loc, widen(index), stride);
  };
  for (Operation &op : plan.kernel.getBody().front()) {
    OpLine line(*this, &op);
    llvm::TypeSwitch<Operation *>(&op)
        .Case([&](LoadOp op) {
          const Memory &m = memory(op.getView());
          for (auto [s, signal] : llvm::enumerate(op.getSignals())) {
            Value c = memoryChannel(channel, op.getStreams().value_or(Attribute()), s,
                                    op.getNumResults());
            Value start = b.createOrFold<arith::AddIOp>(loc, product(batch, m.strides[0]),
                                                        product(c, m.strides[1]));
            rowPointers[signal] = address(m.element, m.pointer, start);
          }
        });
  }
}

void Emitter::emitInvariants(bool taps) {
  auto product = [&](Value index, Value stride) {
    return b.createOrFold<arith::MulIOp>(loc, widen(index), stride);
  };
  for (Operation &op : plan.kernel.getBody().front()) {
    OpLine line(*this, &op);
    llvm::TypeSwitch<Operation *>(&op)
        .Case([&](ChannelOp op) {
          const Memory &m = memory(op.getOperand());
          SmallVector<Value> lanes;
          int64_t count = plan.along ? 1 : plan.lanes;
          if (plan.schedule.getAlign() > 1)
            lanes = loadContiguous(m, channel, count);
          else
            for (int64_t i = 0; i < count; ++i)
              lanes.push_back(load(m.element,
                                   address(m.element, m.pointer,
                                           product(offset(channel, i), m.strides[0])),
                                   storageBytes(m.element), true));
          Value number = toF32(pack(lanes));
          channelSignals[op.getSignal()] = plan.along ? splat(number) : number;
        })
        .Case([&](FirOp op) {
          if (taps && !isRolled(plan, op) && !isStagedInStep(plan, op))
            preloadTaps(op);
        })
        .Case<ModalOp, ModalFilterOp>([&](auto op) {
          preloadModes(op.getLogPoles());
          preloadModes(op.getResidues());
        })
        .Case([&](SplitStoreOp op) { emitDestination(op); });
  }
}

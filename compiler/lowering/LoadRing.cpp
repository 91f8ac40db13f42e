#include "compiler/lowering/LoadRing.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

static Type elementOf(const KernelPlan &plan, Value signal) {
  auto decl = plan.kernel.lookupOperand(signal.getDefiningOp<LoadOp>().getView());
  return knownElement(cast<ViewType>(decl.getType()).getElement());
}

/// Elements of an item: pieceOf's rule, from the plan alone.
static int64_t elementsOf(const KernelPlan &plan, const LoadRing::Item &item) {
  if (plan.layout == Layout::BLD)
    return plan.lanes;
  if (item.index >= 0)
    return plan.run;
  int64_t least = 32 / elementOf(plan, item.signal).getIntOrFloatBitWidth();
  int64_t needed = plan.halos.lookup(item.signal) + (item.index + 1) * plan.run;
  return llvm::PowerOf2Ceil(
      std::clamp<int64_t>(needed, std::max<int64_t>(1, least), plan.run));
}

static int64_t bytesOf(const KernelPlan &plan, const LoadRing::Item &item) {
  int64_t elements = elementsOf(plan, item) * item.streams;
  return elements * elementOf(plan, item.signal).getIntOrFloatBitWidth() / 8;
}

/// The widest access that divides an item: its start is a multiple of its size.
static int64_t accessOf(int64_t bytes) { return std::min<int64_t>(16, bytes & -bytes); }

SmallVector<LoadRing::Item> LoadRing::itemsOf(const KernelPlan &plan) {
  SmallVector<Item> items;
  bool bld = plan.layout == Layout::BLD;
  for (auto load : plan.kernel.getBody().front().getOps<LoadOp>()) {
    auto streams = dyn_cast_or_null<StreamsAttr>(load.getStreams().value_or(Attribute()));
    // Head widths of column_split are whole accesses in the aligned variant, the only one with
    // several channels a thread.
    bool interleaved = streams && streams.getKind() == StreamKind::Interleave;
    bool adjacent = plan.lanes == 1 || load.getNumResults() == 1 || (streams && !interleaved);
    if (bld && interleaved && load.getNumResults() > 1 && plan.schedule.getAlign() > 1) {
      if (llvm::none_of(load.getSignals(), [&](Value v) { return plan.halos.count(v); }))
        continue;
      for (int64_t i = 0; i < plan.unroll; ++i)
        items.push_back({load.getSignals()[0], i, 0, int64_t(load.getNumResults())});
      continue;
    }
    for (Value signal : load.getSignals()) {
      auto halo = plan.halos.find(signal);
      if (halo == plan.halos.end() || !adjacent)
        continue;
      for (int64_t i = 0; i < plan.unroll; ++i) {
        if (bld) {
          items.push_back({signal, i, 0});
          continue;
        }
        for (int64_t run = -llvm::divideCeil(halo->second, plan.run); run <= 0; ++run)
          items.push_back({signal, run, size_t(i)});
      }
    }
  }
  return items;
}

int64_t LoadRing::sharedBytes(const KernelPlan &plan) {
  int64_t bytes = 0;
  if (plan.schedule.getStages() > 1)
    for (const Item &item : itemsOf(plan))
      bytes += bytesOf(plan, item);
  return bytes * plan.threads() * plan.schedule.getStages();
}

LoadRing::LoadRing(Emitter &emitter, int64_t base)
    : e(emitter), base(base), items(itemsOf(emitter.plan)) {}

Value LoadRing::slotAddress(Value slot, size_t item) {
  int64_t before = 0, stage = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    before += i < item ? bytesOf(e.plan, items[i]) : 0;
    stage += bytesOf(e.plan, items[i]);
  }
  int64_t threads = e.plan.threads();
  Value own = e.mul(e.thread, e.num(bytesOf(e.plan, items[item])));
  Value start = e.offset(e.mul(slot, e.num(stage * threads)), base + before * threads);
  return e.sharedByte(e.add(start, own));
}

void LoadRing::issue(MutableArrayRef<Place> places, Value slot) {
  for (auto [i, item] : llvm::enumerate(items)) {
    auto signal = cast<OpResult>(item.signal);
    OpLine line(e, signal.getOwner());
    Piece piece = e.pieceOf(places[item.place], signal, item.index);
    copy(item, e.piecePointer(places[item.place], signal, item.index, piece), slotAddress(slot, i));
  }
}

void LoadRing::issueRows(Value position, Value slot) {
  const KernelPlan &plan = e.plan;
  for (size_t first = 0; first < items.size(); first += plan.unroll) {
    auto signal = cast<OpResult>(items[first].signal);
    OpLine line(e, signal.getOwner());
    Value start = slotAddress(slot, first);
    e.loop(e.num(0), e.num(plan.unroll), e.num(1), {}, [&](Value row, ValueRange) {
      Place place;
      place.position = e.add(position, row);
      Piece piece = e.pieceOf(place, signal, 0);
      int64_t bytes = ::bytesOf(plan, items[first]);
      Value to = e.address(e.b.getI8Type(), start,
                           e.widen(e.mul(row, e.num(bytes * plan.threads()))));
      copy(items[first], e.piecePointer(place, signal, 0, piece), to);
      return SmallVector<Value>{};
    });
  }
}

void LoadRing::copy(const Item &item, Value from, Value to) {
  int64_t bytes = accessOf(::bytesOf(e.plan, item));
  // bld rows are read once: past L1. bdl halos overlap their neighbours: through it.
  auto cache = bytes == 16 && e.plan.layout == Layout::BLD ? NVVM::LoadCacheModifierKind::CG
                                                           : NVVM::LoadCacheModifierKind::CA;
  Type byte = e.b.getI8Type();
  for (int64_t at = 0, end = ::bytesOf(e.plan, item); at < end; at += bytes)
    NVVM::CpAsyncOp::create(e.b, e.loc, at ? e.address(byte, to, e.wide(at)) : to,
                            at ? e.address(byte, from, e.wide(at)) : from, uint32_t(bytes), cache,
                            Value());
}

void LoadRing::commit() { NVVM::CpAsyncCommitGroupOp::create(e.b, e.loc); }

void LoadRing::wait() {
  NVVM::CpAsyncWaitGroupOp::create(e.b, e.loc, uint32_t(e.plan.schedule.getStages() - 2));
}

void LoadRing::take(MutableArrayRef<Place> places, Value slot) {
  for (auto [i, item] : llvm::enumerate(items)) {
    auto signal = cast<OpResult>(item.signal);
    OpLine line(e, signal.getOwner());
    Place &place = places[item.place];
    Piece piece = e.pieceOf(place, signal, item.index);
    Value from = slotAddress(slot, i);
    if (item.streams > 1) {
      takeStreams(item, place, from);
      continue;
    }
    Value loaded = e.load(piece.type, from, e.bytesOf(piece.type), /*invariant=*/false);
    place.raw[{signal, item.index}] =
        e.finishPiece(place, signal, piece, [&] { return loaded; });
  }
}

void LoadRing::takeStreams(const Item &item, Place &place, Value from) {
  Type element = elementOf(e.plan, item.signal);
  int64_t bytes = ::bytesOf(e.plan, item), access = accessOf(bytes);
  int64_t width = access / e.storageBytes(element);
  Type type = width > 1 ? Type(VectorType::get({width}, element)) : element;
  SmallVector<Value> elements;
  for (int64_t at = 0; at < bytes; at += access) {
    Value loaded = e.load(type, e.address(e.b.getI8Type(), from, e.wide(at)), access, false);
    for (int64_t i = 0; i < width; ++i)
      elements.push_back(e.lane(loaded, i));
  }
  for (auto [s, result] : llvm::enumerate(item.signal.getDefiningOp<LoadOp>().getSignals())) {
    if (!e.plan.halos.count(result))
      continue;
    auto signal = cast<OpResult>(result);
    SmallVector<Value> picked;
    for (int64_t i = 0; i < e.plan.lanes; ++i)
      picked.push_back(elements[size_t(i * item.streams) + s]);
    Piece piece = e.pieceOf(place, signal, item.index);
    place.raw[{signal, item.index}] =
        e.finishPiece(place, signal, piece, [&] { return e.pack(picked); });
  }
}

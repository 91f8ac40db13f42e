#include "compiler/lowering/ToeplitzFinish.h"

#include "compiler/lowering/StagedEpilogue.h"
#include "compiler/lowering/TensorCore.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

static constexpr int64_t kBlock = 16;
/// Accumulators a warp holds at a time: 4 blocks of 16 positions by 16 channels are 32 registers.
static constexpr int64_t kBlocksAtOnce = 4;

ToeplitzFinish::ToeplitzFinish(StagedBlock &block)
    : block(block), e(block.e), plan(block.plan), staged(block.staged) {
  Value warp = e.div(e.thread, e.num(32)), lane = e.rem(e.thread, e.num(32));
  fragments = ToeplitzFragments::make(block, lane);
  Value part = e.div(warp, e.num(std::max<int64_t>(1, staged.tasks / staged.tasksPerWarp)));
  firstBlock = e.mul(part, e.num(staged.blocksPerWarp));
  zero = arith::ConstantOp::create(e.b, e.loc, e.b.getF32FloatAttr(0));
  // Split taps keep the tensor cores busier than anything else (H200, hcm, K 128, f32 taps, D 4096, L
  // 65536: 0.85 of the copy, 0.81 by products; bf16 taps 0.963 and 0.969).
  byLoad = !fragments->along && llvm::any_of(staged.firs, [](auto &fir) { return fir.split; });
  for (const StagedWindow &window : staged.windows)
    identities.push_back(fragments->identity(window.element));
  int64_t blockN = plan.schedule.getBlockN();
  taskPlan = std::make_unique<KernelPlan>(plan);
  taskPlan->lanes = 1;
  lanePlan = std::make_unique<KernelPlan>(plan);
  lanePlan->lanes = fragments->lanes;
  lanePlan->along = fragments->along;
  for (int64_t k = 0; k < staged.tasksPerWarp; ++k) {
    warps.push_back(std::make_unique<Warp>());
    Warp &w = *warps.back();
    int64_t atOnce = staged.tasks / staged.tasksPerWarp;
    locate(w, e.offset(e.rem(warp, e.num(atOnce)), k * atOnce));
    // Lanes may lie before the task, and before the stripe.
    bool pairs = !fragments->along && staged.group % 2, anywhere = staged.straddles || pairs;
    auto inStripe = [&](Value column, int64_t lanes) {
      Value most = e.min(column, e.num(blockN - lanes));
      return anywhere ? e.max(most, e.num(0)) : most;
    };

    Value column = inStripe(e.add(w.column, fragments->samplesChannel()), 1);
    w.swizzle = block.swizzleOf(column);
    for (const StagedWindow &window : staged.windows)
      w.rows.push_back(block.byteAt(
          window.base, e.mul(column, e.num(staged.ring * block.bytesOf(window.element)))));

    auto taskEmitter = block.mapped(*taskPlan, inStripe(w.first, 1));
    for (const StagedFir &fir : staged.firs) {
      OpLine line(*taskEmitter, FirOp(fir.fir));
      w.taps.push_back(std::make_unique<ToeplitzTaps>(
          *taskEmitter, fir, staged.windows[fir.window].element, fragments->taps));
    }
    e.b.restoreInsertionPoint(taskEmitter->b.saveInsertionPoint());

    for (const ToeplitzFragments::Owner &owner : fragments->owners) {
      Warp::Lane lane;
      Value first = e.add(w.column, owner.channel);
      // Pairs of channels are split between groups of an odd number alone.
      int64_t flags = !staged.straddles && staged.group % 16 == 0 ? 0 : pairs ? 2 : 1;
      for (int64_t i = 0; i < flags; ++i) {
        Value at = e.offset(first, i), within = e.less(at, w.end);
        lane.owned.push_back(anywhere ? e.both(e.less(e.offset(w.first, -1), at), within) : within);
      }
      lane.column = anywhere ? inStripe(first, fragments->along ? 1 : fragments->lanes) : first;
      lane.emitter = block.mapped(*lanePlan, lane.column);
      lane.emitter->emitInvariants(/*taps=*/false);
      e.b.restoreInsertionPoint(lane.emitter->b.saveInsertionPoint());
      w.lanes.push_back(std::move(lane));
    }
  }
}

/// A group's tasks begin at its first channel or, as lanes take pairs of channels, the even one before.
void ToeplitzFinish::locate(Warp &w, Value task) {
  int64_t blockN = plan.schedule.getBlockN(), perGroup = staged.tasksPerGroup();
  Value group = e.mul(e.div(task, e.num(perGroup)), e.num(staged.group));
  if (staged.straddles)
    group = e.sub(group, e.rem(block.stripe, e.num(staged.group)));
  bool pairs = !fragments->along && staged.group % 2;
  Value begin = pairs ? e.b.createOrFold<arith::AndIOp>(e.loc, group, e.num(-2)) : group;
  w.column = e.add(begin, e.mul(e.rem(task, e.num(perGroup)), e.num(16)));
  w.first = begin == group ? w.column : e.max(w.column, group);
  w.end = e.offset(group, staged.group);
  if (staged.group + pairs > 16)
    w.end = e.min(e.offset(w.column, 16), w.end);
  if (staged.straddles) {
    w.first = e.max(w.first, e.num(0));
    w.end = e.min(w.end, e.num(blockN));
  }
}

/// Samples of the warp's positions from `blocks` blocks on, for its task.
ToeplitzFragments::Four ToeplitzFinish::samplesOf(Warp &w, size_t index, Value position,
                                                  int64_t blocks, bool transposed) {
  Value start = e.add(
      position, e.add(e.mul(firstBlock, e.num(kBlock)), e.mul(fragments->samplesHalf, e.num(8))));
  Value byte = block.ringByte(start, blocks * kBlock, w.swizzle,
                              block.bytesOf(staged.windows[index].element));
  SmallVector<Value, 4> four =
      loadMatrices(e.b, e.loc, e.address(e.b.getI8Type(), w.rows[index], e.widen(byte)),
                   /*count=*/4, transposed);
  return {four[0], four[1], four[2], four[3]};
}

/// The samples themselves as accumulators, exactly: the product with the identity, or where they
/// come by load.
ToeplitzFinish::Accumulators ToeplitzFinish::identity(Warp &w, size_t index, Value position,
                                                      int64_t first, int64_t count) {
  Accumulators sums;
  for (int64_t i = 0; i < count; ++i) {
    ToeplitzFragments::Four samples = samplesOf(w, index, position, first + i, byLoad);
    if (byLoad) {
      sums.push_back(fragments->widened(staged.windows[index].element, samples));
      continue;
    }
    Sums &block = sums.emplace_back();
    for (int64_t m = 0; m < fragments->products; ++m)
      block.push_back(fragments->multiplied(staged.windows[index].element, identities[index],
                                            samples, m, {zero, zero, zero, zero}));
  }
  return sums;
}

/// Blocks [first, first + count) of a FIR, for the warp's task.
ToeplitzFinish::Accumulators ToeplitzFinish::multiplyBlocks(Warp &w, size_t index, Value position,
                                                            int64_t first, int64_t count) {
  const StagedFir &fir = staged.firs[index];
  OpLine line(e, FirOp(fir.fir));
  const StagedWindow &window = staged.windows[fir.window];
  Accumulators sums(count, Sums(fragments->products, {zero, zero, zero, zero}));
  for (int64_t j = 1 - fir.blocks; j < count; ++j) {
    ToeplitzFragments::Four samples = samplesOf(w, fir.window, position, first + j);
    for (int64_t i = std::max<int64_t>(0, j); i < count && i - j < fir.blocks; ++i)
      for (const auto &taps : w.taps[index]->block(i - j))
        for (int64_t m = 0; m < fragments->products; ++m)
          sums[i][m] = fragments->multiplied(window.element, taps, samples, m, sums[i][m]);
  }
  return sums;
}

SmallVector<Value> ToeplitzFinish::finish(Value position, ValueRange) {
  SmallVector<Part> parts;
  int64_t blocks = 0;
  auto flush = [&] {
    if (!parts.empty())
      finish(parts, position);
    parts.clear();
    blocks = 0;
  };
  for (auto &warp : warps)
    for (int64_t first = 0; first < staged.blocksPerWarp; first += kBlocksAtOnce) {
      int64_t count = std::min(kBlocksAtOnce, staged.blocksPerWarp - first);
      if (blocks + count > kBlocksAtOnce)
        flush();
      parts.push_back({warp.get(), first, count, {}});
      blocks += count;
      if (staged.straddles) // A task may be without channels.
        e.ifThen(e.less(warp->first, warp->end), flush);
    }
  flush();
  return {};
}

/// All is multiplied before any of it is finished, and all is read before any is stored: nothing
/// says that what is stored lies elsewhere.
void ToeplitzFinish::finish(MutableArrayRef<Part> parts, Value position) {
  for (Part &part : parts) {
    for (size_t index = 0; index < staged.firs.size(); ++index)
      part.sums.push_back(multiplyBlocks(*part.warp, index, position, part.first, part.count));
    for (auto [index, window] : llvm::enumerate(staged.windows))
      part.sums.push_back(window.finished
                              ? identity(*part.warp, index, position, part.first, part.count)
                              : Accumulators(part.count));
  }
  // Lanes that other tasks own are left out, with what they would read.
  bool guarded = llvm::any_of(parts[0].warp->lanes,
                              [](const Warp::Lane &lane) { return lane.owned.size() == 1; });
  SmallVector<std::function<void()>> stores;
  auto storeAll = [&] {
    for (auto &store : stores)
      store();
    stores.clear();
  };
  for (Part &part : parts)
    for (size_t owner = 0; owner < part.warp->lanes.size(); ++owner) {
      auto body = [&] {
        for (int64_t i = 0; i < part.count; ++i)
          stores.push_back(finishLane(part, owner, position, i));
      };
      if (guarded)
        e.ifThen(part.warp->lanes[owner].owned[0], [&] { body(), storeAll(); });
      else
        body();
    }
  storeAll();
}

const ToeplitzFinish::Sums *ToeplitzFinish::sumsOf(OpResult signal, ArrayRef<Sums> sums) const {
  for (auto [index, window] : llvm::enumerate(staged.windows))
    if (window.finished && window.signal == signal)
      return &sums[staged.firs.size() + index];
  for (auto [index, fir] : llvm::enumerate(staged.firs))
    if (FirOp(fir.fir).getResult() == signal)
      return &sums[index];
  return nullptr;
}

std::function<void()> ToeplitzFinish::finishLane(Part &part, size_t owner, Value position,
                                                 int64_t i) {
  Warp::Lane &lane = part.warp->lanes[owner];
  SmallVector<Sums> sums;
  for (Accumulators &sum : part.sums)
    sums.push_back(sum[i]);
  // Where a block is next to the one before in its rows, it is an access's immediate.
  int64_t index = part.first + i, further = fragments->along ? index : 0;
  Value inTile =
      e.add(e.mul(e.offset(firstBlock, index - further), e.num(kBlock)), fragments->position);
  EpiloguePlace place{lane.column, position, inTile, {}};
  for (int64_t offset : fragments->offsets)
    place.offsets.push_back(further * kBlock + offset);
  auto accumulated = [&](OpResult signal, int64_t offset) -> Value {
    const Sums *sum = sumsOf(signal, sums);
    return sum ? lane.emitter->pack(
                     fragments->numbers(*sum, fragments->owners[owner], offset - further * kBlock))
               : Value();
  };
  auto values = emitEpilogue(block, *lane.emitter, place, accumulated);
  return [this, &lane, place, values] {
    storeEpilogue(block, *lane.emitter, place, values,
                  lane.owned.size() == 2 ? ValueRange(lane.owned) : ValueRange());
  };
}

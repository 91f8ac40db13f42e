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
  for (const StagedWindow &window : staged.windows)
    identities.push_back(fragments->identity(window.element));
  int64_t blockN = plan.schedule.getBlockN(), group = staged.group;
  taskPlan = std::make_unique<KernelPlan>(plan);
  taskPlan->lanes = 1;
  lanePlan = std::make_unique<KernelPlan>(plan);
  lanePlan->lanes = fragments->lanes;
  lanePlan->along = fragments->along;
  for (int64_t k = 0; k < staged.tasksPerWarp; ++k) {
    warps.push_back(std::make_unique<Warp>());
    Warp &w = *warps.back();
    int64_t atOnce = staged.tasks / staged.tasksPerWarp;
    Value task = e.offset(e.rem(warp, e.num(atOnce)), k * atOnce);
    int64_t perGroup = staged.tasksPerGroup();
    Value inGroup = e.mul(e.rem(task, e.num(perGroup)), e.num(16));
    w.column = e.add(e.mul(e.div(task, e.num(perGroup)), e.num(group)), inGroup);

    Value column = e.min(e.add(w.column, fragments->samplesChannel()), e.num(blockN - 1));
    w.swizzle = block.swizzleOf(column);
    for (const StagedWindow &window : staged.windows)
      w.rows.push_back(block.byteAt(
          window.base, e.mul(column, e.num(staged.ring * block.bytesOf(window.element)))));

    auto taskEmitter = block.mapped(*taskPlan, w.column);
    for (const StagedFir &fir : staged.firs) {
      OpLine line(*taskEmitter, FirOp(fir.fir));
      w.taps.push_back(std::make_unique<ToeplitzTaps>(
          *taskEmitter, fir, staged.windows[fir.window].element, fragments->taps));
    }
    e.b.restoreInsertionPoint(taskEmitter->b.saveInsertionPoint());

    for (const ToeplitzFragments::Owner &owner : fragments->owners) {
      Warp::Lane lane;
      lane.column = e.add(w.column, owner.channel);
      if (group % 16)
        lane.valid = e.less(e.add(inGroup, owner.channel), e.num(group));
      lane.emitter = block.mapped(*lanePlan, lane.column);
      lane.emitter->emitInvariants(/*taps=*/false);
      e.b.restoreInsertionPoint(lane.emitter->b.saveInsertionPoint());
      w.lanes.push_back(std::move(lane));
    }
  }
}

/// Samples of the warp's positions from `blocks` blocks on, for its task.
ToeplitzFragments::Four ToeplitzFinish::samplesOf(Warp &w, size_t index, Value position,
                                                  int64_t blocks) {
  Value start = e.add(
      position, e.add(e.mul(firstBlock, e.num(kBlock)), e.mul(fragments->samplesHalf, e.num(8))));
  Value byte = block.ringByte(e.offset(start, blocks * kBlock), w.swizzle,
                              block.bytesOf(staged.windows[index].element));
  SmallVector<Value, 4> four =
      loadMatrices(e.b, e.loc, e.address(e.b.getI8Type(), w.rows[index], e.widen(byte)));
  return {four[0], four[1], four[2], four[3]};
}

/// The samples themselves as accumulators, exactly: the product with the identity.
ToeplitzFinish::Accumulators ToeplitzFinish::identity(Warp &w, size_t index, Value position,
                                                      int64_t first, int64_t count) {
  Accumulators sums;
  for (int64_t i = 0; i < count; ++i) {
    ToeplitzFragments::Four samples = samplesOf(w, index, position, first + i);
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

void ToeplitzFinish::finish(Warp &w, Value position) {
  for (int64_t first = 0; first < staged.blocksPerWarp; first += kBlocksAtOnce) {
    int64_t count = std::min(kBlocksAtOnce, staged.blocksPerWarp - first);
    // By FIR, then by window.
    SmallVector<Accumulators> sums;
    for (size_t index = 0; index < staged.firs.size(); ++index)
      sums.push_back(multiplyBlocks(w, index, position, first, count));
    for (auto [index, window] : llvm::enumerate(staged.windows))
      sums.push_back(window.finished ? identity(w, index, position, first, count)
                                     : Accumulators(count));
    for (int64_t i = 0; i < count; ++i)
      for (auto [owner, lane] : llvm::enumerate(w.lanes)) {
        auto body = [&, owner = owner] {
          SmallVector<Sums> mine;
          for (Accumulators &sum : sums)
            mine.push_back(sum[i]);
          finishLane(w, owner, position, first + i, mine);
        };
        lane.valid ? e.ifThen(lane.valid, body) : body();
      }
  }
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

void ToeplitzFinish::finishLane(Warp &w, size_t owner, Value position, int64_t index,
                                ArrayRef<Sums> sums) {
  Warp::Lane &lane = w.lanes[owner];
  // Where a block is next to the one before in its rows, it is an access's immediate.
  int64_t further = fragments->along ? index : 0;
  Value inTile =
      e.add(e.mul(e.offset(firstBlock, index - further), e.num(kBlock)), fragments->position);
  SmallVector<int64_t> offsets;
  for (int64_t offset : fragments->offsets)
    offsets.push_back(further * kBlock + offset);
  auto accumulated = [&](OpResult signal, int64_t offset) -> Value {
    const Sums *sum = sumsOf(signal, sums);
    return sum ? lane.emitter->pack(
                     fragments->numbers(*sum, fragments->owners[owner], offset - further * kBlock))
               : Value();
  };
  emitEpilogue(block, *lane.emitter, lane.column, position, inTile, offsets, accumulated);
}

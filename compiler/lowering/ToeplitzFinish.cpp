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
    w.swizzle = block.swizzleOf(column);
    for (const StagedWindow &window : staged.windows)
      w.rows.push_back(block.byteAt(
          window.base, e.mul(column, e.num(staged.ring * block.bytesOf(window.element)))));

    auto taskEmitter = block.mapped(*taskPlan, w.column);
    for (const StagedFir &fir : staged.firs)
      w.taps.push_back(std::make_unique<ToeplitzTaps>(
          *taskEmitter, fir, staged.windows[fir.window].element, row, pair));
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
        lane.emitter = block.mapped(*lanePlan, lane.column);
        lane.emitter->emitInvariants(/*taps=*/false);
        e.b.restoreInsertionPoint(lane.emitter->b.saveInsertionPoint());
        w.lanes.push_back(std::move(lane));
      }
  }
}

/// Samples of the warp's positions from `blocks` blocks on, for its task.
SmallVector<Value, 4> ToeplitzFinish::samplesOf(Warp &w, size_t index, Value position,
                                               int64_t blocks) {
  Value start = e.add(position, e.add(e.mul(firstBlock, e.num(kBlock)), e.mul(half, e.num(8))));
  Value byte = block.ringByte(e.offset(start, blocks * kBlock), w.swizzle,
                              block.bytesOf(staged.windows[index].element));
  return loadMatrices(e.b, e.loc, e.address(e.b.getI8Type(), w.rows[index], e.widen(byte)));
}

/// The samples themselves as accumulators, exactly: the product with the identity.
ToeplitzFinish::Accumulators ToeplitzFinish::identity(Warp &w, size_t index, Value position,
                                                      int64_t first, int64_t count) {
  int64_t matrices = staged.group > 8 ? 2 : 1;
  Accumulators sums;
  for (int64_t i = 0; i < count; ++i) {
    SmallVector<Value, 4> samples = samplesOf(w, index, position, first + i);
    for (int64_t m = 0; m < matrices; ++m)
      sums.push_back(multiply(e.b, e.loc, staged.windows[index].element,
                              {ones[index], none, none, ones[index]},
                              {samples[2 * m], samples[2 * m + 1]}, {zero, zero, zero, zero}));
  }
  return sums;
}

/// Blocks [first, first + count) of a FIR, for the warp's task.
ToeplitzFinish::Accumulators ToeplitzFinish::multiplyBlocks(Warp &w, size_t index, Value position,
                                                            int64_t first, int64_t count) {
  const StagedFir &fir = staged.firs[index];
  const StagedWindow &window = staged.windows[fir.window];
  int64_t matrices = staged.group > 8 ? 2 : 1;
  Accumulators sums(count * matrices, {zero, zero, zero, zero});
  for (int64_t j = 1 - fir.blocks; j < count; ++j) {
    SmallVector<Value, 4> samples = samplesOf(w, fir.window, position, first + j);
    for (int64_t i = std::max<int64_t>(0, j); i < count && i - j < fir.blocks; ++i)
      for (const auto &taps : w.taps[index]->block(i - j))
        for (int64_t m = 0; m < matrices; ++m) {
          auto &sum = sums[i * matrices + m];
          sum =
              multiply(e.b, e.loc, window.element, taps, {samples[2 * m], samples[2 * m + 1]}, sum);
        }
  }
  return sums;
}

const ToeplitzFinish::Accumulators *ToeplitzFinish::sumOf(OpResult signal,
                                                          ArrayRef<Accumulators> sums) const {
  for (auto [index, window] : llvm::enumerate(staged.windows))
    if (window.finished && window.signal == signal)
      return &sums[staged.firs.size() + index];
  for (auto [index, fir] : llvm::enumerate(staged.firs))
    if (FirOp(fir.fir).getResult() == signal)
      return &sums[index];
  return nullptr;
}

void ToeplitzFinish::finish(Warp &w, Value position) {
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
          auto accumulated = [&](OpResult signal, int64_t offset) -> Value {
            const Accumulators *sum = sumOf(signal, sums);
            if (!sum)
              return {};
            SmallVector<Value> parts;
            for (int64_t k = 0; k < lane.emitter->plan.lanes; ++k)
              parts.push_back(
                  (*sum)[i * matrices + lane.matrix][(offset ? 2 : 0) + lane.first + k]);
            return lane.emitter->pack(parts);
          };
          emitEpilogue(block, *lane.emitter, lane.column, position, inTile, {0, 8}, accumulated);
        };
        lane.valid ? e.ifThen(lane.valid, body) : body();
      }
  }
}

// split_store: lanes route their own stores; heads are normalised across threads.
//
// A head of `head` channels lies in head / lanes neighbouring threads of one row of the block
// (cutChannels sees to it). Their sums of squares meet by butterfly shuffles where every head is a
// power of two of at most 32 threads, else through shared memory, added in channel order. Both
// orders are fixed by the schedule: same inputs, same bits.
#include "compiler/lowering/Emitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

static constexpr double kNormEpsilon = 1e-6;

/// Threads per head of each normalised part.
static SmallVector<int64_t> headThreads(const KernelPlan &plan, SplitStoreOp op) {
  SmallVector<int64_t> counts;
  if (auto heads = dyn_cast_or_null<DenseI64ArrayAttr>(op.getHeads().value_or(Attribute())))
    for (int64_t head : heads.asArrayRef())
      if (head)
        counts.push_back(head / plan.lanes);
  return counts;
}

Value Emitter::normalise(SplitStoreOp op, Value value) {
  SmallVector<int64_t> counts = headThreads(plan, op);
  if (counts.empty())
    return value;
  const Destination &to = destinations.lookup(op);
  Value squares = arith::MulFOp::create(b, loc, value, value);
  Value sum = lane(squares, 0);
  for (int64_t i = 1; i < plan.lanes; ++i)
    sum = arith::AddFOp::create(b, loc, sum, lane(squares, i));

  // Tiles start at multiples of a head there, so heads are aligned groups of lanes.
  bool even = plan.tiles.size() == 1 && plan.tiles[0].end == 0 && plan.channelsFast;
  bool shuffles = even && llvm::all_of(counts, [](int64_t n) {
                    return llvm::isPowerOf2_64(n) && n <= 32;
                  });
  Value headLanes = div(to.head, num(plan.lanes));
  if (shuffles) {
    for (int64_t distance = 1, most = *llvm::max_element(counts); distance < most; distance *= 2) {
      Value other = gpu::ShuffleOp::create(b, loc, sum, num(distance), num(32),
                                           gpu::ShuffleMode::XOR)
                        .getShuffleResult();
      Value joined = arith::AddFOp::create(b, loc, sum, other);
      sum = select(less(num(distance), headLanes), joined, sum);
    }
  } else {
    // One row of sums per laneL. The first barrier ends all earlier reads of shared memory.
    Value row = mul(laneL, num(plan.threadsN));
    barrier();
    storeTo(sum, sharedFloat(add(row, laneN)), 4);
    barrier();
    Value first = min(max(to.headStart, num(0)), num(plan.threadsN - 1));
    Value last = min(add(first, headLanes), num(plan.threadsN));
    Value nothing = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
    sum = loop(first, last, num(1), {nothing}, [&](Value i, ValueRange carried) {
      Value term = load(b.getF32Type(), sharedFloat(add(row, i)), 4, false);
      return SmallVector<Value>{arith::AddFOp::create(b, loc, carried[0], term)};
    })[0];
  }
  Value epsilon = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(kNormEpsilon));
  Value scale = LLVM::CallIntrinsicOp::create(
                    b, loc, b.getF32Type(), b.getStringAttr("llvm.nvvm.rsqrt.approx.ftz.f"),
                    ValueRange{arith::AddFOp::create(b, loc, sum, epsilon)})
                    .getResult(0);
  Value scaled = arith::MulFOp::create(b, loc, value, splat(scale));
  return select(to.normed, scaled, value);
}

void Emitter::store(Place &place, SplitStoreOp op, int64_t count) {
  OpLine line(*this, op);
  const Destination &to = destinations.lookup(op);
  Type element = memory(cast<FlatSymbolRefAttr>(op.getParts()[0]).getValue(), true).element;
  SmallVector<Value> values;
  for (int64_t j = 0; j < count; ++j)
    values.push_back(toStorage(normalise(op, stored(place, op.getInput(), j)), element));
  storeRows(place.position, values, to.pointer, to.rowStride, element,
            [&](Value value, Value row) { storeTo(value, row, bytesOf(value.getType())); });
}

// A recurrence in a kernel of one position.
#include "compiler/lowering/Exponential.h"
#include "compiler/lowering/Modal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

/// Calls `access(first mode, pointer)` for pieces of `piece` modes of the thread's channel.
static void eachPiece(Emitter &e, const Memory &m, int64_t modes, int64_t piece,
                      llvm::function_ref<void(int64_t, Value)> access) {
  auto product = [&](Value index, Value stride) {
    return e.b.createOrFold<arith::MulIOp>(e.loc, e.widen(index), stride);
  };
  Value start = e.b.createOrFold<arith::AddIOp>(e.loc, product(e.batch, m.strides[0]),
                                                product(e.channel, m.strides[1]));
  Value row = e.address(m.element, m.pointer, start);
  for (int64_t s = 0; s < modes; s += piece)
    access(s, e.address(m.element, row, product(e.num(s), m.strides[2])));
}

/// Modes per access: in the aligned variant a state is contiguous.
static int64_t pieceOf(const KernelPlan &plan, int64_t modes) {
  return plan.schedule.getAlign() > 1 ? std::min<int64_t>(4, modes & -modes) : 1;
}

SmallVector<Value> compiler::loadModalStates(Emitter &e, ModalOp op) {
  OpLine line(e, op);
  int64_t modes = modesOf(e.plan.kernel, op.getLogPoles());
  if (!op.getInitAttr())
    return SmallVector<Value>(modes, e.zero());
  int64_t piece = pieceOf(e.plan, modes);
  Type f32 = e.b.getF32Type();
  Type type = piece > 1 ? Type(VectorType::get({piece}, f32)) : f32;
  SmallVector<Value> states;
  eachPiece(e, e.memory(*op.getInit()), modes, piece, [&](int64_t, Value from) {
    Value loaded = e.load(type, from, 4 * piece, /*invariant=*/false);
    for (int64_t i = 0; i < piece; ++i)
      states.push_back(e.lane(loaded, i));
  });
  return states;
}

void compiler::stepModal(Emitter &e, Place &place, ModalOp op, ArrayRef<Value> states) {
  OpLine line(e, op);
  Value u = e.at(place, op.getInput(), 0), y;
  Value one = arith::ConstantOp::create(e.b, e.loc, e.b.getF32FloatAttr(1));
  SmallVector<Value> next;
  for (auto [state, logPole, residue] :
       llvm::zip(states, e.modes(op.getLogPoles()), e.modes(op.getResidues()))) {
    next.push_back(
        arith::AddFOp::create(e.b, e.loc, state, e.fma(emitExpm1(e, logPole, one), state, u)));
    y = y ? e.fma(residue, next.back(), y)
          : Value(arith::MulFOp::create(e.b, e.loc, residue, next.back()));
  }
  place.signals[{op.getResult(), 0}] = y;
  int64_t modes = next.size(), piece = pieceOf(e.plan, modes);
  for (auto store : e.plan.kernel.getBody().front().getOps<StoreStateOp>())
    if (llvm::is_contained(store.getInputs(), op.getResult()))
      eachPiece(e, e.memory(store.getState(), true), modes, piece, [&](int64_t s, Value to) {
        e.storeTo(e.pack(ArrayRef(next).slice(s, piece)), to, 4 * piece);
      });
}

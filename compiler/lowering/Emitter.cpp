// Pulling signals: pointwise ops, FIRs, histories.
#include "compiler/lowering/Modal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

static constexpr double kLog2E = 1.4426950408889634;

Value Emitter::at(Place &place, Value signal, int64_t offset) {
  Place::Key key{signal, offset};
  if (auto known = place.signals.find(key); known != place.signals.end())
    return known->second;
  auto result = cast<OpResult>(signal);
  OpLine line(*this, result.getOwner());
  Value value = source ? source(place, result, offset) : Value();
  if (!value)
    value = compute(place, result, offset);
  place.signals[key] = value;
  return value;
}

Value Emitter::historic(Place &place, Value signal, int64_t offset) {
  // A load and a resume know their own history.
  if (place.begun || (!place.anywhere && offset >= 0) || signal.getDefiningOp<LoadOp>() ||
      signal.getDefiningOp<ResumeOp>())
    return at(place, signal, offset);
  Place::Key key{signal, offset};
  if (auto known = place.history.find(key); known != place.history.end())
    return known->second;
  Value begun = less(num(-1), this->offset(place.position, offset));
  Value value = select(begun, at(place, signal, offset), zero());
  place.history[key] = value;
  return value;
}

int64_t Emitter::tapIndex(FirOp fir, int64_t age) const {
  auto order = dyn_cast_or_null<TapOrderAttr>(fir.getOrder().value_or(Attribute()));
  bool convolution = order && order.getValue() == TapOrder::Convolution;
  return convolution ? age : tapsOf(fir) - 1 - age;
}

Value Emitter::compute(Place &place, OpResult signal, int64_t offset) {
  Operation *op = signal.getOwner();
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](LoadOp load) {
        Value raw = rawAt(place, signal, offset);
        // A run of one stream is quicker by conversions (H200, K 7, bdl: 0.94 of the copy, by integers
        // 0.91), the runs of several by integers (hcs, bdl: 0.92 and 0.87).
        return runsAlong(place) && load.getNumResults() == 1 ? toF32(raw) : loadedToF32(raw);
      })
      .Case([&](ChannelOp) { return channelSignals.lookup(signal); })
      .Case([&](FirOp fir) {
        return isRolled(plan, fir) ? loopedFir(place, fir, offset)
                                   : computeFir(place, fir, offset);
      })
      .Case([&](ResumeOp resume) {
        Value input = resume.getInput();
        if (place.begun || (!place.anywhere && offset >= 0))
          return at(place, input, offset);
        Value position = this->offset(place.position, offset);
        Value begun = less(num(-1), position);
        Value now = at(place, input, offset);
        auto choice = scf::IfOp::create(b, loc, now.getType(), begun, /*withElse=*/true);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(choice.thenBlock());
        scf::YieldOp::create(b, loc, now);
        b.setInsertionPointToStart(choice.elseBlock());
        scf::YieldOp::create(b, loc, signalFromState(resume.getState(), {}, 0, position));
        return Value(choice.getResult(0));
      })
      .Case([&](ModalFilterOp filter) { return modalFilterAt(*this, place, filter, offset); })
      .Case([&](RoundOp round) { return computeRound(place, round, offset); })
      .Default([&](Operation *) { return computePointwise(place, op, offset); });
}

Value Emitter::computeRound(Place &place, RoundOp round, int64_t offset) {
  Type element = cast<TypeAttr>(round.getType()).getValue();
  Operation *input = round.getInput().getDefiningOp();
  Value stored;
  if (isRoundedOnce(plan.kernel, input)) {
    SmallVector<Value> operands;
    for (Value operand : input->getOperands())
      operands.push_back(toStorage(at(place, operand, offset), element));
    OpLine line(*this, input);
    stored = fma(operands[0], operands[1], operands[2]);
  } else {
    stored = toStorage(at(place, round.getInput(), offset), element);
  }
  // LLVM multiplies rounded values as they are, and rounds their products so. Elsewhere it would
  // round and widen lane by lane: widened as integers, two lanes are rounded at once.
  auto staysNarrow = [&](Operation *user) {
    return isa<arith::MulFOp>(user) || isRoundedOnce(plan.kernel, user);
  };
  bool multiplied = isa_and_nonnull<arith::MulFOp>(input) ||
                    llvm::all_of(round.getResult().getUsers(), staysNarrow);
  return multiplied ? toF32(stored) : loadedToF32(stored);
}

Value Emitter::computeFir(Place &place, FirOp fir, int64_t offset) {
  Value sum = fir.getAddend() ? at(place, fir.getAddend(), offset) : Value();
  for (int64_t age = tapsOf(fir) - 1; age >= 0; --age) {
    Value sample = historic(place, fir.getInput(), offset - age);
    Value tap = taps.lookup({fir, tapIndex(fir, age)});
    sum = sum ? fma(tap, sample, sum) : Value(arith::MulFOp::create(b, loc, tap, sample));
  }
  return sum;
}

/// A rolled FIR at one offset, straight from its input: used where the FIR feeds another rolled
/// FIR and at the end states. Slow and always right.
Value Emitter::loopedFir(Place &place, FirOp fir, int64_t offset) {
  int64_t count = tapsOf(fir);
  Value position = this->offset(place.position, offset);
  Value start = fir.getAddend() ? at(place, fir.getAddend(), offset) : zero();
  auto sum = loop(num(0), num(count), num(1), {start}, [&](Value i, ValueRange carried) {
    Place sample;
    sample.position = add(position, sub(i, num(count - 1)));
    sample.anywhere = true;
    // Oldest first: i counts up as the age counts down.
    bool correlation = tapIndex(fir, 0) != 0;
    Value index = correlation || count == 1 ? i : sub(num(count - 1), i);
    Value tap = loadTap(fir, index);
    return SmallVector<Value>{fma(tap, historic(sample, fir.getInput(), 0), carried[0])};
  });
  return sum[0];
}

Value Emitter::computePointwise(Place &place, Operation *op, int64_t offset) {
  SmallVector<Value> inputs;
  for (Value operand : op->getOperands())
    inputs.push_back(at(place, operand, offset));
  auto times = [&](Value x, double y) -> Value {
    Value factor = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(y));
    return arith::MulFOp::create(b, loc, x, splat(factor));
  };
  auto plus = [&](Value x, double y) -> Value {
    Value term = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(y));
    return arith::AddFOp::create(b, loc, x, splat(term));
  };
  auto exp2 = [&](Value x) { return intrinsic("llvm.nvvm.ex2.approx.ftz.f32", x); };
  auto sigmoid = [&](Value x) {
    return intrinsic("llvm.nvvm.rcp.approx.ftz.f", plus(exp2(times(x, -kLog2E)), 1.0));
  };
  // MLIR's own lowering of these ends in libdevice calls, which nothing here links.
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](SiluOp) -> Value {
        return arith::MulFOp::create(b, loc, inputs[0], sigmoid(inputs[0]));
      })
      .Case([&](SigmoidOp) { return sigmoid(inputs[0]); })
      .Case([&](math::ExpOp) { return exp2(times(inputs[0], kLog2E)); })
      .Case([&](math::Exp2Op) { return exp2(inputs[0]); })
      .Case([&](math::Log2Op) { return intrinsic("llvm.nvvm.lg2.approx.ftz.f", inputs[0]); })
      .Case([&](math::LogOp) {
        return times(intrinsic("llvm.nvvm.lg2.approx.ftz.f", inputs[0]), 1 / kLog2E);
      })
      .Case([&](math::RsqrtOp) { return intrinsic("llvm.nvvm.rsqrt.approx.ftz.f", inputs[0]); })
      .Case([&](math::TanhOp) { return plus(times(sigmoid(times(inputs[0], 2)), 2), -1); })
      .Case([&](math::FmaOp) { return fma(inputs[0], inputs[1], inputs[2]); })
      .Case([&](math::SqrtOp) -> Value { return LLVM::SqrtOp::create(b, loc, inputs[0]); })
      .Case([&](math::AbsFOp) -> Value { return LLVM::FAbsOp::create(b, loc, inputs[0]); })
      .Case([&](math::FloorOp) -> Value { return LLVM::FFloorOp::create(b, loc, inputs[0]); })
      .Case([&](math::CeilOp) -> Value { return LLVM::FCeilOp::create(b, loc, inputs[0]); })
      .Case([&](math::TruncOp) -> Value { return LLVM::FTruncOp::create(b, loc, inputs[0]); })
      .Case([&](math::RoundEvenOp) -> Value {
        return LLVM::RoundEvenOp::create(b, loc, inputs[0]);
      })
      .Case([&](math::CopySignOp) -> Value {
        return LLVM::CopySignOp::create(b, loc, inputs[0], inputs[1]);
      })
      .Case([&](arith::ConstantOp constant) {
        Value scalar = arith::ConstantOp::create(b, loc, constant.getValue());
        return splat(scalar);
      })
      .Default([&](Operation *) {
        // Elementwise by trait (checked by halo-lower-direct): the same op on the thread's lanes.
        OperationState state(loc, op->getName(), inputs, {}, op->getAttrs());
        for (Type type : op->getResultTypes())
          state.types.push_back(signalType(type));
        return b.create(state)->getResult(0);
      });
}

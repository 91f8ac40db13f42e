// Makes arithmetic mean the same on every host:
//
//   fptrunc to bfloat   round to nearest even on integers (the host may lack it, or flush)
//   bfloat arithmetic   in float, rounded once more, which is exact for + - * / sqrt
//   fma                 of bfloat and half by a host function, because there it would not be
//   fmul + fadd         both `contract`: one fma, as NVPTX makes it
//   fast-math flags     dropped, so that no pass reorders anything
#include "compiler/sim/Passes.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/PatternMatch.h"

using namespace llvm;
using namespace llvm::PatternMatch;

namespace halo::sim {

static Type *likeWith(Type *shape, Type *element) {
  if (auto *vector = dyn_cast<VectorType>(shape))
    return VectorType::get(element, vector->getElementCount());
  return element;
}

static bool isBf16(const Value *v) { return v->getType()->getScalarType()->isBFloatTy(); }
static bool isHalf(const Value *v) { return v->getType()->getScalarType()->isHalfTy(); }

/// bfloat -> float: the same bits with 16 zeros behind.
static Value *extend(IRBuilder<> &b, Value *v) {
  Value *bits = b.CreateBitCast(v, likeWith(v->getType(), b.getInt16Ty()));
  Value *wide = b.CreateZExt(bits, likeWith(v->getType(), b.getInt32Ty()));
  return b.CreateBitCast(b.CreateShl(wide, 16), likeWith(v->getType(), b.getFloatTy()));
}

/// float -> bfloat: see the table in SoftFloat.h.
static Value *round(IRBuilder<> &b, Value *v) {
  Value *bits = b.CreateBitCast(v, likeWith(v->getType(), b.getInt32Ty()));
  auto number = [&](uint64_t n) { return ConstantInt::get(bits->getType(), n); };
  Value *upper = b.CreateLShr(bits, 16);
  Value *bias = b.CreateAdd(b.CreateAnd(upper, number(1)), number(0x7fff));
  Value *rounded = b.CreateLShr(b.CreateAdd(bits, bias), 16);
  Value *magnitude = b.CreateAnd(bits, number(0x7fffffff));
  Value *isNaN = b.CreateICmpUGT(magnitude, number(0x7f800000));
  Value *result = b.CreateSelect(isNaN, b.CreateOr(upper, number(0x40)), rounded);
  result = b.CreateTrunc(result, likeWith(v->getType(), b.getInt16Ty()));
  return b.CreateBitCast(result, likeWith(v->getType(), b.getBFloatTy()));
}

/// Calls a slot function for every element.
static Value *perElement(Instruction &at, StringRef name, ArrayRef<Value *> operands,
                         Type *result) {
  auto *vector = dyn_cast<FixedVectorType>(result);
  if (!vector)
    return callHost(&at, name, operands, result, 0, false);
  IRBuilder<> b(&at);
  Value *all = PoisonValue::get(result);
  for (unsigned i = 0; i != vector->getNumElements(); ++i) {
    SmallVector<Value *> elements;
    for (Value *operand : operands)
      elements.push_back(b.CreateExtractElement(operand, i));
    Value *one = callHost(&at, name, elements, vector->getElementType(), 0, false);
    all = b.CreateInsertElement(all, one, i);
  }
  return all;
}

/// From float, double or an integer; through double where float would round twice.
static Value *convertTo(Instruction &cast, bool bf16) {
  IRBuilder<> b(&cast);
  Value *v = cast.getOperand(0);
  if (cast.getOpcode() != Instruction::FPTrunc) {
    Type *wide = likeWith(v->getType(), b.getDoubleTy());
    v = b.CreateCast(Instruction::CastOps(cast.getOpcode()), v, wide);
  }
  if (!v->getType()->getScalarType()->isDoubleTy())
    return bf16 ? round(b, v) : nullptr;
  return perElement(cast, bf16 ? "halo.double.to.bf16" : "halo.double.to.f16", {v},
                    cast.getType());
}

static bool isElementwise(Intrinsic::ID id) {
  switch (id) {
  case Intrinsic::sqrt: case Intrinsic::fabs: case Intrinsic::minnum: case Intrinsic::maxnum:
  case Intrinsic::minimum: case Intrinsic::maximum: case Intrinsic::minimumnum:
  case Intrinsic::maximumnum: case Intrinsic::copysign: case Intrinsic::floor:
  case Intrinsic::ceil: case Intrinsic::trunc: case Intrinsic::rint: case Intrinsic::nearbyint:
  case Intrinsic::round: case Intrinsic::roundeven: case Intrinsic::exp: case Intrinsic::exp2:
  case Intrinsic::log: case Intrinsic::log2: case Intrinsic::log10: case Intrinsic::sin:
  case Intrinsic::cos: case Intrinsic::tanh: case Intrinsic::pow: case Intrinsic::canonicalize:
    return true;
  default:
    return false;
  }
}

/// The value that replaces a bfloat instruction, or null if it only moves bits (see dropBf16).
static Result<Value *> expandBf16(Instruction &i, SimProgram &program) {
  IRBuilder<> b(&i);
  bool from = i.getNumOperands() && isBf16(i.getOperand(0));
  switch (i.getOpcode()) {
  case Instruction::FPTrunc: case Instruction::SIToFP: case Instruction::UIToFP:
    return isBf16(&i) ? convertTo(i, true) : nullptr;
  case Instruction::FPExt: case Instruction::FPToSI: case Instruction::FPToUI:
    if (!from)
      return nullptr;
    if (Value *wide = extend(b, i.getOperand(0)); wide->getType() != i.getType())
      return b.CreateCast(Instruction::CastOps(i.getOpcode()), wide, i.getType());
    else
      return wide;
  case Instruction::FAdd: case Instruction::FSub: case Instruction::FMul:
  case Instruction::FDiv: case Instruction::FRem:
    if (!from)
      return nullptr;
    return round(b, b.CreateBinOp(Instruction::BinaryOps(i.getOpcode()),
                                  extend(b, i.getOperand(0)), extend(b, i.getOperand(1))));
  case Instruction::FNeg:
    if (!from)
      return nullptr;
    return b.CreateBitCast(
        b.CreateXor(b.CreateBitCast(i.getOperand(0), likeWith(i.getType(), b.getInt16Ty())),
                    ConstantInt::get(likeWith(i.getType(), b.getInt16Ty()), 0x8000)),
        i.getType());
  case Instruction::FCmp:
    return from ? b.CreateFCmp(cast<FCmpInst>(i).getPredicate(), extend(b, i.getOperand(0)),
                               extend(b, i.getOperand(1)))
                : nullptr;
  case Instruction::AtomicRMW:
    if (cast<AtomicRMWInst>(i).isFloatingPointOperation() && isBf16(&i))
      return invalid("kernel " + program.name + " uses a bfloat atomic, which is not simulated");
    return nullptr;
  default:
    return nullptr;
  }
}

static Result<Value *> expandCall(IntrinsicInst &call, SimProgram &program) {
  IRBuilder<> b(&call);
  Intrinsic::ID id = call.getIntrinsicID();
  if (id == Intrinsic::fma && (isBf16(&call) || isHalf(&call)))
    return perElement(call, isBf16(&call) ? "halo.fma.bf16" : "halo.fma.f16",
                      SmallVector<Value *>(call.args()), call.getType());
  bool moves = id == Intrinsic::masked_load || id == Intrinsic::vector_insert ||
               id == Intrinsic::vector_extract;
  if (!isBf16(&call) || moves)
    return nullptr;
  if (!isElementwise(id))
    return invalid("kernel " + program.name + " uses " +
                   call.getCalledFunction()->getName().str() + ", which is not simulated");
  SmallVector<Value *> operands;
  for (Value *v : call.args())
    operands.push_back(extend(b, v));
  return round(b, b.CreateIntrinsic(operands[0]->getType(), id, operands));
}

/// fmuladd, and fadd or fsub of an fmul where both allow contraction, become fma.
static Value *contract(Instruction &i) {
  IRBuilder<> b(&i);
  if (auto *call = dyn_cast<IntrinsicInst>(&i)) {
    if (call->getIntrinsicID() != Intrinsic::fmuladd)
      return nullptr;
    return b.CreateIntrinsic(i.getType(), Intrinsic::fma, SmallVector<Value *>(call->args()));
  }
  if ((i.getOpcode() != Instruction::FAdd && i.getOpcode() != Instruction::FSub) ||
      !i.hasAllowContract())
    return nullptr;
  for (unsigned side = 0; side != 2; ++side) {
    auto *product = dyn_cast<Instruction>(i.getOperand(side));
    if (!product || product->getOpcode() != Instruction::FMul || !product->hasAllowContract())
      continue;
    Value *x = product->getOperand(0), *y = product->getOperand(1), *z = i.getOperand(1 - side);
    if (i.getOpcode() == Instruction::FSub) {
      if (side == 0)
        z = b.CreateFNeg(z);
      else
        x = b.CreateFNeg(x);
    }
    return b.CreateIntrinsic(i.getType(), Intrinsic::fma, {x, y, z});
  }
  return nullptr;
}

static void replace(Instruction &i, Value *by) {
  i.replaceAllUsesWith(by);
  i.eraseFromParent();
}

Result<void> expandFloats(Function &thread, SimProgram &program) {
  // Backwards, so that a product still stands when its sum is looked at.
  SmallVector<Instruction *> all;
  for (Instruction &i : instructions(thread))
    all.push_back(&i);
  for (Instruction *i : reverse(all))
    if (Value *fused = contract(*i))
      replace(*i, fused);

  all.clear();
  for (Instruction &i : instructions(thread))
    all.push_back(&i);
  for (Instruction *i : all) {
    if (isa<FPMathOperator>(i))
      i->setFastMathFlags(FastMathFlags());
    Value *value = nullptr;
    if (auto *call = dyn_cast<IntrinsicInst>(i)) {
      HALO_TRY(expanded, expandCall(*call, program));
      value = expanded;
    } else {
      HALO_TRY(expanded, expandBf16(*i, program));
      value = expanded;
    }
    if (!value && isHalf(i) && isa<FPTruncInst, SIToFPInst, UIToFPInst>(i))
      value = convertTo(*i, false);
    if (value)
      replace(*i, value);
  }
  return {};
}

} // namespace halo::sim

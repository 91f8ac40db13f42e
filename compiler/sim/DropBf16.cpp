// Makes every bfloat an i16. What is left of bfloat after expandFloats only moves bits, but x86
// without AVX512-BF16 carries a bfloat through phis and vectors as a float and rounds it back by
// calls of its own, which would be slow and turn signalling NaNs quiet.
//
// All values change their type together and in place, so that operands always agree.
#include "compiler/sim/Passes.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace halo::sim {

/// The type with i16 in place of bfloat, at any depth; the same type if there is none.
static Type *retype(Type *type) {
  if (type->isBFloatTy())
    return Type::getInt16Ty(type->getContext());
  if (auto *vector = dyn_cast<VectorType>(type))
    return VectorType::get(retype(vector->getElementType()), vector->getElementCount());
  if (auto *array = dyn_cast<ArrayType>(type))
    return ArrayType::get(retype(array->getElementType()), array->getNumElements());
  auto *fields = dyn_cast<StructType>(type);
  if (!fields || fields->isOpaque())
    return type;
  SmallVector<Type *> types;
  for (Type *field : fields->elements())
    types.push_back(retype(field));
  if (ArrayRef<Type *>(types) == fields->elements())
    return type; // Named structs are not rebuilt without need.
  return StructType::get(type->getContext(), types, fields->isPacked());
}

static Constant *retypeConstant(Constant *constant) {
  Type *type = retype(constant->getType());
  if (type == constant->getType())
    return constant;
  if (isa<PoisonValue>(constant))
    return PoisonValue::get(type);
  if (isa<UndefValue>(constant))
    return UndefValue::get(type);
  if (!type->isAggregateType())
    return ConstantExpr::getBitCast(constant, type);
  SmallVector<Constant *> elements;
  for (unsigned i = 0; Constant *element = constant->getAggregateElement(i); ++i)
    elements.push_back(retypeConstant(element));
  if (auto *array = dyn_cast<ArrayType>(type))
    return ConstantArray::get(array, elements);
  return ConstantStruct::get(cast<StructType>(type), elements);
}

/// A generic intrinsic on bfloats becomes the same one on integers.
static bool retypeCallee(CallInst &call) {
  SmallVector<Type *> params;
  for (Type *param : call.getFunctionType()->params())
    params.push_back(retype(param));
  auto *type = FunctionType::get(retype(call.getType()), params, call.getFunctionType()->isVarArg());
  if (type == call.getFunctionType())
    return true;
  Function *callee = call.getCalledFunction();
  Intrinsic::ID id = callee->getIntrinsicID();
  SmallVector<Type *> overloads;
  if (!id || !Intrinsic::getIntrinsicSignature(id, type, overloads))
    return false;
  Function *retyped = Intrinsic::getOrInsertDeclaration(call.getModule(), id, overloads);
  call.mutateFunctionType(type);
  call.setCalledOperand(retyped);
  return true;
}

Result<void> dropBf16(Function &thread, SimProgram &program) {
  for (Instruction &i : instructions(thread)) {
    if (auto *call = dyn_cast<CallInst>(&i); call && !retypeCallee(*call))
      return invalid("kernel " + program.name + " uses " +
                     call->getCalledFunction()->getName().str() + ", which is not simulated");
    for (Use &operand : i.operands())
      if (auto *constant = dyn_cast<Constant>(operand.get()); constant && !isa<Function>(constant))
        operand.set(retypeConstant(constant));
    i.mutateType(retype(i.getType()));
  }
  return {};
}

} // namespace halo::sim

#include "compiler/sim/Intrinsics.h"
#include "compiler/sim/Passes.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace halo::sim {

/// Slots of the one operand and one result array that all calls of a function share.
constexpr unsigned kSlots = 16;

static AllocaInst *slots(Function &thread, StringRef name) {
  for (Instruction &i : thread.getEntryBlock())
    if (auto *alloca = dyn_cast<AllocaInst>(&i); alloca && alloca->getName() == name)
      return alloca;
  IRBuilder<> b(&thread.getEntryBlock(), thread.getEntryBlock().begin());
  return b.CreateAlloca(ArrayType::get(b.getInt64Ty(), kSlots), nullptr, name);
}

static Value *toSlot(IRBuilder<> &b, Value *value) {
  Type *type = value->getType();
  if (type->isPointerTy())
    return b.CreatePtrToInt(value, b.getInt64Ty());
  Value *bits = b.CreateBitCast(value, b.getIntNTy(unsigned(type->getPrimitiveSizeInBits())));
  return b.CreateZExt(bits, b.getInt64Ty());
}

static Value *fromSlot(IRBuilder<> &b, Value *slot, Type *type) {
  if (type->isPointerTy())
    return b.CreateIntToPtr(slot, type);
  Value *bits = b.CreateTrunc(slot, b.getIntNTy(unsigned(type->getPrimitiveSizeInBits())));
  return b.CreateBitCast(bits, type);
}

Value *callHost(Instruction *before, StringRef name, ArrayRef<Value *> operands, Type *result,
                uint32_t site, bool convergent) {
  Function &thread = *before->getFunction();
  Module &module = *thread.getParent();
  IRBuilder<> b(before);
  AllocaInst *in = slots(thread, "sim.in"), *out = slots(thread, "sim.out");
  for (auto [i, operand] : enumerate(operands))
    b.CreateStore(toSlot(b, operand), b.CreateConstInBoundsGEP1_64(b.getInt64Ty(), in, i));
  Type *ptr = b.getPtrTy();
  FunctionCallee callee = module.getOrInsertFunction(
      ("sim." + name).str(),
      FunctionType::get(b.getVoidTy(), {ptr, ptr, ptr, b.getInt32Ty()}, false));
  CallInst *call = b.CreateCall(callee, {thread.getArg(0), in, out, b.getInt32(site)});
  call->addFnAttr(Attribute::NoUnwind);
  if (convergent)
    call->addFnAttr(Attribute::Convergent);
  auto load = [&](unsigned i, Type *type) {
    Value *slot = b.CreateLoad(b.getInt64Ty(),
                               b.CreateConstInBoundsGEP1_64(b.getInt64Ty(), out, i));
    return fromSlot(b, slot, type);
  };
  if (result->isVoidTy())
    return nullptr;
  auto *fields = dyn_cast<StructType>(result);
  if (!fields)
    return load(0, result);
  Value *all = PoisonValue::get(result);
  for (unsigned i = 0; i != fields->getNumElements(); ++i)
    all = b.CreateInsertValue(all, load(i, fields->getElementType(i)), i);
  return all;
}

static Value *loadRegister(IRBuilder<> &b, CallInst &call, unsigned offset) {
  Value *slot = b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), call.getFunction()->getArg(0), offset);
  LoadInst *load = b.CreateAlignedLoad(call.getType(), slot, Align(4));
  load->setMetadata(LLVMContext::MD_invariant_load, MDNode::get(call.getContext(), {}));
  return load;
}

static Value *callPure(IRBuilder<> &b, CallInst &call, const SimIntrinsic &op) {
  FunctionCallee callee = call.getModule()->getOrInsertFunction(
      ("sim." + op.name).str(), call.getFunctionType());
  CallInst *host = b.CreateCall(callee, SmallVector<Value *>(call.args()));
  host->setDoesNotAccessMemory();
  host->addFnAttr(Attribute::NoUnwind);
  host->addFnAttr(Attribute::WillReturn);
  return host;
}

/// True if every operand of an overloaded intrinsic has the type its host function has.
static bool hasType(CallInst &call, std::string_view type) {
  return type.empty() || all_of(call.args(), [&](const Use &u) {
           return type == "float" && u->getType()->isFloatTy();
         });
}

static Value *lower(CallInst &call, const SimIntrinsic &op, SimProgram &program) {
  using Kind = SimIntrinsic::Kind;
  IRBuilder<> b(&call);
  SmallVector<Value *> operands(call.args());
  switch (op.kind) {
  case Kind::Register:
    return loadRegister(b, call, op.number);
  case Kind::Pure:
    return callPure(b, call, op);
  case Kind::Generic:
    return b.CreateIntrinsic(call.getType(), Intrinsic::ID(op.number), operands);
  case Kind::Binary:
    return b.CreateBinOp(Instruction::BinaryOps(op.number), operands[0], operands[1]);
  case Kind::Fence:
    program.hasFences = true;
    return nullptr;
  case Kind::Nothing:
    return nullptr;
  case Kind::Call:
  case Kind::Barrier:
  case Kind::Collective:
    break;
  }
  Site site;
  site.op = &op;
  bool together = op.kind != Kind::Call;
  program.suspends |= together;
  return callHost(&call, op.kind == Kind::Collective ? "collective" : StringRef(op.name), operands,
                  call.getType(), addSite(program, call, site), together);
}

/// Intrinsics that the host's code generator cannot take, or the checks cannot see through.
static bool isRefusedGeneric(Intrinsic::ID id) {
  switch (id) {
  case Intrinsic::masked_gather:
  case Intrinsic::masked_scatter:
  case Intrinsic::masked_expandload:
  case Intrinsic::masked_compressstore:
  case Intrinsic::trap:
  case Intrinsic::debugtrap:
  case Intrinsic::ubsantrap:
    return true;
  default:
    return Intrinsic::isTargetIntrinsic(id);
  }
}

Result<void> lowerIntrinsics(Function &thread, SimProgram &program) {
  auto refuse = [&](const std::string &what) {
    return invalid("kernel " + program.name + " uses " + what + ", which is not simulated");
  };
  for (Instruction &i : make_early_inc_range(instructions(thread))) {
    program.hasAtomics |= isa<AtomicRMWInst, AtomicCmpXchgInst>(i);
    program.hasFences |= isa<FenceInst>(i) || i.isAtomic() || i.isVolatile();
    auto *call = dyn_cast<CallInst>(&i);
    if (!call)
      continue;
    if (auto *assembly = dyn_cast<InlineAsm>(call->getCalledOperand()))
      return refuse("inline assembly \"" + assembly->getAsmString().str() + "\"");
    Function *callee = call->getCalledFunction();
    if (!callee)
      return refuse("a call through a pointer");
    StringRef name = callee->getName();
    if (name.starts_with("sim."))
      continue;
    Intrinsic::ID id = callee->getIntrinsicID();
    const SimIntrinsic *op = findIntrinsic(id ? Intrinsic::getBaseName(id) : name);
    if (!op || !hasType(*call, op->type)) {
      if (!id || isRefusedGeneric(id))
        return refuse(name.str());
      continue;
    }
    if (Value *value = lower(*call, *op, program))
      call->replaceAllUsesWith(value);
    call->eraseFromParent();
  }
  return {};
}

} // namespace halo::sim

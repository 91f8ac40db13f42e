#include "compiler/sim/Passes.h"

#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace halo::sim {

namespace {

/// One pointer operand of an instruction.
struct Access {
  Instruction *inst;
  unsigned operand;
  AccessKind kind;
  Type *type;             ///< Null for a range.
  Align align;
  Value *length = nullptr; ///< Of a range.
  Value *mask = nullptr;   ///< Of a masked vector.
};

} // namespace

static Space spaceOf(Type *pointer) {
  switch (pointer->getPointerAddressSpace()) {
  case 1:
    return Space::Global;
  case 3:
    return Space::Shared;
  case 7:
    return Space::Cluster;
  default:
    return Space::Generic;
  }
}

/// Local variables cannot be shared, and SROA should still see through them; addrspace(4) is
/// constant, addrspace(5) local.
static bool isPrivate(Value *pointer) {
  unsigned space = pointer->getType()->getPointerAddressSpace();
  return space == 4 || space == 5 || isa<AllocaInst>(getUnderlyingObject(pointer));
}

static void collectIntrinsic(IntrinsicInst &call, SmallVectorImpl<Access> &accesses) {
  if (auto *move = dyn_cast<MemTransferInst>(&call)) {
    accesses.push_back({move, 0, AccessKind::Store, nullptr, move->getDestAlign().valueOrOne(),
                        move->getLength()});
    accesses.push_back({move, 1, AccessKind::Load, nullptr, move->getSourceAlign().valueOrOne(),
                        move->getLength()});
  } else if (auto *set = dyn_cast<MemSetInst>(&call)) {
    accesses.push_back({set, 0, AccessKind::Store, nullptr, set->getDestAlign().valueOrOne(),
                        set->getLength()});
  } else if (call.getIntrinsicID() == Intrinsic::masked_load) {
    accesses.push_back({&call, 0, AccessKind::Load, call.getType(),
                        call.getParamAlign(0).valueOrOne(), nullptr, call.getArgOperand(1)});
  } else if (call.getIntrinsicID() == Intrinsic::masked_store) {
    accesses.push_back({&call, 1, AccessKind::Store, call.getArgOperand(0)->getType(),
                        call.getParamAlign(1).valueOrOne(), nullptr, call.getArgOperand(2)});
  }
}

static SmallVector<Access> collect(Function &thread) {
  SmallVector<Access> accesses;
  for (Instruction &i : instructions(thread)) {
    if (auto *load = dyn_cast<LoadInst>(&i))
      accesses.push_back({load, load->getPointerOperandIndex(),
                          load->isAtomic() || load->isVolatile() ? AccessKind::AtomicLoad
                                                                 : AccessKind::Load,
                          load->getType(), load->getAlign()});
    else if (auto *store = dyn_cast<StoreInst>(&i))
      accesses.push_back({store, store->getPointerOperandIndex(),
                          store->isAtomic() || store->isVolatile() ? AccessKind::AtomicStore
                                                                   : AccessKind::Store,
                          store->getValueOperand()->getType(), store->getAlign()});
    else if (auto *rmw = dyn_cast<AtomicRMWInst>(&i))
      accesses.push_back({rmw, rmw->getPointerOperandIndex(), AccessKind::Update,
                          rmw->getValOperand()->getType(), rmw->getAlign()});
    else if (auto *cmp = dyn_cast<AtomicCmpXchgInst>(&i))
      accesses.push_back({cmp, cmp->getPointerOperandIndex(), AccessKind::Update,
                          cmp->getNewValOperand()->getType(), cmp->getAlign()});
    else if (auto *call = dyn_cast<IntrinsicInst>(&i))
      collectIntrinsic(*call, accesses);
  }
  erase_if(accesses, [](const Access &a) {
    return a.inst->hasMetadata(kOursMetadata) || isPrivate(a.inst->getOperand(a.operand));
  });
  return accesses;
}

/// Puts the check in front of the access and lets it use what the check returns.
static void instrument(const Access &access, uint32_t site, uint64_t elementBits) {
  IRBuilder<> b(access.inst);
  LLVMContext &context = b.getContext();
  Module &module = *access.inst->getModule();
  Value *address = access.inst->getOperand(access.operand);
  Type *ptr = b.getPtrTy();
  Value *thread = access.inst->getFunction()->getArg(0);
  Value *generic = b.CreateAddrSpaceCast(address, ptr);
  SmallVector<Value *> operands{thread, generic};
  StringRef name = "sim.check.access";
  if (access.length) {
    name = "sim.check.range";
    operands.push_back(b.CreateZExtOrTrunc(access.length, b.getInt64Ty()));
  } else if (access.mask) {
    name = "sim.check.masked";
    Value *bits = b.CreateBitCast(access.mask, Type::getIntNTy(context, unsigned(elementBits)));
    operands.push_back(b.CreateZExt(bits, b.getInt64Ty()));
  }
  operands.push_back(b.getInt32(site));
  SmallVector<Type *> types;
  for (Value *v : operands)
    types.push_back(v->getType());
  FunctionCallee check = module.getOrInsertFunction(name, FunctionType::get(ptr, types, false));
  CallInst *checked = b.CreateCall(check, operands);
  checked->addFnAttr(Attribute::NoUnwind);
  access.inst->setOperand(access.operand, b.CreateAddrSpaceCast(checked, address->getType()));
}

/// log2 of the largest granule of which every access of this size and alignment is a multiple.
static unsigned granuleOf(uint64_t bytes, uint64_t align) {
  return unsigned(std::min(countr_zero(align), countr_zero(bytes)));
}

/// Asynchronous copies are checked by the host function that makes them; the others of its kind
/// (ldmatrix, stmatrix) access 16 bytes.
static unsigned granuleOfCopies(Function &thread) {
  unsigned shift = 4;
  for (Instruction &i : instructions(thread))
    if (auto *call = dyn_cast<IntrinsicInst>(&i)) {
      StringRef name = Intrinsic::getBaseName(call->getIntrinsicID());
      if (name.starts_with("llvm.nvvm.cp.async.ca.shared.global.4"))
        shift = std::min(shift, 2u);
      else if (name.starts_with("llvm.nvvm.cp.async.ca.shared.global.8"))
        shift = std::min(shift, 3u);
    }
  return shift;
}

Result<void> instrumentAccesses(Function &thread, SimProgram &program) {
  const DataLayout &layout = thread.getParent()->getDataLayout();
  // One cell per smallest store: fewer cells where nothing is that small, and every cell has one
  // writer. Loads may be smaller.
  unsigned sharedShift = granuleOfCopies(thread), globalShift = 4;
  for (const Access &access : collect(thread)) {
    Value *address = access.inst->getOperand(access.operand);
    Site site;
    site.space = spaceOf(address->getType());
    site.kind = access.kind;
    site.align = uint32_t(access.align.value());
    uint64_t elements = 0;
    uint64_t unit = 1; // What every access here is a multiple of, in bytes.
    if (access.length) {
      if (auto *constant = dyn_cast<ConstantInt>(access.length))
        unit = constant->getZExtValue();
    } else if (access.mask) {
      auto *vector = dyn_cast<FixedVectorType>(access.type);
      if (!vector || vector->getNumElements() > 64)
        return invalid("kernel " + program.name +
                       ": a masked access of more than 64 elements is not simulated");
      elements = vector->getNumElements();
      unit = site.bytes = uint32_t(layout.getTypeStoreSize(vector->getElementType()));
    } else {
      unit = site.bytes = uint32_t(layout.getTypeStoreSize(access.type));
    }
    unsigned granule = granuleOf(unit, site.align);
    if (!isLoad(site.kind) && site.space != Space::Global)
      sharedShift = std::min(sharedShift, granule);
    if (!isLoad(site.kind) && site.space != Space::Shared)
      globalShift = std::min(globalShift, granule);
    instrument(access, addSite(program, *access.inst, site), elements);
  }
  program.sharedGranule = sharedShift;
  program.globalGranule = globalShift;
  return {};
}

void forgetAlignment(Function &thread) {
  for (const Access &access : collect(thread)) {
    if (auto *load = dyn_cast<LoadInst>(access.inst); load && !load->isAtomic())
      load->setAlignment(Align(1));
    if (auto *store = dyn_cast<StoreInst>(access.inst); store && !store->isAtomic())
      store->setAlignment(Align(1));
  }
}

} // namespace halo::sim

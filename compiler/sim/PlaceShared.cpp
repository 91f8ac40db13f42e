// Shared memory on a CPU. Example with two arrays, 6 B aligned to 2 and 32 B aligned to 16:
//
//   byte   0   2        8   16        48
//          -   @a 6 B   -   @b 32 B   dynamic
//
// Every array gets *exactly* its declared alignment (2, not 4; 16, not 32): an array that happened
// to lie better would hide a misaligned access. A checked kernel also has at least kGuardBytes
// between arrays, which belong to nobody.
#include "compiler/sim/Passes.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/ReplaceConstant.h"

using namespace llvm;

namespace halo::sim {

constexpr uint64_t kGuardBytes = 16;

/// The first offset from `end` on that is a multiple of `align` but not of twice it.
static uint64_t placeExactly(uint64_t end, uint64_t align) {
  uint64_t offset = alignTo(end, align);
  return offset % (2 * align) ? offset : offset + align;
}

Result<void> placeShared(Function &thread, SimProgram &program) {
  Module &module = *thread.getParent();
  const DataLayout &layout = module.getDataLayout();
  SharedLayout &shared = program.shared;
  SmallVector<std::pair<GlobalVariable *, uint64_t>> placed;
  SmallVector<GlobalVariable *> dynamic;
  uint64_t dynamicAlign = 1;
  uint64_t guard = program.checked ? kGuardBytes : 0;
  for (GlobalVariable &gv : module.globals()) {
    if (gv.getAddressSpace() != 3)
      continue;
    if (gv.hasInitializer() && !isa<UndefValue>(gv.getInitializer()))
      return invalid("kernel " + program.name + ": shared array @" + gv.getName().str() +
                     " has an initial value, which a GPU cannot give it");
    uint64_t bytes = layout.getTypeAllocSize(gv.getValueType());
    uint64_t align = layout.getValueOrABITypeAlignment(gv.getAlign(), gv.getValueType()).value();
    if (!bytes) {
      dynamic.push_back(&gv);
      dynamicAlign = std::max(dynamicAlign, align);
      continue;
    }
    uint64_t offset = placeExactly(shared.staticEnd + guard, align);
    shared.arrays.push_back({gv.getName().str(), offset, bytes});
    shared.staticEnd = offset + bytes;
    shared.packedBytes = alignTo(shared.packedBytes, align) + bytes;
    placed.push_back({&gv, offset});
  }
  shared.dynamicOffset = dynamic.empty() ? shared.staticEnd
                                         : placeExactly(shared.staticEnd + guard, dynamicAlign);
  for (GlobalVariable *gv : dynamic)
    placed.push_back({gv, shared.dynamicOffset});
  if (placed.empty())
    return {};

  SmallVector<Constant *> constants;
  for (auto &[gv, offset] : placed)
    constants.push_back(gv);
  convertUsersOfConstantsToInstructions(constants, &thread);
  IRBuilder<> b(&thread.getEntryBlock(), thread.getEntryBlock().begin());
  Type *pointer = PointerType::get(module.getContext(), 3);
  Value *slot = b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), thread.getArg(0),
                                             offsetof(ThreadRegisters, shared));
  LoadInst *base = b.CreateAlignedLoad(pointer, slot, Align(8), "shared");
  base->setMetadata(kOursMetadata, MDNode::get(module.getContext(), {}));
  base->setMetadata(LLVMContext::MD_invariant_load, MDNode::get(module.getContext(), {}));
  for (auto &[gv, offset] : placed) {
    gv->replaceAllUsesWith(b.CreateConstGEP1_64(b.getInt8Ty(), base, offset, gv->getName()));
    gv->eraseFromParent();
  }
  return {};
}

} // namespace halo::sim

// From NVPTX-style IR to a host function, in this order; each step is one file.
//
//   isolateKernel       one function `thread(ThreadRegisters *, void **params)`, all else inlined
//   placeShared         addrspace(3) globals -> offsets into the block's shared memory
//   instrumentAccesses  checked mode: every access asks the host first
//   lowerIntrinsics     NVVM intrinsics -> loads and host calls; refuses what it does not know
//   expandFloats        bf16, fused multiply-adds and fast-math flags, the same on every host
//   dropBf16            what still moves bfloats moves i16
#pragma once

#include "compiler/sim/SimProgram.h"
#include "runtime/Result.h"

#include "llvm/IR/Module.h"

namespace halo::sim {

/// The name of the function that isolateKernel leaves.
constexpr const char *kThreadFunction = "halo_sim_thread";

/// Marks accesses that the passes made themselves and nobody needs to check.
constexpr const char *kOursMetadata = "halo.sim";

Result<llvm::Function *> isolateKernel(llvm::Module &module, SimProgram &program);
Result<void> placeShared(llvm::Function &thread, SimProgram &program);
Result<void> instrumentAccesses(llvm::Function &thread, SimProgram &program);
/// Unchecked mode: a misaligned access must not kill the process, so the host may assume nothing.
void forgetAlignment(llvm::Function &thread);
Result<void> lowerIntrinsics(llvm::Function &thread, SimProgram &program);
Result<void> expandFloats(llvm::Function &thread, SimProgram &program);
Result<void> dropBf16(llvm::Function &thread, SimProgram &program);

/// Appends a site and returns its number; `where` comes from the instruction's debug line.
uint32_t addSite(SimProgram &program, const llvm::Instruction &at, Site site);

/// Calls a host function with operands and results in slots (see HostCall). Returns a value of the
/// type `result`, which may be void, a struct or anything of at most 64 bits per field.
llvm::Value *callHost(llvm::Instruction *before, llvm::StringRef name,
                      llvm::ArrayRef<llvm::Value *> operands, llvm::Type *result, uint32_t site,
                      bool convergent);

} // namespace halo::sim

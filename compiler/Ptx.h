// From the LLVM dialect to LLVM IR, and from LLVM IR to PTX.
#pragma once

#include "runtime/Target.h"
#include "runtime/Result.h"

#include <functional>
#include <memory>
#include <string>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm
namespace mlir {
class Operation;
}

namespace halo::compiler {

/// Times one named stage: calls it, records its milliseconds.
using StageTimer = std::function<void(const char *stage, const std::function<void()> &work)>;

/// LLVM IR for NVPTX of a gpu.module in the LLVM dialect, not yet optimised: the form the
/// simulator takes.
Result<std::unique_ptr<llvm::Module>> translateToLlvm(mlir::Operation *gpuModule,
                                                      llvm::LLVMContext &context,
                                                      const Target &target);

/// Optimises the module in place, for PTX of version `ptx` (80 is 8.0).
Result<void> optimise(llvm::Module &module, const Target &target, int ptx, const StageTimer &stage);

/// Prints an optimised module as PTX.
Result<std::string> emitPtx(llvm::Module &module, const Target &target, int ptx,
                            const StageTimer &stage);

} // namespace halo::compiler

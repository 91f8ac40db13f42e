// The forms a kernel passes through on its way to a cubin, as texts that can be shown, written by
// hand and read back:
//
//   halo ─► gpu ─► llvm ─► opt ─► ptx ─► cubin
//
// Reading refuses a text that is no such form, with the place of the first mistake.
#pragma once

#include "compiler/Describe.h"
#include "runtime/Result.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>
#include <string>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace halo::compiler {

enum class Stage { Halo, Gpu, Llvm, Opt, Ptx, Cubin };

const char *name(Stage stage);
Result<Stage> parseStage(const std::string &name);

std::string printText(mlir::ModuleOp module);
std::string printText(const llvm::Module &module);

// From gpu on a text is launched with the threads of the kernel it replaces: one that says it is
// for blocks of another size is refused.

/// A module at stage halo (one kernel) or gpu (one gpu.module with the function `entry`).
Result<mlir::OwningOpRef<mlir::ModuleOp>> readModule(mlir::MLIRContext &context, Stage stage,
                                                     const std::string &text,
                                                     const std::string &entry, int threads = 0);
/// A module at stage llvm or opt, verified, with the function `entry`.
Result<std::unique_ptr<llvm::Module>> readLlvm(llvm::LLVMContext &context, Stage stage,
                                               const std::string &text, const std::string &entry,
                                               int threads);
/// PTX is the assembler's to read; here only its .maxntid is.
Result<void> checkPtx(const std::string &text, int threads);

} // namespace halo::compiler

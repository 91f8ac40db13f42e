#include "compiler/Stages.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace halo::compiler {

static constexpr const char *kNames[] = {"halo", "gpu", "llvm", "opt", "ptx", "cubin"};

const char *name(Stage stage) { return kNames[int(stage)]; }

Result<Stage> parseStage(const std::string &text) {
  for (int i = 0; i < int(std::size(kNames)); ++i)
    if (text == kNames[i])
      return Stage(i);
  return invalid("unknown stage '" + text + "', expected halo, gpu, llvm, opt, ptx or cubin");
}

std::string printText(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream(text) << module << "\n";
  return text;
}

std::string printText(const llvm::Module &module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, nullptr);
  return text;
}

static Error broken(Stage stage, const std::string &why) {
  return invalid(std::string("the text given for stage ") + name(stage) + " is refused: " + why);
}

Result<OwningOpRef<ModuleOp>> readModule(MLIRContext &context, Stage stage, const std::string &text,
                                         const std::string &entry) {
  Diagnostics diagnostics(context);
  // Ends in .mlir, so that a mistake comes with its place.
  OwningOpRef<ModuleOp> module =
      parseKernelText(context, text, std::string("override-") + name(stage) + ".mlir");
  if (!module)
    return broken(stage, diagnostics.text());
  if (stage == Stage::Halo) {
    if (!onlyKernel(*module, diagnostics))
      return broken(stage, diagnostics.text());
    return module;
  }
  auto modules = llvm::to_vector(module->getOps<gpu::GPUModuleOp>());
  if (modules.size() != 1)
    return broken(stage, "it has " + std::to_string(modules.size()) + " gpu.module, expected 1");
  if (!modules.front().lookupSymbol<gpu::GPUFuncOp>(entry))
    return broken(stage, "it has no gpu.func '" + entry + "'");
  return module;
}

Result<std::unique_ptr<llvm::Module>> readLlvm(llvm::LLVMContext &context, Stage stage,
                                               const std::string &text, const std::string &entry) {
  llvm::SMDiagnostic mistake;
  std::unique_ptr<llvm::Module> module =
      llvm::parseIR(llvm::MemoryBufferRef(text, "override"), mistake, context);
  if (!module)
    return broken(stage, "line " + std::to_string(mistake.getLineNo()) + ": " +
                             mistake.getMessage().str());
  std::string why;
  llvm::raw_string_ostream stream(why);
  if (llvm::verifyModule(*module, &stream))
    return broken(stage, why);
  llvm::Function *function = module->getFunction(entry);
  if (!function || function->isDeclaration())
    return broken(stage, "it defines no function '" + entry + "'");
  return module;
}

} // namespace halo::compiler

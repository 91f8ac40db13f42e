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
  // In which order a value is used decides some of what LLVM does with it.
  module.print(stream, nullptr, /*ShouldPreserveUseListOrder=*/true);
  return text;
}

static Error broken(Stage stage, const std::string &why) {
  return invalid(std::string("the text given for stage ") + name(stage) + " is refused: " + why);
}

static Result<void> checkThreads(Stage stage, int64_t given, int threads) {
  if (given == threads)
    return {};
  return broken(stage, "it is for blocks of " + std::to_string(given) +
                           " threads, where the schedule's have " + std::to_string(threads));
}

Result<void> checkPtx(const std::string &text, int threads) {
  size_t at = text.find(".maxntid");
  if (at == std::string::npos)
    return {};
  return checkThreads(Stage::Ptx, std::atoll(text.c_str() + at + 8), threads);
}

Result<OwningOpRef<ModuleOp>> readModule(MLIRContext &context, Stage stage, const std::string &text,
                                         const std::string &entry, int threads) {
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
  auto function = modules.front().lookupSymbol<gpu::GPUFuncOp>(entry);
  if (!function)
    return broken(stage, "it has no gpu.func '" + entry + "'");
  if (auto size = function.getKnownBlockSize())
    HALO_CHECK(checkThreads(stage, size->front(), threads));
  return module;
}

Result<std::unique_ptr<llvm::Module>> readLlvm(llvm::LLVMContext &context, Stage stage,
                                               const std::string &text, const std::string &entry,
                                               int threads) {
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
  if (auto limit = function->getFnAttribute("nvvm.maxntid"); limit.isStringAttribute())
    HALO_CHECK(checkThreads(stage, std::atoll(limit.getValueAsString().str().c_str()), threads));
  return module;
}

} // namespace halo::compiler

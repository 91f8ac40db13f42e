#include "compiler/Ptx.h"

#include "mlir/IR/Operation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

#include <mutex>

namespace halo::compiler {

static std::unique_ptr<llvm::TargetMachine> createMachine(const Target &target, int ptx) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string error;
  const llvm::Target *nvptx = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!nvptx)
    return nullptr;
  return std::unique_ptr<llvm::TargetMachine>(
      nvptx->createTargetMachine(triple, target.arch, "+ptx" + std::to_string(ptx), {},
                                 std::nullopt, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

Result<std::unique_ptr<llvm::Module>> translateToLlvm(mlir::Operation *gpuModule,
                                                      llvm::LLVMContext &context,
                                                      const Target &target) {
  std::unique_ptr<llvm::Module> module = mlir::translateModuleToLLVMIR(gpuModule, context);
  if (!module)
    return failed("translation to LLVM IR failed");
  auto machine = createMachine(target, target.minPtx);
  if (!machine)
    return failed("LLVM has no NVPTX target");
  module->setTargetTriple(machine->getTargetTriple());
  module->setDataLayout(machine->createDataLayout());
  return module;
}

Result<void> optimise(llvm::Module &module, const Target &target, int ptx,
                      const StageTimer &stage) {
  auto machine = createMachine(target, ptx);
  if (!machine)
    return failed("LLVM has no NVPTX target");
  stage("llvm", [&] {
    llvm::PipelineTuningOptions options;
    // The schedule owns unrolling and vector widths.
    options.LoopUnrolling = options.LoopInterleaving = false;
    options.LoopVectorization = options.SLPVectorization = false;
    llvm::PassBuilder builder(machine.get(), options);
    llvm::LoopAnalysisManager loops;
    llvm::FunctionAnalysisManager functions;
    llvm::CGSCCAnalysisManager sccs;
    llvm::ModuleAnalysisManager modules;
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(sccs);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, sccs, modules);
    builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
  });
  return {};
}

Result<std::string> emitPtx(llvm::Module &module, const Target &target, int ptx,
                            const StageTimer &stage) {
  auto machine = createMachine(target, ptx);
  if (!machine)
    return failed("LLVM has no NVPTX target");
  llvm::SmallString<0> text;
  bool emitted = true;
  stage("nvptx", [&] {
    llvm::raw_svector_ostream stream(text);
    llvm::legacy::PassManager passes;
    emitted = !machine->addPassesToEmitFile(passes, stream, nullptr,
                                            llvm::CodeGenFileType::AssemblyFile);
    if (emitted)
      passes.run(module);
  });
  if (!emitted)
    return failed("LLVM cannot print PTX");
  return std::string(text.str());
}

} // namespace halo::compiler

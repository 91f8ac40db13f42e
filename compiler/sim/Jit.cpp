#include "compiler/sim/Jit.h"
#include "compiler/sim/HostSymbols.h"
#include "compiler/sim/Passes.h"

#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

#include <mutex>

using namespace llvm;

namespace halo::sim {

/// Above this many instructions the code generator's time is worth more than the code's.
constexpr unsigned kLargeFunction = 10000;

/// Features that would round or flush bf16 and f16 in ways of their own.
static const char *const kUnwantedFeatures[] = {"avx512bf16", "avxneconvert", "avx512fp16",
                                                "avx10.1",    "avx10.2",      "amx-bf16"};

static Error failure(llvm::Error error, const std::string &reported = "") {
  std::string text = toString(std::move(error));
  return failed("the simulator's compiler: " + (reported.empty() ? text : reported));
}

namespace {

/// Takes the frame size, which the code generator reports as a warning where it is asked to.
class FrameSizeHandler : public DiagnosticHandler {
public:
  explicit FrameSizeHandler(uint64_t &bytes) : bytes(bytes) {}

  bool handleDiagnostics(const DiagnosticInfo &info) override {
    if (auto *frame = dyn_cast<DiagnosticInfoStackSize>(&info))
      bytes = std::max<uint64_t>(bytes, frame->getStackSize());
    return true;
  }

private:
  uint64_t &bytes;
};

} // namespace

Result<std::unique_ptr<Jit>> Jit::create() {
  static std::once_flag once;
  std::call_once(once, [] {
    InitializeNativeTarget();
    InitializeNativeTargetAsmPrinter();
  });
  orc::JITTargetMachineBuilder builder{Triple(sys::getProcessTriple())};
  builder.setCPU(sys::getHostCPUName().str());
  for (const auto &feature : sys::getHostCPUFeatures())
    builder.getFeatures().AddFeature(feature.first(), feature.second);
  for (const char *feature : kUnwantedFeatures)
    builder.getFeatures().AddFeature(feature, false);
  builder.getOptions().AllowFPOpFusion = FPOpFusion::Strict;
  auto result = std::unique_ptr<Jit>(new Jit());
  auto machine = builder.createTargetMachine();
  if (!machine)
    return failure(machine.takeError());
  result->machine = std::move(*machine);

  // No platform, no process symbols, no unwind tables: nothing of this process leaks in or out.
  TargetMachine *target = result->machine.get();
  auto jit = orc::LLJITBuilder()
                 .setJITTargetMachineBuilder(std::move(builder))
                 .setLinkProcessSymbolsByDefault(false)
                 .setPlatformSetUp(orc::setUpInactivePlatform)
                 .setCompileFunctionCreator(
                     [target](orc::JITTargetMachineBuilder)
                         -> Expected<std::unique_ptr<orc::IRCompileLayer::IRCompiler>> {
                       return std::make_unique<orc::SimpleCompiler>(*target);
                     })
                 .setObjectLinkingLayerCreator(
                     [](orc::ExecutionSession &session)
                         -> Expected<std::unique_ptr<orc::ObjectLayer>> {
                       return std::make_unique<orc::ObjectLinkingLayer>(session);
                     })
                 .create();
  if (!jit)
    return failure(jit.takeError());
  result->jit = std::move(*jit);
  // The session's own report goes to stderr and says more than the error that it returns.
  result->jit->getExecutionSession().setErrorReporter(
      [&reported = result->reported](llvm::Error error) {
        reported += toString(std::move(error));
      });
  return result;
}

void Jit::optimise(Module &module) {
  bool large = module.getInstructionCount() > kLargeFunction;
  machine->setOptLevel(large ? CodeGenOptLevel::None : CodeGenOptLevel::Less);
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = tuning.LoopUnrolling = false;
  PassBuilder passes(machine.get(), tuning);
  LoopAnalysisManager lam;
  FunctionAnalysisManager fam;
  CGSCCAnalysisManager cgam;
  ModuleAnalysisManager mam;
  passes.registerModuleAnalyses(mam);
  passes.registerCGSCCAnalyses(cgam);
  passes.registerFunctionAnalyses(fam);
  passes.registerLoopAnalyses(lam);
  passes.crossRegisterProxies(lam, fam, cgam, mam);
  passes.buildPerModuleDefaultPipeline(OptimizationLevel::O1).run(module, mam);
}

Result<void> Jit::compile(std::unique_ptr<Module> module, std::unique_ptr<LLVMContext> context,
                          SimProgram &program) {
  optimise(*module);
  module->getFunction(kThreadFunction)->addFnAttr("warn-stack-size", "0");
  context->setDiagnosticHandler(std::make_unique<FrameSizeHandler>(program.frameBytes));

  orc::SymbolMap symbols;
  auto define = [&](StringRef name) {
    if (const void *address = findHostSymbol(name))
      symbols[jit->mangleAndIntern(name)] = {orc::ExecutorAddr::fromPtr(address),
                                             JITSymbolFlags::Exported | JITSymbolFlags::Callable};
  };
  for (Function &f : *module)
    if (f.isDeclaration() && !f.isIntrinsic())
      define(f.getName());
  for (StringRef name : runtimeSymbols())
    define(name);
  if (auto error = jit->getMainJITDylib().define(orc::absoluteSymbols(std::move(symbols))))
    return failure(std::move(error));

  std::vector<uint64_t> sizes;
  for (GlobalVariable &gv : module->globals()) {
    if (gv.isDeclaration())
      return invalid("kernel " + program.name + " uses variable @" + gv.getName().str() +
                     ", which the module does not define");
    // Linked under a name of ours, so that the checks can find it.
    gv.setLinkage(GlobalValue::ExternalLinkage);
    if (!gv.hasName())
      gv.setName("sim.global");
    program.globalNames.push_back(gv.getName().str());
    sizes.push_back(module->getDataLayout().getTypeAllocSize(gv.getValueType()));
  }

  if (auto error =
          jit->addIRModule(orc::ThreadSafeModule(std::move(module), std::move(context))))
    return failure(std::move(error));
  auto function = jit->lookup(kThreadFunction);
  if (!function)
    return failure(function.takeError(), reported);
  program.function = function->toPtr<ThreadFunction>();
  for (auto [name, bytes] : zip(program.globalNames, sizes)) {
    auto address = jit->lookup(name);
    if (!address)
      return failure(address.takeError());
    program.globals.push_back({address->toPtr<void *>(), bytes});
  }
  return {};
}

} // namespace halo::sim

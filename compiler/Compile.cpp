#include "compiler/Compile.h"

#include "compiler/Assembler.h"
#include "compiler/Builtins.h"
#include "compiler/Describe.h"
#include "compiler/HaloInference.h"
#include "compiler/Passes.h"
#include "compiler/Ptx.h"
#include "compiler/lowering/KernelPlan.h"
#include "runtime/Problem.h"
#include "runtime/Schedule.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <numeric>

using namespace mlir;

namespace halo::compiler {

namespace {

class Compilation {
public:
  explicit Compilation(const CompileRequest &request)
      : request(request), context(threadContext()) {}

  Result<CompileReply> run() {
    HALO_TRY(target, findTarget(request.arch));
    this->target = target;
    if (request.maxPtx && request.maxPtx < target.minPtx)
      return unavailable("the driver accepts PTX " + version(request.maxPtx) + " but " +
                         target.arch + " needs " + version(target.minPtx));
    Diagnostics diagnostics(context);
    HALO_TRY(kernel, specialised(diagnostics));
    HALO_CHECK(schedule(kernel, diagnostics));
    auto plan = planKernel(kernel, target.sharedPerBlock);
    if (failed(plan))
      return invalid(diagnostics.text());
    fillInfo(*plan);
    if (request.emit == Emit::Halo) {
      PassManager show(&context);
      show.addPass(createInferHaloPass());
      if (failed(show.run(*module)))
        return halo::failed(diagnostics.text());
      reply.blob = print(*module);
      return std::move(reply);
    }
    HALO_CHECK(lower(*module, diagnostics));
    if (request.emit == Emit::Gpu) {
      reply.blob = print(*module);
      return std::move(reply);
    }
    HALO_CHECK(generate(*module, diagnostics));
    return std::move(reply);
  }

  /// The kernel's facts, without scheduling it.
  Result<TraitsReply> traits() {
    Diagnostics diagnostics(context);
    HALO_TRY(kernel, specialised(diagnostics));
    return TraitsReply{traitsOf(kernel, request.align), bindings};
  }

private:
  const CompileRequest &request;
  MLIRContext &context;
  Target target;
  Bindings bindings = request.bindings; ///< With every default, once the kernel is specialised.
  OwningOpRef<ModuleOp> module;
  CompileReply reply;

  static std::string version(int ptx) {
    return std::to_string(ptx / 10) + "." + std::to_string(ptx % 10);
  }

  void timed(const char *stage, const std::function<void()> &work) {
    auto begin = std::chrono::steady_clock::now();
    work();
    std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    reply.times.emplace_back(stage, took.count());
  }

  static std::string print(ModuleOp module) {
    std::string text;
    llvm::raw_string_ostream(text) << module << "\n";
    return text;
  }

  /// Parses the text and binds every parameter.
  Result<ir::KernelOp> specialised(Diagnostics &diagnostics) {
    std::string text = request.source;
    if (text.empty()) {
      HALO_TRY(known, kernelText(request.kernel));
      text = std::move(known);
    }
    timed("parse", [&] { module = parseKernelText(context, text, request.kernel); });
    if (!module)
      return invalid(diagnostics.text());
    auto kernel = onlyKernel(*module, diagnostics);
    if (!kernel)
      return invalid(diagnostics.text());
    bool bound = false;
    timed("specialise", [&] {
      bound = succeeded(specialise(kernel, bindings)) && succeeded(verify(*module));
      if (bound) {
        PassManager cleanup(&context);
        cleanup.addPass(createCSEPass());
        bound = succeeded(cleanup.run(*module));
      }
    });
    if (!bound)
      return invalid(diagnostics.text());
    // A list without entries is an option that is not given.
    for (auto it = bindings.params.begin(); it != bindings.params.end();)
      it = it->second.empty() ? bindings.params.erase(it) : std::next(it);
    return kernel;
  }

  /// The canonical text.
  std::string problem() const {
    Problem problem;
    problem.kernel = request.kernel;
    problem.params = bindings.params;
    problem.with = bindings.with;
    problem.align = request.align;
    return problem.print();
  }

  Result<void> schedule(ir::KernelOp kernel, Diagnostics &diagnostics) {
    // The runtime sends whole schedules, whose text leaves out a fir that is direct.
    Schedule base = chooseSchedule(traitsOf(kernel, request.align), DeviceTraits());
    if (!request.schedule.empty())
      base.fir = Fir::Direct;
    HALO_TRY(schedule, Schedule::parse(request.schedule, base));
    reply.info.schedule = schedule.print();
    auto attribute = ir::ScheduleAttr::getChecked(
        [&] { return kernel.emitError(); }, &context, schedule.blockN, schedule.blockL,
        int64_t(schedule.numWarps), int64_t(schedule.vector), int64_t(schedule.unroll),
        int64_t(schedule.stages), int64_t(schedule.minBlocks),
        schedule.window == Window::Shared ? ir::WindowKind::Shared : ir::WindowKind::Registers,
        int64_t(request.align),
        schedule.fir == Fir::Toeplitz ? ir::FirKind::Toeplitz : ir::FirKind::Direct);
    if (!attribute)
      return invalid(diagnostics.text());
    kernel.setScheduleAttr(attribute);
    return {};
  }

  void fillInfo(const KernelPlan &plan) {
    KernelInfo &info = reply.info;
    info.kernel = info.entry = plan.kernel.getSymName().str();
    info.problem = problem();
    info.layout = plan.layout;
    info.operands = operandsOf(plan.kernel);
    info.threads = plan.threads();
    info.sharedBytes = plan.sharedBytes;
    info.vector = plan.schedule.getVector();
    info.align = request.align;
    info.stepL = plan.stepL;
    info.blockL = plan.schedule.getBlockL();
    info.warmup = plan.staged ? plan.staged->warmup : 0;
    info.carries = !plan.carries.empty();
    info.halo = jointHalo(plan.kernel, plan.halos);
    info.tiles.assign(plan.tiles.begin(), plan.tiles.end());
  }

  Result<void> lower(ModuleOp module, Diagnostics &diagnostics) {
    bool lowered = false;
    timed("lower", [&] {
      PassManager passes(&context);
      passes.enableVerifier(false);
      passes.addPass(createLowerDirectPass(target.sharedPerBlock));
      if (request.emit == Emit::Gpu)
        passes.addPass(createCSEPass());
      lowered = succeeded(passes.run(module));
    });
    return lowered ? Result<void>() : invalid(diagnostics.text());
  }

  Result<void> generate(ModuleOp module, Diagnostics &diagnostics) {
    bool converted = false;
    timed("convert", [&] {
      PassManager passes(&context);
      passes.enableVerifier(false);
      addGpuToLlvm(passes);
      converted = succeeded(passes.run(module));
    });
    if (!converted)
      return halo::failed(diagnostics.text());

    llvm::LLVMContext llvmContext;
    auto gpuModule = *module.getOps<gpu::GPUModuleOp>().begin();
    Result<std::unique_ptr<llvm::Module>> translated = halo::failed("not translated");
    timed("translate", [&] { translated = translateToLlvm(gpuModule, llvmContext, target); });
    if (!translated)
      return translated.error();
    llvm::raw_string_ostream stream(reply.blob);
    if (request.emit == Emit::Llvm) {
      (*translated)->print(stream, nullptr);
      return {};
    }
    if (request.emit == Emit::Sim) {
      llvm::WriteBitcodeToFile(**translated, stream);
      return {};
    }
    auto stage = [&](const char *name, const std::function<void()> &work) { timed(name, work); };
    HALO_TRY(ptx, emitPtx(**translated, target, target.minPtx, stage));
    if (request.emit == Emit::Ptx) {
      reply.blob = std::move(ptx);
      return {};
    }
    Result<Cubin> cubin = halo::failed("not assembled");
    timed("assemble", [&] { cubin = assemble(ptx, target.arch); });
    if (!cubin)
      return cubin.error();
    reply.blob = std::move(cubin->code);
    reply.log = std::move(cubin->log);
    reply.info.registers = cubin->registers;
    reply.info.spillBytes = cubin->spillBytes;
    reply.info.staticSharedBytes = cubin->sharedBytes;
    return {};
  }
};

} // namespace

Result<CompileReply> compile(const CompileRequest &request) { return Compilation(request).run(); }

Result<TraitsReply> traits(const CompileRequest &request) { return Compilation(request).traits(); }

std::vector<std::string> builtinKernels() {
  std::vector<std::string> names;
  for (int i = 0; i < kNumBuiltins; ++i)
    names.emplace_back(kBuiltins[i].name);
  return names;
}

Result<std::string> kernelText(const std::string &kernel) {
  if (llvm::StringRef(kernel).ends_with(".mlir")) {
    auto file = llvm::MemoryBuffer::getFile(kernel, /*IsText=*/true);
    if (!file)
      return invalid("kernel file '" + kernel + "' cannot be read: " + file.getError().message());
    return (*file)->getBuffer().str();
  }
  std::string known;
  for (int i = 0; i < kNumBuiltins; ++i) {
    if (kBuiltins[i].name == kernel)
      return std::string(kBuiltins[i].text);
    known += (known.empty() ? "" : ", ") + std::string(kBuiltins[i].name);
  }
  return invalid("unknown kernel '" + kernel + "', expected one of " + known +
                 ", or a path that ends in .mlir");
}

MLIRContext &threadContext() {
  static DialectRegistry *registry = [] {
    auto *registry = new DialectRegistry;
    registerDialects(*registry);
    return registry;
  }();
  thread_local MLIRContext context(*registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  return context;
}

KernelTraits traitsOf(ir::KernelOp kernel, int align) {
  KernelTraits traits;
  traits.align = align;
  traits.views = 0;
  traits.minElementBytes = 4;
  traits.maxElementBytes = 1;
  bool first = true, anyPart = false;
  for (const Operand &operand : operandsOf(kernel)) {
    int bytes = int(size(operand.dtype));
    if (operand.kind == OperandKind::View) {
      if (first)
        traits.layout = operand.layout;
      first = false;
      // The parts of a split are one view cut up.
      bool part = operand.channels > 0;
      traits.views += part && anyPart ? 0 : int(operand.streams);
      anyPart |= part;
      traits.streams = std::max(traits.streams, int(operand.streams));
      traits.maxElementBytes = std::max(traits.maxElementBytes, bytes);
      traits.minElementBytes = std::min(traits.minElementBytes, bytes);
    }
  }
  traits.toeplitzGroup = toeplitzGroup(kernel);
  HaloMap halos = inferHalos(kernel);
  traits.halo = jointHalo(kernel, halos);
  traits.sumTaps = 0;
  for (Operation &op : kernel.getBody().front()) {
    auto precision = op.getAttrOfType<ir::PrecisionAttr>("precision");
    traits.fast |= precision && precision.getValue() == ir::Precision::Fast;
    if (auto fir = dyn_cast<ir::FirOp>(op)) {
      traits.maxTaps = std::max(traits.maxTaps, tapsOf(fir));
      traits.sumTaps += tapsOf(fir);
    } else if (auto modal = dyn_cast<ir::ModalOp>(op)) {
      traits.modes += modesOf(kernel, modal.getLogPoles());
    } else if (auto split = dyn_cast<ir::SplitStoreOp>(op)) {
      traits.crossLayout = traits.layout == Layout::BDL;
      for (int64_t width : cast<DenseI64ArrayAttr>(split.getWidths()).asArrayRef())
        traits.partUnit = std::gcd(traits.partUnit, width);
      if (auto heads = dyn_cast_or_null<DenseI64ArrayAttr>(split.getHeads().value_or(Attribute())))
        for (int64_t head : heads.asArrayRef()) {
          traits.head = std::max(traits.head, head);
          traits.partUnit = std::gcd(traits.partUnit, head);
        }
    }
  }
  return traits;
}

} // namespace halo::compiler

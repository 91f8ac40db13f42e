#include "compiler/Compile.h"

#include "compiler/Assembler.h"
#include "compiler/Describe.h"
#include "compiler/HaloInference.h"
#include "compiler/Passes.h"
#include "compiler/Ptx.h"
#include "compiler/Stages.h"
#include "compiler/lowering/KernelPlan.h"
#include "runtime/Problem.h"
#include "runtime/Schedule.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <optional>

using namespace mlir;

namespace halo::compiler {

namespace {

/// Of barriers that order nothing: barrier.cluster.arrive.relaxed.
constexpr int kClusterPtx = 80;

class Compilation {
public:
  explicit Compilation(const CompileRequest &request)
      : request(request), context(threadContext()) {}

  Result<CompileReply> run() {
    HALO_TRY(target, findTarget(request.arch));
    this->target = target;
    HALO_CHECK(checkPtxVersion(target.arch));
    HALO_CHECK(readOverride());
    Diagnostics diagnostics(context);
    HALO_TRY(kernel, specialised(diagnostics));
    HALO_CHECK(schedule(kernel, diagnostics));
    if (replaced == Stage::Halo)
      HALO_CHECK(takeScheduled(kernel));
    auto plan = planKernel(kernel, target.sharedPerBlock);
    if (failed(plan))
      return invalid(diagnostics.text());
    fillInfo(*plan);
    if (wants(Stage::Halo))
      HALO_CHECK(showScheduled(diagnostics));
    if (request.emit == Emit::Halo)
      return std::move(reply);
    if (begins(Stage::Gpu)) {
      HALO_CHECK(lower(*module, diagnostics));
    } else if (replaced == Stage::Gpu) {
      HALO_TRY(given, readModule(context, Stage::Gpu, request.overrideText, reply.info.entry,
                                 reply.info.threads));
      module = std::move(given);
    }
    if (runs(Stage::Gpu) && wants(Stage::Gpu))
      show(Stage::Gpu, printText(*module));
    if (request.emit == Emit::Gpu)
      return std::move(reply);
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
  std::optional<Stage> replaced; ///< The stage whose text is given.

  /// Whether a stage is reached by working it out: it lies behind the one that is given.
  bool begins(Stage stage) const { return !replaced || stage > *replaced; }
  /// The same, or it is the one that is given.
  bool runs(Stage stage) const { return !replaced || stage >= *replaced; }
  bool emits(Stage stage) const {
    switch (request.emit) {
    case Emit::Halo:
      return stage == Stage::Halo;
    case Emit::Gpu:
      return stage == Stage::Gpu;
    case Emit::Llvm:
      return stage == Stage::Llvm;
    case Emit::Ptx:
      return stage == Stage::Ptx;
    case Emit::Cubin:
      return stage == Stage::Cubin;
    case Emit::Sim:
      break;
    }
    return false;
  }
  bool wants(Stage stage) const { return request.dump || emits(stage); }
  void show(Stage stage, std::string text) {
    if (request.dump)
      reply.stages.emplace_back(name(stage), text);
    if (emits(stage))
      reply.blob = std::move(text);
  }

  Result<void> readOverride() {
    if (request.overrideStage.empty())
      return {};
    HALO_TRY(stage, parseStage(request.overrideStage));
    replaced = stage;
    // In the order of Stage; the simulator's form is made from stage llvm.
    static constexpr Stage kLast[] = {Stage::Halo, Stage::Gpu,   Stage::Llvm,
                                      Stage::Ptx,  Stage::Cubin, Stage::Llvm};
    Stage last = kLast[int(request.emit)];
    if (stage > last)
      return invalid(std::string("stage ") + name(stage) +
                     " is given, but what is emitted is made from stage " + name(last) +
                     ", which comes before it");
    if (stage == Stage::Cubin)
      return invalid("a cubin is not compiled any further");
    return {};
  }

  /// The kernel of the text that is given, with its own schedule where it has one.
  Result<void> takeScheduled(ir::KernelOp &kernel) {
    HALO_TRY(given, readModule(context, Stage::Halo, request.overrideText, reply.info.entry));
    auto own = *given->getOps<ir::KernelOp>().begin();
    if (own.getSymName() != kernel.getSymName())
      return invalid("the text given for stage halo has kernel '" + own.getSymName().str() +
                     "', expected '" + kernel.getSymName().str() + "'");
    if (!own.getScheduleAttr())
      own.setScheduleAttr(kernel.getScheduleAttr());
    reply.info.schedule = scheduleText(own.getScheduleAttr());
    module = std::move(given);
    kernel = own;
    return {};
  }

  Result<void> checkPtxVersion(const std::string &who) const {
    if (!request.maxPtx || request.maxPtx >= target.minPtx)
      return {};
    return unavailable("the driver accepts PTX " + version(request.maxPtx) + " but " + who +
                       " needs " + version(target.minPtx));
  }

  static std::string scheduleText(ir::ScheduleAttr attribute) {
    Schedule schedule;
    schedule.blockN = attribute.getBlockN();
    schedule.blockL = attribute.getBlockL();
    schedule.numWarps = int(attribute.getNumWarps());
    schedule.vector = int(attribute.getVector());
    schedule.unroll = int(attribute.getUnroll());
    schedule.stages = int(attribute.getStages());
    schedule.minBlocks = int(attribute.getMinBlocks());
    schedule.window =
        attribute.getWindow() == ir::WindowKind::Shared ? Window::Shared : Window::Registers;
    schedule.fir = attribute.getFir() == ir::FirKind::Toeplitz ? Fir::Toeplitz : Fir::Direct;
    schedule.cluster = int(attribute.getCluster());
    return schedule.print();
  }

  /// Stage halo shows the halos too. What is lowered stays as it is.
  Result<void> showScheduled(Diagnostics &diagnostics) {
    OwningOpRef<ModuleOp> shown = module->clone();
    PassManager passes(&context);
    passes.addPass(createInferHaloPass());
    if (failed(passes.run(*shown)))
      return halo::failed(diagnostics.text());
    show(Stage::Halo, printText(*shown));
    return {};
  }

  /// Line tables name a file by the kernel, wherever its text lay: no path gets into an artifact.
  void nameLines(ModuleOp module) {
    module.walk([&](Operation *op) {
      if (auto line = op->getLoc()->findInstanceOf<FileLineColLoc>())
        op->setLoc(FileLineColLoc::get(&context, reply.info.kernel + ".mlir", line.getLine(),
                                       line.getColumn()));
    });
  }

  static std::string version(int ptx) {
    return std::to_string(ptx / 10) + "." + std::to_string(ptx % 10);
  }

  void timed(const char *stage, const std::function<void()> &work) {
    auto begin = std::chrono::steady_clock::now();
    work();
    std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    reply.times.emplace_back(stage, took.count());
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
    if (!request.schedule.empty()) {
      base.fir = Fir::Direct;
      base.cluster = 1;
    }
    HALO_TRY(schedule, Schedule::parse(request.schedule, base));
    if (schedule.cluster > target.maxCluster)
      return invalid("schedule: cluster " + std::to_string(schedule.cluster) + " exceeds the " +
                     std::to_string(target.maxCluster) + " of " + target.arch);
    reply.info.schedule = schedule.print();
    auto attribute = ir::ScheduleAttr::getChecked(
        [&] { return kernel.emitError(); }, &context, schedule.blockN, schedule.blockL,
        int64_t(schedule.numWarps), int64_t(schedule.vector), int64_t(schedule.unroll),
        int64_t(schedule.stages), int64_t(schedule.minBlocks),
        schedule.window == Window::Shared ? ir::WindowKind::Shared : ir::WindowKind::Registers,
        int64_t(request.align),
        schedule.fir == Fir::Toeplitz ? ir::FirKind::Toeplitz : ir::FirKind::Direct,
        int64_t(schedule.cluster));
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
    info.convention = plan.layout == Layout::BD ? kRowsConvention : kCallingConvention;
    info.carries = !plan.carries.empty() || plan.keeps;
    info.cluster = int(plan.schedule.getCluster());
    if (info.cluster > 1)
      target.minPtx = std::max(target.minPtx, kClusterPtx);
    info.halo = jointHalo(plan.kernel, plan.halos);
    info.tiles.assign(plan.tiles.begin(), plan.tiles.end());
  }

  Result<void> lower(ModuleOp module, Diagnostics &diagnostics) {
    bool lowered = false;
    if (request.lines)
      nameLines(module);
    timed("lower", [&] {
      PassManager passes(&context);
      passes.enableVerifier(false);
      passes.addPass(createLowerDirectPass(target.sharedPerBlock));
      if (wants(Stage::Gpu)) // As the conversion begins, whatever is shown.
        passes.addPass(createCSEPass());
      lowered = succeeded(passes.run(module));
    });
    return lowered ? Result<void>() : invalid(diagnostics.text());
  }

  /// LLVM's own complaints, which it would print before it ends the process.
  struct Complaints : llvm::DiagnosticHandler {
    std::string &first;
    explicit Complaints(std::string &first) : first(first) {}
    bool handleDiagnostics(const llvm::DiagnosticInfo &info) override {
      if (info.getSeverity() != llvm::DS_Error || !first.empty())
        return true;
      llvm::raw_string_ostream stream(first);
      llvm::DiagnosticPrinterRawOStream printer(stream);
      info.print(printer);
      return true;
    }
  };

  Result<std::unique_ptr<llvm::Module>> translate(ModuleOp module, llvm::LLVMContext &llvmContext,
                                                  Diagnostics &diagnostics) {
    bool converted = false;
    timed("convert", [&] {
      PassManager passes(&context);
      passes.enableVerifier(false);
      addGpuToLlvm(passes);
      // The other kinds of emission describe types, at which ptxas -O3 stops.
      if (request.lines)
        passes.addPass(
            LLVM::createDIScopeForLLVMFuncOpPass({LLVM::DIEmissionKind::DebugDirectivesOnly}));
      converted = succeeded(passes.run(module));
    });
    if (!converted)
      return halo::failed(diagnostics.text());
    auto gpuModule = *module.getOps<gpu::GPUModuleOp>().begin();
    Result<std::unique_ptr<llvm::Module>> translated = halo::failed("not translated");
    timed("translate", [&] { translated = translateToLlvm(gpuModule, llvmContext, target); });
    return translated;
  }

  /// From stage gpu to what is asked for.
  Result<void> generate(ModuleOp gpuModule, Diagnostics &diagnostics) {
    std::string complaint;
    llvm::LLVMContext llvmContext;
    llvmContext.setDiagnosticHandler(std::make_unique<Complaints>(complaint));
    auto stage = [&](const char *name, const std::function<void()> &work) { timed(name, work); };
    std::string ptx = request.overrideText;
    if (replaced == Stage::Ptx)
      HALO_CHECK(checkPtx(ptx, reply.info.threads));
    if (begins(Stage::Ptx)) {
      std::unique_ptr<llvm::Module> module;
      if (begins(Stage::Llvm)) {
        HALO_TRY(translated, translate(gpuModule, llvmContext, diagnostics));
        module = std::move(translated);
      } else {
        HALO_TRY(given, readLlvm(llvmContext, *replaced, request.overrideText, reply.info.entry,
                                 reply.info.threads));
        module = std::move(given);
      }
      if (runs(Stage::Llvm) && wants(Stage::Llvm))
        show(Stage::Llvm, printText(*module));
      if (request.emit == Emit::Llvm)
        return {};
      if (request.emit == Emit::Sim) {
        llvm::raw_string_ostream stream(reply.blob);
        llvm::WriteBitcodeToFile(*module, stream);
        return {};
      }
      HALO_CHECK(checkPtxVersion("a cluster"));
      if (begins(Stage::Opt))
        HALO_CHECK(optimise(*module, target, target.minPtx, stage));
      if (request.dump)
        show(Stage::Opt, printText(*module));
      HALO_TRY(emitted, emitPtx(*module, target, target.minPtx, stage));
      ptx = std::move(emitted);
      if (!complaint.empty())
        return replaced ? invalid(complaint) : halo::failed(complaint);
    }
    if (wants(Stage::Ptx))
      show(Stage::Ptx, ptx);
    if (request.emit == Emit::Ptx)
      return {};
    Result<Cubin> cubin = halo::failed("not assembled");
    timed("assemble", [&] { cubin = assemble(ptx, target.arch, request.lines); });
    if (!cubin)
      return replaced == Stage::Ptx && cubin.error().code == ErrorCode::Failed
                 ? invalid(cubin.error().message)
                 : cubin.error();
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

} // namespace halo::compiler

// halo-lower-direct: a scheduled kernel becomes a gpu.func with the calling convention of
// runtime/KernelInfo.h.
#include "compiler/Passes.h"
#include "compiler/lowering/Modal.h"
#include "compiler/lowering/Step.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;
using namespace halo::ir;

namespace {

/// Ops of other dialects must act on each position alone.
LogicalResult checkPointwise(KernelOp kernel) {
  for (Operation &op : kernel.getBody().front()) {
    if (isa<HaloDialect>(op.getDialect()) || isa<arith::ConstantOp>(op))
      continue;
    bool known = (isa<arith::ArithDialect>(op.getDialect()) && !isa<arith::RemFOp>(op)) ||
                 isa<math::ExpOp, math::Exp2Op, math::Log2Op, math::LogOp, math::RsqrtOp,
                     math::TanhOp, math::SqrtOp, math::AbsFOp, math::FmaOp, math::FloorOp,
                     math::CeilOp, math::CopySignOp, math::RoundEvenOp, math::TruncOp>(op);
    if (!known || !op.hasTrait<OpTrait::Elementwise>() || op.getNumResults() != 1)
      return op.emitError() << "'" << op.getName()
                            << "' cannot be lowered in a kernel: expected halo ops, elementwise "
                               "arith ops, or one of 14 math ops (see dialect/README.md)";
  }
  return success();
}

gpu::GPUFuncOp createFunction(OpBuilder &b, const KernelPlan &plan) {
  MLIRContext *ctx = b.getContext();
  Location loc = plan.kernel.getLoc();
  bool aligned = plan.schedule.getAlign() > 1;
  Type pointer = LLVM::LLVMPointerType::get(ctx, 1), i64 = b.getI64Type(), i32 = b.getI32Type();
  SmallVector<Type> types;
  SmallVector<std::pair<unsigned, OperandDeclAttr>> pointers;
  for (auto decl : plan.kernel.getOperandDecls().getAsRange<OperandDeclAttr>()) {
    pointers.push_back({types.size(), decl});
    int strides = strideCount(decl.getType());
    types.push_back(pointer);
    types.append(strides, i64);
  }
  types.append(6, i32);

  auto func = gpu::GPUFuncOp::create(b, loc, plan.kernel.getSymName(), b.getFunctionType(types, {}));
  func->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  func.setKnownBlockSizeAttr(b.getDenseI32ArrayAttr({int32_t(plan.threads()), 1, 1}));
  if (plan.schedule.getMinBlocks() > 1)
    func->setAttr("nvvm.minctasm", b.getI32IntegerAttr(plan.schedule.getMinBlocks()));
  if (int64_t cluster = plan.schedule.getCluster(); cluster > 1)
    func->setAttr(NVVM::NVVMDialect::getClusterDimAttrName(),
                  b.getDenseI32ArrayAttr({int32_t(cluster), 1, 1}));
  for (auto [index, decl] : pointers) {
    // A state that is read and written under one name may be updated in place.
    bool inPlace = bool(plan.kernel.lookupOperand(decl.getName(), !decl.getOutput()));
    if (!inPlace) {
      func.setArgAttr(index, "llvm.noalias", b.getUnitAttr());
      if (!decl.getOutput())
        func.setArgAttr(index, "llvm.readonly", b.getUnitAttr());
    }
    if (aligned && !isa<StateType, IndicesType>(decl.getType()))
      func.setArgAttr(index, "llvm.align", b.getI64IntegerAttr(16));
  }
  return func;
}

struct LowerDirectPass : PassWrapper<LowerDirectPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LowerDirectPass)
  LowerDirectPass() = default;
  LowerDirectPass(const LowerDirectPass &other) : PassWrapper(other) {}

  Option<int64_t> sharedLimit{*this, "shared-limit", llvm::cl::init(232448),
                              llvm::cl::desc("shared memory per block of the target, bytes")};

  StringRef getArgument() const override { return "halo-lower-direct"; }
  StringRef getDescription() const override {
    return "lower scheduled kernels to gpu.func by the direct strategy";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<gpu::GPUDialect, LLVM::LLVMDialect, NVVM::NVVMDialect, scf::SCFDialect,
                    vector::VectorDialect>();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (auto kernel : llvm::make_early_inc_range(module.getOps<KernelOp>())) {
      auto plan = planKernel(kernel, sharedLimit);
      if (failed(plan) || failed(checkPointwise(kernel)))
        return signalPassFailure();
      OpBuilder b(kernel);
      auto gpuModule = gpu::GPUModuleOp::create(b, kernel.getLoc(), "halo_kernels");
      module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(), b.getUnitAttr());
      b.setInsertionPointToStart(gpuModule.getBody());
      if (plan->sharedBytes) {
        // External linkage and no initialiser make it .extern .shared, the dynamic memory.
        auto bytes = LLVM::LLVMArrayType::get(b.getI8Type(), 0);
        LLVM::GlobalOp::create(b, kernel.getLoc(), bytes, /*isConstant=*/false,
                               LLVM::Linkage::External, "halo_shared", Attribute(),
                               /*alignment=*/16, /*addrSpace=*/3);
      }
      gpu::GPUFuncOp func = createFunction(b, *plan);
      Emitter emitter(*plan, func);
      emitter.emitEntry();
      if (plan->layout == Layout::BD) {
        emitStep(emitter);
      } else {
        auto walk = [&] {
          if (plan->keptStep())
            emitKeptStep(emitter);
          else if (plan->carries.empty() || plan->staged)
            emitDirect(emitter);
          else
            emitModal(emitter);
          emitter.storeStates();
        };
        if (emitter.rowOk)
          emitter.ifElse(emitter.rowOk, walk, [&] { emitter.storePadding(); });
        else
          walk();
      }
      gpu::ReturnOp::create(emitter.b, kernel.getLoc());
      kernel.erase();
    }
  }
};

} // namespace

std::unique_ptr<Pass> compiler::createLowerDirectPass(int64_t sharedLimit) {
  auto pass = std::make_unique<LowerDirectPass>();
  pass->sharedLimit = sharedLimit;
  return pass;
}

// halo-infer-halo: shows the result of halo inference in the IR. The attribute is for readers;
// the lowering asks the analysis.
#include "compiler/HaloInference.h"
#include "compiler/Passes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace halo;

namespace {

struct InferHaloPass : PassWrapper<InferHaloPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(InferHaloPass)

  StringRef getArgument() const override { return "halo-infer-halo"; }
  StringRef getDescription() const override { return "write each signal's halo on its op"; }

  void runOnOperation() override {
    Builder builder(&getContext());
    for (auto kernel : getOperation().getOps<ir::KernelOp>()) {
      if (!kernel.isSpecialised()) {
        kernel.emitError() << "has " << kernel.getParams().size()
                           << " unbound parameters: run halo-specialise first";
        return signalPassFailure();
      }
      compiler::HaloMap halos = compiler::inferHalos(kernel);
      for (Operation &op : kernel.getBody().front()) {
        SmallVector<int64_t> found;
        for (Value result : op.getResults())
          if (auto halo = halos.find(result); halo != halos.end())
            found.push_back(halo->second);
        if (found.size() == 1)
          op.setAttr("halo", builder.getI64IntegerAttr(found[0]));
        else if (!found.empty())
          op.setAttr("halo", builder.getDenseI64ArrayAttr(found));
        if (isa<ir::ModalOp>(op))
          op.setAttr("carry", builder.getUnitAttr());
      }
    }
  }
};

} // namespace

std::unique_ptr<Pass> compiler::createInferHaloPass() { return std::make_unique<InferHaloPass>(); }

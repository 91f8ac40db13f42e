// halo-specialise, for halo-opt; the compiler calls specialise() itself.
#include "compiler/Passes.h"
#include "compiler/Specialise.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace halo;

namespace {

struct SpecialisePass : PassWrapper<SpecialisePass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SpecialisePass)
  SpecialisePass() = default;
  SpecialisePass(const SpecialisePass &other) : PassWrapper(other) {}

  Option<std::string> params{*this, "params", llvm::cl::desc("bindings: K=4;T=bf16")};
  Option<std::string> with{*this, "with", llvm::cl::desc("present optional inputs: bias;residual")};

  StringRef getArgument() const override { return "halo-specialise"; }
  StringRef getDescription() const override { return "bind the parameters of every kernel"; }

  void runOnOperation() override {
    SmallVector<StringRef> pieces;
    compiler::Bindings given;
    StringRef(params).split(pieces, ';', -1, false);
    for (StringRef piece : pieces)
      given.params[piece.split('=').first.str()] = piece.split('=').second.str();
    pieces.clear();
    StringRef(with).split(pieces, ';', -1, false);
    for (StringRef piece : pieces)
      given.with.insert(piece.str());
    for (auto kernel : getOperation().getOps<ir::KernelOp>()) {
      compiler::Bindings bindings = given;
      if (failed(compiler::specialise(kernel, bindings)))
        return signalPassFailure();
    }
  }
};

} // namespace

std::unique_ptr<Pass> compiler::createSpecialisePass() {
  return std::make_unique<SpecialisePass>();
}

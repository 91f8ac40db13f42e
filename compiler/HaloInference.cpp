#include "compiler/HaloInference.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;

int64_t compiler::tapsOf(ir::FirOp fir) {
  auto decl = fir->getParentOfType<ir::KernelOp>().lookupOperand(fir.getWeight());
  return *ir::knownCount(cast<ir::TapsType>(decl.getType()).getTaps());
}

int64_t compiler::modesOf(ir::KernelOp kernel, StringRef logPoles) {
  return *ir::knownCount(
      cast<ir::ModesType>(kernel.lookupOperand(logPoles, false).getType()).getModes());
}

SmallVector<ir::ModalOp> compiler::carriesOf(ir::KernelOp kernel) {
  return llvm::to_vector(kernel.getBody().front().getOps<ir::ModalOp>());
}

HaloMap compiler::inferHalos(ir::KernelOp kernel) {
  HaloMap halos;
  auto need = [&](Value signal, int64_t halo) {
    auto [entry, isNew] = halos.try_emplace(signal, halo);
    if (!isNew)
      entry->second = std::max(entry->second, halo);
  };
  // Operands are defined before their users, so one backward sweep sees every user first.
  for (Operation &op : llvm::reverse(kernel.getBody().front())) {
    if (isa<ir::StoreOp, ir::SplitStoreOp>(op)) {
      need(op.getOperand(0), 0);
      continue;
    }
    // The last states of a recurrence are reached only by walking it.
    if (auto state = dyn_cast<ir::StoreStateOp>(op))
      if (state.getInputs()[0].getDefiningOp<ir::ModalOp>())
        need(state.getInputs()[0], 0);
    for (Value result : op.getResults()) {
      auto needed = halos.find(result);
      if (needed == halos.end())
        continue;
      int64_t halo = needed->second;
      for (Value operand : op.getOperands())
        need(operand, halo);
      if (auto fir = dyn_cast<ir::FirOp>(op))
        need(fir.getInput(), halo + tapsOf(fir) - 1);
    }
  }
  return halos;
}

int64_t compiler::jointHalo(ir::KernelOp kernel, const HaloMap &halos) {
  int64_t largest = 0;
  kernel.walk([&](ir::LoadOp load) {
    for (Value signal : load.getSignals())
      if (auto needed = halos.find(signal); needed != halos.end())
        largest = std::max(largest, needed->second);
  });
  return largest;
}

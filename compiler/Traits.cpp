// What the choice of a schedule looks at, read off a specialised kernel.
#include "compiler/Compile.h"
#include "compiler/Describe.h"
#include "compiler/HaloInference.h"
#include "compiler/lowering/KernelPlan.h"

#include <numeric>

using namespace mlir;

namespace halo::compiler {

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
  traits.keeps = keepsStates(kernel, traits.layout);
  HaloMap halos = inferHalos(kernel);
  traits.halo = jointHalo(kernel, halos);
  traits.sumTaps = 0;
  for (Operation &op : kernel.getBody().front()) {
    if (auto load = dyn_cast<ir::LoadOp>(op))
      traits.packed |= load.getPacked() && !load.getPacked()->empty();
    auto precision = op.getAttrOfType<ir::PrecisionAttr>("precision");
    traits.storesStates |= isa<ir::StoreStateOp>(op);
    auto load = dyn_cast<ir::LoadOp>(op);
    auto modal = dyn_cast<ir::ModalOp>(op);
    traits.loadsStates |= (load && load.getInitAttr()) || (modal && modal.getInitAttr()) ||
                          isa<ir::ResumeOp>(op);
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

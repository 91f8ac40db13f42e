#include "tools/halo/OperandTensors.h"

#include "tools/halo/RandomFill.h"

#include <algorithm>
#include <cmath>

using namespace halo;
using namespace halo::tool;

Result<size_t> halo::tool::movedBytes(const std::vector<Operand> &operands, const Shape &shape) {
  bool step = std::any_of(operands.begin(), operands.end(), [](const Operand &operand) {
    return operand.kind == OperandKind::View && operand.layout == Layout::BD;
  });
  size_t total = 0;
  for (const Operand &operand : operands) {
    bool state = operand.kind == OperandKind::State || operand.kind == OperandKind::ModalState;
    if (operand.kind != OperandKind::View && !(state && (step || operand.kept())))
      continue;
    std::vector<int64_t> sizes = outputShape(operand, shape);
    if (operand.output && !operand.ring.empty())
      sizes[2] = std::min(sizes[2], shape.l); // Of a ring the new samples alone are written.
    HALO_TRY(bytes, bytesOf(operand.name, operand.dtype, sizes));
    total += bytes;
  }
  return total;
}

Result<void> halo::tool::fillOperand(Device &device, const Operand &operand,
                                     const TensorRef &tensor, uint64_t seed) {
  // Log-poles are negative, and residues may be.
  bool modal = operand.kind == OperandKind::Modes, poles = operand.name == "log_poles";
  double scale = 1;
  if (operand.kind == OperandKind::Taps)
    scale = 1 / std::sqrt(double(std::max<int64_t>(1, operand.taps)));
  else if (modal && !poles)
    scale = 1 / double(std::max<int64_t>(1, operand.modes));
  return fillRandom(device, tensor, seed, scale, modal);
}

Result<void> halo::tool::allocateOperands(Device &device, DeviceTensors &tensors,
                                          const std::vector<Operand> &operands, const Shape &shape,
                                          uint64_t seed) {
  for (const Operand &operand : operands) {
    std::vector<int64_t> sizes = outputShape(operand, shape);
    if (operand.updates()) {
      HALO_CHECK(tensors.addUpdated(operand.name, /*inPlace=*/true));
      continue;
    }
    if (operand.output) {
      HALO_CHECK(tensors.addOutput(operand.name, operand.dtype, sizes));
      continue;
    }
    HALO_CHECK(tensors.add(operand.name, operand.dtype, sizes));
    if (operand.kind == OperandKind::Indices) {
      HALO_CHECK(fillIndices(device, tensors[operand.name], operand, shape));
      continue;
    }
    HALO_CHECK(fillOperand(device, operand, tensors[operand.name], seed++));
  }
  return {};
}

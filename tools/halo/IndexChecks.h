// The values of indices, which a launch does not look at, checked where the host has them.
#pragma once

#include "runtime/KernelInfo.h"
#include "runtime/Safetensors.h"

#include <vector>

namespace halo::tool {

/// Refuses indices that lead outside of what they index, or twice to the same place. The tensors
/// have the shapes and types of the operands; what a kernel's operands do not say of an index is
/// not checked.
Result<void> checkIndices(const std::vector<Operand> &operands, const TensorMap &inputs);

} // namespace halo::tool

// The tensors of a kernel's operands at a shape, where nobody gives any: random inputs, poisoned
// outputs, and the bytes that a launch must move.
#pragma once

#include "runtime/Device.h"
#include "runtime/Schedule.h"
#include "tools/halo/DeviceTensors.h"

#include <cstdint>
#include <vector>

namespace halo::tool {

/// The views, and the states of a step and those that are kept.
Result<size_t> movedBytes(const std::vector<Operand> &operands, const Shape &shape);

/// Random numbers that keep outputs at unit scale: taps of norm one, modes that decay.
Result<void> fillOperand(Device &device, const Operand &operand, const TensorRef &tensor,
                         uint64_t seed);
/// Adds a tensor for each operand; the same seed gives the same inputs.
Result<void> allocateOperands(Device &device, DeviceTensors &tensors,
                              const std::vector<Operand> &operands, const Shape &shape,
                              uint64_t seed);

} // namespace halo::tool

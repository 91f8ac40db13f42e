// The rules a launch must keep, apart from how it is built. Internal to the runtime.
//
// Adding a rule: a check here with the law's label in its message, and a test in LaunchTest.cpp
// whose name carries the label.
#pragma once

#include "runtime/Launch.h"

#include <string>
#include <vector>

namespace halo {

/// Tensors in the order of KernelInfo::operands, and the sizes they agree on.
struct CheckedArguments {
  std::vector<const TensorRef *> tensors;
  Shape shape;
};

/// Everything that can be said without knowing the device. The result points into `arguments`.
Result<CheckedArguments> checkArguments(const KernelInfo &info,
                                        const std::vector<Argument> &arguments);

/// Dimensions of an operand's tensor.
size_t rankOf(const Operand &operand);

/// Why a view refuses 16-byte accesses: a sentence with both numbers; empty where it allows them.
std::string misalignment(const Operand &operand, const TensorRef &tensor);

/// "[2, 64, 3]"
std::string printSizes(const std::vector<int64_t> &sizes);

} // namespace halo

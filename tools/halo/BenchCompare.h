// Two kernels on the same tensors: whether they may be compared, and whether they compute the same.
#pragma once

#include "runtime/Kernel.h"
#include "tools/halo/DeviceTensors.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace halo::tool {

/// One side of a comparison, ready to launch.
struct Side {
  std::string name;
  const Kernel &kernel;
  const BoundLaunch &launch;
};

/// Refuses kernels that could not run on the same tensors: names, kinds, types, shapes.
Result<void> checkSameOperands(const std::string &nameA, const std::vector<Operand> &a,
                               const std::string &nameB, const std::vector<Operand> &b,
                               const Shape &shape);

/// How the outputs of B differ from those of A.
struct OutputComparison {
  /// By output: max_abs (null where a NaN or an infinity is misplaced), relative_norm, its bound,
  /// within_tolerance, worst.
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  std::string disagreement; ///< The first output out of tolerance; "" where all are within.
};

/// Runs A, then B, on the tensors both are bound to, each over poisoned outputs.
Result<OutputComparison> compareOutputs(Device &device, const DeviceTensors &tensors, const Side &a,
                                        const Side &b);

} // namespace halo::tool

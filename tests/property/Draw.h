// Drawing cases. A case's kernel and its sizes are drawn apart: consecutive cases share a kernel,
// since compiling costs more than running. Case number i of a seed is always the same case.
#pragma once

#include "tests/property/Case.h"
#include "tests/property/Random.h"

namespace halo::property {

/// What bounds a draw.
struct DrawOptions {
  std::string kernel;    ///< Empty: any.
  double work = 2e6;     ///< B * D * L * K at most, about.
  int64_t length = 520;  ///< L at most.
  bool simulated = true; ///< No guard in half of the cases: the simulator sees every access.
};

/// Cases in a row that share a kernel.
constexpr uint64_t kShapesPerKernel = 4;

Case drawCase(uint64_t seed, uint64_t index, const DrawOptions &options);

/// Problem and schedule (KernelDraw.cpp); the rest of the case is empty.
Case drawKernel(Random &random, const DrawOptions &options);
/// Sizes, strides and checks for a case that has its problem (ShapeDraw.cpp).
void drawShape(Random &random, const DrawOptions &options, Case &into);

} // namespace halo::property

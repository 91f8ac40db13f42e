#include "tests/oracle/Compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace halo;

Tolerance halo::toleranceOf(DType type) {
  switch (type) {
  case DType::F32:
    return {3e-4, 1e-3, 1e-5};
  case DType::F16:
    return {3e-3, 5e-3, 4e-4};
  case DType::BF16:
    return {1e-2, 5e-2, 1.5e-3};
  default: // indices must be equal
    return {0, 0, 0};
  }
}

Tolerance halo::toleranceOf(DType type, NumberClass from) {
  Tolerance own = toleranceOf(type), inherited = toleranceOf(from.activations);
  if (from.fast && from.activations == DType::BF16)
    inherited.norm = 6e-3;
  return own.norm >= inherited.norm ? own : inherited;
}

static std::string place(int64_t index, const std::vector<int64_t> &shape) {
  std::vector<int64_t> indices(shape.size());
  for (size_t i = shape.size(); i-- > 0;) {
    indices[i] = index % shape[i];
    index /= shape[i];
  }
  return fmt::format("[{}]", fmt::join(indices, ", "));
}

/// NaN meets NaN, an infinity the same infinity.
static bool sameSpecial(double got, double want) {
  return (std::isnan(got) && std::isnan(want)) || got == want;
}

Comparison halo::compare(const HostTensor &got, const HostTensor &want, DType dtype,
                         NumberClass from) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Comparison result;
  if (got.dtype != dtype || want.dtype != dtype || got.shape != want.shape) {
    result = {infinity, infinity, false, ""};
    result.worst = fmt::format("got {} [{}], want {} [{}], compared as {}", name(got.dtype),
                               fmt::join(got.shape, ", "), name(want.dtype),
                               fmt::join(want.shape, ", "), name(dtype));
    return result;
  }

  Tolerance tolerance = toleranceOf(dtype, from);
  double differences = 0, norm = 0, furthest = 0;
  int64_t worst = -1;
  // The excess over the element's bound decides which element is worst; a misplaced NaN or
  // infinity exceeds everything, and no comparison below relies on a NaN being ordered.
  auto note = [&](int64_t index, double excess) {
    if (worst < 0 || excess > furthest) {
      worst = index;
      furthest = excess;
    }
  };
  for (int64_t i = 0, end = want.elements(); i < end; ++i) {
    double g = loadAsF64(got.bytes.data(), dtype, i), w = loadAsF64(want.bytes.data(), dtype, i);
    if (!std::isfinite(g) || !std::isfinite(w)) {
      if (sameSpecial(g, w))
        continue;
      result.withinTolerance = false;
      result.maxAbs = infinity;
      note(i, infinity);
      continue;
    }
    double difference = std::abs(g - w);
    double bound = tolerance.absolute + tolerance.relative * std::abs(w);
    differences += difference * difference;
    norm += w * w;
    result.maxAbs = std::max(result.maxAbs, difference);
    if (difference > bound)
      result.withinTolerance = false;
    if (difference > 0)
      note(i, difference - bound);
  }
  if (differences > 0)
    result.relativeNorm = norm > 0 ? std::sqrt(differences / norm) : infinity;
  if (result.relativeNorm > tolerance.norm)
    result.withinTolerance = false;
  if (worst >= 0)
    result.worst = fmt::format("at {}: got {}, want {}", place(worst, want.shape),
                               loadAsF64(got.bytes.data(), dtype, worst),
                               loadAsF64(want.bytes.data(), dtype, worst));
  return result;
}

#include "tests/property/Checks.h"

#include "tests/oracle/Compare.h"
#include "tests/oracle/Oracle.h"
#include "tests/property/Random.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace halo::property {

/// From here on a relative norm says something: in fewer elements a single legal difference of the
/// last rounding is already more than the law's bound.
static constexpr int64_t kNormElements = 256;

Result<void> checkBits(const std::string &what, const HostTensor &got, const HostTensor &want) {
  if (got.shape != want.shape)
    return failed(fmt::format("{} has shape [{}], expected [{}]", what, fmt::join(got.shape, ", "),
                              fmt::join(want.shape, ", ")));
  size_t element = size(want.dtype);
  for (int64_t i = 0, end = want.elements(); i < end; ++i) {
    size_t byte = size_t(i) * element;
    if (std::memcmp(&got.bytes[byte], &want.bytes[byte], element) == 0)
      continue;
    double g = loadAsF64(got.bytes.data(), got.dtype, i);
    double w = loadAsF64(want.bytes.data(), want.dtype, i);
    if (std::isnan(g) && std::isnan(w)) // A NaN's payload is nobody's promise.
      continue;
    std::vector<int64_t> place(want.shape.size());
    for (size_t d = place.size(), rest = size_t(i); d-- > 0; rest /= size_t(want.shape[d]))
      place[d] = int64_t(rest % size_t(want.shape[d]));
    return failed(fmt::format("{} differs at [{}] of [{}]: got {}, want {}", what,
                              fmt::join(place, ", "), fmt::join(want.shape, ", "), g, w));
  }
  return {};
}

NumberClass classOf(const Problem &problem) {
  return {parseDType(paramOf(problem, "T", "f32")).value_or(DType::F32),
          paramOf(problem, "precision", "accurate") == "fast"};
}

/// The unit in the last place of a number near 1.
static double epsilonOf(DType type) {
  return type == DType::F32 ? 0x1p-23 : type == DType::F16 ? 0x1p-10 : 0x1p-7;
}

/// Whether a tensor too small for the norm is right all the same: no element is further away than
/// one rounding, or the law's norm at unit scale.
static bool closeEnough(const Comparison &result, const HostTensor &want, NumberClass from) {
  if (want.elements() >= kNormElements)
    return false;
  double largest = 1;
  for (int64_t i = 0, end = want.elements(); i < end; ++i)
    if (double value = std::abs(loadAsF64(want.bytes.data(), want.dtype, i)); std::isfinite(value))
      largest = std::max(largest, value);
  double bound = std::max(toleranceOf(want.dtype, from).norm,
                          std::max(epsilonOf(want.dtype), epsilonOf(from.activations)));
  return result.maxAbs <= bound * largest;
}

Result<void> checkClose(const std::string &what, const HostTensor &got, const HostTensor &want,
                        NumberClass from) {
  Comparison result = compare(got, want, want.dtype, from);
  if (result.withinTolerance || closeEnough(result, want, from))
    return {};
  return failed(fmt::format("{} is outside tolerance: relative norm {:.3g} (bound {:.3g}), "
                            "largest difference {:.3g}, {}",
                            what, result.relativeNorm, toleranceOf(want.dtype, from).norm,
                            result.maxAbs, result.worst));
}

Result<void> checkOracle(const Problem &problem, const TensorMap &inputs,
                         const TensorMap &outputs) {
  HALO_TRY(expected, oracle(problem.kernel, inputs, problem.params));
  for (const auto &[name, got] : outputs) {
    auto found = expected.find(name);
    if (found == expected.end())
      return failed(fmt::format("the oracle computes no '{}'", name));
    const HostTensor &want = found->second;
    if (name == "final_state" || name == "proj_state" || name == "conv_state") {
      HALO_CHECK(checkBits("conv_c4: " + name, got, want));
      continue;
    }
    HALO_CHECK(checkClose(name, got, want, classOf(problem)));
  }
  return {};
}

static Result<void> checkLaunched(Runner &runner, const Case &drawn, const Kernel &kernel) {
  HALO_TRY(device, runner.device(drawn.order));
  FirstLaunch first{device, kernel, makeInputs(drawn), {}};
  Placement placement{drawn.views, drawn.guard, 0};
  HALO_TRY(outputs, launch(device, kernel, first.inputs, drawn.shape, placement));
  if (!runner.computes())
    return {};
  first.outputs = outputs;
  HALO_CHECK(checkOracle(drawn.problem, first.inputs, first.outputs));
  return checkInvariances(drawn, first);
}

Outcome checkCase(Runner &runner, const Case &drawn) {
  auto kernel = runner.kernel(drawn);
  if (!kernel) {
    const Error &error = kernel.error();
    bool refused = error.code == ErrorCode::Invalid && !drawn.schedule.empty() &&
                   error.message.find("schedule") != std::string::npos;
    return {refused ? Outcome::Skipped : Outcome::Failed, error.message};
  }
  auto checked = checkLaunched(runner, drawn, *kernel);
  if (!checked)
    return {Outcome::Failed, checked.error().message};
  return {};
}

} // namespace halo::property

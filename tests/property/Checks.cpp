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

/// Outputs at unit scale, as taps of norm one give: a mode's response to noise has the variance
/// R^2 / (1 - exp(2 lp)), or R^2 L where it hardly decays. The law's tolerances are for that scale: where
/// a large convolution and a large skip cancel, one legal rounding of f is far more than a last digit.
static void scaleResidues(TensorMap &inputs, int64_t length) {
  auto poles = inputs.find("log_poles"), residues = inputs.find("residues");
  if (poles == inputs.end() || residues == inputs.end() || poles->second.shape.size() != 2)
    return;
  HostTensor &tensor = residues->second;
  double modes = double(std::max<int64_t>(1, tensor.shape[1]));
  for (int64_t i = 0, end = tensor.elements(); i < end; ++i) {
    double pole = loadAsF64(poles->second.bytes.data(), poles->second.dtype, i);
    double lost = std::max(-std::expm1(2 * pole), 1 / double(std::max<int64_t>(1, length)));
    double value = loadAsF64(tensor.bytes.data(), tensor.dtype, i);
    storeFromF64(tensor.bytes.data(), tensor.dtype, i, value * std::sqrt(lost / modes));
  }
}

/// Bounds from 0 to L: empty and very short sequences are common.
static void fillBounds(Random &random, int64_t length, HostTensor &tensor) {
  std::vector<int64_t> bounds = {0, length};
  while (int64_t(bounds.size()) < tensor.elements()) {
    int64_t near = random.of(bounds) + random.between(0, 3);
    bounds.push_back(random.percent(30) ? std::min(near, length) : random.between(0, length));
  }
  std::sort(bounds.begin(), bounds.end());
  for (int64_t i = 0; i < tensor.elements(); ++i)
    storeFromF64(tensor.bytes.data(), tensor.dtype, i, double(bounds[size_t(i)]));
}

/// Runs of one number, which may be negative or come back.
static void fillLabels(Random &random, HostTensor &tensor) {
  int64_t longest = random.of<int64_t>({3, 20, 200}), label = 0, left = 0;
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    if (left-- == 0) {
      label = random.of<int64_t>({-1, 0, 1, 2, 1000});
      left = random.below(longest);
    }
    storeFromF64(tensor.bytes.data(), tensor.dtype, i, double(label));
  }
}

/// Places in rings, however often they have gone around; slots that no two rows share, some of them
/// -1.
static void fillIndices(HostTensor &tensor, const Operand &operand, const Case &drawn,
                        Random &random) {
  int64_t slots = drawn.shape.b + drawn.spareSlots, first = random.between(0, slots);
  for (int64_t row = 0; row < tensor.elements(); ++row) {
    int64_t value = random.between(0, 1000);
    if (operand.name == "conv_state_indices")
      value = random.percent(25) ? -1 : (first + row) % slots;
    storeFromF64(tensor.bytes.data(), tensor.dtype, row, double(value));
  }
}

TensorMap makeInputs(const Case &drawn) {
  TensorMap inputs;
  Random random(drawn.seed);
  for (const Operand &operand : operandsOf(drawn.problem)) {
    if (operand.output)
      continue;
    HostTensor tensor{operand.dtype, sizesOf(drawn, operand), {}};
    tensor.bytes.resize(size_t(tensor.elements()) * size(tensor.dtype));
    if (operand.kind == OperandKind::Indices) {
      if (operand.form == IndexForm::Bounds)
        fillBounds(random, drawn.shape.l, tensor);
      else if (operand.form == IndexForm::Positions)
        fillLabels(random, tensor);
      else
        fillIndices(tensor, operand, drawn, random);
      inputs[operand.name] = std::move(tensor);
      continue;
    }
    double scale = operand.kind == OperandKind::Taps ? 1 / std::sqrt(double(operand.taps)) : 1;
    for (int64_t i = 0, end = tensor.elements(); i < end; ++i)
      // Log-poles from hardly any decay to none left after one position.
      storeFromF64(tensor.bytes.data(), tensor.dtype, i,
                   operand.name == "log_poles" ? -std::exp(random.normal() * 4 - 3)
                                               : random.normal() * scale);
    inputs[operand.name] = std::move(tensor);
  }
  scaleResidues(inputs, drawn.shape.l);
  return inputs;
}

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

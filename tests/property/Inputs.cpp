// Random inputs at unit scale, which is what the law's tolerances are for.
//
// Filters have a gain of 0.75 to 1.25, channel by channel: the norm of their taps, which is what
// noise sees, or, where a tensor repeats its memory and so is no noise, the sum of their
// magnitudes, which nothing exceeds.
//
// Beside a skip a recurrence has a quarter of that. It is rounded before the skip is added, and may
// cancel with it: one legal rounding of a convolution of 8 that leaves 0 behind is 1/32, times a
// gate of 4 more than a tolerance.
#include "tests/property/Checks.h"

#include "tests/property/Random.h"

#include <algorithm>
#include <cmath>

namespace halo::property {

namespace {

constexpr double kLeastGain = 0.75, kMostGain = 1.25, kBesideSkip = 0.25;

double at(const HostTensor &tensor, int64_t i) {
  return loadAsF64(tensor.bytes.data(), tensor.dtype, i);
}

void multiply(HostTensor &tensor, int64_t begin, int64_t count, double factor) {
  for (int64_t i = begin; i < begin + count; ++i)
    storeFromF64(tensor.bytes.data(), tensor.dtype, i, at(tensor, i) * factor);
}

/// Sums over a filter h.
struct Gain {
  double squares = 0, magnitudes = 0;

  void add(double h) {
    squares += h * h;
    magnitudes += std::abs(h);
  }
  /// What brings it to `wanted`.
  double factor(double wanted, bool repeats) const {
    double own = repeats ? magnitudes : std::sqrt(squares);
    return own > 0 ? wanted / own : 1;
  }
};

/// Whether elements of a view share memory.
bool repeatsMemory(const Case &drawn) {
  return std::any_of(drawn.views.begin(), drawn.views.end(), [](const auto &entry) {
    const std::vector<int64_t> &strides = entry.second.strides;
    return std::count(strides.begin(), strides.end(), 0) > 0;
  });
}

void scaleTaps(HostTensor &taps, Random &random, bool repeats) {
  int64_t count = taps.shape[1];
  for (int64_t row = 0; row < taps.shape[0]; ++row) {
    Gain gain;
    for (int64_t k = 0; k < count; ++k)
      gain.add(at(taps, row * count + k));
    double wanted = kLeastGain + (kMostGain - kLeastGain) * random.uniform();
    multiply(taps, row * count, count, gain.factor(wanted, repeats));
  }
}

/// h[k] = sum over s of R[s] exp(lp[s] k), for k < length. Its modes are bounded as if each stood alone, too: where they
/// cancel, the states' own roundings are not to be raised. A state enters with no more than R does.
void scaleResidues(const HostTensor &poles, HostTensor &residues, int64_t length, double wanted,
                   bool repeats) {
  int64_t modes = residues.shape[1];
  std::vector<double> decay(static_cast<size_t>(modes)), term(static_cast<size_t>(modes));
  for (int64_t row = 0; row < residues.shape[0]; ++row) {
    Gain filter, modesAlone;
    for (int64_t s = 0; s < modes; ++s) {
      decay[size_t(s)] = std::exp(at(poles, row * modes + s));
      term[size_t(s)] = at(residues, row * modes + s);
    }
    for (int64_t k = 0; k < std::max<int64_t>(1, length); ++k) {
      double h = 0;
      for (size_t s = 0; s < term.size(); ++s) {
        h += term[s];
        modesAlone.add(term[s]);
        term[s] *= decay[s];
      }
      filter.add(h);
    }
    multiply(residues, row * modes, modes,
             std::min(filter.factor(wanted, repeats), modesAlone.factor(wanted, repeats)));
  }
}

/// Bounds from 0 to L: empty and very short sequences are common.
void fillBounds(Random &random, int64_t length, HostTensor &tensor) {
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
void fillLabels(Random &random, HostTensor &tensor) {
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
void fillIndices(HostTensor &tensor, const Operand &operand, const Case &drawn, Random &random) {
  int64_t slots = drawn.shape.b + drawn.spareSlots, first = random.between(0, slots);
  for (int64_t row = 0; row < tensor.elements(); ++row) {
    int64_t value = random.between(0, 1000);
    if (operand.name == "conv_state_indices")
      value = random.percent(25) ? -1 : (first + row) % slots;
    storeFromF64(tensor.bytes.data(), tensor.dtype, row, double(value));
  }
}

} // namespace

TensorMap makeInputs(const Case &drawn) {
  TensorMap inputs;
  Random random(drawn.seed);
  bool repeats = repeatsMemory(drawn);
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
    for (int64_t i = 0, end = tensor.elements(); i < end; ++i) {
      double value = random.normal();
      // Log-poles from hardly any decay to none left after one position.
      storeFromF64(tensor.bytes.data(), tensor.dtype, i,
                   operand.name == "log_poles" ? -std::exp(value * 4 - 3) : value);
    }
    if (operand.kind == OperandKind::Taps)
      scaleTaps(tensor, random, repeats);
    inputs[operand.name] = std::move(tensor);
  }
  if (auto residues = inputs.find("residues"); residues != inputs.end())
    scaleResidues(inputs.at("log_poles"), residues->second, drawn.shape.l,
                  inputs.count("skip") ? kBesideSkip : 1, repeats);
  return inputs;
}

} // namespace halo::property

#include "tools/halo/RandomFill.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

using namespace halo;
using namespace halo::tool;

/// Odd and prime: no power-of-two tile of a tensor sees the same numbers twice in step.
static constexpr int64_t PeriodElements = 1048573;

namespace {
/// xorshift64*: good enough for test data, the same on every machine.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed * 0x9e3779b97f4a7c15 + 0x2545f4914f6cdd1d) {}

  /// In (0, 1].
  double uniform() {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (double((state * 0x2545f4914f6cdd1d) >> 11) + 1) * 0x1p-53;
  }
  double normal() {
    double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(6.283185307179586 * uniform());
  }

private:
  uint64_t state;
};
} // namespace

Result<void> halo::tool::fillRandom(Device &device, const TensorRef &tensor, uint64_t seed,
                                    double scale, bool negative) {
  int64_t elements = 1;
  for (int64_t dimension : tensor.shape)
    elements *= dimension;
  int64_t period = std::min(elements, PeriodElements);
  if (period == 0)
    return {};
  std::vector<unsigned char> host(size_t(period) * size(tensor.dtype));
  Random random(seed);
  for (int64_t i = 0; i < period; ++i) {
    double value = random.normal() * scale;
    storeFromF64(host.data(), tensor.dtype, i, negative ? -std::abs(value) : value);
  }

  size_t total = size_t(elements) * size(tensor.dtype), filled = host.size();
  char *data = static_cast<char *>(tensor.data);
  HALO_CHECK(device.upload(data, host.data(), filled));
  while (filled < total) {
    size_t bytes = std::min(filled, total - filled);
    HALO_CHECK(device.copy(data + filled, data, bytes));
    filled += bytes;
  }
  return {};
}

std::vector<int32_t> halo::tool::plainIndices(const Operand &operand, const Shape &shape) {
  int64_t sequences = std::max<int64_t>(shape.n, 1);
  auto begin = [&](int64_t n) { return int32_t(shape.l * n / sequences); };
  if (operand.form == IndexForm::Bounds) {
    std::vector<int32_t> bounds;
    for (int64_t n = 0; n <= sequences; ++n)
      bounds.push_back(begin(n));
    return bounds;
  }
  if (operand.form == IndexForm::Positions) {
    std::vector<int32_t> labels;
    for (int64_t b = 0; b < shape.b; ++b)
      for (int64_t n = 0; n < sequences; ++n)
        labels.insert(labels.end(), size_t(begin(n + 1) - begin(n)), int32_t(n));
    return labels;
  }
  std::vector<int32_t> rows(static_cast<size_t>(shape.b));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

Result<void> halo::tool::fillIndices(Device &device, const TensorRef &tensor,
                                     const Operand &operand, const Shape &shape) {
  std::vector<int32_t> values = plainIndices(operand, shape);
  if (values.empty())
    return {};
  return device.upload(tensor.data, values.data(), values.size() * sizeof(int32_t));
}

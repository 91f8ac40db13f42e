#include "tools/halo/PackTests.h"

#include "runtime/Launch.h"
#include "runtime/Safetensors.h"
#include "tests/oracle/Compare.h"
#include "tests/oracle/Oracle.h"
#include "tools/halo/Operands.h"
#include "tools/halo/RandomFill.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace halo;
using namespace halo::tool;

namespace {

/// xorshift64*, the same on every machine.
class Random {
public:
  double uniform() { ///< In [-1, 1).
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return double((state * 0x2545f4914f6cdd1d) >> 11) * 0x1p-52 - 1;
  }

private:
  uint64_t state = 0x2545f4914f6cdd1d;
};

/// The smallest sizes that fill windows and meet the ends of tiles: two sequences, and channels that
/// allow the aligned variant.
Shape shapeOf(const KernelInfo &info) {
  int64_t taps = 1, unit = 1;
  bool step = false;
  for (const Operand &operand : info.operands) {
    taps = std::max(taps, operand.taps);
    unit = std::lcm(std::lcm(unit, operand.group), std::max<int64_t>(operand.heads, 1));
    step |= operand.kind == OperandKind::View && operand.layout == Layout::BD;
  }
  Shape shape{info.layout == Layout::DL ? 1 : 2, info.requiredChannels(),
              step ? 1 : (taps > 16 ? taps / 8 * 8 + 24 : 24)};
  for (int64_t d = (16 + unit - 1) / unit * unit; !shape.d && d <= 64 * unit; d += unit)
    if (alignmentFor(info.operands, {shape.b, d, shape.l}) == 16)
      shape.d = d;
  if (!shape.d)
    shape.d = (16 + unit - 1) / unit * unit;
  return shape;
}

/// Channels that a test draws; a kernel of more fixed ones sees them again and again.
constexpr int64_t kPeriod = 128;

/// Where an operand's channels are.
size_t channelAxis(const Operand &operand) {
  switch (operand.kind) {
  case OperandKind::View:
    return operand.layout == Layout::BLD ? 2 : operand.layout == Layout::DL ? 0 : 1;
  case OperandKind::State:
  case OperandKind::ModalState:
    return 1;
  default:
    return 0;
  }
}

/// Elements [at, at + count) of an axis.
HostTensor cut(const HostTensor &tensor, size_t axis, int64_t at, int64_t count) {
  int64_t outer = 1, inner = int64_t(size(tensor.dtype));
  for (size_t i = 0; i < tensor.shape.size(); ++i)
    if (i != axis)
      (i < axis ? outer : inner) *= tensor.shape[i];
  HostTensor part{tensor.dtype, tensor.shape, {}};
  part.shape[axis] = count;
  for (int64_t o = 0; o < outer; ++o) {
    auto begin = tensor.bytes.begin() + (o * tensor.shape[axis] + at) * inner;
    part.bytes.insert(part.bytes.end(), begin, begin + count * inner);
  }
  return part;
}

/// The first period, where all others are the same.
std::optional<HostTensor> onePeriod(const HostTensor &tensor, size_t axis) {
  int64_t size = tensor.shape[axis];
  if (size <= kPeriod)
    return std::nullopt;
  HostTensor first = cut(tensor, axis, 0, kPeriod);
  for (int64_t at = kPeriod; at < size; at += kPeriod) {
    int64_t count = std::min(kPeriod, size - at);
    if (cut(tensor, axis, at, count).bytes != cut(first, axis, 0, count).bytes)
      return std::nullopt;
  }
  return first;
}

/// Numbers that keep outputs at unit scale; poles decay, quicker and slower.
HostTensor draw(const Operand &operand, const std::vector<int64_t> &shape, Random &random) {
  HostTensor tensor;
  tensor.dtype = operand.dtype;
  tensor.shape = shape;
  tensor.bytes.resize(size_t(tensor.elements()) * size(operand.dtype));
  double scale = operand.kind == OperandKind::Taps
                     ? 1 / std::sqrt(double(std::max<int64_t>(1, operand.taps)))
                     : 1;
  bool poles = operand.name == "log_poles";
  if (operand.kind == OperandKind::Modes && !poles)
    scale = 1 / std::sqrt(double(std::max<int64_t>(1, operand.modes)));
  size_t axis = channelAxis(operand);
  int64_t inner = 1;
  for (size_t i = axis + 1; i < shape.size(); ++i)
    inner *= shape[i];
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    // Only kernels of fixed channels have more than a period.
    int64_t channel = i / inner % shape[axis];
    if (channel >= kPeriod) {
      int64_t from = i - channel / kPeriod * kPeriod * inner;
      storeFromF64(tensor.bytes.data(), tensor.dtype, i,
                   loadAsF64(tensor.bytes.data(), tensor.dtype, from));
      continue;
    }
    double value = random.uniform() * scale;
    storeFromF64(tensor.bytes.data(), tensor.dtype, i, poles ? -0.05 - std::abs(value) : value);
  }
  return tensor;
}

HostTensor drawIndices(const Operand &operand, const Shape &shape) {
  std::vector<int32_t> values = plainIndices(operand, shape);
  HostTensor tensor{operand.dtype, outputShape(operand, shape), {}};
  tensor.bytes.resize(values.size() * sizeof(int32_t));
  for (size_t i = 0; i < values.size(); ++i)
    storeFromF64(tensor.bytes.data(), tensor.dtype, int64_t(i), values[i]);
  return tensor;
}

} // namespace

Result<std::optional<PackTestData>> halo::tool::makePackTest(const Problem &problem,
                                                             const KernelInfo &info) {
  std::vector<std::string> known = oracleKernels();
  if (std::find(known.begin(), known.end(), problem.kernel) == known.end())
    return std::optional<PackTestData>();
  Shape shape = shapeOf(info);
  if (problem.align == 16 && alignmentFor(info.operands, shape) != 16)
    return std::optional<PackTestData>(); // No contiguous tensors are aligned: parts of odd widths.
  Random random;
  TensorMap inputs;
  for (const Operand &operand : info.operands)
    if (!operand.output)
      inputs[operand.name] = operand.kind == OperandKind::Indices
                                 ? drawIndices(operand, shape)
                                 : draw(operand, outputShape(operand, shape), random);
  OracleParams params = problem.params;
  if (auto length = params.find("length"); length != params.end())
    length->second = std::to_string(shape.l);
  HALO_TRY(outputs, oracle(problem.kernel, inputs, params));

  auto type = problem.params.find("T");
  DType activations =
      type == problem.params.end() ? DType::F32 : parseDType(type->second).value_or(DType::F32);
  PackTestData data;
  TensorMap tensors = inputs;
  for (const Operand &operand : info.operands) {
    if (!operand.output)
      continue;
    auto made = outputs.find(operand.name);
    if (made == outputs.end())
      return failed(
          fmt::format("the oracle of {} computes no '{}'", problem.kernel, operand.name));
    Tolerance tolerance = toleranceOf(operand.dtype, activations);
    data.tolerance[operand.name] = {tolerance.relative, tolerance.absolute, tolerance.norm};
    tensors[std::string(kExpected) + operand.name] = made->second;
  }
  for (const Operand &operand : info.operands) {
    std::string name = (operand.output ? std::string(kExpected) : "") + operand.name;
    HostTensor &tensor = tensors.at(name);
    size_t axis = channelAxis(operand);
    if (std::optional<HostTensor> first = onePeriod(tensor, axis)) {
      data.tiles[name] = {axis, tensor.shape[axis]};
      tensor = std::move(*first);
    }
  }
  HALO_TRY(bytes, printSafetensors("the test of " + problem.print(), tensors));
  data.bytes = std::move(bytes);
  return std::optional<PackTestData>(std::move(data));
}

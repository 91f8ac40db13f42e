#include "tools/halo/TuneCheck.h"

#include "tests/oracle/Compare.h"
#include "tests/oracle/Oracle.h"
#include "tools/halo/OperandTensors.h"
#include "tools/halo/RandomFill.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace halo;
using namespace halo::tool;

/// Elements of the small shape, and of one full-size window.
static constexpr int64_t SmallElements = 1 << 18, WindowElements = 512;
static constexpr int64_t NumWindows = 64;

/// The largest value of at most `most` that leaves `rest` above a multiple of 64 `unit`s.
static int64_t ragged(int64_t most, int64_t unit) {
  int64_t base = most / (64 * unit) * (64 * unit);
  int64_t value = base + unit <= most ? base + unit : base - 64 * unit + unit;
  return std::max(value, std::min(most, unit));
}

Shape halo::tool::checkShape(const KernelInfo &info, const Shape &shape) {
  if (shape.b * shape.d * shape.l <= SmallElements)
    return shape;
  int64_t unit = 1, group = 1;
  for (const Operand &operand : info.operands) {
    if (operand.kind == OperandKind::View && info.align > 1)
      unit = std::lcm(unit, int64_t(info.align) / int64_t(size(operand.dtype)));
    group = std::lcm(group, operand.group);
  }
  Shape small;
  small.b = std::min<int64_t>(shape.b, 2);
  bool bld = info.layout == Layout::BLD;
  // bld blocks are wide along channels, bdl blocks long along positions.
  int64_t wide = bld ? 1096 : 24, channelUnit = std::lcm(unit, group);
  small.d = info.requiredChannels() ? shape.d
                                    : std::min(shape.d, (wide + channelUnit - 1) / channelUnit *
                                                            channelUnit);
  int64_t left = std::max<int64_t>(1, SmallElements / (small.b * small.d));
  small.l = std::min(shape.l, ragged(std::max(left, 8 * unit), bld ? 1 : unit));
  return small;
}

Result<void> TuneCheck::prepare(const KernelInfo &info) {
  Shape small = checkShape(info, shape);
  uint64_t next = seed;
  for (const Operand &operand : info.operands) {
    std::vector<int64_t> sizes = outputShape(operand, shape);
    if (operand.updates()) {
      HALO_CHECK(full.addUpdated(operand.name, /*inPlace=*/false));
      continue;
    }
    if (operand.output) {
      HALO_CHECK(full.addOutput(operand.name, operand.dtype, sizes));
      continue;
    }
    HALO_CHECK(full.add(operand.name, operand.dtype, sizes));
    // The small tensor's numbers are drawn by the same hand, on a device that keeps host memory.
    std::shared_ptr<Device> host = openNullDevice();
    DeviceTensors drawn(host, /*guarded=*/false);
    HALO_CHECK(drawn.addOutput(operand.name, operand.dtype, outputShape(operand, small)));
    if (operand.kind == OperandKind::Indices) {
      HALO_CHECK(fillIndices(*device, full[operand.name], operand, shape));
      HALO_CHECK(fillIndices(*host, drawn.output(operand.name), operand, small));
    } else {
      HALO_CHECK(fillOperand(*device, operand, full[operand.name], next));
      HALO_CHECK(fillOperand(*host, operand, drawn.output(operand.name), next++));
    }
    HALO_TRY(tensor, drawn.download(operand.name));
    inputs[operand.name] = std::move(tensor);
  }
  // A user's own text may compute anything under any name.
  std::vector<std::string> known = oracleKernels();
  againstOracle = std::find(known.begin(), known.end(), problem.kernel) != known.end();
  if (!againstOracle || !computes())
    return {};
  HALO_TRY(outputs, oracle(problem.kernel, inputs, problem.params));
  expected = std::move(outputs);
  return {};
}

/// The class of a problem's numbers: its bounds are the candidates'.
static NumberClass classOf(const Problem &problem) {
  auto text = [&](const char *name) {
    auto found = problem.params.find(name);
    return found == problem.params.end() ? std::string() : found->second;
  };
  return {parseDType(text("T")).value_or(DType::F32), text("precision") == "fast"};
}

static Result<void> compareAll(const TensorMap &got, const TensorMap &want, NumberClass from,
                               const char *what, const char *against) {
  for (const auto &[name, tensor] : got) {
    auto other = want.find(name);
    if (other == want.end())
      return failed(fmt::format("nothing says what {} must be", name));
    Comparison result = compare(tensor, other->second, tensor.dtype, from);
    if (!result.withinTolerance)
      return failed(fmt::format("wrong answer at the {} shape: {} differs from the {}: relative "
                                "norm {:.3g} (bound {:.3g}), {}",
                                what, name, against, result.relativeNorm,
                                toleranceOf(tensor.dtype, from).norm, result.worst));
  }
  return {};
}

Result<void> TuneCheck::checkSmall(const Kernel &kernel) {
  Shape small = checkShape(kernel.info(), shape);
  DeviceTensors tensors(device, /*guarded=*/device->kind() != "sim");
  for (const auto &[name, tensor] : inputs)
    HALO_CHECK(tensors.addInput(name, tensor));
  for (const Operand &operand : kernel.info().operands)
    if (operand.updates())
      HALO_CHECK(tensors.addUpdated(operand.name, /*inPlace=*/false));
    else if (operand.output)
      HALO_CHECK(tensors.addOutput(operand.name, operand.dtype, outputShape(operand, small)));
  HALO_CHECK(kernel.launch(tensors.arguments()));
  HALO_CHECK(device->synchronize(nullptr));
  HALO_CHECK(tensors.checkGuards());
  if (!computes())
    return {};
  TensorMap outputs;
  for (const Operand &operand : kernel.info().operands)
    if (operand.output) {
      HALO_TRY(tensor, tensors.download(operand.name));
      outputs[operand.name] = std::move(tensor);
    }
  if (expected)
    return compareAll(outputs, *expected, classOf(problem), "small",
                      againstOracle ? "oracle" : "default schedule");
  expected = std::move(outputs);
  return {};
}

/// Evenly spread pieces of the outputs, the first and the last element among them.
Result<TensorMap> TuneCheck::windows(const KernelInfo &info) const {
  TensorMap pieces;
  for (const Operand &operand : info.operands) {
    if (!operand.output)
      continue;
    const TensorRef &tensor = full.output(operand.name);
    int64_t elements = 1;
    for (int64_t dimension : tensor.shape)
      elements *= dimension;
    int64_t length = std::min(elements, WindowElements), bytes = int64_t(size(tensor.dtype));
    int64_t count = elements > NumWindows * length ? NumWindows : length ? elements / length : 0;
    HostTensor gathered;
    gathered.dtype = tensor.dtype;
    gathered.shape = {count * length};
    gathered.bytes.resize(size_t(count * length * bytes));
    for (int64_t i = 0; i < count; ++i) {
      int64_t first = count > 1 ? int64_t(double(elements - length) * double(i) / double(count - 1))
                                : 0;
      HALO_CHECK(device->download(gathered.bytes.data() + i * length * bytes,
                                  static_cast<const char *>(tensor.data) + first * bytes,
                                  size_t(length * bytes)));
    }
    pieces[operand.name] = std::move(gathered);
  }
  return pieces;
}

Result<void> TuneCheck::checkFull(const Kernel &kernel) {
  for (const Operand &operand : kernel.info().operands)
    if (operand.output) {
      const TensorRef &tensor = full.output(operand.name);
      HALO_TRY(bytes, bytesOf(operand.name, tensor.dtype, tensor.shape));
      if (operand.updates())
        HALO_CHECK(device->copy(tensor.data, full[operand.name].data, bytes));
      else
        HALO_CHECK(device->fill(tensor.data, 0xff, bytes));
    }
  HALO_CHECK(kernel.launch(full.arguments()));
  HALO_CHECK(device->synchronize(nullptr));
  HALO_CHECK(full.checkGuards());
  if (!computes())
    return {};
  HALO_TRY(pieces, windows(kernel.info()));
  if (windowsOfDefault)
    return compareAll(pieces, *windowsOfDefault, classOf(problem), "full", "default schedule");
  for (const auto &[name, tensor] : pieces)
    for (int64_t i = 0; i < tensor.elements(); ++i)
      if (std::isnan(loadAsF64(tensor.bytes.data(), tensor.dtype, i)))
        return failed(fmt::format("wrong answer at the full shape: {} has elements that nobody "
                                  "wrote",
                                  name));
  windowsOfDefault = std::move(pieces);
  return {};
}

Result<std::string> TuneCheck::check(const Kernel &kernel) {
  if (full.arguments().empty())
    HALO_CHECK(prepare(kernel.info()));
  HALO_CHECK(checkSmall(kernel));
  HALO_CHECK(checkFull(kernel));
  if (!computes())
    return std::string("nothing");
  return std::string(againstOracle ? "oracle" : "default");
}

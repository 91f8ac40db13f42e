#include "tools/halo/BenchCompare.h"

#include "tests/oracle/Compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

using namespace halo;
using namespace halo::tool;

static std::string describe(const Operand &operand, const Shape &shape) {
  std::string kind(name(operand.kind));
  if (operand.kind == OperandKind::View)
    kind += fmt::format(" {}", name(operand.layout));
  return fmt::format("{} {} {} [{}]", operand.output ? "output" : "input", kind,
                     name(operand.dtype), fmt::join(outputShape(operand, shape), ", "));
}

Result<void> halo::tool::checkSameOperands(const std::string &nameA, const std::vector<Operand> &a,
                                           const std::string &nameB, const std::vector<Operand> &b,
                                           const Shape &shape) {
  // A state may be an input and an output. Of a name that is one here and the other there, the
  // message shall say so.
  auto find = [](const std::vector<Operand> &operands, const Operand &wanted) {
    auto same = std::find_if(operands.begin(), operands.end(), [&](const Operand &operand) {
      return operand.name == wanted.name && operand.output == wanted.output;
    });
    return same != operands.end()
               ? same
               : std::find_if(operands.begin(), operands.end(), [&](const Operand &operand) {
                   return operand.name == wanted.name;
                 });
  };
  for (const Operand &operand : b)
    if (find(a, operand) == a.end())
      return invalid(fmt::format("--compare: {} has an operand '{}', {} has none", nameB,
                                 operand.name, nameA));
  for (const Operand &operand : a) {
    auto other = find(b, operand);
    if (other == b.end())
      return invalid(fmt::format("--compare: {} has an operand '{}', {} has none", nameA,
                                 operand.name, nameB));
    std::string left = describe(operand, shape), right = describe(*other, shape);
    if (left != right)
      return invalid(fmt::format("--compare: '{}' is {} in {} but {} in {}", operand.name, left,
                                 nameA, right, nameB));
  }
  return {};
}

/// Launches one side over poisoned outputs and brings them back.
static Result<TensorMap> outputsOf(Device &device, const DeviceTensors &tensors, const Side &side) {
  std::vector<std::string> names;
  TensorMap before; // What a launch changes where it is.
  for (const Operand &operand : side.kernel.info().operands)
    if (operand.output) {
      const TensorRef &tensor = tensors.output(operand.name);
      HALO_TRY(bytes, bytesOf(operand.name, tensor.dtype, tensor.shape));
      if (operand.updates()) {
        HALO_TRY(own, tensors.download(operand.name));
        before[operand.name] = std::move(own);
      } else if (bytes) {
        HALO_CHECK(device.fill(tensor.data, 0xff, bytes));
      }
      names.push_back(operand.name);
    }
  HALO_CHECK(side.kernel.launch(side.launch));
  HALO_CHECK(device.synchronize(nullptr));
  TensorMap outputs;
  for (const std::string &name : names) {
    HALO_TRY(tensor, tensors.download(name));
    outputs[name] = std::move(tensor);
  }
  for (const auto &[name, own] : before)
    if (!own.bytes.empty())
      HALO_CHECK(device.upload(tensors.output(name).data, own.bytes.data(), own.bytes.size()));
  return outputs;
}

Result<OutputComparison> halo::tool::compareOutputs(Device &device, const DeviceTensors &tensors,
                                                    const Side &a, const Side &b) {
  HALO_TRY(want, outputsOf(device, tensors, a));
  HALO_TRY(got, outputsOf(device, tensors, b));
  OutputComparison result;
  for (const auto &[name, tensor] : want) {
    Comparison compared = compare(got[name], tensor, tensor.dtype);
    double bound = toleranceOf(tensor.dtype).norm;
    result.json[name] = {{"max_abs", compared.maxAbs},
                         {"relative_norm", compared.relativeNorm},
                         {"bound", bound},
                         {"within_tolerance", compared.withinTolerance},
                         {"worst", compared.worst}};
    if (!compared.withinTolerance && result.disagreement.empty())
      result.disagreement = fmt::format(
          "{} and {} compute different things: {} of the second is outside tolerance of the "
          "first's: relative norm {:.3g} (bound {:.3g}), largest difference {:.3g}, {}",
          a.name, b.name, name, compared.relativeNorm, bound, compared.maxAbs, compared.worst);
  }
  return result;
}

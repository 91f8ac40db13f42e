#include "tests/property/Runner.h"

#include <fmt/format.h>

namespace halo::property {

static constexpr size_t kKernelsKept = 8;

Result<std::shared_ptr<Device>> Runner::device(uint64_t order) {
  if (!simulated())
    order = 0;
  if (auto known = devices.find(order); known != devices.end())
    return known->second;
  SimOptions options;
  options.checked = true;
  options.seed = order;
  HALO_TRY(opened, simulated() ? openSimDevice(options) : openDevice(deviceName));
  return devices[order] = opened;
}

Result<Kernel> Runner::kernel(const Case &of) {
  std::string key = fmt::format("{} ; {} ; {}", of.problem.print(), of.schedule, of.order);
  for (const Compiled &compiled : recent)
    if (compiled.key == key)
      return compiled.kernel;
  HALO_TRY(on, device(of.order));
  HALO_TRY(made, Kernel::compile(on, of.problem, {of.schedule, of.shape}));
  recent.push_back({key, made});
  if (recent.size() > kKernelsKept)
    recent.pop_front();
  return made;
}

Result<TensorMap> launch(const std::shared_ptr<Device> &device, const Kernel &kernel,
                         TensorMap &inputs, const Shape &shape, const Placement &placement) {
  KernelInfo info = kernel.info();
  if (placement.blockL)
    info.blockL = placement.blockL;
  std::map<std::pair<std::string, bool>, PlacedTensor> tensors; // By name and "is an output".
  std::vector<Argument> arguments;
  for (const Operand &operand : info.operands) {
    if (auto twin = tensors.find({operand.name, false});
        (placement.inPlace || operand.updates()) && operand.output && twin != tensors.end()) {
      twin->second.expectWrite();
      arguments.push_back({operand.name, twin->second.ref()});
      continue;
    }
    // A state that is kept has sizes of its own.
    std::vector<int64_t> sizes =
        operand.kept() ? inputs[operand.name].shape : std::vector<int64_t>(outputShape(operand, shape));
    auto drawn = placement.views.find(operand.name);
    ViewSpec view = drawn == placement.views.end() ? contiguousView(sizes) : drawn->second;
    HALO_TRY(tensor,
             operand.output
                 ? PlacedTensor::output(device, operand.dtype, sizes, view, placement.guard)
                 : PlacedTensor::input(device, inputs[operand.name], view, placement.guard));
    if (!operand.output)
      inputs[operand.name] = tensor.read();
    arguments.push_back({operand.name, tensor.ref()});
    tensors[{operand.name, operand.output}] = std::move(tensor);
  }
  HALO_TRY(bound, halo::bind(info, arguments, device->traits()));
  HALO_CHECK(kernel.launch(bound));
  HALO_CHECK(device->synchronize(nullptr));
  TensorMap outputs;
  for (auto &[key, tensor] : tensors)
    HALO_CHECK(tensor.verify(key.first));
  for (const Operand &operand : info.operands)
    if (operand.output) {
      auto own = tensors.find({operand.name, true});
      outputs[operand.name] =
          (own == tensors.end() ? tensors[{operand.name, false}] : own->second).read();
    }
  return outputs;
}

} // namespace halo::property

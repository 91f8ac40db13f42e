#include "tools/halo/DeviceTensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace halo;
using namespace halo::tool;

static constexpr size_t GuardBytes = 256;
static constexpr uint8_t GuardByte = 0xa5;

DeviceTensors::DeviceTensors(std::shared_ptr<Device> device, bool guarded)
    : device(std::move(device)), guard(guarded ? GuardBytes : 0) {}

Result<size_t> halo::tool::bytesOf(const std::string &name, DType dtype,
                                   const std::vector<int64_t> &shape) {
  int64_t bytes = int64_t(size(dtype));
  for (int64_t dimension : shape)
    if (__builtin_mul_overflow(bytes, dimension, &bytes))
      return invalid(fmt::format("{} [{}] of {} has more than 2^63 bytes", name,
                                 fmt::join(shape, ", "), halo::name(dtype)));
  return size_t(bytes);
}

Result<void> DeviceTensors::add(const std::string &name, DType dtype,
                                const std::vector<int64_t> &shape) {
  return allocate(name, /*output=*/false, dtype, shape);
}

Result<void> DeviceTensors::allocate(const std::string &name, bool output, DType dtype,
                                     const std::vector<int64_t> &shape) {
  HALO_TRY(bytes, bytesOf(name, dtype, shape));
  // The tensor ends where the strip behind it begins: guards touch, alignment is at the front.
  HALO_TRY(buffer, DeviceBuffer::allocate(device, bytes + 2 * guard));
  char *base = static_cast<char *>(buffer.data());
  if (guard) {
    HALO_CHECK(device->fill(base, GuardByte, guard));
    HALO_CHECK(device->fill(base + guard + bytes, GuardByte, guard));
  }
  Entry entry;
  entry.tensor = TensorRef::contiguous(base + guard, dtype, shape);
  entry.bytes = bytes;
  entry.buffer = std::move(buffer);
  entries[{name, output}] = std::move(entry);
  return {};
}

Result<void> DeviceTensors::addInput(const std::string &name, const HostTensor &tensor) {
  HALO_CHECK(add(name, tensor.dtype, tensor.shape));
  if (tensor.bytes.empty())
    return {};
  return device->upload((*this)[name].data, tensor.bytes.data(), tensor.bytes.size());
}

Result<void> DeviceTensors::addOutput(const std::string &name, DType dtype,
                                      const std::vector<int64_t> &shape) {
  HALO_CHECK(allocate(name, /*output=*/true, dtype, shape));
  const Entry &entry = entries[{name, true}];
  return entry.bytes ? device->fill(entry.tensor.data, 0xff, entry.bytes) : Result<void>();
}

Result<void> DeviceTensors::addUpdated(const std::string &name, bool inPlace) {
  const Entry &input = entries.at({name, false});
  std::vector<int64_t> shape = input.tensor.shape;
  if (!inPlace) {
    HALO_CHECK(allocate(name, /*output=*/true, input.tensor.dtype, shape));
    Entry &output = entries.at({name, true});
    return output.bytes ? device->copy(output.tensor.data, input.tensor.data, output.bytes)
                        : Result<void>();
  }
  Entry same; // The input owns the memory.
  same.tensor = input.tensor;
  same.bytes = input.bytes;
  entries[{name, true}] = std::move(same);
  return {};
}

const TensorRef &DeviceTensors::operator[](const std::string &name) const {
  auto input = entries.find({name, false});
  return (input == entries.end() ? entries.at({name, true}) : input->second).tensor;
}

std::vector<Argument> DeviceTensors::arguments() const {
  std::vector<Argument> arguments;
  for (const auto &[key, entry] : entries)
    arguments.push_back({key.first, entry.tensor});
  return arguments;
}

Result<HostTensor> DeviceTensors::download(const std::string &name) const {
  const Entry &entry = entries.at({name, true});
  HostTensor tensor;
  tensor.dtype = entry.tensor.dtype;
  tensor.shape = entry.tensor.shape;
  tensor.bytes.resize(entry.bytes);
  if (entry.bytes)
    HALO_CHECK(device->download(tensor.bytes.data(), entry.tensor.data, entry.bytes));
  return tensor;
}

Result<void> DeviceTensors::checkGuards() const {
  if (!guard)
    return {};
  for (const auto &[key, entry] : entries) {
    const char *data = static_cast<const char *>(entry.tensor.data);
    for (bool behind : {false, true}) {
      std::vector<uint8_t> strip(guard);
      HALO_CHECK(device->download(strip.data(), behind ? data + entry.bytes : data - guard, guard));
      for (size_t i = 0; i < guard; ++i)
        if (strip[i] != GuardByte)
          return failed(fmt::format("the kernel wrote outside '{}': byte {} {} it is {:#04x}, "
                                    "expected {:#04x}",
                                    key.first, behind ? i : guard - i, behind ? "behind" : "before",
                                    strip[i], GuardByte));
    }
  }
  return {};
}

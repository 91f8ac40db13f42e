#include "runtime/Device.h"

#include <fmt/format.h>

#include <charconv>

namespace halo {

// Here, so that the vtables have one home.
LoadedKernel::~LoadedKernel() = default;
Device::~Device() = default;

Result<std::shared_ptr<Device>> openDevice(std::string_view name) {
  if (name.empty()) {
    if (auto cuda = openCudaDevice(); cuda)
      return cuda;
    return openSimDevice();
  }
  if (name == "null")
    return openNullDevice();
  if (name == "sim")
    return openSimDevice();
  if (name == "cuda")
    return openCudaDevice();
  constexpr std::string_view prefix = "cuda:";
  if (name.substr(0, prefix.size()) == prefix) {
    std::string_view digits = name.substr(prefix.size());
    int ordinal = -1;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), ordinal);
    if (error == std::errc() && end == digits.data() + digits.size() && ordinal >= 0)
      return openCudaDevice(ordinal);
  }
  return invalid(
      fmt::format("device '{}' is unknown where null, sim, cuda or cuda:N is expected", name));
}

Result<DeviceBuffer> DeviceBuffer::allocate(std::shared_ptr<Device> device, size_t bytes) {
  HALO_TRY(pointer, device->allocate(bytes));
  DeviceBuffer buffer;
  buffer.device = std::move(device);
  buffer.pointer = pointer;
  buffer.size = bytes;
  return buffer;
}

DeviceBuffer::DeviceBuffer(DeviceBuffer &&other) noexcept
    : device(std::move(other.device)), pointer(std::exchange(other.pointer, nullptr)),
      size(std::exchange(other.size, 0)) {}

DeviceBuffer &DeviceBuffer::operator=(DeviceBuffer &&other) noexcept {
  std::swap(device, other.device);
  std::swap(pointer, other.pointer);
  std::swap(size, other.size);
  return *this;
}

DeviceBuffer::~DeviceBuffer() {
  // Nobody is left to tell; a failing release means a broken context, which the next call reports.
  if (device)
    (void)device->release(pointer);
}

} // namespace halo

#include "runtime/Device.h"

#include <fmt/format.h>

#include <atomic>
#include <charconv>

namespace halo {

// Here, so that the vtables have one home.
LoadedKernel::LoadedKernel(KernelInfo kernel, std::shared_ptr<const Device> on)
    : info(std::move(kernel)), device(std::move(on)), plan(info, device->traits()) {}
LoadedKernel::~LoadedKernel() = default;
Graph::~Graph() = default;
Device::~Device() = default;

/// Captures that this thread is inside of.
static thread_local int captures = 0;

static std::atomic<bool> frozen{false};

void setFrozen(bool value) { frozen = value; }
bool isFrozen() { return frozen; }

Result<void> checkLoadingAllowed(std::string_view kernel) {
  if (captures)
    return invalid(fmt::format("kernel {} is not loaded, and loading it would break the capture "
                               "that this thread is inside of: load it before",
                               kernel));
  if (frozen)
    return invalid(fmt::format("kernel {} is not loaded, and this process is frozen: load it "
                               "before",
                               kernel));
  return {};
}

Result<std::shared_ptr<LoadedKernel>> Device::load(const Artifact &artifact) {
  HALO_CHECK(checkLoadingAllowed(artifact.info.kernel));
  HALO_CHECK(checkParameterCount(artifact.info));
  return loadCode(artifact);
}

[[gnu::cold, gnu::noinline]] static Error
launchRefusal(const Device &device, const LoadedKernel &kernel, uint64_t blocks) {
  const std::string &name = kernel.info.kernel;
  if (kernel.device.get() != &device)
    return invalid(fmt::format("kernel {} was loaded on another device", name));
  if (blocks > INT32_MAX)
    return invalid(
        fmt::format("kernel {}: {} blocks are above the limit {}", name, blocks, INT32_MAX));
  return invalid(fmt::format("kernel {} is launched without parameters", name));
}

Result<void> Device::launch(const LoadedKernel &kernel, uint64_t blocks, void **params,
                            Stream stream) {
  if (kernel.device.get() != this || blocks > INT32_MAX || (blocks && !params))
    return launchRefusal(*this, kernel, blocks);
  if (blocks == 0)
    return {};
  return enqueue(kernel, uint32_t(blocks), params, stream);
}

Result<std::unique_ptr<Graph>> Device::capture(Stream stream,
                                               const std::function<Result<void>()> &work) {
  if (!stream)
    return invalid("the default stream cannot be captured: create a stream");
  HALO_CHECK(beginCapture(stream));
  ++captures;
  Result<void> done = work();
  --captures;
  Result<std::unique_ptr<Graph>> graph = endCapture(stream);
  if (!done)
    return done.error();
  return graph;
}

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

Result<DeviceStream> DeviceStream::create(std::shared_ptr<Device> device) {
  HALO_TRY(created, device->createStream());
  DeviceStream stream;
  stream.device = std::move(device);
  stream.stream = created;
  return stream;
}

DeviceStream::DeviceStream(DeviceStream &&other) noexcept
    : device(std::move(other.device)), stream(std::exchange(other.stream, nullptr)) {}

DeviceStream &DeviceStream::operator=(DeviceStream &&other) noexcept {
  std::swap(device, other.device);
  std::swap(stream, other.stream);
  return *this;
}

DeviceStream::~DeviceStream() {
  if (device)
    (void)device->destroyStream(stream);
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

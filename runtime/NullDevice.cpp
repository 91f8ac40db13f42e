// Checks everything and runs nothing: the smallest device, to clone for a new one.
#include "runtime/Device.h"
#include "runtime/HostMemory.h"

#include <fmt/format.h>

#include <chrono>

namespace halo {

namespace {

class NullKernel final : public LoadedKernel {
public:
  NullKernel(KernelInfo info, std::shared_ptr<const Device> device)
      : LoadedKernel(std::move(info)), device(std::move(device)) {}
  const std::shared_ptr<const Device> device;
};

class NullDevice final : public Device {
public:
  std::string_view kind() const override { return "null"; }
  std::string name() const override { return "null device"; }
  std::string_view emit() const override { return "gpu"; }
  std::string arch() const override { return "sm_90"; }
  DeviceTraits traits() const override { return {}; }

  Result<void *> allocate(size_t bytes) override { return memory.allocate(bytes); }
  Result<void> release(void *pointer) override { return memory.release(pointer); }
  Result<void> upload(void *device, const void *host, size_t bytes) override {
    return memory.upload(device, host, bytes);
  }
  Result<void> download(void *host, const void *device, size_t bytes) override {
    return memory.download(host, device, bytes);
  }
  Result<void> fill(void *device, uint8_t byte, size_t bytes) override {
    return memory.fill(device, byte, bytes);
  }
  Result<void> copy(void *to, const void *from, size_t bytes) override {
    return memory.copy(to, from, bytes);
  }

  Result<std::shared_ptr<LoadedKernel>> load(const Artifact &artifact) override {
    return std::shared_ptr<LoadedKernel>(
        std::make_shared<NullKernel>(artifact.info, shared_from_this()));
  }

  Result<void> launch(const LoadedKernel &kernel, uint64_t blocks, void **params, Stream) override {
    auto *own = dynamic_cast<const NullKernel *>(&kernel);
    if (!own || own->device.get() != this)
      return invalid(fmt::format("kernel {} was loaded on another device", kernel.info.kernel));
    if (blocks > INT32_MAX)
      return invalid(fmt::format("kernel {}: {} blocks are above the limit {}", kernel.info.kernel,
                                 blocks, INT32_MAX));
    if (blocks && !params)
      return invalid(fmt::format("kernel {} is launched without parameters", kernel.info.kernel));
    return {};
  }

  Result<void> synchronize(Stream) override { return {}; }

  Result<double> time(const std::function<Result<void>()> &before,
                      const std::function<Result<void>()> &work) override {
    if (before)
      HALO_CHECK(before());
    auto start = std::chrono::steady_clock::now();
    HALO_CHECK(work());
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
        .count();
  }

private:
  HostMemory memory;
};

} // namespace

std::shared_ptr<Device> openNullDevice() { return std::make_shared<NullDevice>(); }

} // namespace halo

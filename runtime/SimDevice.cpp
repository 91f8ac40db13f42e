// The simulator: runs what the compiler emits as LLVM bitcode on this machine's processor. Launches
// are synchronous, so streams mean nothing here.
#include "runtime/CompilerLibrary.h"
#include "runtime/Device.h"
#include "runtime/HostMemory.h"

#include <fmt/format.h>

#include <chrono>
#include <mutex>

namespace halo {

namespace {

class SimKernel final : public LoadedKernel {
public:
  SimKernel(KernelInfo info, std::shared_ptr<const Device> device, CompilerLibrary &compiler,
            HaloSimKernel *handle)
      : LoadedKernel(std::move(info)), device(std::move(device)), compiler(compiler),
        handle(handle) {}
  ~SimKernel() override { compiler.destroySim(handle); }

  const std::shared_ptr<const Device> device;
  CompilerLibrary &compiler;
  HaloSimKernel *const handle;
  mutable std::mutex running; ///< The ABI allows one launch at a time of a kernel.
};

class SimDevice final : public Device {
public:
  SimDevice(CompilerLibrary &compiler, SimOptions options) : compiler(compiler), options(options) {}

  std::string_view kind() const override { return "sim"; }
  std::string name() const override {
    return options.checked ? "simulator (checked)" : "simulator";
  }
  std::string_view emit() const override { return "sim"; }
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
    HALO_TRY(handle, compiler.createSim(artifact.code, artifact.info.entry, options.checked));
    return std::shared_ptr<LoadedKernel>(
        std::make_shared<SimKernel>(artifact.info, shared_from_this(), compiler, handle));
  }

  Result<void> launch(const LoadedKernel &kernel, uint64_t blocks, void **params, Stream) override {
    auto *own = dynamic_cast<const SimKernel *>(&kernel);
    if (!own || own->device.get() != this)
      return invalid(fmt::format("kernel {} was loaded on another device", kernel.info.kernel));
    if (blocks > INT32_MAX)
      return invalid(fmt::format("kernel {}: {} blocks are above the limit {}", kernel.info.kernel,
                                 blocks, INT32_MAX));
    if (blocks == 0)
      return {};
    if (!params)
      return invalid(fmt::format("kernel {} is launched without parameters", kernel.info.kernel));
    std::vector<HaloSimRegion> regions;
    if (options.checked)
      regions = memory.regions();
    HaloSimLaunch request{};
    request.size = sizeof(request);
    request.gridX = uint32_t(blocks);
    request.gridY = request.gridZ = 1;
    request.blockX = uint32_t(kernel.info.threads);
    request.blockY = request.blockZ = 1;
    request.sharedBytes = uint64_t(kernel.info.sharedBytes);
    request.params = params;
    request.checked = options.checked;
    request.seed = options.seed;
    request.regions = regions.data();
    request.numRegions = regions.size();
    std::lock_guard<std::mutex> lock(own->running);
    return compiler.runSim(own->handle, request);
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
  CompilerLibrary &compiler;
  const SimOptions options;
  HostMemory memory;
};

} // namespace

Result<std::shared_ptr<Device>> openSimDevice(SimOptions options) {
  HALO_TRY(compiler, CompilerLibrary::get());
  return std::shared_ptr<Device>(std::make_shared<SimDevice>(*compiler, options));
}

} // namespace halo

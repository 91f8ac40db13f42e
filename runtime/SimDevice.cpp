// The simulator: runs what the compiler emits as LLVM bitcode on this machine's processor.
#include "runtime/CompilerLibrary.h"
#include "runtime/HostDevice.h"

#include <mutex>

namespace halo {

namespace {

class SimKernel final : public LoadedKernel {
public:
  SimKernel(KernelInfo info, std::shared_ptr<const Device> device, CompilerLibrary &compiler,
            HaloSimKernel *handle)
      : LoadedKernel(std::move(info), std::move(device)), compiler(compiler), handle(handle) {}
  ~SimKernel() override { compiler.destroySim(handle); }

  CompilerLibrary &compiler;
  HaloSimKernel *const handle;
  mutable std::mutex running; ///< The ABI allows one launch at a time of a kernel.
};

class SimDevice final : public HostDevice {
public:
  SimDevice(CompilerLibrary &compiler, SimOptions options) : compiler(compiler), options(options) {}

  std::string_view kind() const override { return "sim"; }
  std::string name() const override {
    return options.checked ? "simulator (checked)" : "simulator";
  }
  std::string_view emit() const override { return "sim"; }

protected:
  Result<std::shared_ptr<LoadedKernel>> loadCode(const Artifact &artifact) override {
    HALO_TRY(handle, compiler.createSim(artifact.code, artifact.info.entry, options.checked));
    return std::shared_ptr<LoadedKernel>(
        std::make_shared<SimKernel>(artifact.info, shared_from_this(), compiler, handle));
  }

  Result<void> run(const LoadedKernel &kernel, uint32_t blocks, void **params) override {
    auto &own = static_cast<const SimKernel &>(kernel);
    std::vector<HaloSimRegion> regions;
    if (options.checked)
      regions = memory.regions();
    HaloSimLaunch request{};
    request.size = sizeof(request);
    request.gridX = blocks;
    request.gridY = request.gridZ = 1;
    request.blockX = uint32_t(kernel.info.threads);
    request.blockY = request.blockZ = 1;
    request.sharedBytes = uint64_t(kernel.info.sharedBytes);
    request.params = params;
    request.checked = options.checked;
    request.seed = options.seed;
    request.regions = regions.data();
    request.numRegions = regions.size();
    request.profile = options.profile != nullptr;
    std::lock_guard<std::mutex> lock(own.running);
    HALO_TRY(profile, compiler.runSim(own.handle, request));
    if (options.profile)
      *options.profile = profile;
    return {};
  }

private:
  CompilerLibrary &compiler;
  const SimOptions options;
};

} // namespace

Result<std::shared_ptr<Device>> openSimDevice(SimOptions options) {
  HALO_TRY(compiler, CompilerLibrary::get());
  return std::shared_ptr<Device>(std::make_shared<SimDevice>(*compiler, options));
}

} // namespace halo

// Checks everything and runs nothing: the smallest device, to clone for a new one.
#include "runtime/HostDevice.h"

namespace halo {

namespace {

class NullDevice final : public HostDevice {
public:
  std::string_view kind() const override { return "null"; }
  std::string name() const override { return "null device"; }
  std::string_view emit() const override { return "gpu"; }

protected:
  Result<std::shared_ptr<LoadedKernel>> loadCode(const Artifact &artifact) override {
    return std::make_shared<LoadedKernel>(artifact.info, shared_from_this());
  }
  Result<void> run(const LoadedKernel &, uint32_t, void **) override { return {}; }
};

} // namespace

std::shared_ptr<Device> openNullDevice() { return std::make_shared<NullDevice>(); }

} // namespace halo

#include "tools/halo/EmptyKernel.h"

#include <vector>

using namespace halo;
using namespace halo::tool;

/// Any GPU's driver assembles it.
static constexpr const char *kEmptyPtx = R"(.version 6.4
.target sm_70
.address_size 64
.visible .entry halo_empty() { ret; }
)";

Result<EmptyKernel> halo::tool::loadEmptyKernel(const std::shared_ptr<Device> &device) {
  EmptyKernel empty;
  if (device->kind() == "sim")
    return empty;
  Artifact artifact;
  artifact.info.kernel = artifact.info.entry = "halo_empty";
  artifact.info.threads = 32;
  artifact.code = kEmptyPtx;
  HALO_TRY(kernel, device->load(artifact));
  HALO_TRY(stream, DeviceStream::create(device));
  HALO_TRY(graph, device->capture(stream.get(), [&] {
    // It takes no parameters; a device that records launches reads the sizes that every kernel has.
    uint64_t zero = 0;
    std::vector<void *> params(kernel->info.parameterCount(), &zero);
    return device->launch(*kernel, 1, params.data(), stream.get());
  }));
  empty.kernel = kernel;
  empty.graph = std::move(graph);
  return empty;
}

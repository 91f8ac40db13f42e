#include "runtime/Kernel.h"

namespace halo {

Result<Kernel> Kernel::compile(std::shared_ptr<Device> device, const Problem &problem,
                               const CompileOptions &options) {
  HALO_TRY(compiled, compileKernel(targetOf(*device), problem, options));
  HALO_TRY(loaded, device->load(compiled.artifact));
  return Kernel(std::move(device), std::move(loaded), std::move(compiled.times),
                std::move(compiled.tuned));
}

Result<Kernel> Kernel::load(std::shared_ptr<Device> device, const Artifact &artifact) {
  HALO_TRY(loaded, device->load(artifact));
  return Kernel(std::move(device), std::move(loaded), {});
}

Result<BoundLaunch> Kernel::bind(const std::vector<Argument> &arguments) const {
  return halo::bind(info(), arguments, device->traits(), &tuned);
}

Result<void> Kernel::launch(const BoundLaunch &bound, Stream stream) const {
  return device->launch(*loaded, bound.blocks, bound.params(), stream);
}

Result<void> Kernel::launch(const std::vector<Argument> &arguments, Stream stream) const {
  HALO_TRY(bound, bind(arguments));
  return launch(bound, stream);
}

} // namespace halo

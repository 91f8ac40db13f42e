#include "runtime/Kernel.h"

#include "runtime/KeyedMutex.h"
#include "runtime/LaunchBuilder.h"
#include "runtime/PackSelfTest.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <unordered_map>

namespace halo {

namespace {

/// Kernels that are loaded and in use, by device and name: compiled twice, they are loaded once.
/// Weak references: a kernel is unloaded with its last user. A loaded kernel keeps its device, so
/// that no other device can take the address while the entry lives.
class LoadedKernels {
public:
  KeyedMutex loading; ///< Of each name; held while it is looked up and loaded.

  std::shared_ptr<LoadedKernel> find(const std::string &name) {
    std::lock_guard<std::mutex> guard(mutex);
    auto found = kernels.find(name);
    return found == kernels.end() ? nullptr : found->second.lock();
  }
  void add(const std::string &name, const std::shared_ptr<LoadedKernel> &kernel) {
    std::lock_guard<std::mutex> guard(mutex);
    kernels[name] = kernel;
    if (kernels.size() < sweepAt)
      return;
    for (auto it = kernels.begin(); it != kernels.end();)
      it = it->second.expired() ? kernels.erase(it) : std::next(it);
    sweepAt = std::max<size_t>(64, 2 * kernels.size());
  }

private:
  std::mutex mutex;
  std::unordered_map<std::string, std::weak_ptr<LoadedKernel>> kernels;
  size_t sweepAt = 64;
};

LoadedKernels &loadedKernels() {
  static auto *kernels = new LoadedKernels; // Kernels may outlive every static object.
  return *kernels;
}

} // namespace

Result<Kernel> Kernel::compile(std::shared_ptr<Device> device, const Problem &problem,
                               const CompileOptions &options) {
  bool byRecord = false;
  Result<Kernel> kernel = compileAndLoad(device, problem, options, byRecord);
  if (kernel || !byRecord)
    return kernel;
  return compileAndLoad(std::move(device), problem, withoutRecords(options), byRecord);
}

Result<Kernel> Kernel::compileAndLoad(std::shared_ptr<Device> device, const Problem &problem,
                                      const CompileOptions &options, bool &byRecord) {
  HALO_CHECK(checkLoadingAllowed(problem.kernel));
  auto start = std::chrono::steady_clock::now();
  auto elapsed = [&] {
    std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    return took.count();
  };
  HALO_TRY(request, kernelRequest(targetOf(*device), problem, options));
  byRecord = request.byRecord;
  // The problem too: a file's copy is the same code under another name.
  std::string name = fmt::format("{} {}\n{}", static_cast<const void *>(device.get()),
                                 request.problem.print(), request.key.text());
  KeyedMutex::Guard loading(loadedKernels().loading, name);
  if (options.cache)
    if (std::shared_ptr<LoadedKernel> found = loadedKernels().find(name))
      return Kernel(std::move(device), std::move(found), {{"memory", elapsed()}},
                    std::move(request.tuned));
  HALO_TRY(compiled, compileKernel(request, options.cache));
  double before = elapsed();
  HALO_TRY(loaded, device->load(compiled.artifact));
  compiled.times.emplace_back("load", elapsed() - before);
  if (request.packed && selfTestWanted()) {
    before = elapsed();
    HALO_CHECK(selfTest(*request.packed, device, *loaded));
    compiled.times.emplace_back("self-test", elapsed() - before);
  }
  if (options.cache)
    loadedKernels().add(name, loaded);
  return Kernel(std::move(device), std::move(loaded), std::move(compiled.times),
                std::move(compiled.tuned));
}

Result<Kernel> Kernel::load(std::shared_ptr<Device> device, const Artifact &artifact) {
  HALO_TRY(loaded, device->load(artifact));
  return Kernel(std::move(device), std::move(loaded), {});
}

template <typename T>
static Result<BoundLaunch> bindTo(const Kernel &kernel, Span<T> arguments) {
  BoundLaunch bound;
  HALO_CHECK(LaunchBuilder(kernel.loadedKernel().plan, kernel.tunedBlockLs()).bind(arguments, bound));
  return bound;
}

Result<BoundLaunch> Kernel::bind(Span<Argument> arguments) const {
  return bindTo(*this, arguments);
}

Result<BoundLaunch> Kernel::bind(Span<TensorRef> tensors) const { return bindTo(*this, tensors); }

Result<void> Kernel::launch(const BoundLaunch &bound, Stream stream) const {
  return device->launch(*loaded, bound.blocks, bound.params(), stream);
}

Result<void> Kernel::launch(Span<Argument> arguments, Stream stream) const {
  BoundLaunch bound;
  HALO_CHECK(LaunchBuilder(loaded->plan, tuned).bind(arguments, bound));
  return launch(bound, stream);
}

Result<void> Kernel::launch(Span<TensorRef> tensors, Stream stream) const {
  BoundLaunch bound;
  HALO_CHECK(LaunchBuilder(loaded->plan, tuned).bind(tensors, bound));
  return launch(bound, stream);
}

} // namespace halo

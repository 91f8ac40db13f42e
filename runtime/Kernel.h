// The whole of Halo in ten lines:
//
//   HALO_TRY(device, halo::openDevice("cuda"));
//   halo::Problem problem;
//   problem.kernel = "causal_conv1d";
//   problem.params = {{"T", "bf16"}, {"K", "4"}, {"layout", "bld"}, {"activation", "silu"}};
//   HALO_TRY(kernel, halo::Kernel::compile(device, problem));
//   HALO_CHECK(kernel.launch({{"x", x}, {"weight", w}, {"y", y}}, stream)); // halo::TensorRefs
#pragma once

#include "runtime/Device.h"
#include "runtime/Export.h"
#include "runtime/KernelCompiler.h"
#include "runtime/Launch.h"
#include "runtime/Problem.h"
#include "runtime/Result.h"

#include <memory>
#include <utility>
#include <vector>

namespace halo {

/// A compiled kernel, loaded on a device. Copies share it. Thread-safe.
class HALO_API Kernel {
public:
  /// The kernel for this device, loaded: from memory, from disk, or compiled.
  static Result<Kernel> compile(std::shared_ptr<Device> device, const Problem &problem,
                                const CompileOptions &options = {});
  /// Loads what was compiled before.
  static Result<Kernel> load(std::shared_ptr<Device> device, const Artifact &artifact);

  const KernelInfo &info() const { return loaded->info; }
  const LoadedKernel &loadedKernel() const { return *loaded; }
  const StageTimes &compileTimes() const { return times; }
  /// block_l for launches in some buckets of sizes, from tuning records.
  Span<TunedBlockL> tunedBlockLs() const { return tuned; }

  /// Checks the arguments, by name; the result can be launched many times while the tensors stay.
  Result<BoundLaunch> bind(Span<Argument> arguments) const;
  /// The same without names: tensors in the order of info().operands. The quickest.
  Result<BoundLaunch> bind(Span<TensorRef> tensors) const;
  Result<void> launch(const BoundLaunch &bound, Stream stream = nullptr) const;
  Result<void> launch(Span<Argument> arguments, Stream stream = nullptr) const;
  Result<void> launch(Span<TensorRef> tensors, Stream stream = nullptr) const;

private:
  /// `byRecord`: the schedule was a tuned record's.
  static Result<Kernel> compileAndLoad(std::shared_ptr<Device> device, const Problem &problem,
                                       const CompileOptions &options, bool &byRecord);
  Kernel(std::shared_ptr<Device> device, std::shared_ptr<LoadedKernel> loaded, StageTimes times,
         std::vector<TunedBlockL> tuned = {})
      : device(std::move(device)), loaded(std::move(loaded)), times(std::move(times)),
        tuned(std::move(tuned)) {}

  std::shared_ptr<Device> device;
  std::shared_ptr<LoadedKernel> loaded;
  StageTimes times;
  std::vector<TunedBlockL> tuned; ///< For launches in these buckets.
};

} // namespace halo

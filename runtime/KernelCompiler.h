// From a problem to an artifact: everything up to a loaded kernel, for a device or for an
// architecture that is not here.
//
//   problem ─► kernelFacts ─► resolveSchedule ─► compileKernel ─► CompiledKernel
//              (defaults,     (ScheduleChoice)   (the request now says everything
//               traits)                           that can change the code)
//
// All functions are thread-safe.
#pragma once

#include "runtime/Device.h"
#include "runtime/Problem.h"
#include "runtime/Result.h"
#include "runtime/Schedule.h"
#include "runtime/TuningRecords.h"

#include <string>
#include <utility>
#include <vector>

namespace halo {

/// What to compile for. The traits act through the choice of a schedule only.
struct CompileTarget {
  std::string arch = "sm_90";
  std::string emit = "cubin"; ///< A form of CompilerAbi.h.
  int ptx = 0;                ///< The newest PTX the driver takes, 90 is 9.0; 0 where unknown.
  DeviceTraits traits;
  /// The device in tuning records (gpuClassOf, driverOf); empty: none are looked up.
  std::string gpu, driver;
};

/// What this device runs.
HALO_API CompileTarget targetOf(const Device &device);

struct CompileOptions {
  /// Forces a schedule ("block_n=64,..."), whole or in part; the rest is the analytic choice's.
  /// Empty: a tuned record's, else the analytic choice.
  std::string schedule;
  /// A typical launch, for the analytic choice; zeros where unknown.
  Shape shapeHint;
};

/// Milliseconds per stage of a compile, in the order they ran.
using StageTimes = std::vector<std::pair<std::string, double>>;

/// A specialised kernel as the choice of a schedule sees it.
struct KernelFacts {
  Problem problem; ///< As asked for, with every default filled in.
  KernelTraits traits;
};

HALO_API Result<KernelFacts> kernelFacts(const Problem &problem);

struct CompiledKernel {
  Artifact artifact; ///< Its code is in the form asked for.
  std::vector<TunedBlockL> tuned; ///< What records know of block_l; none for a forced schedule.
  StageTimes times;
  std::string log; ///< The assembler's report.
};

HALO_API Result<CompiledKernel> compileKernel(const CompileTarget &target, const Problem &problem,
                                              const CompileOptions &options = {});

/// The request that compileKernel() sends: CompilerAbi.h's verb "compile". `source` is the text of
/// a kernel named by its path, else empty.
HALO_API std::string compileRequest(const CompileTarget &target, const Problem &problem,
                                    const std::string &source, const Schedule &schedule);

} // namespace halo

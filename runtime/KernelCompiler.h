// From a problem to an artifact: everything up to a loaded kernel, for a device or for an
// architecture that is not here.
//
//   problem ─► kernelFacts ─► resolveSchedule ─► kernelKey ─► memory, disk, compiler ─► artifact
//      │       (defaults,     (ScheduleChoice)   (everything that can change the code,      ▲
//      │        traits)                           and nothing else)                         │
//      └─────► Packs ───────────────────────────────────────────────────────────────────────┘
//
// What the compiler says is kept (CompileCache.h), its descriptions and traits too, so that a warm
// start opens no compiler. All functions are thread-safe.
#pragma once

#include "runtime/CacheKey.h"
#include "runtime/Device.h"
#include "runtime/Problem.h"
#include "runtime/Result.h"
#include "runtime/Schedule.h"
#include "runtime/TuningRecords.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace halo {

struct PackedKernel;

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
  /// False: tuned records have no say.
  bool records = true;
  /// False: compile, whatever is kept, and keep nothing. For measuring compiles. No packs either.
  bool cache = true;
  /// Line tables of the kernel's text, with the same instructions. Part of the key.
  bool lines = false;
  /// Fills CompiledKernel::stages: compiles, whatever is kept, and keeps nothing.
  bool dump = false;
  /// A stage (halo, gpu, llvm, opt, ptx or cubin) and the text written by hand that takes its
  /// place. Part of the key: it never answers for the kernel itself.
  std::string overrideStage = {}, overrideText = {};
  /// False: packs are not asked.
  bool packs = true;
};

/// Milliseconds per stage of a compile, in the order they ran. A kept kernel has "pack", "memory" or
/// "disk" instead: from its key to its artifact. A loaded one ends with "load".
using StageTimes = std::vector<std::pair<std::string, double>>;

/// A specialised kernel as the choice of a schedule sees it.
struct KernelFacts {
  Problem problem; ///< As asked for, with every default filled in.
  KernelTraits traits;
};

HALO_API Result<KernelFacts> kernelFacts(const Problem &problem, bool cache = true);

/// What the compiler says about a kernel: the JSON of CompilerAbi.h's verb "describe".
HALO_API Result<std::string> describeKernel(const std::string &kernel, bool cache = true);

struct CompiledKernel {
  Artifact artifact; ///< Its code is in the form asked for.
  std::vector<TunedBlockL> tuned; ///< What records know of block_l; none for a forced schedule.
  StageTimes times;
  std::string log; ///< The assembler's report.
  std::vector<std::pair<std::string, std::string>> stages; ///< Name and text, in order; of a dump.
};

HALO_API Result<CompiledKernel> compileKernel(const CompileTarget &target, const Problem &problem,
                                              const CompileOptions &options = {});

/// What to ask the compiler for: CompilerAbi.h's verb "compile", and the name of the answer.
struct KernelRequest {
  std::string text; ///< Empty for a kernel out of a pack.
  std::shared_ptr<const PackedKernel> packed; ///< Null unless a pack has the kernel.
  CacheKey key{"kernel"};
  Problem problem; ///< With every default.
  bool byPath = false;
  bool byRecord = false;          ///< The schedule is a tuned record's.
  bool dump = false;              ///< CompileOptions::dump.
  std::string cubin;              ///< What takes the place of the compiler's cubin, or "".
  std::vector<TunedBlockL> tuned; ///< What records know of block_l.
  double milliseconds = 0; ///< That making it took: the stage "traits".
};

/// For a second try, where the compiler refuses a record's schedule: that costs speed, no kernel.
HALO_API CompileOptions withoutRecords(CompileOptions options);

/// The request that compileKernel() sends. The fields of its key:
///
///   convention  of the parameters            kernel      a built-in's name, or
///   source      the SHA-256 of a file's text set.NAME, with, align, schedule
///   emit, arch, ptx                          compiler    its build id
///   assembler   its identity, for a cubin
///   lines       where there are line tables  override.STAGE  the SHA-256 of the text given
HALO_API Result<KernelRequest> kernelRequest(const CompileTarget &target, const Problem &problem,
                                             const CompileOptions &options = {});
HALO_API Result<CompiledKernel> compileKernel(const KernelRequest &request, bool cache = true);

} // namespace halo

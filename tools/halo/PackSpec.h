// What a pack is to hold: the JSON of kernels/packs/README.md, as a list of problems and of what to
// compile each for. Everything a person can get wrong is refused here, before anything is compiled.
#pragma once

#include "runtime/KernelCompiler.h"
#include "runtime/Result.h"
#include "runtime/TuningRecords.h"

#include <map>
#include <string>
#include <vector>

namespace halo::tool {

/// One compile.
struct PackTarget {
  CompileTarget target;
  std::string form;     ///< PackCode::form.
  std::string schedule; ///< Forced, whole or in part; empty: the analytic choice.
  std::string gpu;      ///< The class of GPUs for which the schedule was tuned; else empty.
  int64_t channels = 0; ///< The D for which the schedule is chosen; 0: none in particular.
};

struct PackEntrySpec {
  Problem problem;    ///< With every default; a user's kernel by its path.
  std::string kernel; ///< Its name in its text.
  KernelTraits traits;
  std::vector<PackTarget> targets;
};

struct PackSpec {
  std::string name;
  std::vector<PackEntrySpec> entries; ///< No two with one problem.
  TuningRecords records;              ///< Those of the problems and GPUs that are tuned for.
};

/// Reads and checks a spec; problems are specialised, nothing else is compiled.
Result<PackSpec> readPackSpec(const std::string &path);

} // namespace halo::tool

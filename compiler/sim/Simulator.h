// Runs a GPU kernel on this machine's CPU, for its results and not for its speed; see README.md.
#pragma once

#include "compiler/sim/SimProgram.h"
#include "runtime/Result.h"

#include <memory>
#include <string_view>

namespace halo::sim {

class Jit;

/// A kernel ready to run. Immutable: any number of threads may run it at once.
class SimKernel {
public:
  /// `bitcode` is a module as translated from MLIR, before optimisation; it is copied.
  static Result<std::unique_ptr<SimKernel>> create(std::string_view bitcode, std::string_view entry,
                                                   bool checked);
  ~SimKernel();

  /// Runs the grid to its end, or to its first fault. A launch with `profile` fills `accesses`
  /// with AccessProfile::json().
  Result<void> run(const HaloSimLaunch &launch, std::string *accesses = nullptr) const;

private:
  SimKernel();
  Result<void> validate(const HaloSimLaunch &launch) const;

  SimProgram program;
  std::unique_ptr<Jit> jit; ///< Owns the code.
};

} // namespace halo::sim

// The packs of this process: what HALO_PACKS names, and what the program opened. They are asked
// before the disk cache and the compiler, in the order in which they were opened, the program's
// first. A kernel out of a pack has the pack's schedule, whatever this user has tuned.
#pragma once

#include "runtime/CacheKey.h"
#include "runtime/Export.h"
#include "runtime/KernelCompiler.h"
#include "runtime/Pack.h"
#include "runtime/Result.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace halo {

/// One kernel of a pack. Keeps the pack.
struct PackedKernel {
  std::shared_ptr<const Pack> pack;
  const PackProblem *problem = nullptr;
  const PackCode *code = nullptr;

  /// The name of a loaded one: the file's digest, the problem and which of its codes.
  CacheKey key() const;
};

/// Thread-safe.
class HALO_API Packs {
public:
  /// The process's. What HALO_PACKS names is opened when this is first called; a file that is
  /// refused is a warning (Warning.h), and said again where a kernel is missing.
  static Packs &get();

  /// Opens a pack, or all of a folder (*.halopack), for the rest of the process. Refuses the first
  /// that is none; those before it stay.
  Result<void> open(const std::string &path);
  std::vector<std::shared_ptr<const Pack>> all() const;

  /// The kernel for a target, null where no pack has it. A blob that is damaged is an error: who
  /// deployed a pack wants to know. `source` is the text of a kernel that is named by its path.
  Result<std::shared_ptr<const PackedKernel>> find(const CompileTarget &target,
                                                   const Problem &problem,
                                                   const std::string &source,
                                                   const CompileOptions &options) const;
  /// The facts and the description of a kernel that some pack has, for where no compiler is.
  Result<std::optional<KernelFacts>> facts(const Problem &problem, const std::string &source) const;
  Result<std::optional<std::string>> describe(const std::string &kernel,
                                              const std::string &source) const;
  /// What the packs' records know of block_l for this kernel.
  std::vector<TunedBlockL> blockLs(const PackedKernel &kernel, const CompileTarget &target) const;
  /// For the end of "there is no compiler": why packs did not help; empty where there are none.
  std::string excuse() const;

private:
  Packs() = default;
  void openFromEnvironment();

  mutable std::mutex mutex;
  std::vector<std::shared_ptr<const Pack>> packs;
  size_t numOwn = 0; ///< How many the program opened; they come first.
  std::string refused; ///< Sentences about what HALO_PACKS names.
};

} // namespace halo

// From a spec to a pack: everything is compiled through the kernel cache, on several threads, so that
// a build that was killed goes on where it was; then put in an order that no thread decides.
#pragma once

#include "runtime/PackManifest.h"
#include "runtime/Result.h"
#include "tools/halo/PackSpec.h"

#include <functional>
#include <string>

namespace halo::tool {

struct BuiltPack {
  PackManifest manifest;
  std::string bytes;
  size_t compiled = 0, kept = 0; ///< Codes that were compiled now, and that the cache had.
};

/// Called from any thread, one at a time.
using BuildProgress = std::function<void(size_t done, size_t total, const std::string &what)>;

/// The same spec and tools give the same bytes, whatever `jobs` is. The first problem that cannot be
/// compiled, in the order of the spec, is the error.
Result<BuiltPack> buildPack(const PackSpec &spec, unsigned jobs, const BuildProgress &progress);

} // namespace halo::tool

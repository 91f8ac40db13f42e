// The test a pack carries for a problem: tiny inputs, and what the oracle makes of them.
#pragma once

#include "runtime/KernelInfo.h"
#include "runtime/PackManifest.h"
#include "runtime/Problem.h"
#include "runtime/Result.h"

#include <optional>
#include <string>

namespace halo::tool {

struct PackTestData {
  std::string bytes; ///< Safetensors.
  std::map<std::string, PackTolerance> tolerance;
  std::map<std::string, PackTest::Tile> tiles;
};

/// Nothing where the kernel has no oracle: a user's own. `info` is of any variant. The same problem
/// gives the same bytes.
Result<std::optional<PackTestData>> makePackTest(const Problem &problem, const KernelInfo &info);

} // namespace halo::tool

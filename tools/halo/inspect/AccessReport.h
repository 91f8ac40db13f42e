// What a kernel's accesses cost, by running a small launch of it on the simulator: bank conflicts
// of shared memory, sectors of global memory.
#pragma once

#include "runtime/KernelCompiler.h"
#include "runtime/Result.h"

#include <nlohmann/json.hpp>

namespace halo::tool {

/// The smallest sizes that fill a tile and a few steps of this kernel.
Shape sampleShape(const KernelInfo &info);

/// {"shape", "blocks", "shared": {"requests", "wavefronts", "ideal", "factor", "places": [{"line",
/// "op", "load", "width", "requests", "wavefronts", "ideal"}]}, "global": {"requests", "sectors",
/// "ideal", "places": ...}}; a place is a line, an operation and a width; those with most excess
/// first. `schedule` is whole.
Result<nlohmann::ordered_json> accessReport(const Problem &problem, const std::string &schedule,
                                            const KernelInfo &info);

} // namespace halo::tool

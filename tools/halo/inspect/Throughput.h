// From a kernel's code and sizes to its work per output, and where that stands: the parts "shape",
// "tile", "per_output" and "roofline" of an inspection.
#pragma once

#include "tools/halo/inspect/Inspection.h"

namespace halo::tool {

/// Adds them to `report`, and to `notes` what cannot be said. `code` has the CodeReports; `taps`
/// are those of all filters. Refuses a GPU that is not known, and a shape that the kernel does not
/// take.
Result<void> addThroughput(nlohmann::ordered_json &report, nlohmann::ordered_json &notes,
                           const KernelInfo &info, const nlohmann::ordered_json &code, int64_t taps,
                           const InspectOptions &options);

} // namespace halo::tool

// The JSON of one listing: what it holds, its loops, and its main loop.
#pragma once

#include "tools/halo/inspect/Listing.h"

#include <nlohmann/json.hpp>

namespace halo::tool {

/// {"form", "entry", "total": Mix, "loops", "main_loop": {"found", "how", "depth", "label",
/// "first", "last", "instructions": [...], "lines", "mix": Mix, "inner": [Mix], "alternatives"}}
///
/// `main_loop` without a loop, or of a kernel that does not `walk`, is the hot path through the
/// kernel. `instructions` are indices, `lines` those of the kernel's text that the path has code
/// of; `alternatives` counts the instructions of the loop that the path does not have, those of
/// loops inside among them.
nlohmann::ordered_json codeReport(const Listing &listing, bool walks = true);

} // namespace halo::tool

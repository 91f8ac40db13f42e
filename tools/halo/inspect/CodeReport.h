// The JSON of one listing: what it holds, its loops, and its main loop.
#pragma once

#include "tools/halo/inspect/Listing.h"

#include <nlohmann/json.hpp>

namespace halo::tool {

/// What a pass of the main loop is for: positions, a row of the batch, or nothing.
enum class Walk { Positions, Rows, None };

/// {"form", "entry", "total": Mix, "loops", "main_loop": {"found", "how", "depth", "label",
/// "first", "last", "instructions": [...], "lines", "mix": Mix, "inner": [Mix], "alternatives"}}
///
/// `main_loop` without a loop, or of a kernel that walks nothing, is the hot path through the
/// kernel; of rows, the outermost loop of the most instructions. `instructions` are indices, `lines`
/// those of the kernel's text that the path has code of; `alternatives` counts the instructions of
/// the loop that the path does not have, those of loops inside among them.
nlohmann::ordered_json codeReport(const Listing &listing, Walk walk = Walk::Positions);

} // namespace halo::tool

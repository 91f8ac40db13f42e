// "did you mean ...?": the nearest of the legal names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace halo::tool {

/// The edit distance of two names: insertions, deletions, replacements and swaps of neighbours.
size_t editDistance(std::string_view a, std::string_view b);

/// "unknown option '--sett': did you mean '--set'?" or, where nothing is near, the whole list:
/// "unknown option '--x': there are '--set', '--out'". `what` is the noun.
std::string unknown(std::string_view what, std::string_view name,
                    const std::vector<std::string> &legal);

} // namespace halo::tool

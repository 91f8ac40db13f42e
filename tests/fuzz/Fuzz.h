// What a fuzz target defines: a file in tests/fuzz with these two functions, and its name in
// CMakeLists.txt.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace halo::fuzz {

/// Sound inputs to begin with, made by the target itself.
std::vector<std::string> seeds();
/// Feeds the readers. What they say of it, a refusal's sentence say, tells the driver whether this
/// input reached something that no input did before.
std::string feed(std::string_view input);

} // namespace halo::fuzz

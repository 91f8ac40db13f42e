// What the stand-in for the compiler says it is; the linker writes the same into its file.
#pragma once

namespace halo::test {

inline constexpr const char *kFakeBuildId = "fa4efa4e";

} // namespace halo::test

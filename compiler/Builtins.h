// The texts of the kernels in kernels/, embedded at build time.
#pragma once

#include <string_view>

namespace halo::compiler {

struct Builtin {
  std::string_view name, text;
};

extern const Builtin kBuiltins[];
extern const int kNumBuiltins;

} // namespace halo::compiler

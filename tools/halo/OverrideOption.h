// --override STAGE=FILE: a stage's text, written by hand, that compiling continues from.
#pragma once

#include "runtime/KernelCompiler.h"
#include "tools/halo/Arguments.h"

namespace halo::tool {

Option overrideOption();
/// Reads the file into the options, where one is given.
Result<void> parseOverride(const Arguments &arguments, CompileOptions &options);

} // namespace halo::tool

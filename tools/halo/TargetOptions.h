// What --arch, --emit and --schedule say: what to compile for, without a device to run on.
#pragma once

#include "runtime/KernelCompiler.h"
#include "tools/halo/Arguments.h"

#include <vector>

namespace halo::tool {

/// The options that `compile` and `cache explain-miss` share.
std::vector<Option> targetOptions();
/// The architecture that --arch names, with no look at this machine; without --arch the GPU's and
/// its facts, or sm_90. `sass` is a cubin here.
Result<CompileTarget> parseTarget(const Arguments &arguments);

/// --pack, for commands that load kernels.
Option packOption();
/// Opens what --pack names, for the rest of the process.
Result<void> openPacks(const Arguments &arguments);

} // namespace halo::tool

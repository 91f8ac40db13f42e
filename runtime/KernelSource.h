// The texts of kernels that are named by their path.
#pragma once

#include "runtime/Export.h"
#include "runtime/Result.h"

#include <string>

namespace halo {

/// Whether this names a file rather than a built-in kernel: it ends in .mlir.
HALO_API bool isKernelPath(const std::string &kernel);

/// The text of a kernel's file; empty for a built-in, whose text the compiler holds. A file that
/// cannot be read, is empty or is no regular file is refused.
HALO_API Result<std::string> kernelSource(const std::string &kernel);

} // namespace halo

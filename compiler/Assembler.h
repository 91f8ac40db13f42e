// From PTX to a cubin: nvJitLink in-process (about 9 ms), ptxas as a child process where that is
// absent (about 25 ms). runtime/Toolkit.h finds them; neither is needed to build Halo.
#pragma once

#include "runtime/Result.h"

#include <string>

namespace halo::compiler {

struct Cubin {
  std::string code;
  std::string log; ///< The assembler's report: registers, spills, shared memory.
  int registers = -1, spillBytes = -1, stackBytes = -1, sharedBytes = -1;
};

/// Assembles PTX for `arch`, with its line tables where `lines`. Unavailable where neither assembler
/// is found; the message says how to get one. Thread-safe.
Result<Cubin> assemble(const std::string &ptx, const std::string &arch, bool lines = false);

/// What was found: "nvJitLink 13.0 (path)", "ptxas (path)", or "".
std::string assemblerName();

} // namespace halo::compiler

// What a library has to say where nobody asked: that the disk cache is off, say. The runtime
// prints nothing itself; a program that wants to hear sets a sink (the command line prints it).
#pragma once

#include "runtime/Export.h"

#include <string>

namespace halo {

/// Takes one sentence, in lower case. Called from any thread.
using WarningSink = void (*)(const std::string &sentence);

/// Replaces the sink; null silences it, as at the start. Thread-safe.
HALO_API void setWarningSink(WarningSink sink);
void warn(const std::string &sentence);

} // namespace halo

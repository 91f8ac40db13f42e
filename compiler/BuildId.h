// This library's identity: the linker's build id, a hash of its contents. It stands in an ELF note
// and can be read from the file without loading it.
#pragma once

namespace halo::compiler {

/// Hexadecimal, static storage; "unknown" if the linker wrote none.
const char *buildId();

} // namespace halo::compiler

// What a tool is, whatever its path and date: the build id its linker wrote into it, else a hash of
// its bytes. Read from the file; nothing is loaded.
#pragma once

#include "runtime/Export.h"
#include "runtime/Result.h"

#include <string>

namespace halo {

/// The build id in the ELF notes of a file, in hexadecimal; empty where there is none.
HALO_API std::string elfBuildId(const std::string &path);

/// "build-id:…" or "sha256:…" of a file's contents. Hashing a large file takes a second, so the
/// hash is kept in the cache, by path, size, time and inode.
HALO_API Result<std::string> fileIdentity(const std::string &path);

} // namespace halo

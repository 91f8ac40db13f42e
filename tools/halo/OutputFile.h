// Files a command writes: all of it or nothing.
#pragma once

#include "runtime/Result.h"

#include <string>
#include <string_view>

namespace halo::tool {

/// A device or a pipe: written in place, never replaced by a rename.
bool isSpecialFile(const std::string &path);
/// Refuses a path that cannot be written, before any work is done for it. Leaves nothing behind.
Result<void> checkWritable(const std::string &path);
/// Writes through a temporary file beside `path` and one rename; on failure nothing is left.
Result<void> writeFile(const std::string &path, std::string_view bytes);
/// Refuses a path that cannot be read.
Result<void> checkReadable(const std::string &path);
Result<std::string> readFile(const std::string &path);

} // namespace halo::tool

// What a compiler that failed was asked, as a file: the kernel's text, problem, schedule and
// target, the build and its sentence. `halo reproduce FILE` asks again. A refusal
// (ErrorCode::Invalid) is the asker's mistake and leaves nothing.
#pragma once

#include "runtime/Export.h"
#include "runtime/Result.h"

#include <string>

namespace halo {

/// The error with the file's name in its sentence. The file is in TMPDIR, or /tmp, named by a hash
/// of the request: the same failure again writes the same file. `request` is the compiler's, a JSON
/// object; `problem` its canonical text. Where no file can be written the error is `error`.
Error withReproducer(Error error, const std::string &request, const std::string &problem,
                     const std::string &buildId);

struct Reproducer {
  std::string request; ///< CompilerAbi.h's.
  std::string problem, buildId, error;
};

HALO_API Result<Reproducer> readReproducer(const std::string &path);

} // namespace halo

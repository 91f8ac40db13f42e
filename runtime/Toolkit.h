// Which assembler turns PTX into a cubin on this machine, found without loading it, so that a cache
// key can name it. nvJitLink works in this process; ptxas, a child process, serves where that is
// absent. The compiler uses exactly what is found here.
#pragma once

#include "runtime/Export.h"
#include "runtime/Result.h"

#include <string>

namespace halo {

struct Assembler {
  enum class Kind { None, NvJitLink, Ptxas };
  Kind kind = Kind::None;
  std::string path;
};

/// The path of libnvJitLink.so, or "": HALO_NVJITLINK, beside the compiler, the toolkit's folders,
/// the loader's. "none" in HALO_NVJITLINK finds none.
HALO_API std::string findNvJitLink();
/// The path of ptxas, or "": HALO_PTXAS, the toolkit's folders, PATH. "none" in HALO_PTXAS finds
/// none.
HALO_API std::string findPtxas();
/// The first of these that there is. A path that the environment names is taken as it is.
HALO_API Assembler findAssembler();

/// The same, or Unavailable with the mend.
HALO_API Result<Assembler> requireAssembler();

/// What the assembler is, for a key: its kind and its file's identity.
HALO_API Result<std::string> assemblerIdentity();

} // namespace halo

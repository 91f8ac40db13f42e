// Every environment variable the runtime reads. Nothing else in runtime/ calls getenv.
//
// `changesKey` says whether the variable can change the code of a kernel. Such a variable must be
// part of the cache key; one that is not must never influence a compile.
#pragma once

#include "runtime/Export.h"

#include <string>

namespace halo {

struct EnvironmentVariable {
  const char *name;
  bool changesKey;
  const char *meaning;
};

/// Not in the key by itself: the build id of the library it names is.
inline constexpr EnvironmentVariable kCompilerLibrary{
    "HALO_COMPILER_LIBRARY", false,
    "path of libhalo_compiler.so; default: beside libhalo_runtime.so"};

inline constexpr EnvironmentVariable kEnvironment[] = {kCompilerLibrary};

/// The variable's value; empty where it is unset.
HALO_API std::string environment(const EnvironmentVariable &variable);

} // namespace halo

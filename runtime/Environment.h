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

/// Where records and cached kernels live; the second and third are where caches live by custom.
inline constexpr EnvironmentVariable kCacheDir{
    "HALO_CACHE_DIR", false, "folder of this user's cache; default: $XDG_CACHE_HOME/halo"};
inline constexpr EnvironmentVariable kXdgCacheHome{"XDG_CACHE_HOME", false,
                                                   "folder of caches; default: $HOME/.cache"};
inline constexpr EnvironmentVariable kHome{"HOME", false, "this user's folder"};

/// Not in the key by itself: the schedule it leads to is.
inline constexpr EnvironmentVariable kTuning{
    "HALO_TUNING", false,
    "off: no records; explicit (default): records; on-first-use: and new ones in the background"};
inline constexpr EnvironmentVariable kTuner{
    "HALO_TUNER", false, "the command that tunes in the background; default: bin/halo beside lib"};

inline constexpr EnvironmentVariable kEnvironment[] = {kCompilerLibrary, kCacheDir, kXdgCacheHome,
                                                       kHome, kTuning, kTuner};

/// The variable's value; empty where it is unset.
HALO_API std::string environment(const EnvironmentVariable &variable);

} // namespace halo

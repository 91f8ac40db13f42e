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

inline constexpr EnvironmentVariable kCacheDir{
    "HALO_CACHE_DIR", false,
    "folder of the kernel cache and of tuning records; default: $XDG_CACHE_HOME/halo, "
    "~/.cache/halo"};
inline constexpr EnvironmentVariable kCacheLimit{
    "HALO_CACHE_LIMIT", false,
    "most bytes of the kernel cache, as 512M or 2G (default); 0: no disk cache"};
inline constexpr EnvironmentVariable kXdgCacheHome{"XDG_CACHE_HOME", false, "folder of caches"};
inline constexpr EnvironmentVariable kHome{"HOME", false, "the user's folder"};

/// Not in the key: a kernel out of a pack has a name of its own, with the pack's digest in it.
inline constexpr EnvironmentVariable kPacks{
    "HALO_PACKS", false, "kernel packs, asked before the cache: files or folders, as a:b"};
inline constexpr EnvironmentVariable kPackSelfTest{
    "HALO_PACK_SELF_TEST", false, "on: a pack's kernels are tested when they are loaded"};

/// Not in the key by themselves: the identity of the assembler that is found.
inline constexpr EnvironmentVariable kNvJitLink{"HALO_NVJITLINK", false,
                                                "path of libnvJitLink.so; none: use ptxas"};
inline constexpr EnvironmentVariable kPtxas{"HALO_PTXAS", false,
                                            "path of ptxas; none: only nvJitLink"};
inline constexpr EnvironmentVariable kCudaHome{"CUDA_HOME", false, "the CUDA toolkit's folder"};
inline constexpr EnvironmentVariable kCudaPath{"CUDA_PATH", false,
                                               "the CUDA toolkit's folder, after CUDA_HOME"};
inline constexpr EnvironmentVariable kPath{"PATH", false, "where ptxas is looked for last"};

/// Not in the key by itself: the schedule it leads to is.
inline constexpr EnvironmentVariable kTuning{
    "HALO_TUNING", false,
    "off: no records; explicit (default): records; on-first-use: and new ones in the background"};
inline constexpr EnvironmentVariable kTuner{
    "HALO_TUNER", false, "the command that tunes in the background; default: bin/halo beside lib"};

inline constexpr EnvironmentVariable kEnvironment[] = {
    kCompilerLibrary, kCacheDir, kCacheLimit, kXdgCacheHome, kHome,
    kNvJitLink,       kPtxas,    kCudaHome,   kCudaPath,     kPath,
    kTuning,          kTuner,    kPacks,      kPackSelfTest};

/// The variable's value; empty where it is unset.
HALO_API std::string environment(const EnvironmentVariable &variable);

} // namespace halo

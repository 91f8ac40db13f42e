// Every environment variable that Halo reads, in its libraries and in the command; a test looks for
// others. Nothing else in runtime/ calls getenv.
//
// `keyField` names the field of a kernel's key (KernelCompiler.h) through which a variable can lead
// to other code; where it is empty the variable is neutral and must never influence a compile.
#pragma once

#include "runtime/Export.h"

#include <string>

namespace halo {

struct EnvironmentVariable {
  const char *name;
  const char *keyField;
  const char *meaning;
};

inline constexpr EnvironmentVariable kCompilerLibrary{
    "HALO_COMPILER_LIBRARY", "compiler",
    "path of libhalo_compiler.so; default: beside libhalo_runtime.so"};

// Tuning records lie there too, and lead to schedules.
inline constexpr EnvironmentVariable kCacheDir{
    "HALO_CACHE_DIR", "schedule",
    "folder of the kernel cache and of tuning records; default: $XDG_CACHE_HOME/halo, "
    "~/.cache/halo"};
inline constexpr EnvironmentVariable kXdgCacheHome{"XDG_CACHE_HOME", "schedule",
                                                   "folder of caches"};
inline constexpr EnvironmentVariable kHome{"HOME", "schedule", "the user's folder"};
inline constexpr EnvironmentVariable kCacheLimit{
    "HALO_CACHE_LIMIT", "",
    "most bytes of the kernel cache, as 512M or 2G (default); 0: no disk cache"};

// A pack brings its schedules; its kernels have names of their own, with its digest in them.
inline constexpr EnvironmentVariable kPacks{
    "HALO_PACKS", "schedule", "kernel packs, asked before the cache: files or folders, as a:b"};
inline constexpr EnvironmentVariable kPackSelfTest{
    "HALO_PACK_SELF_TEST", "", "on: a pack's kernels are tested when they are loaded"};

inline constexpr EnvironmentVariable kNvJitLink{"HALO_NVJITLINK", "assembler",
                                                "path of libnvJitLink.so; none: use ptxas"};
inline constexpr EnvironmentVariable kPtxas{"HALO_PTXAS", "assembler",
                                            "path of ptxas; none: only nvJitLink"};
inline constexpr EnvironmentVariable kCudaHome{"CUDA_HOME", "assembler",
                                               "the CUDA toolkit's folder"};
inline constexpr EnvironmentVariable kCudaPath{"CUDA_PATH", "assembler",
                                               "the CUDA toolkit's folder, after CUDA_HOME"};
inline constexpr EnvironmentVariable kPath{"PATH", "assembler", "where ptxas is looked for last"};

inline constexpr EnvironmentVariable kTuning{
    "HALO_TUNING", "schedule",
    "off: no records; explicit (default): records; on-first-use: and new ones in the background"};
inline constexpr EnvironmentVariable kTuner{
    "HALO_TUNER", "", "the command that tunes in the background; default: bin/halo beside lib"};

inline constexpr EnvironmentVariable kTmpDir{
    "TMPDIR", "", "folder of temporary files and of a failed compile's reproducer; default: /tmp"};

// What only the Python package reads.
inline constexpr EnvironmentVariable kRuntimeLibrary{
    "HALO_RUNTIME_LIBRARY", "", "libhalo_runtime.so for Python; default: the package's own"};

// What only the command reads.
inline constexpr EnvironmentVariable kNvdisasm{"HALO_NVDISASM", "",
                                               "the disassembler for --emit sass and inspect"};
inline constexpr EnvironmentVariable kCommit{"HALO_COMMIT", "",
                                             "noted in the JSON of halo bench, tune and inspect"};
inline constexpr EnvironmentVariable kNoColor{"NO_COLOR", "", "no colours on the terminal"};
inline constexpr EnvironmentVariable kTestTuneWorker{
    "HALO_TEST_TUNE_WORKER", "", "for tests: what halo tune runs in place of its own worker"};

inline constexpr EnvironmentVariable kEnvironment[] = {
    kCompilerLibrary, kCacheDir, kXdgCacheHome, kHome,           kCacheLimit,
    kNvJitLink,       kPtxas,    kCudaHome,     kCudaPath,       kPath,
    kTuning,          kTuner,    kPacks,        kPackSelfTest,   kTmpDir,
    kNvdisasm,        kCommit,   kNoColor,      kTestTuneWorker, kRuntimeLibrary};

/// The variable's value; empty where it is unset.
HALO_API std::string environment(const EnvironmentVariable &variable);

} // namespace halo

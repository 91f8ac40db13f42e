// The C ABI of libhalo_compiler.so: a request text in, an artifact out. The runtime opens that
// library at run time through these types; no LLVM type, no C++ type, no exception crosses.
//
// A request is a JSON object with a "verb"; a reply is a JSON text and a blob. Every function is
// thread-safe. A failed call returns the exit status of the command line (1 or 2) and a reply
// {"error": "one sentence"}, and "unavailable": true where this machine lacks something.
//
// Verbs
//   list      {}                       -> {"kernels": [{"name", "summary"}, ...]}
//   describe  {kernel, source}         -> {"name", "summary", "source",
//                                          "params":   [{"name", "kind", "default", "values"}],
//                                          "operands": [{"name", "kind", "output", "optional",
//                                                        "variadic", "dtype", "taps", "group",
//                                                        "streams", "layout"}]}
//             kind of a param: int | type | enum | flag | parts. `values` is the list of an enum.
//             dtype/taps/group/streams/layout of an operand: a number, a name, or a param's name.
//   traits    {kernel, source, params, with, align}
//             -> {"traits": KernelTraits, "params", "with"}: what the choice of a schedule looks
//             at, and the problem with every default filled in.
//   compile   {kernel, source, params: {name: text}, with: [operand], align: 16|1,
//              schedule: text, arch: "sm_90", emit: "halo|gpu|llvm|ptx|cubin|sim", ptx: 90,
//              lines: false, dump: false, override: {stage, text}}
//             -> {"info": KernelInfo, "times": [[stage, ms], ...], "log": text,
//                 "stages": [[stage, text], ...]}, stages for a dump only, times in the
//             order of the stages; blob = the artifact: text for halo|gpu|llvm|ptx, the cubin, or
//             (sim) LLVM bitcode for haloSimCreate.
//             `kernel` is a built-in name or a path that ends in .mlir, `source` its text: where
//             it is given, the path only names the place in a message. `params` are the texts of
//             --set; types are params too ("T", "W"). What a schedule leaves out is chosen for the default
//             device; the runtime always sends a whole one. `lines` asks for line tables; `dump`
//             for the text of every stage that runs; `override` gives the text of one stage, halo,
//             gpu, llvm, opt (optimised) or ptx, which is then not worked out.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HALO_COMPILER_ABI_VERSION 3

/// A reply. Owned by the caller, who gives it back with haloCompilerFree.
typedef struct HaloReply {
  char *json; ///< NUL-terminated.
  char *blob; ///< `blobSize` bytes, or NULL.
  size_t blobSize;
} HaloReply;

/// A kernel compiled for the simulator. Usable from several threads, one launch at a time each.
typedef struct HaloSimKernel HaloSimKernel;

/// A host allocation the checked mode knows: accesses outside every region are out of bounds.
typedef struct HaloSimRegion {
  void *base;
  uint64_t bytes;
} HaloSimRegion;

typedef struct HaloSimLaunch {
  uint32_t size; ///< sizeof(HaloSimLaunch).
  uint32_t gridX, gridY, gridZ, blockX, blockY, blockZ;
  uint64_t sharedBytes;  ///< Dynamic shared memory.
  void **params;         ///< As for cuLaunchKernel.
  int32_t checked;       ///< Nonzero: report faults, see docs of the simulator.
  uint64_t seed;         ///< Nonzero: shuffles the order in which threads run.
  const HaloSimRegion *regions; ///< Only read in checked mode.
  size_t numRegions;
  int32_t profile; ///< Nonzero, in checked mode: count what accesses cost.
} HaloSimLaunch;

uint32_t haloCompilerAbiVersion(void);
/// Identifies this build of the compiler; part of every cache key. Static storage.
const char *haloCompilerBuildId(void);
/// Runs one request. Returns 0, 1 (failed) or 2 (bad request); the reply is filled in each case.
int haloCompilerCall(const char *request, size_t size, HaloReply *reply);
void haloCompilerFree(HaloReply *reply);

/// Prepares LLVM bitcode (emit "sim") for running; `checked` instruments it. On failure returns a
/// nonzero status and a message to free with haloCompilerFree in reply->json.
int haloSimCreate(const char *bitcode, size_t size, const char *entry, int32_t checked,
                  HaloSimKernel **kernel, HaloReply *reply);
/// Runs the grid to its end. A found fault is a nonzero status and one sentence in reply->json. With
/// `profile`, reply->json is that of compiler/sim/AccessProfile.h.
int haloSimRun(HaloSimKernel *kernel, const HaloSimLaunch *launch, HaloReply *reply);
void haloSimDestroy(HaloSimKernel *kernel);

#ifdef __cplusplus
}
#endif

// What a pack says of itself: its first entry, as JSON. Problems are the one text of Problem.h with
// every default; blobs are named by their place in `blobs`.
//
//   {"halopack": 1, "convention": 1, "name": "evo2", "toolchain": {"compiler": "...", ...},
//    "kernels":  [{"name": "hcs", "source": "", "description": 0}, ...],
//    "problems": [{"problem": "hcs --dtype bf16 ...", "traits": {...},
//                  "test": {"blob": 2, "tolerance": {"y": [0.01, 0.05, 0.0015]},
//                           "tiles": {"x": [2, 8192]}},
//                  "codes": [{"form": "cubin", "arch": "sm_90", "schedule": "block_n=...", "ptx": 78,
//                             "gpu": "", "channels": [4096], "info": 3, "code": 4}, ...]}, ...],
//    "records":  1,
//    "blobs":    [{"name": "kernels/hcs.json", "bytes": 120, "sha256": "...", "page": false}, ...]}
//
// Who builds packs prints it (tools/halo/PackWriter.h). Nothing in it is believed: numbers are checked against each other, and the whole against the file.
#pragma once

#include "runtime/Export.h"
#include "runtime/Problem.h"
#include "runtime/Result.h"
#include "runtime/Schedule.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace halo {

struct PackBlob {
  std::string name; ///< The zip entry's.
  uint64_t bytes = 0;
  std::string sha256; ///< 64 hexadecimal digits.
  bool page = false;  ///< Whether it begins on a page.
};

/// One compiled form of a problem.
struct PackCode {
  std::string form;     ///< "cubin", "ptx" (any GPU of `arch` or newer) or "sim" (LLVM bitcode).
  std::string arch;     ///< "sm_90".
  std::string schedule; ///< Canonical text.
  int ptx = 0;          ///< Of form ptx: the PTX version the driver must know, 78 is 7.8.
  /// What the schedule was chosen for: a class of GPUs (gpuClassOf), some D. Empty: for all.
  std::string gpu;
  std::vector<int64_t> channels;
  size_t info = 0, code = 0; ///< Blobs: the JSON of KernelInfo, and the bytes to load.
};

/// |got - want| <= absolute + relative * |want| for each element, and the norm of the difference at
/// most `norm` times that of what is wanted.
struct PackTolerance {
  double relative = 0, absolute = 0, norm = 0;
};

/// Tiny inputs and what the kernel must make of them: a blob in the form of Safetensors.h, in which
/// the outputs have kExpected before their names.
struct PackTest {
  /// Along `axis` the stored tensor is repeated until it has `size` elements: a kernel of many fixed
  /// channels has a test of few numbers all the same.
  struct Tile {
    size_t axis = 0;
    int64_t size = 0;
  };
  size_t blob = 0;
  std::map<std::string, PackTolerance> tolerance; ///< By output.
  std::map<std::string, Tile> tiles;              ///< By tensor, of those that are repeated.
};
constexpr std::string_view kExpected = "expected.";

struct PackProblem {
  Problem problem; ///< With every default. A user's kernel is named as in its text.
  KernelTraits traits;
  std::optional<PackTest> test;
  std::vector<PackCode> codes;
};

struct PackKernel {
  std::string name;
  std::string source;     ///< SHA-256 of a user's text; empty for a built-in.
  size_t description = 0; ///< Blob: the reply to CompilerAbi.h's verb "describe".
};

struct HALO_API PackManifest {
  std::string name;
  std::map<std::string, std::string> toolchain; ///< What made it, for people.
  std::vector<PackKernel> kernels;
  std::vector<PackProblem> problems;
  std::optional<size_t> records; ///< Blob: tuning records, TuningRecords.h.
  std::vector<PackBlob> blobs;

  static Result<PackManifest> parse(std::string_view text);
};

} // namespace halo

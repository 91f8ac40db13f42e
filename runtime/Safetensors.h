// Reading and writing safetensors files: f32, f16, bf16, i32, i64; anything malformed is refused
// with a sentence, before any tensor is used.
#pragma once

#include "runtime/DType.h"
#include "runtime/Export.h"
#include "runtime/Result.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace halo {

/// A tensor on the host, contiguous, row-major.
struct HALO_API HostTensor {
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  std::vector<unsigned char> bytes;

  int64_t elements() const;
};

using TensorMap = std::map<std::string, HostTensor>;

/// Reads every tensor. The header is checked fully: its length, JSON, dtypes, shapes whose sizes
/// match their byte ranges, ranges that do not overlap, leave holes or leave the file.
HALO_API Result<TensorMap> readSafetensors(const std::string &path);
/// The same of a file's bytes; `path` is for the messages.
HALO_API Result<TensorMap> parseSafetensors(const std::string &path, std::string_view bytes);
/// Writes through a temporary file in the same folder and one rename: on failure nothing is left.
HALO_API Result<void> writeSafetensors(const std::string &path, const TensorMap &tensors);
/// The bytes of such a file: equal tensors, equal bytes. `path` is for the messages.
HALO_API Result<std::string> printSafetensors(const std::string &path, const TensorMap &tensors);

} // namespace halo

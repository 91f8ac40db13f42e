// The bytes of a cache entry's file. Numbers are little-endian:
//
//   0   "HALOKEEP"            8 bytes
//   8   version               u32, kVersion
//   12  size of the key       u32
//   16  size of the JSON      u64
//   24  size of the blob      u64
//   32  key text, JSON, blob
//   end SHA-256 of everything before it, 32 bytes
//
// A file of any other length, magic, version or digest is no entry: it was torn or has rotted.
#pragma once

#include "runtime/Export.h"
#include "runtime/Result.h"

#include <string>
#include <string_view>

namespace halo {

struct HALO_API CacheEntry {
  /// Part of the files' names as well: versions of Halo that differ in it do not meet.
  static constexpr uint32_t kVersion = 1;

  std::string key; ///< CacheKey::text().
  std::string json, blob;

  std::string pack() const;
  /// The entry in `bytes`, or what is wrong with them.
  static Result<CacheEntry> unpack(std::string_view bytes);
};

} // namespace halo

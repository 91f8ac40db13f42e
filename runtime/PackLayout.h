// Where the bytes of a pack lie. A pack is a plain zip of stored entries, and every byte of it that
// is no entry's content follows from the entries' names, sizes, CRCs and two digests:
//
//   local header, name, padding │ manifest          the first entry, halopack-1.json
//   local header, name, padding │ blob              one each, in the manifest's order; code begins
//   ...                                             on a page, so that it can be mapped
//   central directory                               as unzip wants it
//   end record, comment                             kCommentSize bytes of text:
//       "halopack manifest=<SHA-256 of the manifest> file=<SHA-256 of all bytes before this digest>"
//
// So whoever has the manifest knows the size of the file and the place of every blob, and verifying
// a pack is writing it again and comparing. Numbers are little-endian; dates are fixed. The version
// is in the first entry's name, which is at one place in packs of every version.
#pragma once

#include "runtime/Export.h"
#include "runtime/Result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace halo {

constexpr int kPackVersion = 1;
constexpr std::string_view kPackNameStart = "halopack-"; ///< Of the first entry, before the version.
constexpr std::string_view kPackManifest = "halopack-1.json";
constexpr uint64_t kPackPage = 4096;
constexpr size_t kPackHeaderSize = 30; ///< Of a local header, without the name.
constexpr size_t kPackEndSize = 22;    ///< Of the end record, without the comment.
constexpr std::string_view kPackComment = "halopack manifest=";
constexpr std::string_view kPackCommentFile = " file=";
constexpr size_t kPackDigest = 64; ///< Hexadecimal digits.
constexpr size_t kPackCommentSize =
    kPackComment.size() + kPackDigest + kPackCommentFile.size() + kPackDigest;

struct PackEntry {
  std::string name;
  uint64_t size = 0;
  bool page = false; ///< Whether its content begins on a page.
};

struct PackLayout {
  std::vector<PackEntry> entries; ///< The manifest first.
  std::vector<uint64_t> headers;  ///< Where each entry's local header is.
  std::vector<uint64_t> contents; ///< Where each entry's bytes are.
  uint64_t directory = 0;         ///< Where the central directory is.
  uint64_t size = 0;              ///< Of the file.
};

/// Refuses what this form of zip has no room for: 4 GiB, 65,535 entries, names of 1,000 bytes.
HALO_API Result<PackLayout> layoutPack(std::vector<PackEntry> entries);

/// CRC-32 as zip has it.
HALO_API uint32_t crc32(std::string_view bytes);
/// All from an entry's local header to its content.
HALO_API std::string packHeader(const PackLayout &layout, size_t entry, uint32_t crc);
/// All behind the last entry, up to the file's digest. `crcs` are those of the entries.
HALO_API std::string packTail(const PackLayout &layout, const std::vector<uint32_t> &crcs,
                              std::string_view manifestDigest);

} // namespace halo

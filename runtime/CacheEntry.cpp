#include "runtime/CacheEntry.h"

#include "runtime/Sha256.h"

#include <fmt/format.h>

#include <cstring>

namespace halo {

namespace {

constexpr std::string_view kMagic = "HALOKEEP";
constexpr size_t kHeader = 32, kDigest = 32;

void appendNumber(std::string &bytes, uint64_t value, int size) {
  for (int i = 0; i < size; ++i)
    bytes += char(value >> 8 * i);
}

uint64_t numberAt(std::string_view bytes, size_t at, int size) {
  uint64_t value = 0;
  for (int i = 0; i < size; ++i)
    value |= uint64_t(uint8_t(bytes[at + i])) << 8 * i;
  return value;
}

} // namespace

std::string CacheEntry::pack() const {
  std::string bytes(kMagic);
  bytes.reserve(kHeader + key.size() + json.size() + blob.size() + kDigest);
  appendNumber(bytes, kVersion, 4);
  appendNumber(bytes, key.size(), 4);
  appendNumber(bytes, json.size(), 8);
  appendNumber(bytes, blob.size(), 8);
  bytes += key;
  bytes += json;
  bytes += blob;
  Sha256 hash;
  hash.update(bytes);
  Sha256::Digest digest = hash.finish();
  bytes.append(reinterpret_cast<const char *>(digest.data()), digest.size());
  return bytes;
}

Result<CacheEntry> CacheEntry::unpack(std::string_view bytes) {
  if (bytes.size() < kHeader + kDigest)
    return failed(fmt::format("{} bytes are fewer than the {} of an empty entry", bytes.size(),
                              kHeader + kDigest));
  if (bytes.substr(0, kMagic.size()) != kMagic)
    return failed("it does not begin as an entry does");
  if (uint64_t version = numberAt(bytes, 8, 4); version != kVersion)
    return failed(fmt::format("version {} where {} is expected", version, kVersion));
  size_t body = bytes.size() - kHeader - kDigest;
  uint64_t keySize = numberAt(bytes, 12, 4), jsonSize = numberAt(bytes, 16, 8),
           blobSize = numberAt(bytes, 24, 8);
  // Compared piece by piece: the sum of three rotten numbers may wrap.
  if (keySize > body || jsonSize > body - keySize || blobSize != body - keySize - jsonSize)
    return failed(fmt::format("its parts of {}, {} and {} bytes are not its {}", keySize, jsonSize,
                              blobSize, body));
  Sha256 hash;
  hash.update(bytes.substr(0, kHeader + body));
  Sha256::Digest digest = hash.finish();
  if (std::memcmp(digest.data(), bytes.data() + kHeader + body, kDigest) != 0)
    return failed("its checksum does not match");
  CacheEntry entry;
  entry.key = bytes.substr(kHeader, keySize);
  entry.json = bytes.substr(kHeader + keySize, jsonSize);
  entry.blob = bytes.substr(kHeader + keySize + jsonSize, blobSize);
  return entry;
}

} // namespace halo

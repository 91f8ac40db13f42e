// SHA-256 (FIPS 180-4): names of cache entries, their checksums, digests of pack blobs.
#pragma once

#include "runtime/Export.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace halo {

class HALO_API Sha256 {
public:
  using Digest = std::array<uint8_t, 32>;

  void update(std::string_view bytes);
  /// Ends the message; the object is spent.
  Digest finish();

private:
  void block(const uint8_t *bytes);

  std::array<uint32_t, 8> state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> pending{};
  uint64_t length = 0; ///< Bytes so far.
};

/// The digest of a text as 64 lower-case hexadecimal digits.
HALO_API std::string sha256(std::string_view bytes);
HALO_API std::string hexadecimal(const uint8_t *bytes, size_t count);

} // namespace halo

// From entries to the bytes of a pack (runtime/PackLayout.h).
#pragma once

#include "runtime/PackManifest.h"
#include "runtime/Result.h"

#include <string>
#include <string_view>
#include <vector>

namespace halo::tool {

/// Blobs on their way into a pack; equal contents become one. Their numbers are those of the
/// manifest once finish() has ordered them: what begins on a page comes last, so that only those
/// are padded.
class PackBlobs {
public:
  /// A number for `renumbered`; the name is taken from who brings the content first.
  size_t add(const std::string &name, std::string bytes, bool page);
  /// Moves the contents into `contents` and their descriptions into the manifest, whose numbers are
  /// changed from add()'s to final ones.
  void finish(PackManifest &manifest, std::vector<std::string> &contents);

private:
  struct Blob {
    PackBlob about;
    std::string bytes;
  };
  std::vector<Blob> blobs;
  std::map<std::pair<std::string, bool>, size_t> known; ///< By digest.
};

/// The manifest's text: equal manifests, equal bytes.
std::string printManifest(const PackManifest &manifest);

/// The whole file. The manifest's blobs are those of `contents`, in their order.
Result<std::string> packBytes(const PackManifest &manifest,
                              const std::vector<std::string> &contents);

} // namespace halo::tool

#include "runtime/Pack.h"

#include "runtime/Sha256.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace halo {

namespace {

/// The little-endian number at a place, which must be inside.
uint64_t numberAt(std::string_view bytes, size_t at, int count) {
  uint64_t number = 0;
  for (int i = count; i-- > 0;)
    number = number << 8 | uint8_t(bytes[at + size_t(i)]);
  return number;
}

/// The digits behind "halopack-"; -1 where there are none, or too many to be a version.
int versionOf(std::string_view text) {
  int version = 0;
  size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9' && digits < 6; ++digits)
    version = version * 10 + (text[digits] - '0');
  return digits ? version : -1;
}

} // namespace

Error Pack::damaged(const std::string &what) const {
  return invalid(fmt::format("pack {}: {}: the file is damaged", name, what));
}

Result<std::shared_ptr<const Pack>> Pack::open(const std::string &path) {
  std::shared_ptr<Pack> pack(new Pack(path));
  struct stat status;
  // Before opening: opening a pipe would wait for its writer.
  if (stat(path.c_str(), &status) != 0)
    return invalid(fmt::format("pack {}: {}", path, std::strerror(errno)));
  if (!S_ISREG(status.st_mode))
    return invalid(fmt::format("pack {}: is no regular file", path));
  pack->file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (pack->file < 0 || fstat(pack->file, &status) != 0)
    return invalid(fmt::format("pack {}: {}", path, std::strerror(errno)));
  if (status.st_size > 0) {
    void *memory =
        mmap(nullptr, size_t(status.st_size), PROT_READ, MAP_PRIVATE, pack->file, 0);
    if (memory == MAP_FAILED)
      return failed(fmt::format("pack {}: cannot be mapped: {}", path, std::strerror(errno)));
    pack->bytes = {static_cast<const char *>(memory), size_t(status.st_size)};
  }
  HALO_CHECK(pack->read());
  return std::shared_ptr<const Pack>(std::move(pack));
}

Result<std::shared_ptr<const Pack>> Pack::parse(std::string name, std::string bytes) {
  std::shared_ptr<Pack> pack(new Pack(std::move(name)));
  pack->owned = std::move(bytes);
  pack->bytes = pack->owned;
  HALO_CHECK(pack->read());
  return std::shared_ptr<const Pack>(std::move(pack));
}

Pack::~Pack() {
  if (file < 0)
    return;
  if (!bytes.empty())
    munmap(const_cast<char *>(bytes.data()), bytes.size());
  close(file);
}

Result<void> Pack::read() {
  constexpr std::string_view kMagic("PK\3\4", 4);
  size_t start = kPackHeaderSize + kPackNameStart.size();
  if (bytes.size() < start + 1 || bytes.substr(0, kMagic.size()) != kMagic ||
      bytes.substr(kPackHeaderSize, kPackNameStart.size()) != kPackNameStart)
    return invalid(fmt::format("pack {}: is no Halo pack", name));
  int version = versionOf(bytes.substr(start));
  if (version != kPackVersion)
    return invalid(version < 0 ? fmt::format("pack {}: is no Halo pack", name)
                               : fmt::format("pack {}: has version {} where this runtime reads {}",
                                             name, version, kPackVersion));
  size_t content = kPackHeaderSize + kPackManifest.size();
  if (bytes.substr(kPackHeaderSize, kPackManifest.size()) != kPackManifest)
    return damaged("its first entry has another name than a manifest's");
  if (bytes.size() < content + kPackEndSize + kPackCommentSize)
    return damaged(fmt::format("{} bytes are too few", bytes.size()));

  std::string_view comment = bytes.substr(bytes.size() - kPackCommentSize);
  std::string_view digest = comment.substr(kPackComment.size(), kPackDigest);
  if (comment.substr(0, kPackComment.size()) != kPackComment)
    return damaged("it does not end as a pack does");
  uint64_t size = numberAt(bytes, 22, 4);
  if (size > bytes.size() - content)
    return damaged(fmt::format("a manifest of {} bytes in a file of {}", size, bytes.size()));
  std::string_view text = bytes.substr(content, size);
  if (sha256(text) != digest)
    return damaged("its manifest has another SHA-256 than its end says");

  Result<PackManifest> parsed = PackManifest::parse(text);
  if (!parsed)
    return invalid(fmt::format("pack {}: {}", name, parsed.error().message));
  contents = std::move(*parsed);
  std::vector<PackEntry> entries = {{std::string(kPackManifest), text.size(), false}};
  for (const PackBlob &blob : contents.blobs)
    entries.push_back({blob.name, blob.bytes, blob.page});
  Result<PackLayout> layout = layoutPack(std::move(entries));
  if (!layout)
    return invalid(fmt::format("pack {}: {}", name, layout.error().message));
  places = std::move(*layout);
  if (places.size != bytes.size())
    return damaged(fmt::format("{} bytes where its manifest makes {}", bytes.size(), places.size));
  for (size_t i = 0; i < contents.problems.size(); ++i)
    problems.emplace(contents.problems[i].problem.print(), i);
  return {};
}

Result<std::string> Pack::blob(size_t index) const {
  const PackBlob &blob = contents.blobs.at(index);
  struct stat status;
  if (file >= 0 && (fstat(file, &status) != 0 || uint64_t(status.st_size) != bytes.size()))
    return damaged(fmt::format("{} bytes where there were {} when it was opened",
                               int64_t(status.st_size), bytes.size()));
  // Copied before it is checked: what another process writes there later is not ours.
  std::string copy(bytes.substr(places.contents[index + 1], blob.bytes));
  if (sha256(copy) != blob.sha256)
    return damaged(fmt::format("{} has another SHA-256 than the manifest says", blob.name));
  return copy;
}

} // namespace halo

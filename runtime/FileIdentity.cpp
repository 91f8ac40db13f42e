#include "runtime/FileIdentity.h"

#include "runtime/CompileCache.h"
#include "runtime/Sha256.h"

#include <fmt/format.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_map>
#include <vector>

namespace halo {

namespace {

struct OpenFile {
  int file;
  explicit OpenFile(const std::string &path) : file(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OpenFile() {
    if (file >= 0)
      close(file);
  }
  bool read(void *to, size_t bytes, uint64_t at) const {
    return pread(file, to, bytes, off_t(at)) == ssize_t(bytes);
  }
};

/// The build id among a segment's notes.
std::string buildIdIn(const std::vector<char> &notes) {
  size_t at = 0;
  while (at + sizeof(Elf64_Nhdr) <= notes.size()) {
    Elf64_Nhdr note;
    std::memcpy(&note, notes.data() + at, sizeof note);
    size_t name = at + sizeof note, bytes = name + (size_t(note.n_namesz) + 3) / 4 * 4;
    size_t end = bytes + (size_t(note.n_descsz) + 3) / 4 * 4;
    if (end > notes.size() + 3 || bytes + note.n_descsz > notes.size())
      return {};
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
        std::memcmp(notes.data() + name, "GNU", 4) == 0)
      return hexadecimal(reinterpret_cast<const uint8_t *>(notes.data() + bytes), note.n_descsz);
    at = end;
  }
  return {};
}

Result<std::string> hashOf(const std::string &path) {
  OpenFile source(path);
  if (source.file < 0)
    return unavailable(fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
  Sha256 hash;
  std::vector<char> piece(1 << 20);
  while (true) {
    ssize_t got = read(source.file, piece.data(), piece.size());
    if (got < 0)
      return unavailable(fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
    if (got == 0)
      break;
    hash.update({piece.data(), size_t(got)});
  }
  Sha256::Digest digest = hash.finish();
  return "sha256:" + hexadecimal(digest.data(), digest.size());
}

/// Which bytes a path names, as far as can be told without reading them.
CacheKey placeOf(const std::string &path, const struct stat &facts) {
  char real[PATH_MAX];
  CacheKey key("hash");
  key.add("path", realpath(path.c_str(), real) ? real : path);
  key.add("device", std::to_string(facts.st_dev));
  key.add("inode", std::to_string(facts.st_ino));
  key.add("size", std::to_string(facts.st_size));
  key.add("time", fmt::format("{}.{:09}", facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec));
  key.add("changed", fmt::format("{}.{:09}", facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec));
  return key;
}

} // namespace

std::string elfBuildId(const std::string &path) {
  OpenFile source(path);
  Elf64_Ehdr header;
  if (source.file < 0 || !source.read(&header, sizeof header, 0) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_phentsize != sizeof(Elf64_Phdr))
    return {};
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (!source.read(&segment, sizeof segment, header.e_phoff + i * sizeof segment))
      return {};
    // A note segment is some dozens of bytes.
    if (segment.p_type != PT_NOTE || segment.p_filesz > (1 << 16))
      continue;
    std::vector<char> notes(segment.p_filesz);
    if (!source.read(notes.data(), notes.size(), segment.p_offset))
      return {};
    if (std::string id = buildIdIn(notes); !id.empty())
      return id;
  }
  return {};
}

Result<std::string> fileIdentity(const std::string &path) {
  struct stat facts;
  if (stat(path.c_str(), &facts) != 0)
    return unavailable(fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
  CacheKey place = placeOf(path, facts);
  static std::mutex mutex;
  static auto *known = new std::unordered_map<std::string, std::string>;
  std::string text = place.text();
  {
    std::lock_guard<std::mutex> guard(mutex);
    if (auto found = known->find(text); found != known->end())
      return found->second;
  }
  std::string identity = elfBuildId(path);
  if (!identity.empty()) {
    identity = "build-id:" + identity;
  } else {
    HALO_TRY(made, CompileCache::get().fetch(place, [&]() -> Result<Produced> {
      HALO_TRY(hash, hashOf(path));
      return Produced{{hash, ""}};
    }));
    identity = made.reply->json;
  }
  std::lock_guard<std::mutex> guard(mutex);
  return known->emplace(text, identity).first->second;
}

} // namespace halo

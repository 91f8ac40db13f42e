#include "runtime/DiskCache.h"

#include "runtime/Sha256.h"
#include "runtime/Warning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <map>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace halo {

namespace {

/// Where a limit was passed, some room is made for the entries to come.
constexpr int64_t kRoomPercent = 90;

const std::string &ending() {
  static const std::string text = fmt::format("-v{}", CacheEntry::kVersion);
  return text;
}

bool endsWith(const std::string &text, const std::string &end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// Makes the folder and those above it; false with errno set.
bool makeFolder(const std::string &path) {
  if (mkdir(path.c_str(), 0777) == 0)
    return true;
  if (errno == ENOENT) {
    size_t slash = path.rfind('/');
    if (slash == std::string::npos || slash == 0 || !makeFolder(path.substr(0, slash)))
      return false;
    if (mkdir(path.c_str(), 0777) == 0)
      return true;
  }
  struct stat found;
  if (errno != EEXIST)
    return false;
  if (stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode))
    return true;
  errno = ENOTDIR;
  return false;
}

std::string parent(const std::string &path) { return path.substr(0, path.rfind('/')); }

bool writeAll(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    bytes.remove_prefix(size_t(written));
  }
  return true;
}

std::optional<std::string> readAll(int file) {
  struct stat found;
  if (fstat(file, &found) != 0 || !S_ISREG(found.st_mode))
    return std::nullopt;
  std::string bytes(size_t(found.st_size), '\0');
  size_t at = 0;
  while (at < bytes.size()) {
    ssize_t got = pread(file, bytes.data() + at, bytes.size() - at, off_t(at));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return std::nullopt;
    if (got == 0)
      break;
    at += size_t(got);
  }
  bytes.resize(at);
  return bytes;
}

void setStamp(int file, int64_t stamp) {
  timespec times[2] = {{0, UTIME_OMIT}, {time_t(stamp / 1000000000), long(stamp % 1000000000)}};
  // Another user's file keeps its stamp: it is only the order in which entries go.
  (void)futimens(file, times);
}

template <typename Visit> void eachName(const std::string &folder, Visit visit) {
  DIR *open = opendir(folder.c_str());
  if (!open)
    return;
  while (dirent *entry = readdir(open))
    if (entry->d_name[0] != '.')
      visit(std::string(entry->d_name));
  closedir(open);
}

int64_t systemClock() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t(now.tv_sec) * 1000000000 + now.tv_nsec;
}

} // namespace

DiskCache::DiskCache(std::string folder, DiskCacheOptions options)
    : root(std::move(folder)), options(std::move(options)),
      counts(std::make_unique<CacheCounters>(
          root + "/counters", this->options.clock ? this->options.clock : systemClock)) {}

DiskCache::~DiskCache() { counts->flush(true); }

std::string DiskCache::pathOf(const CacheKey &key) const {
  std::string hash = key.hash();
  return fmt::format("{}/{}/{}.{}{}", root, hash.substr(0, 2), hash, key.kind(), ending());
}

void DiskCache::complain(const std::string &what) {
  if (!complained.exchange(true))
    warn(fmt::format("the kernel cache {} cannot be written, so that kernels stay in memory: {}",
                     root, what));
}

std::optional<CacheEntry> DiskCache::find(const CacheKey &key) {
  std::string path = pathOf(key);
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return std::nullopt;
  std::optional<std::string> bytes = readAll(file);
  std::optional<CacheEntry> found;
  if (bytes) {
    Result<CacheEntry> entry = CacheEntry::unpack(*bytes);
    if (entry && entry->key == key.text()) {
      found = std::move(*entry);
      setStamp(file, counts->stamp());
    } else {
      // Removed, so that it is met and counted once; not if somebody has just replaced it.
      struct stat ours, named;
      bool replaced =
          fstat(file, &ours) != 0 || stat(path.c_str(), &named) != 0 || ours.st_ino != named.st_ino;
      if (!replaced && (unlink(path.c_str()) == 0 || errno != ENOENT))
        counts->add(Counter::Corrupt);
    }
  }
  close(file);
  return found;
}

bool DiskCache::publish(const CacheKey &key, const CacheEntry &entry) {
  std::string path = pathOf(key), staging = root + "/staging";
  auto fail = [&] {
    complain(std::strerror(errno));
    return false;
  };
  if (!makeFolder(staging) || !makeFolder(parent(path)))
    return fail();
  if (!tidied.exchange(true))
    removeLeftovers();
  static std::atomic<unsigned> serial{0};
  std::string staged =
      fmt::format("{}/{}-{}-{:x}", staging, getpid(), serial++, uint64_t(systemClock()));
  int file = open(staged.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0)
    return fail();
  // Held while we live: who can take it may clear the file away.
  (void)flock(file, LOCK_EX | LOCK_NB);
  std::string bytes = entry.pack();
  bool written = writeAll(file, bytes);
  if (written) {
    setStamp(file, counts->stamp());
    written = fsync(file) == 0;
  }
  written = written && rename(staged.c_str(), path.c_str()) == 0;
  int why = errno;
  close(file);
  if (!written) {
    unlink(staged.c_str());
    errno = why;
    return fail();
  }
  if (int folder = open(parent(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); folder >= 0) {
    // The name lasts with its folder; without this sync a crash of the machine forgets it.
    (void)fsync(folder);
    close(folder);
  }
  counts->addBytes(int64_t(bytes.size()));
  counts->flush(/*now=*/true);
  if (int64_t total = counts->totals().bytes; total < 0 || total > options.limit)
    collect(total < 0 ? options.limit : options.limit / 100 * kRoomPercent);
  return true;
}

std::optional<FileLock> DiskCache::lock(const CacheKey &key, const std::function<bool()> &done) {
  std::string folder = root + "/locks";
  if (!makeFolder(folder))
    return std::nullopt;
  return FileLock::acquire(folder + "/" + key.hash(), options.patience, done);
}

std::vector<DiskCache::File> DiskCache::files() const {
  std::vector<File> found;
  eachName(root, [&](const std::string &shard) {
    if (shard.size() != 2)
      return;
    std::string folder = root + "/" + shard;
    eachName(folder, [&](const std::string &name) {
      // 64 digits, a dot, the kind and the version.
      size_t dot = name.find('.'), version = name.rfind("-v");
      struct stat facts;
      if (dot != 64 || version == std::string::npos || version < dot ||
          stat((folder + "/" + name).c_str(), &facts) != 0)
        return;
      File file;
      file.path = folder + "/" + name;
      file.kind = name.substr(dot + 1, version - dot - 1);
      file.bytes = facts.st_size;
      file.stamp = int64_t(facts.st_mtim.tv_sec) * 1000000000 + facts.st_mtim.tv_nsec;
      file.ours = endsWith(name, ending());
      found.push_back(std::move(file));
    });
  });
  return found;
}

Result<CacheEntry> DiskCache::read(const std::string &path) {
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return unavailable(std::strerror(errno));
  std::optional<std::string> bytes = readAll(file);
  close(file);
  if (!bytes)
    return failed("it cannot be read");
  HALO_TRY(entry, CacheEntry::unpack(*bytes));
  std::string name = path.substr(path.rfind('/') + 1);
  if (sha256(entry.key) != name.substr(0, name.find('.')))
    return failed("it is another key's entry");
  return std::move(entry);
}

DiskCache::Collected DiskCache::collect(int64_t limit) {
  removeLeftovers();
  std::vector<File> all = files();
  std::map<std::pair<int64_t, std::string>, int64_t> oldest; // Bytes, by stamp and path.
  Collected done;
  for (const File &file : all) {
    oldest[{file.stamp, file.path}] = file.bytes;
    done.left += file.bytes;
  }
  for (const auto &[file, bytes] : oldest) {
    if (done.left <= limit)
      break;
    // Another process may be at it too: what it removed is its to count.
    if (unlink(file.second.c_str()) == 0) {
      done.files += 1;
      done.bytes += bytes;
    } else if (errno != ENOENT) {
      continue;
    }
    done.left -= bytes;
  }
  counts->add(Counter::Evicted, done.files);
  counts->setBytes(done.left);
  counts->flush(/*now=*/true);
  return done;
}

DiskCache::Verified DiskCache::verify(bool keep) {
  Verified result;
  for (const File &file : files()) {
    if (!file.ours)
      continue;
    Result<CacheEntry> entry = read(file.path);
    // Gone since we listed it.
    if (!entry && entry.error().code == ErrorCode::Unavailable && access(file.path.c_str(), F_OK))
      continue;
    ++result.checked;
    if (entry)
      continue;
    result.bad.push_back({file.path, entry.error().message});
    counts->add(Counter::Corrupt);
    if (!keep)
      unlink(file.path.c_str());
  }
  counts->flush(/*now=*/true);
  return result;
}

/// Files whose writer or holder is gone: nobody has them locked any more. A file of the last minute
/// is left alone: its writer may just be about to lock it.
void DiskCache::removeLeftovers() const {
  for (const char *name : {"/staging", "/locks"}) {
    std::string folder = root + name;
    eachName(folder, [&](const std::string &left) {
      std::string path = folder + "/" + left;
      int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
      if (file < 0)
        return;
      struct stat facts;
      if (fstat(file, &facts) == 0 && uint64_t(time(nullptr) - facts.st_mtime) >= 60 &&
          flock(file, LOCK_EX | LOCK_NB) == 0)
        unlink(path.c_str());
      close(file);
    });
  }
}

} // namespace halo

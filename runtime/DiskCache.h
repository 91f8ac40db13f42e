// Cache entries in a folder that processes, users' machines and versions of Halo share.
//
//   FOLDER/3f/3f2a…(64 digits).kernel-v1   an entry (CacheEntry.h), named after its key
//   FOLDER/staging/                        entries being written
//   FOLDER/locks/                          who compiles what (FileLock.h)
//   FOLDER/counters                        CacheCounters.h
//
// An entry appears by one rename of a whole, synced file and never changes; a reader sees all of it
// or nothing, and trusts its checksum, not the writer. So a crash, a full disk or two writers at
// once cost a compile, never a wrong kernel. Nothing here fails for a caller: what cannot be read
// is a miss, what cannot be written is a warning, once.
#pragma once

#include "runtime/CacheCounters.h"
#include "runtime/CacheEntry.h"
#include "runtime/CacheKey.h"
#include "runtime/Export.h"
#include "runtime/FileLock.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace halo {

struct DiskCacheOptions {
  int64_t limit = int64_t(2) << 30; ///< Bytes of all entries; the least used go first.
  /// How long to wait for another process that compiles the same thing.
  std::chrono::milliseconds patience = std::chrono::seconds(20);
  WallClock clock; ///< Null: the system's.
};

/// Thread-safe.
class HALO_API DiskCache {
public:
  /// Makes the folder when it first writes.
  explicit DiskCache(std::string folder, DiskCacheOptions options = {});
  ~DiskCache();

  const std::string &folder() const { return root; }
  int64_t limit() const { return options.limit; }
  CacheCounters &counters() { return *counts; }

  /// The entry of this key, checked and marked as used.
  std::optional<CacheEntry> find(const CacheKey &key);
  /// Stores an entry. False, after one warning per object, where that cannot be done.
  bool publish(const CacheKey &key, const CacheEntry &entry);
  /// The right to compile this key; nothing where the entry has appeared meanwhile (`done` then
  /// says true), where patience ran out, or where there are no locks.
  std::optional<FileLock> lock(const CacheKey &key, const std::function<bool()> &done);

  struct File {
    std::string path, kind;
    int64_t bytes = 0, stamp = 0;
    bool ours = false; ///< Of this version of the format.
  };
  /// Every entry's file, of all versions, in no order.
  std::vector<File> files() const;
  /// Reads one file of ours and checks it against its name.
  static Result<CacheEntry> read(const std::string &path);

  struct Collected {
    int64_t files = 0, bytes = 0; ///< What went.
    int64_t left = 0;             ///< Bytes that stay.
  };
  /// Removes the least recently used entries until at most `limit` bytes stay, and what dead
  /// processes left in staging/ and locks/.
  Collected collect(int64_t limit);

  struct Bad {
    std::string path, why;
  };
  struct Verified {
    int64_t checked = 0;
    std::vector<Bad> bad;
  };
  /// Reads and checks every entry of this version; bad ones are removed unless `keep`.
  Verified verify(bool keep);

private:
  std::string pathOf(const CacheKey &key) const;
  void complain(const std::string &what);
  void removeLeftovers() const;

  const std::string root;
  const DiskCacheOptions options;
  std::unique_ptr<CacheCounters> counts;
  std::atomic<bool> complained{false}, tidied{false};
};

} // namespace halo

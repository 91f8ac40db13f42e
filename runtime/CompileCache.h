// Memory, then disk, then the work itself; each thing once, however many threads and processes ask.
//
//   fetch(key, produce) ─► this process's memory ─► DiskCache ─► produce() ─► published, kept
//
// What is kept is a Reply: a text and a blob. Memory keeps strong references, the newest 256 MiB.
#pragma once

#include "runtime/CompilerLibrary.h"
#include "runtime/DiskCache.h"
#include "runtime/Export.h"
#include "runtime/KeyedMutex.h"
#include "runtime/Result.h"

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace halo {

/// What `produce` made, and whether it may be kept under the key it was asked for.
struct Produced {
  Reply reply;
  bool keep = true;
};

enum class Source { Memory, Disk, Produced };

struct Fetched {
  std::shared_ptr<const Reply> reply;
  Source source = Source::Produced;
};

/// Thread-safe.
class HALO_API CompileCache {
public:
  /// The process's, where the environment says: HALO_CACHE_DIR, HALO_CACHE_LIMIT (Environment.h).
  /// Never destroyed; its counters are written when the process ends.
  static CompileCache &get();
  /// Without a disk cache, `why` it is off is warned about once; an empty `why` is no warning.
  explicit CompileCache(std::unique_ptr<DiskCache> disk, std::string why = "");

  /// The reply of this key. An error of `produce` is passed on and not kept.
  Result<Fetched> fetch(const CacheKey &key, const std::function<Result<Produced>()> &produce);

  /// Null where there is none; offReason() says why.
  DiskCache *disk() { return diskCache.get(); }
  const std::string &offReason() const { return reason; }

private:
  std::shared_ptr<const Reply> remembered(const std::string &text);
  std::shared_ptr<const Reply> remember(const std::string &text, Reply reply);
  /// The entry on disk, remembered; counts a hit.
  std::shared_ptr<const Reply> findOnDisk(const CacheKey &key, const std::string &text);

  const std::unique_ptr<DiskCache> diskCache;
  const std::string reason;
  std::once_flag warned;
  KeyedMutex working; ///< One thread works on a key, the others wait for what it makes.
  std::mutex mutex;   ///< Of everything below.
  std::unordered_map<std::string, std::shared_ptr<const Reply>> memory;
  std::deque<std::string> order; ///< Oldest first.
  size_t bytes = 0;
};

} // namespace halo

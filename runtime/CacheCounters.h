// What happened in a cache folder, over all processes and for all time, and the folder's clock.
//
// A process keeps its own increments and adds them to the file `counters` under a lock: at once
// where it has just compiled, else at most once a second and at its end. A process that is killed
// loses at most that second; a file that cannot be read counts from zero.
//
// The clock: an entry's stamp (its modification time) is the wall clock's time, but never earlier
// than the last stamp given in this folder, which the file keeps. So a clock that jumps back or
// forth never turns the order of use around.
#pragma once

#include "runtime/Export.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

namespace halo {

enum class Counter { Compiles, DiskHits, Corrupt, Evicted, PackHits };
constexpr int kNumCounters = 5;

/// Nanoseconds since 1970.
using WallClock = std::function<int64_t()>;

/// Thread-safe.
class HALO_API CacheCounters {
public:
  CacheCounters(std::string path, WallClock clock);

  struct Totals {
    std::array<int64_t, kNumCounters> counts{};
    /// Bytes of all entries as last counted, changes since then added: good enough to know when to
    /// count again. Negative where nobody has counted.
    int64_t bytes = -1;
    int64_t operator[](Counter counter) const { return counts[size_t(counter)]; }
  };

  void add(Counter counter, int64_t count = 1);
  void addBytes(int64_t bytes);
  /// Replaces the count of bytes.
  void setBytes(int64_t bytes);
  /// A stamp later than every one before it in this folder, as far as this process knows.
  int64_t stamp();
  /// Writes increments that are older than a second; all of them with `now`. What could not be
  /// written is kept.
  void flush(bool now);
  /// The file's numbers and our own increments.
  Totals totals();

private:
  struct State {
    Totals totals;
    int64_t clock = 0;
  };
  State read(int file) const;
  void restartAfterFork();

  const std::string path;
  const WallClock clock;
  std::mutex mutex;
  std::array<int64_t, kNumCounters> pending{};
  int64_t pendingBytes = 0, countedBytes = -1;
  int64_t lastStamp = 0;
  bool dirty = false;
  std::chrono::steady_clock::time_point flushed;
  int process;
};

} // namespace halo

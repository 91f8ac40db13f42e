#include "runtime/CacheCounters.h"

#include "runtime/Sha256.h"

#include <fmt/format.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fcntl.h>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

namespace halo {

using namespace std::chrono_literals;

namespace {

/// Numbers of fixed width: every write has the same length and is one system call.
constexpr const char *kForm = "halo-counters 1\ncompiles {:020}\ndisk_hits {:020}\ncorrupt {:020}\n"
                              "evicted {:020}\nbytes {:020}\nclock {:020}\npack_hits {:020}\n";
constexpr const char *kScan =
    "halo-counters 1\ncompiles %" SCNd64 "\ndisk_hits %" SCNd64 "\ncorrupt %" SCNd64
    "\nevicted %" SCNd64 "\nbytes %" SCNd64 "\nclock %" SCNd64 "\npack_hits %" SCNd64 "\n";
constexpr int kNumbers = 7;
/// A file of a version that knew no packs ends before the last one.
constexpr int kNumbersWithoutPacks = 6;
constexpr size_t kDigits = 16; ///< Of the checksum that ends the file.

/// A file and the lock on it, both gone with the scope.
struct LockedFile {
  int file = -1;
  bool locked = false;

  explicit LockedFile(const std::string &path) {
    file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    // Others hold it for microseconds; whoever is stopped while holding it must not stop us.
    for (int tries = 0; file >= 0 && tries < 100; ++tries) {
      if ((locked = flock(file, LOCK_EX | LOCK_NB) == 0))
        return;
      std::this_thread::sleep_for(200us);
    }
  }
  ~LockedFile() {
    if (file >= 0)
      close(file);
  }
};

} // namespace

CacheCounters::CacheCounters(std::string path, WallClock clock)
    : path(std::move(path)), clock(std::move(clock)), flushed(std::chrono::steady_clock::now()),
      process(getpid()) {
  if (int file = open(this->path.c_str(), O_RDONLY | O_CLOEXEC); file >= 0) {
    lastStamp = read(file).clock;
    close(file);
  }
}

CacheCounters::State CacheCounters::read(int file) const {
  State state;
  char text[512];
  ssize_t size = pread(file, text, sizeof(text) - 1, 0);
  if (size < ssize_t(kDigits))
    return state;
  text[size] = 0;
  std::string_view body(text, size_t(size) - kDigits);
  int64_t numbers[kNumbers] = {};
  if (sha256(body).compare(0, kDigits, text + body.size()) != 0 ||
      std::sscanf(text, kScan, &numbers[0], &numbers[1], &numbers[2], &numbers[3], &numbers[4],
                  &numbers[5], &numbers[6]) < kNumbersWithoutPacks)
    return state;
  state.totals.counts = {numbers[0], numbers[1], numbers[2], numbers[3], numbers[6]};
  state.totals.bytes = numbers[4];
  state.clock = numbers[5];
  return state;
}

/// A child's copy of its parent's increments is the parent's to write.
void CacheCounters::restartAfterFork() {
  if (process == getpid())
    return;
  process = getpid();
  pending = {};
  pendingBytes = 0;
  countedBytes = -1;
  dirty = false;
}

void CacheCounters::add(Counter counter, int64_t count) {
  std::lock_guard<std::mutex> guard(mutex);
  restartAfterFork();
  pending[size_t(counter)] += count;
  dirty = true;
}

void CacheCounters::addBytes(int64_t bytes) {
  std::lock_guard<std::mutex> guard(mutex);
  restartAfterFork();
  pendingBytes += bytes;
  dirty = true;
}

void CacheCounters::setBytes(int64_t bytes) {
  std::lock_guard<std::mutex> guard(mutex);
  restartAfterFork();
  countedBytes = bytes;
  pendingBytes = 0;
  dirty = true;
}

int64_t CacheCounters::stamp() {
  std::lock_guard<std::mutex> guard(mutex);
  restartAfterFork();
  // Microseconds apart: some file systems keep no nanoseconds.
  lastStamp = std::max(clock(), lastStamp + 1000);
  dirty = true;
  return lastStamp;
}

void CacheCounters::flush(bool now) {
  std::lock_guard<std::mutex> guard(mutex);
  restartAfterFork();
  auto time = std::chrono::steady_clock::now();
  if (!dirty || (!now && time - flushed < 1s))
    return;
  flushed = time;
  LockedFile locked(path);
  if (!locked.locked)
    return;
  State state = read(locked.file);
  for (int i = 0; i < kNumCounters; ++i)
    state.totals.counts[i] += pending[i];
  int64_t base = countedBytes >= 0 ? countedBytes : state.totals.bytes;
  state.totals.bytes = base < 0 ? base : std::max<int64_t>(0, base + pendingBytes);
  lastStamp = std::max(lastStamp, state.clock);
  const auto &counts = state.totals.counts;
  std::string text =
      fmt::format(kForm, counts[0], counts[1], counts[2], counts[3], state.totals.bytes, lastStamp,
                  counts[4]);
  text += sha256(text).substr(0, kDigits);
  if (pwrite(locked.file, text.data(), text.size(), 0) != ssize_t(text.size()) ||
      ftruncate(locked.file, off_t(text.size())) != 0)
    return;
  pending = {};
  pendingBytes = 0;
  countedBytes = -1;
  dirty = false;
}

CacheCounters::Totals CacheCounters::totals() {
  std::lock_guard<std::mutex> guard(mutex);
  restartAfterFork();
  State state;
  if (int file = open(path.c_str(), O_RDONLY | O_CLOEXEC); file >= 0) {
    state = read(file);
    close(file);
  }
  for (int i = 0; i < kNumCounters; ++i)
    state.totals.counts[i] += pending[i];
  if (countedBytes >= 0)
    state.totals.bytes = countedBytes;
  if (state.totals.bytes >= 0)
    state.totals.bytes = std::max<int64_t>(0, state.totals.bytes + pendingBytes);
  return state.totals;
}

} // namespace halo

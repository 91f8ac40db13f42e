// Each thing is made once, however many threads and processes ask for it.
#include "runtime/CompileCache.h"

#include "tests/unit/runtime/TestSupport.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace halo {
namespace {

using namespace std::chrono_literals;
using test::TempFolder;

CacheKey keyNamed(const std::string &name) {
  CacheKey key("kernel");
  key.add("name", name);
  return key;
}

CompileCache cacheIn(const TempFolder &folder, DiskCacheOptions options = {}) {
  return CompileCache(std::make_unique<DiskCache>(folder / "cache", options));
}

std::function<Result<Produced>()> slowly(std::atomic<int> &made,
                                         std::chrono::milliseconds time = 50ms) {
  return [&made, time]() -> Result<Produced> {
    std::this_thread::sleep_for(time);
    ++made;
    return Produced{{"{}", "code"}};
  };
}

TEST(CompileCacheTest, MemoryThenDiskThenTheWork) {
  TempFolder folder;
  std::atomic<int> made{0};
  {
    CompileCache cache = cacheIn(folder);
    auto first = cache.fetch(keyNamed("a"), slowly(made, 0ms));
    HALO_ASSERT_OK(first);
    EXPECT_EQ(int(first->source), int(Source::Produced));
    auto second = cache.fetch(keyNamed("a"), slowly(made, 0ms));
    HALO_ASSERT_OK(second);
    EXPECT_EQ(int(second->source), int(Source::Memory));
    EXPECT_EQ(second->reply, first->reply);
  }
  CompileCache cache = cacheIn(folder);
  auto third = cache.fetch(keyNamed("a"), slowly(made, 0ms));
  HALO_ASSERT_OK(third);
  EXPECT_EQ(int(third->source), int(Source::Disk));
  EXPECT_EQ(third->reply->blob, "code");
  EXPECT_EQ(made, 1);
  CacheCounters::Totals totals = cache.disk()->counters().totals();
  EXPECT_EQ(totals[Counter::Compiles], 1);
  EXPECT_EQ(totals[Counter::DiskHits], 1);
  EXPECT_FALSE(std::filesystem::exists(folder / "cache/locks/" + keyNamed("a").hash()));
}

TEST(CompileCacheTest, ErrorsAreNotKept) {
  TempFolder folder;
  CompileCache cache = cacheIn(folder);
  int calls = 0;
  auto failing = [&]() -> Result<Produced> {
    ++calls;
    return failed("no such luck");
  };
  EXPECT_EQ(test::errorOf(cache.fetch(keyNamed("a"), failing)), "no such luck");
  EXPECT_FALSE(bool(cache.fetch(keyNamed("a"), failing)));
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(cache.disk()->counters().totals()[Counter::Compiles], 0);
}

TEST(CompileCacheTest, WhatMayNotBeKeptIsNot) {
  TempFolder folder;
  CompileCache cache = cacheIn(folder);
  int calls = 0;
  auto foreign = [&]() -> Result<Produced> {
    ++calls;
    return Produced{{"{}", ""}, /*keep=*/false};
  };
  HALO_ASSERT_OK(cache.fetch(keyNamed("a"), foreign));
  HALO_ASSERT_OK(cache.fetch(keyNamed("a"), foreign));
  EXPECT_EQ(calls, 2);
  EXPECT_TRUE(cache.disk()->files().empty());
}

TEST(CompileCacheTest, ThreadsShareOneCompile) {
  TempFolder folder;
  for (bool disk : {true, false}) {
    CompileCache cache(disk ? std::make_unique<DiskCache>(folder.path) : nullptr);
    std::atomic<int> made{0}, others{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 16; ++i)
      threads.emplace_back([&, i] {
        EXPECT_TRUE(bool(cache.fetch(keyNamed("a"), slowly(made))));
        EXPECT_TRUE(bool(cache.fetch(keyNamed(i % 2 ? "b" : "c"), slowly(others, 1ms))));
      });
    for (std::thread &thread : threads)
      thread.join();
    EXPECT_EQ(made, 1);
    EXPECT_EQ(others, 2);
  }
}

TEST(CompileCacheTest, SixteenProcessesShareOneCompile) {
  TempFolder folder;
  std::vector<pid_t> children;
  for (int i = 0; i < 16; ++i) {
    pid_t child = fork();
    if (child == 0) {
      bool right = false;
      {
        CompileCache cache = cacheIn(folder);
        auto found = cache.fetch(keyNamed("a"), [&]() -> Result<Produced> {
          std::this_thread::sleep_for(100ms);
          return Produced{{"{}", "made"}};
        });
        right = found && found->reply->blob == "made";
      }
      _exit(right ? 0 : 1);
    }
    children.push_back(child);
  }
  for (pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  DiskCache cache(folder / "cache");
  EXPECT_EQ(cache.counters().totals()[Counter::Compiles], 1);
  EXPECT_EQ(cache.counters().totals()[Counter::DiskHits], 15);
  EXPECT_TRUE(std::filesystem::is_empty(folder / "cache/locks"));
}

/// A process that holds the key's lock and does nothing, until it is killed.
pid_t holdLock(const std::string &folder, const CacheKey &key) {
  int ready[2];
  EXPECT_EQ(pipe(ready), 0);
  pid_t holder = fork();
  if (holder == 0) {
    DiskCache cache(folder);
    auto lock = cache.lock(key, [] { return false; });
    char byte = lock ? 1 : 0;
    (void)!write(ready[1], &byte, 1);
    while (true)
      pause();
  }
  char byte = 0;
  EXPECT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 1);
  close(ready[0]);
  close(ready[1]);
  return holder;
}

TEST(CompileCacheTest, AStuckHolderIsNotWaitedForLong) {
  TempFolder folder;
  pid_t holder = holdLock(folder / "cache", keyNamed("a"));
  DiskCacheOptions options;
  options.patience = 200ms;
  CompileCache cache = cacheIn(folder, options);
  std::atomic<int> made{0};
  auto start = std::chrono::steady_clock::now();
  auto found = cache.fetch(keyNamed("a"), slowly(made, 0ms));
  auto took = std::chrono::steady_clock::now() - start;
  kill(holder, SIGKILL);
  waitpid(holder, nullptr, 0);
  HALO_ASSERT_OK(found);
  EXPECT_EQ(made, 1);
  EXPECT_GE(took, 200ms);
  // Compiled privately, and published all the same.
  EXPECT_TRUE(cache.disk()->find(keyNamed("a")));
}

TEST(CompileCacheTest, AKilledHolderBlocksNobody) {
  TempFolder folder;
  pid_t holder = holdLock(folder / "cache", keyNamed("a"));
  CompileCache cache = cacheIn(folder); // Patient for longer than this test may take.
  std::atomic<int> made{0};
  std::thread waiter([&] { EXPECT_TRUE(bool(cache.fetch(keyNamed("a"), slowly(made, 0ms)))); });
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(made, 0);
  auto start = std::chrono::steady_clock::now();
  kill(holder, SIGKILL);
  waitpid(holder, nullptr, 0);
  waiter.join();
  EXPECT_EQ(made, 1);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

TEST(CompileCacheTest, WaitersTakeWhatAppearsWithoutTheLock) {
  TempFolder folder;
  pid_t holder = holdLock(folder / "cache", keyNamed("a"));
  CompileCache cache = cacheIn(folder);
  std::atomic<int> made{0};
  std::thread waiter([&] {
    auto found = cache.fetch(keyNamed("a"), slowly(made, 0ms));
    EXPECT_TRUE(found && found->reply->blob == "theirs");
  });
  DiskCache other(folder / "cache");
  EXPECT_TRUE(other.publish(keyNamed("a"), {keyNamed("a").text(), "{}", "theirs"}));
  waiter.join();
  kill(holder, SIGKILL);
  waitpid(holder, nullptr, 0);
  EXPECT_EQ(made, 0);
}

TEST(CompileCacheTest, ACorruptEntryIsCompiledOnceAndCountedOnce) {
  TempFolder folder;
  std::atomic<int> made{0};
  {
    CompileCache cache = cacheIn(folder);
    HALO_ASSERT_OK(cache.fetch(keyNamed("a"), slowly(made, 0ms)));
  }
  std::string hash = keyNamed("a").hash();
  std::string path = folder / "cache/" + hash.substr(0, 2) + "/" + hash + ".kernel-v1";
  std::string bytes = test::readFile(path);
  bytes[bytes.size() / 2] ^= 16;
  test::writeFile(path, bytes);
  CompileCache cache = cacheIn(folder);
  auto found = cache.fetch(keyNamed("a"), slowly(made, 0ms));
  HALO_ASSERT_OK(found);
  EXPECT_EQ(int(found->source), int(Source::Produced));
  EXPECT_EQ(made, 2);
  EXPECT_EQ(cache.disk()->counters().totals()[Counter::Corrupt], 1);
  EXPECT_TRUE(cache.disk()->find(keyNamed("a")));
}

TEST(CompileCacheTest, AHitTakesLessThanAMillisecond) {
  TempFolder folder;
  std::string code(64 << 10, 'x');
  {
    CompileCache cache = cacheIn(folder);
    HALO_ASSERT_OK(cache.fetch(keyNamed("a"), [&]() -> Result<Produced> {
      return Produced{{std::string(4096, ' '), code}};
    }));
  }
  // The best of several: what the code takes, not what else this machine does.
  double best = 1e9;
  for (int i = 0; i < 50; ++i) {
    CompileCache cache = cacheIn(folder);
    auto start = std::chrono::steady_clock::now();
    auto found = cache.fetch(keyNamed("a"), []() -> Result<Produced> { return failed("a miss"); });
    std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    HALO_ASSERT_OK(found);
    best = std::min(best, took.count());
  }
  RecordProperty("milliseconds", std::to_string(best));
  EXPECT_LT(best, 1.0);
}

} // namespace
} // namespace halo

// What can befall a cache folder: torn, rotten and foreign files, killed writers, full disks, many
// processes at once, clocks that jump.
#include "runtime/DiskCache.h"
#include "runtime/Sha256.h"
#include "runtime/Warning.h"

#include "tests/unit/runtime/TestSupport.h"

#include <csignal>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace halo {
namespace {

using test::readFile;
using test::TempFolder;
using test::writeFile;

CacheKey keyNamed(const std::string &name) {
  CacheKey key("kernel");
  key.add("name", name);
  return key;
}

CacheEntry entryOf(const CacheKey &key, const std::string &blob) {
  return {key.text(), "{\"for\":\"" + key.hash() + "\"}", blob};
}

std::string pathIn(const DiskCache &cache, const CacheKey &key) {
  return cache.folder() + "/" + key.hash().substr(0, 2) + "/" + key.hash() + ".kernel-v1";
}

int64_t countOf(DiskCache &cache, Counter counter) { return cache.counters().totals()[counter]; }

std::vector<std::string> warnings;
/// Collects the runtime's warnings while it lives.
struct Listening {
  Listening() {
    warnings.clear();
    setWarningSink([](const std::string &sentence) { warnings.push_back(sentence); });
  }
  ~Listening() { setWarningSink(nullptr); }
};

/// Runs `work` in a process of its own; its exit status, or minus the signal that ended it.
template <typename Work> int inChild(Work work) {
  pid_t child = fork();
  if (child == 0)
    _exit(work());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(Sha256Test, KnownDigests) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  // Every length around the end of a block, in one piece and byte by byte.
  for (size_t length = 0; length < 200; ++length) {
    std::string text(length, 'x');
    Sha256 pieces;
    for (char c : text)
      pieces.update(std::string_view(&c, 1));
    Sha256::Digest digest = pieces.finish();
    EXPECT_EQ(hexadecimal(digest.data(), digest.size()), sha256(text)) << length;
  }
}

TEST(CacheKeyTest, ValuesCannotPoseAsFields) {
  CacheKey one("kernel"), two("kernel");
  one.add("a", "1\nb=2");
  two.add("a", "1");
  two.add("b", "2");
  EXPECT_NE(one.text(), two.text());
  auto fields = CacheKey::fieldsOf(one.text());
  ASSERT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields[1].second, "1\nb=2");
  CacheKey three("kernel");
  three.add("a", "back\\nslash");
  EXPECT_EQ(CacheKey::fieldsOf(three.text())[1].second, "back\\nslash");
}

TEST(DiskCacheTest, KeepsWhatItIsGiven) {
  TempFolder folder;
  CacheKey key = keyNamed("a");
  CacheEntry entry = entryOf(key, std::string("\0\1\2", 3) + std::string(100000, 'x'));
  {
    DiskCache cache(folder / "deep/er");
    EXPECT_FALSE(cache.find(key));
    EXPECT_TRUE(cache.publish(key, entry));
  }
  DiskCache cache(folder / "deep/er");
  auto found = cache.find(key);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->json, entry.json);
  EXPECT_EQ(found->blob, entry.blob);
  EXPECT_FALSE(cache.find(keyNamed("b")));
  EXPECT_EQ(cache.files().size(), 1u);
  EXPECT_TRUE(std::filesystem::is_empty(folder / "deep/er/staging"));
}

TEST(DiskCacheTest, EveryBitFlipAndEveryTruncationIsAMiss) {
  TempFolder folder;
  DiskCache cache(folder.path);
  CacheKey key = keyNamed("a");
  CacheEntry entry = entryOf(key, "some code");
  std::string path = pathIn(cache, key);
  ASSERT_TRUE(cache.publish(key, entry));
  std::string good = readFile(path);
  int64_t corrupt = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] ^= char(1 << at % 8);
    writeFile(path, bad);
    EXPECT_FALSE(cache.find(key)) << "bit " << at % 8 << " of byte " << at;
    EXPECT_EQ(countOf(cache, Counter::Corrupt), ++corrupt);
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  for (size_t size = 0; size < good.size(); ++size) {
    writeFile(path, good.substr(0, size));
    EXPECT_FALSE(cache.find(key)) << size << " bytes";
  }
  writeFile(path, good + '\0');
  EXPECT_FALSE(cache.find(key));
  // And it is replaced.
  ASSERT_TRUE(cache.publish(key, entry));
  EXPECT_TRUE(cache.find(key));
}

TEST(DiskCacheTest, AnEntryUnderAnothersNameIsAMiss) {
  TempFolder folder;
  DiskCache cache(folder.path);
  CacheKey a = keyNamed("a"), b = keyNamed("b");
  ASSERT_TRUE(cache.publish(a, entryOf(a, "a")));
  ASSERT_TRUE(cache.publish(b, entryOf(b, "b")));
  writeFile(pathIn(cache, b), readFile(pathIn(cache, a)));
  auto verified = cache.verify(/*keep=*/true);
  ASSERT_EQ(verified.bad.size(), 1u);
  EXPECT_NE(verified.bad[0].why.find("another key"), std::string::npos);
  EXPECT_FALSE(cache.find(b));
  EXPECT_TRUE(cache.find(a));
}

TEST(DiskCacheTest, VerifyFindsAndRemovesBadEntries) {
  TempFolder folder;
  DiskCache cache(folder.path);
  for (const char *name : {"a", "b", "c"})
    ASSERT_TRUE(cache.publish(keyNamed(name), entryOf(keyNamed(name), name)));
  std::string path = pathIn(cache, keyNamed("b")), bytes = readFile(path);
  bytes.back() ^= 1;
  writeFile(path, bytes);
  EXPECT_EQ(cache.verify(/*keep=*/true).bad.size(), 1u);
  EXPECT_TRUE(std::filesystem::exists(path));
  DiskCache::Verified removed = cache.verify(/*keep=*/false);
  EXPECT_EQ(removed.checked, 3);
  ASSERT_EQ(removed.bad.size(), 1u);
  EXPECT_EQ(removed.bad[0].path, path);
  EXPECT_TRUE(cache.verify(false).bad.empty());
  EXPECT_EQ(cache.files().size(), 2u);
}

TEST(DiskCacheTest, AWriterThatIsKilledLeavesNoEntry) {
  TempFolder folder;
  DiskCache cache(folder.path);
  CacheKey key = keyNamed("a");
  CacheEntry entry = entryOf(key, std::string(8 << 20, 'x'));
  test::Random random;
  for (int i = 0; i < 20; ++i) {
    pid_t writer = fork();
    if (writer == 0) {
      DiskCache own(folder.path);
      while (true)
        own.publish(key, entry);
    }
    usleep(useconds_t(random.below(30000)));
    kill(writer, SIGKILL);
    waitpid(writer, nullptr, 0);
    // Whole or not there.
    EXPECT_TRUE(cache.verify(/*keep=*/true).bad.empty()) << random.trace();
  }
  ASSERT_TRUE(cache.publish(key, entry));
  EXPECT_TRUE(cache.find(key));
  EXPECT_EQ(countOf(cache, Counter::Corrupt), 0);
  // What the dead left is cleared away, once it is old enough to be nobody's.
  for (const auto &left : std::filesystem::directory_iterator(folder / "staging")) {
    timespec times[2] = {{0, UTIME_OMIT}, {time(nullptr) - 3600, 0}};
    utimensat(AT_FDCWD, left.path().c_str(), times, 0);
  }
  // Not what somebody is writing.
  int busy = open((folder / "staging/busy").c_str(), O_CREAT | O_RDWR, 0600);
  ASSERT_EQ(flock(busy, LOCK_EX), 0);
  timespec old[2] = {{0, UTIME_OMIT}, {time(nullptr) - 3600, 0}};
  futimens(busy, old);
  cache.collect(cache.limit());
  EXPECT_TRUE(std::filesystem::exists(folder / "staging/busy"));
  close(busy);
  cache.collect(cache.limit());
  EXPECT_TRUE(std::filesystem::is_empty(folder / "staging"));
}

TEST(DiskCacheTest, AFullDiskIsAWarningAndNoEntry) {
  TempFolder folder;
  Listening listening;
  int status = inChild([&] {
    // A limit on files' sizes fails a write in its middle, as a full disk does.
    signal(SIGXFSZ, SIG_IGN);
    rlimit limit = {4096, 4096};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
      return 77;
    DiskCache cache(folder.path);
    CacheKey large = keyNamed("large"), small = keyNamed("small");
    bool failed = !cache.publish(large, entryOf(large, std::string(100000, 'x'))) &&
                  !cache.publish(large, entryOf(large, std::string(100000, 'x')));
    bool works = cache.publish(small, entryOf(small, "x")) && cache.find(small);
    return failed && works && !cache.find(large) && warnings.size() == 1 ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(std::filesystem::is_empty(folder / "staging"));
}

TEST(DiskCacheTest, AFolderThatCannotBeIsAWarning) {
  TempFolder folder;
  writeFile(folder / "file", "");
  for (const std::string &path :
       {folder / "file", folder / "file/below", std::string("/proc/halo")}) {
    Listening listening;
    DiskCache cache(path);
    CacheKey key = keyNamed("a");
    EXPECT_FALSE(cache.find(key));
    EXPECT_FALSE(cache.lock(key, [] { return false; }));
    EXPECT_FALSE(cache.publish(key, entryOf(key, "a")));
    EXPECT_FALSE(cache.publish(key, entryOf(key, "a")));
    EXPECT_TRUE(cache.files().empty());
    cache.counters().add(Counter::Compiles);
    cache.counters().flush(true);
    EXPECT_EQ(countOf(cache, Counter::Compiles), 1);
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find(path), std::string::npos) << warnings[0];
  }
}

/// As root, no permission stops a write; another user sees what a read-only folder does.
TEST(DiskCacheTest, AReadOnlyFolderStillServes) {
  TempFolder folder;
  CacheKey key = keyNamed("a"), other = keyNamed("b");
  {
    DiskCache cache(folder / "cache");
    ASSERT_TRUE(cache.publish(key, entryOf(key, "a")));
  }
  Listening listening;
  int status = inChild([&] {
    if (geteuid() == 0) {
      chmod(folder.path.c_str(), 0755);
      if (setuid(65534) != 0)
        return 77;
    } else {
      for (const auto &entry : std::filesystem::recursive_directory_iterator(folder.path))
        if (entry.is_directory())
          chmod(entry.path().c_str(), 0555);
    }
    DiskCache cache(folder / "cache");
    bool serves = cache.find(key).has_value();
    bool refuses = !cache.publish(other, entryOf(other, "b")) && warnings.size() == 1;
    return serves && refuses ? 0 : 1;
  });
  if (geteuid() != 0)
    for (const auto &entry : std::filesystem::recursive_directory_iterator(folder.path))
      if (entry.is_directory())
        chmod(entry.path().c_str(), 0755);
  EXPECT_EQ(status, 0);
}

TEST(DiskCacheTest, TheLeastUsedGoFirst) {
  TempFolder folder;
  DiskCacheOptions options;
  options.limit = 10 * 1300;
  DiskCache cache(folder.path, options);
  auto publish = [&](int i) {
    CacheKey key = keyNamed(std::to_string(i));
    ASSERT_TRUE(cache.publish(key, entryOf(key, std::string(1000, 'x'))));
  };
  for (int i = 0; i < 8; ++i)
    publish(i);
  EXPECT_TRUE(cache.find(keyNamed("0")));
  for (int i = 8; i < 14; ++i)
    publish(i);
  int64_t bytes = 0;
  for (const DiskCache::File &file : cache.files())
    bytes += file.bytes;
  EXPECT_LE(bytes, options.limit);
  EXPECT_TRUE(cache.find(keyNamed("0")));
  EXPECT_TRUE(cache.find(keyNamed("13")));
  EXPECT_FALSE(cache.find(keyNamed("1")));
  EXPECT_EQ(countOf(cache, Counter::Evicted), 14 - int64_t(cache.files().size()));
  DiskCache::Collected all = cache.collect(0);
  EXPECT_EQ(all.left, 0);
  EXPECT_TRUE(cache.files().empty());
}

TEST(DiskCacheTest, AClockThatJumpsKeepsTheOrder) {
  TempFolder folder;
  int64_t now = 0;
  constexpr int64_t kYear = int64_t(365) * 86400 * 1000000000;
  DiskCacheOptions options;
  options.clock = [&] { return now; };
  auto size = [&] { return DiskCache(folder.path, options).files().size(); };
  int64_t each = 0;
  // Forth by ten years, back by twenty, to the epoch itself; each time in another process' view.
  const int64_t times[] = {30 * kYear, 40 * kYear, 20 * kYear, 0, 31 * kYear};
  for (int i = 0; i < 5; ++i) {
    now = times[i];
    DiskCache cache(folder.path, options);
    CacheKey key = keyNamed(std::to_string(i));
    ASSERT_TRUE(cache.publish(key, entryOf(key, "x")));
    each = cache.files()[0].bytes;
  }
  ASSERT_EQ(size(), 5u);
  now = 0;
  {
    // Used while the clock stands at its earliest: still the latest use.
    DiskCache cache(folder.path, options);
    EXPECT_TRUE(cache.find(keyNamed("0")));
  }
  for (int gone = 0; gone < 4; ++gone) {
    now = times[gone];
    DiskCache cache(folder.path, options);
    EXPECT_EQ(cache.collect(each * (4 - gone)).files, 1);
    EXPECT_FALSE(std::filesystem::exists(pathIn(cache, keyNamed(std::to_string(gone + 1)))));
    EXPECT_TRUE(std::filesystem::exists(pathIn(cache, keyNamed("0"))));
  }
}

TEST(DiskCacheTest, AnotherVersionsEntriesAreLeftAlone) {
  TempFolder folder;
  DiskCache cache(folder.path);
  CacheKey key = keyNamed("a");
  ASSERT_TRUE(cache.publish(key, entryOf(key, "a")));
  std::string path = pathIn(cache, key), other = path.substr(0, path.size() - 1) + "2";
  writeFile(other, "of another making");
  EXPECT_TRUE(cache.verify(/*keep=*/false).bad.empty());
  EXPECT_TRUE(std::filesystem::exists(other));
  EXPECT_TRUE(cache.find(key));
  // But they count, and go when they are the least used.
  EXPECT_EQ(cache.files().size(), 2u);
  cache.collect(0);
  EXPECT_FALSE(std::filesystem::exists(other));
}

TEST(DiskCacheTest, CountersAddUpOverProcesses) {
  TempFolder folder;
  std::filesystem::create_directories(folder.path);
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    pid_t child = fork();
    if (child == 0) {
      {
        DiskCache cache(folder.path);
        for (int k = 0; k < 100; ++k) {
          cache.counters().add(Counter::Compiles);
          cache.counters().flush(k % 10 == 0);
        }
      }
      _exit(0);
    }
    children.push_back(child);
  }
  for (pid_t child : children)
    waitpid(child, nullptr, 0);
  DiskCache cache(folder.path);
  EXPECT_EQ(countOf(cache, Counter::Compiles), 800);
  // A file of counters that has rotted counts from zero, and goes on.
  std::string bytes = readFile(folder / "counters");
  bytes[30] ^= 4;
  writeFile(folder / "counters", bytes);
  EXPECT_EQ(countOf(cache, Counter::Compiles), 0);
  cache.counters().add(Counter::Compiles, 2);
  cache.counters().flush(true);
  EXPECT_EQ(countOf(cache, Counter::Compiles), 2);
}

} // namespace
} // namespace halo

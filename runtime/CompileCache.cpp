#include "runtime/CompileCache.h"

#include "runtime/Environment.h"
#include "runtime/Warning.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>

namespace halo {

namespace {

constexpr size_t kMemoryBytes = size_t(256) << 20;
/// The one kind that is counted as compiles and hits; the others are small facts.
constexpr std::string_view kKernel = "kernel";

/// "2G", "512M", "100K", "100": bytes.
std::optional<int64_t> parseBytes(const std::string &text) {
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  int shift = 0;
  if (end + 1 == text.data() + text.size()) {
    size_t unit =
        std::string_view("KMGT").find(char(std::toupper(static_cast<unsigned char>(*end))));
    if (unit == std::string_view::npos)
      return std::nullopt;
    shift = 10 * int(unit + 1);
    ++end;
  }
  if (error != std::errc() || end != text.data() + text.size() || number < 0 ||
      number > INT64_MAX >> shift)
    return std::nullopt;
  return number << shift;
}

std::string folderFromEnvironment() {
  if (std::string folder = environment(kCacheDir); !folder.empty())
    return folder;
  if (std::string folder = environment(kXdgCacheHome); !folder.empty())
    return folder + "/halo";
  if (std::string folder = environment(kHome); !folder.empty())
    return folder + "/.cache/halo";
  return "";
}

CompileCache *createFromEnvironment() {
  DiskCacheOptions options;
  if (std::string text = environment(kCacheLimit); !text.empty()) {
    std::optional<int64_t> limit = parseBytes(text);
    if (!limit)
      warn(fmt::format("{} is '{}' where a number of bytes such as 512M is expected; it is {}",
                       kCacheLimit.name, text, options.limit));
    else if (*limit == 0)
      return new CompileCache(nullptr);
    else
      options.limit = *limit;
  }
  std::string folder = folderFromEnvironment();
  if (folder.empty())
    return new CompileCache(nullptr, fmt::format("none of {}, {} and {} is set", kCacheDir.name,
                                                 kXdgCacheHome.name, kHome.name));
  // A program may change its folder later.
  std::error_code unknown;
  std::filesystem::path whole = std::filesystem::absolute(folder, unknown);
  return new CompileCache(std::make_unique<DiskCache>(unknown ? folder : whole.string(), options));
}

} // namespace

CompileCache &CompileCache::get() {
  // Kept for ever: other static objects may still compile while the process ends.
  static CompileCache *cache = [] {
    static CompileCache *made = createFromEnvironment();
    std::atexit([] {
      if (made->diskCache)
        made->diskCache->counters().flush(/*now=*/true);
    });
    return made;
  }();
  return *cache;
}

CompileCache::CompileCache(std::unique_ptr<DiskCache> disk, std::string why)
    : diskCache(std::move(disk)), reason(std::move(why)) {}

std::shared_ptr<const Reply> CompileCache::remembered(const std::string &text) {
  std::lock_guard<std::mutex> guard(mutex);
  auto found = memory.find(text);
  return found == memory.end() ? nullptr : found->second;
}

std::shared_ptr<const Reply> CompileCache::remember(const std::string &text, Reply reply) {
  auto kept = std::make_shared<const Reply>(std::move(reply));
  auto sizeOf = [](const std::string &key, const Reply &reply) {
    return 2 * key.size() + reply.json.size() + reply.blob.size();
  };
  std::lock_guard<std::mutex> guard(mutex);
  if (!memory.emplace(text, kept).second)
    return kept;
  order.push_back(text);
  bytes += sizeOf(text, *kept);
  while (bytes > kMemoryBytes && order.size() > 1) {
    auto oldest = memory.find(order.front());
    bytes -= sizeOf(order.front(), *oldest->second);
    memory.erase(oldest);
    order.pop_front();
  }
  return kept;
}

std::shared_ptr<const Reply> CompileCache::findOnDisk(const CacheKey &key,
                                                      const std::string &text) {
  std::optional<CacheEntry> entry = diskCache->find(key);
  if (!entry)
    return nullptr;
  if (key.kind() == kKernel)
    diskCache->counters().add(Counter::DiskHits);
  diskCache->counters().flush(/*now=*/false);
  return remember(text, {std::move(entry->json), std::move(entry->blob)});
}

Result<Fetched> CompileCache::fetch(const CacheKey &key,
                                    const std::function<Result<Produced>()> &produce) {
  std::string text = key.text();
  if (auto found = remembered(text))
    return Fetched{found, Source::Memory};
  KeyedMutex::Guard working(this->working, text);
  if (auto found = remembered(text))
    return Fetched{found, Source::Memory};

  std::optional<FileLock> lock;
  if (diskCache) {
    if (auto found = findOnDisk(key, text))
      return Fetched{found, Source::Disk};
    std::shared_ptr<const Reply> appeared;
    auto look = [&] { return (appeared = findOnDisk(key, text)) != nullptr; };
    lock = diskCache->lock(key, look);
    if (appeared || (lock && look()))
      return Fetched{appeared, Source::Disk};
  } else if (!reason.empty()) {
    std::call_once(warned, [&] {
      warn(fmt::format("the kernel cache is off, so that kernels stay in memory: {}", reason));
    });
  }

  HALO_TRY(made, produce());
  if (diskCache && key.kind() == kKernel)
    diskCache->counters().add(Counter::Compiles);
  if (!made.keep)
    return Fetched{std::make_shared<const Reply>(std::move(made.reply)), Source::Produced};
  if (diskCache && !diskCache->publish(key, {text, made.reply.json, made.reply.blob}))
    diskCache->counters().flush(/*now=*/true);
  return Fetched{remember(text, std::move(made.reply)), Source::Produced};
}

} // namespace halo

#include "runtime/TuningStore.h"

#include "runtime/Device.h"
#include "runtime/Environment.h"
#include "runtime/Warning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sys/file.h>
#include <unistd.h>

namespace halo {

namespace fs = std::filesystem;

namespace {

constexpr const char *kSuffix = ".tuned";
/// More than any honest file; a wrong one is not read into memory.
constexpr uintmax_t kMaxFileBytes = 64 << 20;

std::string slug(std::string_view text) {
  std::string result;
  for (char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)))
      result += char(std::tolower(static_cast<unsigned char>(c)));
    else if (!result.empty() && result.back() != '-')
      result += '-';
  while (!result.empty() && result.back() == '-')
    result.pop_back();
  return result.substr(0, 80);
}

std::string fileOf(const TuningRecord &record) {
  // The kernel is the problem's first word.
  return slug(record.gpu) + "." + slug(record.problem.substr(0, record.problem.find(' '))) +
         kSuffix;
}

std::set<std::string> filesIn(const std::string &folder) {
  std::set<std::string> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->path().extension() == kSuffix)
      files.insert(it->path().string());
  return files;
}

Result<std::string> readText(const fs::path &path) {
  std::error_code error;
  uintmax_t bytes = fs::file_size(path, error);
  if (error)
    return failed(fmt::format("{} cannot be read: {}", path.string(), error.message()));
  if (bytes > kMaxFileBytes)
    return failed(fmt::format("{} has {} bytes, more than the {} of a file of tuning records",
                              path.string(), bytes, kMaxFileBytes));
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad())
    return failed(fmt::format("{} cannot be read", path.string()));
  return text;
}

Result<void> writeText(const fs::path &path, const std::string &text) {
  fs::path part = path.string() + fmt::format(".{}.part", ::getpid());
  {
    std::ofstream file(part, std::ios::binary | std::ios::trunc);
    file << text;
    file.flush();
    if (!file) {
      std::error_code ignored;
      fs::remove(part, ignored);
      return failed(fmt::format("{} cannot be written", path.string()));
    }
  }
  std::error_code error;
  fs::rename(part, path, error);
  if (!error)
    return {};
  std::error_code ignored;
  fs::remove(part, ignored);
  return failed(fmt::format("{} cannot be written: {}", path.string(), error.message()));
}

/// Held while records are read, changed and written; freed with the process in any case.
class FolderLock {
public:
  explicit FolderLock(const std::string &folder)
      : file(::open((folder + "/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (file >= 0 && ::flock(file, LOCK_EX) != 0) {
      ::close(file);
      file = -1;
    }
  }
  ~FolderLock() {
    if (file >= 0)
      ::close(file);
  }
  FolderLock(const FolderLock &) = delete;
  bool held() const { return file >= 0; }

private:
  int file;
};

} // namespace

std::string tunedFolder() {
  if (std::string folder = environment(kCacheDir); !folder.empty())
    return folder + "/tuned";
  if (std::string cache = environment(kXdgCacheHome); !cache.empty())
    return cache + "/halo/tuned";
  std::string home = environment(kHome);
  return home.empty() ? "" : home + "/.cache/halo/tuned";
}

std::string shippedFolder() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&shippedFolder), &info) || !info.dli_fname)
    return "";
  std::string self = info.dli_fname;
  size_t slash = self.rfind('/');
  return slash == std::string::npos ? "" : self.substr(0, slash) + "/../share/halo/tuned";
}

std::string driverOf(const Device &device) {
  if (device.kind() != "cuda")
    return std::string(device.kind());
  // "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build ..."
  std::ifstream file("/proc/driver/nvidia/version");
  std::string word;
  while (file >> word)
    if (std::isdigit(static_cast<unsigned char>(word[0])) && word.find('.') != std::string::npos)
      return word;
  return fmt::format("PTX {}.{}", device.ptxVersion() / 10, device.ptxVersion() % 10);
}

void readRecords(const std::string &folder, TuningRecords &records,
                 std::vector<std::string> &complaints) {
  for (fs::path path : filesIn(folder)) {
    Result<std::string> text = readText(path);
    std::vector<std::string> lines;
    if (!text)
      complaints.push_back(text.error().message);
    else
      records.merge(*text, lines);
    for (const std::string &line : lines)
      complaints.push_back(fmt::format("{}, {}", path.string(), line));
  }
}

Result<void> changeRecords(const std::string &folder,
                           const std::function<void(TuningRecords &)> &change) {
  if (folder.empty())
    return failed("there is no folder for tuning records: set HALO_CACHE_DIR");
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    return failed(fmt::format("the folder of tuning records {} cannot be made: {}", folder,
                              error.message()));
  FolderLock lock(folder);
  if (!lock.held())
    return failed(fmt::format("the folder of tuning records {} cannot be locked: {}", folder,
                              std::strerror(errno)));
  TuningRecords records;
  std::vector<std::string> ignored;
  readRecords(folder, records, ignored);
  std::string before = records.print();
  change(records);
  if (records.print() == before)
    return {};

  std::map<std::string, std::string> texts;
  for (fs::path path : filesIn(folder))
    texts[path.filename().string()] = "";
  for (const TuningRecord &record : records.all())
    texts[fileOf(record)] += record.print() + "\n";
  for (const auto &[name, text] : texts) {
    fs::path path = fs::path(folder) / name;
    if (text.empty())
      fs::remove(path, error);
    else if (Result<std::string> old = readText(path); !old || *old != text)
      HALO_CHECK(writeText(path, text));
  }
  return {};
}

const TuningRecords &tunedRecords() {
  // Never destroyed: kernels may be compiled while the process ends.
  static const auto *loaded = [] {
    auto *records = new TuningRecords;
    std::vector<std::string> complaints;
    for (const std::string &folder : {shippedFolder(), tunedFolder()})
      if (!folder.empty())
        readRecords(folder, *records, complaints);
    for (const std::string &complaint : complaints)
      warn("tuning records: " + complaint + "; skipped");
    return records;
  }();
  return *loaded;
}

} // namespace halo

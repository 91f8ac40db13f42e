#include "tools/halo/OutputFile.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

using namespace halo;
using namespace halo::tool;
namespace fs = std::filesystem;

static std::string folderOf(const std::string &path) {
  fs::path folder = fs::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

bool halo::tool::isSpecialFile(const std::string &path) {
  std::error_code ignored;
  return fs::exists(path, ignored) && !fs::is_regular_file(path, ignored) &&
         !fs::is_directory(path, ignored);
}

Result<void> halo::tool::checkWritable(const std::string &path) {
  std::error_code ignored;
  if (path.empty())
    return invalid("the output path is empty");
  if (fs::is_directory(path, ignored))
    return invalid(fmt::format("cannot write '{}': it is a folder", path));
  if (isSpecialFile(path))
    return access(path.c_str(), W_OK) == 0
               ? Result<void>()
               : invalid(fmt::format("cannot write '{}': {}", path, std::strerror(errno)));
  std::string folder = folderOf(path);
  if (!fs::is_directory(folder, ignored))
    return invalid(fmt::format("cannot write '{}': there is no folder '{}'", path, folder));
  // The folder counts, not the file: a rename replaces it.
  if (access(folder.c_str(), W_OK | X_OK) != 0)
    return invalid(fmt::format("cannot write '{}': {}", path, std::strerror(errno)));
  return {};
}

Result<void> halo::tool::writeFile(const std::string &path, std::string_view bytes) {
  HALO_CHECK(checkWritable(path));
  bool special = isSpecialFile(path);
  std::string staging = special ? path : fmt::format("{}.{}.tmp", path, getpid());
  std::FILE *file = std::fopen(staging.c_str(), "wb");
  bool written = file && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  int error = errno;
  if (file && std::fclose(file) != 0 && written) {
    written = false;
    error = errno;
  }
  if (written && special)
    return {};
  if (written && std::rename(staging.c_str(), path.c_str()) == 0)
    return {};
  if (written)
    error = errno;
  if (!special)
    std::remove(staging.c_str());
  return failed(fmt::format("cannot write '{}': {}", path, std::strerror(error)));
}

Result<void> halo::tool::checkReadable(const std::string &path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored))
    return invalid(fmt::format("cannot read '{}': it is a folder", path));
  if (access(path.c_str(), R_OK) != 0)
    return invalid(fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
  return {};
}

Result<std::string> halo::tool::readFile(const std::string &path) {
  HALO_CHECK(checkReadable(path));
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad() || !file.is_open())
    return invalid(fmt::format("cannot read '{}'", path));
  return text;
}

// What several tests of the runtime share.
#pragma once

#include "runtime/Result.h"
#include "tests/unit/runtime/FakeBuildId.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

namespace halo::test {

/// The message of a failed result; a success is the test's failure.
template <typename T> std::string errorOf(const Result<T> &result) {
  if (!result)
    return result.error().message;
  ADD_FAILURE() << "succeeded where an error was expected";
  return "";
}

/// Whether a refusal's sentence has all the parts, and is one of ours: lower case, no full stop.
template <typename T, typename... Parts>
void expectRefused(const Result<T> &result, const Parts &...parts) {
  std::string message = errorOf(result);
  for (const std::string &part : {std::string(parts)...})
    EXPECT_NE(message.find(part), std::string::npos) << "'" << part << "' in: " << message;
  EXPECT_FALSE(message.empty() || message.back() == '.') << message;
  if (!result)
    EXPECT_EQ(int(result.error().code), int(ErrorCode::Invalid)) << message;
}

#define HALO_ASSERT_OK(...)                                                                        \
  do {                                                                                             \
    const auto &haloOk = (__VA_ARGS__);                                                            \
    ASSERT_TRUE(static_cast<bool>(haloOk)) << haloOk.error().message;                              \
  } while (false)

/// A folder that goes with its test.
class TempFolder {
public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "halo-test-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path); }
  TempFolder(const TempFolder &) = delete;
  std::string operator/(const std::string &name) const { return path + "/" + name; }
  std::string path;
};

inline void writeFile(const std::string &path, const std::string &bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Fresh numbers each run; the seed is printed where a test fails.
class Random {
public:
  std::mt19937_64 engine{seed};
  int64_t below(int64_t bound) { return int64_t(engine() % uint64_t(bound)); }
  bool coin() { return engine() & 1; }
  std::string trace() const { return "seed " + std::to_string(seed); }

private:
  static inline const uint64_t seed = std::random_device{}();
};

} // namespace halo::test

#include "runtime/KernelSource.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace halo {

bool isKernelPath(const std::string &kernel) {
  constexpr const char *kEnding = ".mlir";
  size_t length = std::strlen(kEnding);
  return kernel.size() >= length && kernel.compare(kernel.size() - length, length, kEnding) == 0;
}

Result<std::string> kernelSource(const std::string &kernel) {
  if (!isKernelPath(kernel))
    return std::string();
  errno = 0;
  std::ifstream file(kernel, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad())
    return invalid(fmt::format("kernel file '{}' cannot be read: {}", kernel,
                               errno ? std::strerror(errno) : "reading failed"));
  if (text.empty())
    return invalid(fmt::format("kernel file '{}' is empty", kernel));
  return text;
}

} // namespace halo

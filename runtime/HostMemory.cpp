#include "runtime/HostMemory.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

namespace halo {

namespace {
constexpr size_t kAlignment = 256;
}

HostMemory::~HostMemory() {
  for (auto [start, bytes] : allocations)
    std::free(reinterpret_cast<void *>(start));
}

Result<void *> HostMemory::allocate(size_t bytes) {
  size_t rounded = (bytes / kAlignment + 1) * kAlignment;
  void *pointer = rounded > bytes ? std::aligned_alloc(kAlignment, rounded) : nullptr;
  if (!pointer)
    return failed(fmt::format("out of memory: {} bytes were asked for", bytes));
  std::memset(pointer, 0xff, rounded);
  std::lock_guard<std::mutex> lock(mutex);
  allocations[reinterpret_cast<uintptr_t>(pointer)] = bytes;
  return pointer;
}

Result<void> HostMemory::release(void *pointer) {
  if (!pointer)
    return {};
  std::lock_guard<std::mutex> lock(mutex);
  if (!allocations.erase(reinterpret_cast<uintptr_t>(pointer)))
    return invalid(fmt::format("release of {}, which is no allocation of this device", pointer));
  std::free(pointer);
  return {};
}

Result<void> HostMemory::check(const char *what, const void *pointer, size_t bytes) const {
  if (bytes == 0)
    return {};
  uintptr_t start = reinterpret_cast<uintptr_t>(pointer);
  std::lock_guard<std::mutex> lock(mutex);
  auto next = allocations.upper_bound(start);
  bool inside =
      next != allocations.begin() && start <= std::prev(next)->first + std::prev(next)->second;
  if (!inside)
    return invalid(
        fmt::format("{} at {}, which is in no allocation of this device", what, pointer));
  auto [base, size] = *std::prev(next);
  size_t offset = start - base;
  if (bytes > size - offset)
    return invalid(fmt::format("{} of {} bytes at offset {} leaves its allocation of {} bytes",
                               what, bytes, offset, size));
  return {};
}

Result<void> HostMemory::copy(void *to, const void *from, size_t bytes) {
  HALO_CHECK(check("copy to", to, bytes));
  HALO_CHECK(check("copy from", from, bytes));
  if (bytes)
    std::memmove(to, from, bytes);
  return {};
}

Result<void> HostMemory::upload(void *device, const void *host, size_t bytes) {
  HALO_CHECK(check("upload", device, bytes));
  if (bytes)
    std::memcpy(device, host, bytes);
  return {};
}

Result<void> HostMemory::download(void *host, const void *device, size_t bytes) {
  HALO_CHECK(check("download", device, bytes));
  if (bytes)
    std::memcpy(host, device, bytes);
  return {};
}

Result<void> HostMemory::fill(void *device, uint8_t byte, size_t bytes) {
  HALO_CHECK(check("fill", device, bytes));
  if (bytes)
    std::memset(device, byte, bytes);
  return {};
}

std::vector<HaloSimRegion> HostMemory::regions() const {
  std::lock_guard<std::mutex> lock(mutex);
  std::vector<HaloSimRegion> list;
  list.reserve(allocations.size());
  for (auto [start, bytes] : allocations)
    list.push_back({reinterpret_cast<void *>(start), bytes});
  return list;
}

} // namespace halo

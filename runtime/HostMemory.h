// Host allocations that stand for device memory: the null device's and the simulator's.
#pragma once

#include "runtime/CompilerAbi.h"
#include "runtime/Result.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace halo {

/// Owns its allocations and checks every access of the host against them. Thread-safe.
class HostMemory {
public:
  ~HostMemory();
  /// 256-byte aligned, never null, filled with 0xff: NaN in every float type, so that what nobody
  /// wrote shows.
  Result<void *> allocate(size_t bytes);
  /// Null is fine.
  Result<void> release(void *pointer);
  Result<void> copy(void *to, const void *from, size_t bytes);
  Result<void> upload(void *device, const void *host, size_t bytes);
  Result<void> download(void *host, const void *device, size_t bytes);
  Result<void> fill(void *device, uint8_t byte, size_t bytes);
  std::vector<HaloSimRegion> regions() const;

private:
  /// Complains unless [pointer, pointer + bytes) lies in one allocation.
  Result<void> check(const char *what, const void *pointer, size_t bytes) const;

  mutable std::mutex mutex;
  std::map<uintptr_t, size_t> allocations; ///< Start -> size.
};

} // namespace halo

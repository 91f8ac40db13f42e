// What Halo knows of a GPU architecture. A new one is one line in Target.cpp and one test.
#pragma once

#include "runtime/Export.h"
#include "runtime/Result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace halo {

struct Target {
  std::string arch;    ///< "sm_90"
  int minPtx = 0;      ///< The oldest PTX version that knows it: 78 is 7.8.
  int64_t sharedPerBlock = 0;
  int maxThreadsPerSm = 2048;
  int maxBlocksPerSm = 32;
  int64_t sharedPerSm = 0; ///< All blocks of an SM together, each with kReservedSharedPerBlock besides.
  int registersPerSm = 65536;
  int maxCluster = 1; ///< Blocks of a cluster that any kernel may have; 1: it has no clusters.
};

/// Shared memory that the system takes of each block, since sm_80.
constexpr int64_t kReservedSharedPerBlock = 1024;

/// The target of this name, or a refusal that lists the known ones.
HALO_API Result<Target> findTarget(std::string_view arch);

/// Shared memory per block that every known architecture has: what portable PTX may ask for.
HALO_API int64_t leastSharedPerBlock();

} // namespace halo

// How many blocks fit on an SM, and what keeps more of them out.
//
//   registers  65536 / (warps * 32 * registers, rounded up to 256 per warp)
//   shared     shared memory of the SM / (the block's, rounded up to 128 B, and 1 KiB reserved)
//   warps      warps of the SM / warps of the block
//   blocks     the architecture's limit
#pragma once

#include "runtime/Target.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>

namespace halo::tool {

struct BlockResources {
  int threads = 0;
  int registers = -1;      ///< Per thread; -1 where nobody has assembled: no limit then.
  int64_t sharedBytes = 0; ///< Static and dynamic.
};

struct Occupancy {
  int64_t byRegisters = -1; ///< Blocks; -1 where unknown.
  int64_t byShared = 0, byWarps = 0, byBlocks = 0;
  int64_t blocks = 0, warps = 0, maxWarps = 0;
  std::string limiter; ///< Of registers, shared memory, warps and blocks; joined by "and".

  double share() const { return maxWarps ? double(warps) / double(maxWarps) : 0; }
  nlohmann::ordered_json toJson() const;
};

Occupancy occupancyOf(const Target &target, const BlockResources &block);

} // namespace halo::tool

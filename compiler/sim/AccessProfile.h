// What a warp's accesses to memory cost, from the addresses its lanes had when the simulator ran
// them. Shared memory has 32 banks of 4 bytes: a wavefront serves each bank's one word, to any
// number of lanes. Accesses of 8 (16) bytes take turns by half (quarter) warps:
//
//   bytes  lane i at byte      wavefronts  ideal
//     4    4 i                      1         1
//     4    0                        1         1     one word for all
//     4    8 i                      2         1     every other bank
//     4    128 i                   32         1     one bank
//     8    8 i                      2         2
//    16    16 i                     4         4
//    16    128 i                   32         4     ldmatrix on rows of 128 bytes
//
// Global memory is counted in sectors of 32 bytes. What LLVM merges or splits after the lowering is
// not seen: these are the accesses as lowered.
#pragma once

#include "compiler/sim/SimProgram.h"

#include <array>
#include <map>
#include <string>
#include <vector>

namespace halo::sim {

/// One lane's part of a request. `bytes` = 0: the lane took no part.
struct LaneAccess {
  uint64_t offset = 0;
  uint32_t bytes = 0;
};
using WarpAccess = std::array<LaneAccess, 32>;

struct RequestCost {
  uint64_t units = 0, ideal = 0; ///< Wavefronts, or sectors.
};
RequestCost sharedCost(const WarpAccess &lanes);
RequestCost globalCost(const WarpAccess &lanes);

/// Of the first kBlocks blocks of a launch: others do the same. The n-th time a lane comes to a place in the kernel belongs with the n-th time of
/// its neighbours. Not thread-safe: profiled launches run on one host thread.
class AccessProfile {
public:
  static constexpr uint64_t kBlocks = 4;
  explicit AccessProfile(const SimProgram &program) : program(program) {}

  void add(uint32_t thread, uint32_t site, bool shared, bool load, uint64_t offset,
           uint64_t bytes);
  /// A block has ended: its lanes' counts start anew.
  void endBlock();
  /// {"blocks", "accesses": [{"where", "op", "space", "load", "width", "bytes", "requests",
  /// "units", "ideal"}]}, in the order of the places.
  std::string json() const;

private:
  struct Total {
    bool shared = false, load = false;
    uint64_t bytes = 0, requests = 0, units = 0, ideal = 0;
    uint32_t width = 0;
  };
  /// A site's stores and loads apart: an asynchronous copy has both.
  using Place = std::pair<uint32_t, int>;

  const SimProgram &program;
  uint64_t blocks = 0;
  std::map<Place, Total> totals;
  std::map<Place, std::vector<uint32_t>> visits;              ///< By thread.
  std::map<Place, std::map<uint32_t, std::vector<WarpAccess>>> open; ///< By warp, then visit.
};

} // namespace halo::sim

// The checked mode's memory: what every byte of shared memory and of the regions went through.
//
// Order between threads of a block. Every warp counts the barriers it passed, every lane the warp
// synchronisations; an access is stamped with its thread and both counts. It is ordered before a
// thread's present if that thread has since met the warp at a barrier, or the lane at a warp
// synchronisation:
//
//   t0: store @4 (warp clock 0)   barrier: clock 0 -> 1, everybody has seen 1   t9: load @4
//   0 < 1: ordered. Without the barrier t9 has seen 0, and 0 < 0 fails: a race.
//
// Blocks are never ordered; within a launch two of them may not store one address.
#pragma once

#include "compiler/sim/SimProgram.h"

#include <optional>
#include <string>

namespace halo::sim {

class Block;
struct SimThread;

/// Who accessed a cell last, and when: 0 is nobody.
struct Stamp {
  static constexpr uint64_t kPresent = 1ull << 63, kAtomic = 1ull << 62, kInFlight = 1ull << 61,
                            kGap = 1ull << 60;
  static constexpr uint32_t kMaxWarpClock = (1u << 18) - 1;

  static Stamp make(uint32_t thread, uint32_t warpClock, uint32_t laneClock) {
    return {kPresent | uint64_t(thread) << 50 | uint64_t(warpClock) << 32 | laneClock};
  }
  uint32_t thread() const { return bits >> 50 & 1023; }
  uint32_t warpClock() const { return bits >> 32 & kMaxWarpClock; }
  uint32_t laneClock() const { return uint32_t(bits); }
  bool is(uint64_t flag) const { return bits & flag; }
  explicit operator bool() const { return bits; }
  bool operator==(Stamp other) const { return bits == other.bits; }

  uint64_t bits = 0;
};

class Checker {
public:
  Checker(const SimProgram &program, const HaloSimLaunch &launch);
  ~Checker();

  void beginBlock(const SimThread *blockThreads, const char *shared, uint64_t sharedBytes);

  /// All of these return what is wrong with the access, or nothing.
  std::optional<std::string> access(const SimThread &thread, const void *address, uint64_t bytes,
                                    uint32_t align, Space space, AccessKind kind, uint32_t site);
  /// An asynchronous copy into shared memory: stored at its issue, readable after it landed.
  std::optional<std::string> beginCopy(const SimThread &thread, const void *to, uint64_t bytes,
                                       uint32_t site);
  void landCopy(const SimThread &thread, const void *to, uint64_t bytes);

  void syncLanes(uint32_t warp, uint32_t lanes);
  void syncWarps(uint32_t warps);

private:
  /// What is known of one granule of shared memory.
  struct Cell {
    Stamp write;
    Stamp reads[2]; ///< Not ordered after each other; of different warps where possible.
  };
  /// What is known of one granule of a region: its last writer. Small, for outputs are large; its
  /// clocks stop at their greatest value, which counts as ordered.
  struct GlobalCell {
    static constexpr uint32_t kMaxWarpClock = 2047, kMaxLaneClock = 1023;

    uint32_t block; ///< From 1; 0 is nobody.
    uint32_t thread : 10, warpClock : 11, laneClock : 10, atomic : 1;
  };
  struct Region {
    const char *base;
    uint64_t bytes;
    std::string name;
    GlobalCell *cells;
  };

  size_t cellBytes(const Region &region) const;
  bool isOrdered(Stamp stamp, const SimThread &thread) const;
  bool isOrdered(const GlobalCell &cell, const SimThread &thread) const;
  Stamp now(const SimThread &thread) const;
  std::optional<std::string> shared(const SimThread &thread, uint64_t offset, uint64_t bytes,
                                    AccessKind kind, uint64_t flags, uint32_t site);
  std::optional<std::string> global(const SimThread &thread, const char *address, uint64_t bytes,
                                    AccessKind kind, uint32_t site);
  std::string sharedName(uint64_t offset) const;
  std::string verb(AccessKind kind, uint64_t bytes, uint32_t site) const;
  std::string outside(const char *address, uint64_t bytes, AccessKind kind, uint32_t site) const;
  std::string other(Stamp stamp, const char *did) const;

  const SimProgram &program;
  const SimThread *threads = nullptr; ///< Of the current block.
  const char *sharedBase = nullptr;
  uint64_t sharedSize = 0;
  uint32_t block = 0; ///< Linear index + 1.
  std::vector<Cell> cells;
  std::vector<Region> regions;        ///< By address.
  std::vector<uint32_t> regionOfSite; ///< Where each site last hit.
  std::vector<uint32_t> warpClock, laneClock;
  std::vector<uint32_t> seenWarps; ///< [warp][warp]
  std::vector<uint32_t> seenLanes; ///< [thread][lane of its warp]
  uint32_t numThreads = 0, numWarps = 0;
};

} // namespace halo::sim

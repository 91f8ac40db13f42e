// What the passes learn about one kernel and the run needs: the only thing the two halves share.
//
//   bitcode --passes--> SimProgram + host code --Block--> the grid's effects
#pragma once

#include "runtime/CompilerAbi.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace halo::sim {

struct SimIntrinsic;

/// What compiled code reads directly: its address is the thread function's first argument and
/// fields are loaded at their offsets.
struct ThreadRegisters {
  uint32_t tid[3];
  uint32_t ntid[3];
  uint32_t ctaid[3];
  uint32_t nctaid[3];
  uint32_t laneId;
  uint32_t warpId;
  uint32_t warpCount;
  uint32_t warpSize;
  uint32_t laneMasks[5]; ///< eq, lt, le, gt, ge
  uint32_t dynamicSharedBytes;
  uint32_t clusterRank;
  uint32_t clusterSize;
  char *shared; ///< The block's shared memory.
};

/// A kernel after the passes, called once per thread.
using ThreadFunction = void (*)(ThreadRegisters *, void **params);

/// Cluster: the shared memory of any block of the cluster.
enum class Space : uint8_t { Generic, Global, Shared, Cluster };
/// Atomic accesses (and volatile ones) do not race with each other. An Update reads and stores.
enum class AccessKind : uint8_t { Load, AtomicLoad, Store, AtomicStore, Update };

inline bool isLoad(AccessKind k) { return k == AccessKind::Load || k == AccessKind::AtomicLoad; }
inline bool reads(AccessKind k) { return isLoad(k) || k == AccessKind::Update; }
inline bool isAtomic(AccessKind k) { return k != AccessKind::Load && k != AccessKind::Store; }

/// One place in the kernel that calls the host: an intrinsic, or a checked access.
struct Site {
  const SimIntrinsic *op = nullptr; ///< Null for an access.
  Space space = Space::Generic;
  AccessKind kind = AccessKind::Load;
  uint32_t bytes = 0; ///< Of the access, or of one element of a masked one.
  uint32_t align = 1;
  std::string where; ///< " at file:line", or empty without debug lines.
};

/// Where an `addrspace(3)` global lies. Gaps between arrays belong to nobody.
struct SharedArray {
  std::string name;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

struct SharedLayout {
  std::vector<SharedArray> arrays; ///< Static ones, by offset.
  uint64_t staticEnd = 0;
  uint64_t dynamicOffset = 0; ///< Where all external `[0 x i8]` arrays begin.
  uint64_t packedBytes = 0;   ///< What the GPU would need for the static ones.
};

struct SimProgram {
  std::string name;
  bool checked = false;
  bool suspends = false;       ///< Has barriers or collectives: every thread needs a fiber.
  bool hasAtomics = false;     ///< Blocks then run in order on one host thread.
  bool hasFences = false;      ///< Threads may order each other through global memory.
  unsigned sharedGranule = 0;  ///< log2 of the smallest checked store: the bytes of one cell.
  unsigned globalGranule = 0;
  uint64_t frameBytes = 0;     ///< Of the compiled thread function.
  uint32_t maxThreads = 1024;  ///< From nvvm.maxntid.
  uint32_t cluster = 1;        ///< Blocks along x that form a cluster, from nvvm.cluster_dim.
  SharedLayout shared;
  std::vector<Site> sites;
  std::vector<std::string> globalNames;   ///< Variables of the module itself.
  std::vector<HaloSimRegion> globals;     ///< The same, after linking.
  ThreadFunction function = nullptr;
};

} // namespace halo::sim

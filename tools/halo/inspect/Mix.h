// What kinds of instructions a piece of code has, and how wide its memory accesses are. One warp,
// one way through: predicated instructions count as if they ran.
#pragma once

#include "tools/halo/inspect/Listing.h"

#include <nlohmann/json.hpp>

#include <array>
#include <map>
#include <string>

namespace halo::tool {

enum class Kind {
  GlobalLoad,
  GlobalStore,
  AsyncCopy, ///< Global to shared memory, past the registers: cp.async, LDGSTS.
  BulkCopy,  ///< cp.async.bulk, UBLKCP, tensor maps.
  SharedLoad,
  SharedStore,
  MatrixLoad, ///< ldmatrix, stmatrix.
  LocalLoad,  ///< Spills and arrays in local memory.
  LocalStore,
  Mma,
  Fma,   ///< Multiply-adds in floating point.
  Float, ///< Other floating-point arithmetic.
  Convert,
  Mufu, ///< The special-function unit: ex2, rcp, rsqrt, ...
  Shuffle,
  Barrier,
  AsyncWait, ///< Commits and waits of asynchronous copies.
  Integer,   ///< Addresses, selections, moves: all else that computes.
  Control,
  Other, ///< Constants, parameters, special registers.
};
constexpr int kKinds = int(Kind::Other) + 1;

/// "global_load", ...: as JSON and tables spell it.
const char *name(Kind kind);

struct Classified {
  Kind kind = Kind::Other;
  int bytes = 0;         ///< Of a memory access: by one lane.
  bool readOnly = false; ///< A global load through the read-only path: ld.global.nc, .CONSTANT.
  double flops = 0;      ///< Floating-point operations: by one lane, or by the warp for Mma.
};
Classified classify(Listing::Form form, const Instruction &instruction);

/// Counts over some instructions.
struct Mix {
  std::array<int, kKinds> counts{};
  std::map<Kind, std::map<int, int>> widths; ///< Bytes per lane -> how many; memory kinds only.
  int readOnlyLoads = 0;
  double laneFlops = 0, warpFlops = 0; ///< By each lane; by a warp's matrix instructions.
  int total = 0;

  int operator[](Kind kind) const { return counts[int(kind)]; }
  void add(Listing::Form form, const Instruction &instruction);
  /// Bytes of global memory that one lane moves.
  int globalBytes() const;
  nlohmann::ordered_json toJson() const;
};

Mix mixOf(const Listing &listing, const std::vector<size_t> &instructions);
Mix mixOf(const Listing &listing);

} // namespace halo::tool

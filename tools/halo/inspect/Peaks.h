// What GPUs can do at most, by their makers' data sheets; the walls of a roofline.
#pragma once

#include <string>
#include <vector>

namespace halo::tool {

struct Peaks {
  const char *name; ///< "H200"
  const char *arch; ///< "sm_90"
  int sms;
  double dramGBs;      ///< 1e9 bytes a second.
  double clockMHz;     ///< Boost.
  double tensorTflops; ///< bf16, f32 sums, dense.
  int f32Lanes;        ///< f32 multiply-adds an SM starts each cycle.
};

/// Every GPU that is known, the default of its architecture first.
const std::vector<Peaks> &allPeaks();
/// By name, whatever its case; or, where `name` is "", the first of `arch`. Null where none is
/// known.
const Peaks *findPeaks(const std::string &name, const std::string &arch);

// The same on all of them since sm_80.
constexpr double kIssuePerCycle = 4;  ///< Warp instructions an SM starts each cycle.
constexpr double kMufuLanes = 16;     ///< Special functions an SM starts each cycle.
constexpr double kSharedPerCycle = 1; ///< Wavefronts of shared memory, 128 bytes each.

} // namespace halo::tool

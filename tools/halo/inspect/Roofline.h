// Where a kernel stands: how long each unit of the GPU would need for its work alone. The longest
// is the wall it stands at. Latency, launch and uneven waves are not in it: it is a bound, no
// forecast.
//
//   DRAM           bytes that must move, with reread halos / bandwidth
//   issue slots    instructions of all warps / 4 a cycle and SM
//   FMA pipe       f32 arithmetic of all lanes / f32 lanes
//   tensor         operations of matrix instructions / peak
//   MUFU           special functions of all lanes / 16 lanes
//   shared memory  wavefronts, with what bank conflicts add / 1 a cycle and SM
#pragma once

#include "tools/halo/inspect/Peaks.h"

#include <nlohmann/json.hpp>

namespace halo::tool {

/// Per output: an element of the output view.
struct WorkPerOutput {
  double bytes = 0;
  double warpInstructions = 0; ///< Of whole warps; 0 where unknown, as are the next.
  double f32Lanes = 0, mufuLanes = 0, tensorFlops = 0, laneFlops = 0, wavefronts = 0;
};

/// {"gpu", "outputs", "intensity", "ridge", "gflops_at_wall", "walls": [{"name", "us", "share"}],
/// "stands_at", "us", "headroom"}; headroom: the wall over the next lower one.
nlohmann::ordered_json rooflineReport(const Peaks &gpu, const WorkPerOutput &work, double outputs);

} // namespace halo::tool

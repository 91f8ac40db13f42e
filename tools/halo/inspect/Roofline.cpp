#include "tools/halo/inspect/Roofline.h"

#include <algorithm>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

Json halo::tool::rooflineReport(const Peaks &gpu, const WorkPerOutput &work, double outputs) {
  double cyclesPerUs = gpu.clockMHz, smCycles = cyclesPerUs * gpu.sms;
  struct Wall {
    const char *name;
    double us;
  };
  std::vector<Wall> walls = {
      {"DRAM", outputs * work.bytes / (gpu.dramGBs * 1e3)},
      {"issue slots", outputs * work.warpInstructions / (smCycles * kIssuePerCycle)},
      {"FMA pipe", outputs * work.f32Lanes / (smCycles * gpu.f32Lanes)},
      {"tensor", outputs * work.tensorFlops / (gpu.tensorTflops * 1e6)},
      {"MUFU", outputs * work.mufuLanes / (smCycles * kMufuLanes)},
      {"shared memory", outputs * work.wavefronts / (smCycles * kSharedPerCycle)},
  };
  std::stable_sort(walls.begin(), walls.end(),
                   [](const Wall &a, const Wall &b) { return a.us > b.us; });
  double wall = walls[0].us, next = walls[1].us;
  Json rows = Json::array();
  for (const Wall &each : walls)
    rows.push_back(
        {{"name", each.name}, {"us", each.us}, {"share", wall > 0 ? each.us / wall : 0}});
  double flops = work.laneFlops + work.tensorFlops;
  // The compute roof is the tensor cores' where they are used, else that of f32.
  double peakGflops = work.tensorFlops > 0 ? gpu.tensorTflops * 1e3
                                           : 2.0 * gpu.f32Lanes * gpu.sms * gpu.clockMHz / 1e3;
  return {{"gpu", gpu.name},
          {"dram_gbs", gpu.dramGBs},
          {"peak_gflops", peakGflops},
          {"outputs", outputs},
          {"intensity", work.bytes > 0 ? flops / work.bytes : 0},
          {"ridge", peakGflops / gpu.dramGBs},
          {"gflops_at_wall", wall > 0 ? flops * outputs / (wall * 1e3) : 0},
          {"walls", rows},
          {"stands_at", walls[0].name},
          {"us", wall},
          {"headroom", next > 0 ? wall / next : 0}};
}

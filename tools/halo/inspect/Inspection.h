// Everything that is known of one kernel, as one JSON object: what --json prints, what the text and
// the HTML show, what --diff compares.
//
//   {"halo inspect": 1, "build", "commit"?, "kernel", "problem", "schedule", "arch", "file"?,
//    "resources":  {threads, registers, spill_bytes, static_shared, dynamic_shared}
//    "occupancy":  Occupancy.h
//    "code":       {"ptx": CodeReport.h, "sass": CodeReport.h}
//    "shape":      {B, L, D, block_l, blocks, waves: of what the GPU holds at a time}
//    "tile":       {channels, step, halo, warmup, stages, ...}: the picture
//    "per_output": {bytes, flops, warp_instructions, ...}
//    "roofline":   Roofline.h
//    "accesses":   AccessReport.h
//    "source", "listings": {"ptx", "sass"}: [{"text", "line"}], where lines are wanted
//    "notes":      what is not known, and why}
//
// A number that is not known is absent or null, never 0.
#pragma once

#include "runtime/KernelCompiler.h"
#include "runtime/Result.h"

#include <nlohmann/json.hpp>

#include <string>

namespace halo::tool {

struct InspectOptions {
  std::string arch = "sm_90";
  std::string gpu; ///< Of Peaks.h; "" takes the architecture's first.
  std::string schedule;
  Shape shape; ///< Zeros: a large one.
  bool listings = false;
  bool simulate = true;
};

Result<nlohmann::ordered_json> inspectProblem(const Problem &problem,
                                              const InspectOptions &options);
/// A saved .ptx or .cubin.
Result<nlohmann::ordered_json> inspectFile(const std::string &path, const InspectOptions &options);

} // namespace halo::tool

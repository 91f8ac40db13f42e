// A kernel that does nothing: what the replay of any one launch costs at least, timed beside the others.
#pragma once

#include "runtime/Device.h"

#include <memory>

namespace halo::tool {

struct EmptyKernel {
  std::shared_ptr<LoadedKernel> kernel; ///< One block of one warp, no parameters.
  std::unique_ptr<Graph> graph;         ///< Of its one launch.
};

/// Loads it and captures its launch. The simulator has none: its `kernel` is null.
Result<EmptyKernel> loadEmptyKernel(const std::shared_ptr<Device> &device);

} // namespace halo::tool

// Random inputs for benchmarks: a modest host buffer of normal numbers, tiled over the tensor on
// the device, so that filling gigabytes costs milliseconds.
#pragma once

#include "runtime/Device.h"
#include "runtime/Launch.h"

#include <cstdint>

namespace halo::tool {

/// Normal numbers times `scale`, or minus their magnitudes; the same seed gives the same bytes.
Result<void> fillRandom(Device &device, const TensorRef &tensor, uint64_t seed, double scale,
                        bool negative = false);

} // namespace halo::tool

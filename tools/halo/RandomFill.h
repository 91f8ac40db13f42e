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

/// Indices that are legal for any kernel: rows are numbered, 0, 1, ...; positions belong to N sequences
/// of about the same length, to one where N is not said.
std::vector<int32_t> plainIndices(const Operand &operand, const Shape &shape);
Result<void> fillIndices(Device &device, const TensorRef &tensor, const Operand &operand,
                         const Shape &shape);

} // namespace halo::tool

// Storage types of tensors: names, sizes, and conversion to and from f64 on the host.
#pragma once

#include "runtime/Export.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace halo {

/// A tensor's element type. Activations and weights are f32, f16 or bf16; indices are i32 or i64.
enum class DType : uint8_t { F32, F16, BF16, I32, I64 };

/// The name users write: "f32", "f16", "bf16", "i32", "i64".
HALO_API std::string_view name(DType type);
HALO_API std::optional<DType> parseDType(std::string_view text);
/// Bytes of one element: a power of two.
constexpr size_t size(DType type) {
  return type == DType::F16 || type == DType::BF16 ? 2 : type == DType::I64 ? 8 : 4;
}
inline bool isFloat(DType type) { return type <= DType::BF16; }

/// Element `index` of the array at `data`, widened to f64. Exact for every type but large i64.
HALO_API double loadAsF64(const void *data, DType type, int64_t index);
/// Stores `value` rounded to nearest even. NaN stays NaN; overflow becomes infinity. Integers,
/// which have neither, take NaN as 0 and saturate. `data` needs no alignment.
HALO_API void storeFromF64(void *data, DType type, int64_t index, double value);
/// `value` rounded to `type` and widened again: the law's round().
HALO_API double roundTo(DType type, double value);

} // namespace halo

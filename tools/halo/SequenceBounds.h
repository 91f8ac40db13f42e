// The values of cu_seqlens, as far as the host can see them: a launch cannot look, and reads what they
// say.
#pragma once

#include "runtime/Result.h"
#include "runtime/Safetensors.h"
#include "tools/halo/Description.h"

namespace halo::tool {

/// Every operand of bounds starts at 0, ends at `length`, and never decreases (conv_c7: sequences may be
/// empty); refused with the operand and both numbers where it does not.
Result<void> checkSequenceBounds(const Description &kernel, const TensorMap &tensors,
                                 int64_t length);

} // namespace halo::tool

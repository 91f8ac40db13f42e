// Reading a kernel's compile-time constants off the tensors a user gives.
//
//   x bf16 [2, 12, 64] (bdl), weight f32 [3, 4], initial_state bf16 [2, 12, 3]
//     T = bf16 from x, W = f32 from weight, K = 4 from weight (and 3 + 1 from initial_state),
//     D = 12 from x, group = 12 / 3 = 4, with = initial_state
//
// Whatever two tensors say about one symbol must agree; both are named where they do not. The
// rules that need a specialised kernel are the runtime's (runtime/Launch.h).
#pragma once

#include "runtime/Safetensors.h"
#include "runtime/Schedule.h"
#include "tools/halo/Description.h"

#include <map>
#include <set>
#include <string>

namespace halo::tool {

/// The constants of one problem, and its sizes.
struct TensorBinding {
  std::map<std::string, std::string> params; ///< Every param, defaults included.
  std::set<std::string> with;
  Shape shape;
};

/// `explicitParams` are those of --set; a tensor that contradicts one is refused.
Result<TensorBinding> bindTensors(const Description &kernel, const TensorMap &tensors,
                                  const std::map<std::string, std::string> &explicitParams);

} // namespace halo::tool

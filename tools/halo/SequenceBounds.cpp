#include "tools/halo/SequenceBounds.h"

#include <fmt/format.h>

using namespace halo;
using namespace halo::tool;

static Result<void> checkBounds(const std::string &name, const HostTensor &tensor, int64_t length) {
  auto bound = [&](int64_t i) { return int64_t(loadAsF64(tensor.bytes.data(), tensor.dtype, i)); };
  int64_t last = tensor.elements() - 1;
  if (bound(0) != 0)
    return invalid(fmt::format("conv_c7: {} starts at {}, expected 0", name, bound(0)));
  for (int64_t i = 0; i < last; ++i)
    if (bound(i + 1) < bound(i))
      return invalid(fmt::format("conv_c7: {}[{}] is {}, less than {} before it", name, i + 1,
                                 bound(i + 1), bound(i)));
  if (bound(last) != length)
    return invalid(
        fmt::format("conv_c7: {} ends at {}, expected L = {}", name, bound(last), length));
  return {};
}

Result<void> halo::tool::checkSequenceBounds(const Description &kernel, const TensorMap &tensors,
                                             int64_t length) {
  for (const OperandSpec &spec : kernel.operands)
    if (auto found = tensors.find(spec.name);
        spec.kind == "indices" && spec.form == "bounds" && found != tensors.end())
      HALO_CHECK(checkBounds(spec.name, found->second, length));
  return {};
}

#include "tools/halo/IndexChecks.h"

#include <fmt/format.h>

#include <map>

using namespace halo;
using namespace halo::tool;

static int64_t valueAt(const HostTensor &tensor, int64_t index) {
  return int64_t(loadAsF64(tensor.bytes.data(), tensor.dtype, index)); // Every i32 is an f64.
}

/// update_c3: -1, or a slot of the state that no other row has.
static Result<void> checkSlots(const Operand &state, const HostTensor &tensor,
                               const HostTensor &index) {
  int64_t slots = tensor.shape[0];
  std::map<int64_t, int64_t> rows;
  for (int64_t row = 0; row < index.elements(); ++row) {
    int64_t slot = valueAt(index, row);
    if (slot == -1)
      continue;
    if (slot < 0 || slot >= slots)
      return invalid(fmt::format("update_c3: {}[{}] is {}, expected -1 or one of the {} slots of {}",
                                 state.slots, row, slot, slots, state.name));
    auto [other, fresh] = rows.emplace(slot, row);
    if (!fresh)
      return invalid(fmt::format("update_c3: {}[{}] and {}[{}] are both {}, expected a slot of {} "
                                 "for each row",
                                 state.slots, other->second, state.slots, row, slot, state.name));
  }
  return {};
}

/// update_c4: samples that were written so far, or their place in the ring.
static Result<void> checkRing(const Operand &state, const HostTensor &index) {
  for (int64_t row = 0; row < index.elements(); ++row)
    if (int64_t at = valueAt(index, row); at < 0)
      return invalid(fmt::format("update_c4: {}[{}] is {}, expected at least 0: it is a place in {}",
                                 state.ring, row, at, state.name));
  return {};
}

Result<void> halo::tool::checkIndices(const std::vector<Operand> &operands,
                                      const TensorMap &inputs) {
  for (const Operand &operand : operands) {
    if (operand.kind != OperandKind::State || operand.output)
      continue;
    auto state = inputs.find(operand.name), slots = inputs.find(operand.slots),
         ring = inputs.find(operand.ring);
    if (state != inputs.end() && slots != inputs.end())
      HALO_CHECK(checkSlots(operand, state->second, slots->second));
    if (ring != inputs.end())
      HALO_CHECK(checkRing(operand, ring->second));
  }
  return {};
}

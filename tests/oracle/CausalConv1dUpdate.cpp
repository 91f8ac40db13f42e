// causal_conv1d_update: causal_conv1d of a few tokens, whose state is a row of conv_state.
//
//   K = 3, T = 2, N = 4, conv_state row a b c d:   linear            a ring at 7, 7 mod 4 = 3
//     before position 0                            c d               b c
//     after                                        c d x0 x1         x1 b c x0
//
// Of more tokens than places the last ones count. Slot -1: y is 0, and nothing is kept.
#include "tests/oracle/CausalFir.h"

#include <fmt/format.h>

#include <algorithm>

using namespace halo;

namespace {

/// Where the samples of one row of the batch lie.
struct Row {
  int64_t slot = 0, length = 0, start = 0;
  bool ring = false;

  /// The place of position t, t < 0 being kept already, of `tokens` new ones.
  int64_t placeOf(int64_t t, int64_t tokens, bool before) const {
    if (ring)
      return ((start + t) % length + length) % length;
    return before ? length + t : length - tokens + t;
  }
};

const HostTensor *find(const TensorMap &inputs, const char *name) {
  auto found = inputs.find(name);
  return found == inputs.end() ? nullptr : &found->second;
}

int64_t numberAt(const HostTensor &tensor, int64_t i) {
  return int64_t(loadAsF64(tensor.bytes.data(), tensor.dtype, i));
}

} // namespace

Result<TensorMap> halo::causalConv1dUpdateOracle(const TensorMap &inputs,
                                                 const OracleParams &params) {
  const HostTensor *x = find(inputs, "x"), *state = find(inputs, "conv_state"),
                   *weight = find(inputs, "weight");
  if (!x || !state || !weight)
    return invalid(fmt::format("{} is missing", !x ? "x" : !state ? "conv_state" : "weight"));
  const HostTensor *seqlens = find(inputs, "cache_seqlens"),
                   *slots = find(inputs, "conv_state_indices");
  HALO_TRY(kept, load("conv_state", *state, /*channelLast=*/false));

  TensorMap plain = inputs;
  for (const char *name : {"conv_state", "cache_seqlens", "conv_state_indices"})
    plain.erase(name);
  HostTensor &tokens = plain["x"];
  if (tokens.shape.size() == 2)
    tokens.shape.push_back(1);
  if (tokens.shape.size() != 3 || weight->shape.size() != 2)
    return invalid(fmt::format("x has rank {} and weight {}, expected 2 or 3, and 2",
                               x->shape.size(), weight->shape.size()));
  int64_t rows = tokens.shape[0], d = tokens.shape[1], l = tokens.shape[2], k = weight->shape[1];
  if (kept.d != d || kept.l < k - 1 || (!slots && kept.b != rows))
    return invalid(fmt::format("conv_state is [{}, {}, {}], expected [{}, {}, at least {}] "
                               "(update_c1)",
                               kept.b, kept.d, kept.l, slots ? "slots" : std::to_string(rows), d,
                               k - 1));
  std::vector<Row> placed(static_cast<size_t>(rows));
  Signal before(rows, d, k - 1);
  for (int64_t b = 0; b < rows; ++b) {
    Row &row = placed[size_t(b)];
    row.slot = slots ? numberAt(*slots, b) : b;
    row.length = kept.l;
    row.ring = seqlens != nullptr;
    row.start = seqlens ? numberAt(*seqlens, b) : 0;
    if (row.slot < -1 || row.slot >= kept.b)
      return invalid(fmt::format("conv_state_indices[{}] is {}, expected -1 to {} (update_c3)", b,
                                 row.slot, kept.b - 1));
    for (int64_t c = 0; c < d && row.slot >= 0; ++c)
      for (int64_t j = 0; j < k - 1; ++j)
        before.at(b, c, j) = kept.at(row.slot, c, row.placeOf(j - (k - 1), l, /*before=*/true));
  }
  plain["initial_state"] = store(before, state->dtype, /*channelLast=*/false);

  OracleParams own = params;
  own.erase("layout");
  HALO_TRY(fir, causalFir(plain, own));
  HALO_TRY(u, load("x", tokens, /*channelLast=*/false));
  Signal after = kept;
  for (int64_t b = 0; b < rows; ++b) {
    const Row &row = placed[size_t(b)];
    for (int64_t c = 0; c < d; ++c) {
      if (row.slot < 0) {
        for (int64_t t = 0; t < l; ++t)
          fir.y.at(b, c, t) = 0;
        continue;
      }
      for (int64_t i = 0; i + l < row.length && !row.ring; ++i)
        after.at(row.slot, c, i) = kept.at(row.slot, c, i + l);
      for (int64_t t = std::max<int64_t>(0, l - row.length); t < l; ++t)
        after.at(row.slot, c, row.placeOf(t, l, /*before=*/false)) = u.at(b, c, t);
    }
  }
  TensorMap outputs;
  outputs["y"] = store(fir.y, fir.dtype, /*channelLast=*/false);
  outputs["y"].shape = x->shape;
  outputs["conv_state"] = store(after, state->dtype, /*channelLast=*/false);
  return outputs;
}

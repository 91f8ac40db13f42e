#include "tests/oracle/GatedFir.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

using namespace halo;

namespace {

/// The tensors of one call, widened, with every shape checked.
class GatedFir {
public:
  GatedFir(const TensorMap &inputs, const OracleParams &params, const GatedFirForm &form)
      : inputs(inputs), params(params), form(form) {}

  Result<TensorMap> run();

private:
  const HostTensor *input(const std::string &name) const { return find(inputs, name); }
  Result<void> checkNames() const;
  /// A row of the filter in correlation order.
  std::vector<double> row(const HostTensor &taps, int64_t r) const;
  void channel(int64_t d);
  /// A state's rows turned by their place in the ring, where there is one: forth (by = 1) into the
  /// usual order, or back, one sample later.
  Signal turned(const Signal &state, int by) const;

  const TensorMap &inputs;
  const OracleParams &params;
  const GatedFirForm &form;
  int64_t k = 1, group = 1;
  Featurized from;
  Signal uBefore; ///< The gated samples before position 0.
  Signal y;       ///< The output before its rounding.
};

Result<void> GatedFir::checkNames() const {
  const std::string known[] = {form.featurizer.input, form.featurizer.weight, form.filter,
                               "skip",     "proj_state",    "fir_state",
                               "fir_position"};
  for (const auto &entry : inputs)
    if (std::find(std::begin(known), std::end(known), entry.first) == std::end(known))
      return invalid(fmt::format("the oracle knows no input '{}'", entry.first));
  for (const char *name : {form.featurizer.input, form.featurizer.weight, form.filter})
    if (!input(name))
      return invalid(fmt::format("{} is missing", name));
  for (const char *name : {"proj_state", "fir_state"})
    if (form.featurizer.step && !input(name))
      return invalid(fmt::format("{} is missing", name));
  return {};
}

std::vector<double> GatedFir::row(const HostTensor &taps, int64_t r) const {
  std::vector<double> values(static_cast<size_t>(k));
  for (int64_t j = 0; j < k; ++j)
    values[size_t(form.convolution ? k - 1 - j : j)] =
        loadAsF64(taps.bytes.data(), taps.dtype, r * k + j);
  return values;
}

Signal GatedFir::turned(const Signal &state, int by) const {
  const HostTensor *position = input("fir_position");
  if (!position)
    return state;
  Signal result = state;
  for (int64_t b = 0; b < state.b; ++b) {
    auto at = int64_t(loadAsF64(position->bytes.data(), position->dtype, b));
    for (int64_t c = 0; c < state.d; ++c)
      for (int64_t i = 0; i < state.l; ++i) {
        int64_t place = (at + (by < 0 ? from.u.l : 0) + i) % state.l; // Of the i-th oldest.
        (by > 0 ? result.at(b, c, i) : result.at(b, c, place)) =
            by > 0 ? state.at(b, c, place) : state.at(b, c, i);
      }
  }
  return result;
}

void GatedFir::channel(int64_t d) {
  std::vector<double> taps = row(*input(form.filter), d / group);
  const HostTensor *skips = input("skip");
  double skip = skips ? loadAsF64(skips->bytes.data(), skips->dtype, d) : 0;
  const Signal &u = from.u;
  for (int64_t b = 0; b < u.b; ++b)
    for (int64_t t = 0; t < u.l; ++t) {
      double sum = 0;
      for (int64_t j = 0; j < k; ++j) {
        int64_t at = t - (k - 1) + j;
        sum += taps[size_t(j)] * (at < 0 ? uBefore.at(b, d, k - 1 + at) : u.at(b, d, at));
      }
      if (skips && form.skip == GatedFirForm::Skip::Scaled)
        sum += skip * u.at(b, d, t);
      double o = rounded(sum, from.dtype);
      if (skips && form.skip == GatedFirForm::Skip::Bias)
        o = rounded(o + skip, from.dtype);
      y.at(b, d, t) = from.x2.at(b, d, t) * o;
    }
}

Result<TensorMap> GatedFir::run() {
  HALO_CHECK(checkNames());
  HALO_TRY(states, choice(params, "states", "false", {"false", "true"}));
  HALO_CHECK(choice(params, "precision", "accurate", {"accurate", "fast"}));
  HALO_TRY(featurized, featurize(inputs, params, form.featurizer));
  from = featurized;
  int64_t d = from.u.d;
  const HostTensor &filter = *input(form.filter);
  if (filter.shape.size() != 2 || filter.shape[0] < 1 || filter.shape[1] < 1)
    return invalid(fmt::format("{} has shape [{}], expected rows of at least one tap (conv_c2)",
                               form.filter, fmt::join(filter.shape, ", ")));
  k = filter.shape[1];
  if (d % filter.shape[0])
    return invalid(fmt::format("D {} is not a multiple of G {} (conv_c1)", d, filter.shape[0]));
  group = d / filter.shape[0];
  if (const HostTensor *skip = input("skip"))
    HALO_CHECK(checkShape("skip", *skip, {d}, "conv_c2"));
  uBefore = Signal(from.u.b, d, k - 1);
  if (const HostTensor *state = input("fir_state")) {
    HALO_CHECK(checkShape("fir_state", *state, {from.u.b, d, k - 1}, "conv_c4"));
    HALO_TRY(before, load("fir_state", *state, /*channelLast=*/false));
    uBefore = turned(before, 1);
  }
  y = Signal(from.u.b, d, from.u.l);
  for (int64_t c = 0; c < d; ++c)
    channel(c);

  bool step = form.featurizer.step;
  TensorMap outputs;
  outputs["y"] = store(y, from.dtype, from.channelLast);
  if (step)
    outputs["y"].shape.pop_back();
  if (step || states == "true") {
    outputs["proj_state"] = store(endOf(from.zBefore, from.z), from.dtype, /*channelLast=*/false);
    outputs["fir_state"] =
        store(turned(endOf(uBefore, from.u), -1), from.dtype, /*channelLast=*/false);
  }
  return outputs;
}

} // namespace

Result<TensorMap> halo::gatedFir(const TensorMap &inputs, const OracleParams &params,
                                 const GatedFirForm &form) {
  return GatedFir(inputs, params, form).run();
}

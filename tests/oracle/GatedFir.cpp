#include "tests/oracle/GatedFir.h"

#include "tests/oracle/CausalFir.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

using namespace halo;

namespace {

constexpr int64_t kStreams = 3; // x2, x1, v

double rounded(double value, DType dtype) {
  if (dtype == DType::F32)
    return value;
  char bytes[8];
  storeFromF64(bytes, dtype, 0, value);
  return loadAsF64(bytes, dtype, 0);
}

/// Memory channel of stream s of channel c.
struct Streams {
  std::string kind;
  int64_t d, heads;

  int64_t operator()(int64_t c, int64_t s) const {
    if (kind == "interleave")
      return c * kStreams + s;
    if (kind == "split")
      return s * d + c;
    int64_t width = d / heads;
    return c / width * kStreams * width + s * width + c % width;
  }
};

Result<Streams> parseStreams(const OracleParams &params, const GatedFirForm &form, int64_t d) {
  Streams streams{"interleave", d, 1};
  auto found = params.find("streams");
  if (!form.hasStreams || found == params.end())
    return streams;
  size_t colon = std::min(found->second.find(':'), found->second.size());
  streams.kind = found->second.substr(0, colon);
  if (streams.kind == "column_split") {
    streams.heads =
        colon < found->second.size() ? std::atoll(found->second.c_str() + colon + 1) : 0;
    if (streams.heads < 1 || d % streams.heads)
      return invalid(fmt::format("streams is {}: D {} is not a multiple of its heads {}",
                                 found->second, d, streams.heads));
  } else if (streams.kind != "interleave" && streams.kind != "split") {
    return invalid(
        fmt::format("streams is '{}', expected interleave|split|column_split:H", found->second));
  }
  return streams;
}

/// The tensors of one call, widened, with every shape checked.
class GatedFir {
public:
  GatedFir(const TensorMap &inputs, const OracleParams &params, const GatedFirForm &form)
      : inputs(inputs), params(params), form(form) {}

  Result<TensorMap> run();

private:
  const HostTensor *input(const std::string &name) const {
    auto found = inputs.find(name);
    return found == inputs.end() ? nullptr : &found->second;
  }
  Result<void> checkNames() const;
  Result<Signal> loadInput() const;
  /// A state's samples, or zeros.
  Result<Signal> loadState(const char *name, int64_t channels, int64_t width) const;
  /// Rows of taps in correlation order.
  static std::vector<double> row(const HostTensor &taps, int64_t r, bool convolution);
  void channel(int64_t d, const Streams &streams);

  const TensorMap &inputs;
  const OracleParams &params;
  const GatedFirForm &form;
  DType dtype = DType::F32;
  bool channelLast = false;
  int64_t kp = 1, k = 1, group = 1;
  Signal z, zBefore, uBefore; ///< Inputs; the samples before position 0.
  Signal u, y;                ///< The gated signal, the output before its rounding.
};

Result<void> GatedFir::checkNames() const {
  const std::string known[] = {form.input, form.projWeight, form.filter,
                               "skip",     "proj_state",    "fir_state"};
  for (const auto &entry : inputs)
    if (std::find(std::begin(known), std::end(known), entry.first) == std::end(known))
      return invalid(fmt::format("the oracle knows no input '{}'", entry.first));
  for (const char *name : {form.input, form.projWeight, form.filter})
    if (!input(name))
      return invalid(fmt::format("{} is missing", name));
  for (const char *name : {"proj_state", "fir_state"})
    if (form.step && !input(name))
      return invalid(fmt::format("{} is missing", name));
  return {};
}

Result<Signal> GatedFir::loadInput() const {
  HostTensor tensor = *input(form.input);
  if (form.step) {
    if (tensor.shape.size() != 2)
      return invalid(fmt::format("{} has rank {}, expected 2", form.input, tensor.shape.size()));
    tensor.shape.push_back(1);
  }
  return load(form.input, tensor, channelLast);
}

Result<Signal> GatedFir::loadState(const char *name, int64_t channels, int64_t width) const {
  const HostTensor *tensor = input(name);
  if (!tensor)
    return Signal(z.b, channels, width);
  HALO_CHECK(checkShape(name, *tensor, {z.b, channels, width}, "conv_c4"));
  return load(name, *tensor, /*channelLast=*/false);
}

std::vector<double> GatedFir::row(const HostTensor &taps, int64_t r, bool convolution) {
  int64_t count = taps.shape[1];
  std::vector<double> values(static_cast<size_t>(count));
  for (int64_t j = 0; j < count; ++j)
    values[size_t(convolution ? count - 1 - j : j)] =
        loadAsF64(taps.bytes.data(), taps.dtype, r * count + j);
  return values;
}

void GatedFir::channel(int64_t d, const Streams &streams) {
  std::vector<double> taps = row(*input(form.filter), d / group, form.convolution);
  const HostTensor *skips = input("skip");
  double skip = skips ? loadAsF64(skips->bytes.data(), skips->dtype, d) : 0;
  int64_t channels[kStreams];
  std::vector<double> weights[kStreams];
  for (int64_t s = 0; s < kStreams; ++s) {
    channels[s] = streams(d, s);
    weights[s] = row(*input(form.projWeight), channels[s], /*convolution=*/false);
  }
  for (int64_t b = 0; b < z.b; ++b) {
    std::vector<double> x2(static_cast<size_t>(z.l)); // The stream that gates the result.
    for (int64_t t = 0; t < z.l; ++t) {
      double p[kStreams];
      for (int64_t s = 0; s < kStreams; ++s) {
        int64_t c = channels[s];
        double sum = 0;
        for (int64_t j = 0; j < kp; ++j) {
          int64_t at = t - (kp - 1) + j;
          sum += weights[s][size_t(j)] * (at < 0 ? zBefore.at(b, c, kp - 1 + at) : z.at(b, c, at));
        }
        p[s] = rounded(sum, dtype);
      }
      x2[size_t(t)] = p[0];
      u.at(b, d, t) = rounded(p[1] * p[2], dtype);
    }
    for (int64_t t = 0; t < z.l; ++t) {
      double sum = 0;
      for (int64_t j = 0; j < k; ++j) {
        int64_t at = t - (k - 1) + j;
        sum += taps[size_t(j)] * (at < 0 ? uBefore.at(b, d, k - 1 + at) : u.at(b, d, at));
      }
      if (skips && form.skip == GatedFirForm::Skip::Scaled)
        sum += skip * u.at(b, d, t);
      double o = rounded(sum, dtype);
      if (skips && form.skip == GatedFirForm::Skip::Bias)
        o = rounded(o + skip, dtype);
      y.at(b, d, t) = x2[size_t(t)] * o;
    }
  }
}

/// The last `width` samples of `before` followed by `now`.
Signal endOf(const Signal &before, const Signal &now) {
  Signal end = before;
  for (int64_t b = 0; b < end.b; ++b)
    for (int64_t d = 0; d < end.d; ++d)
      for (int64_t j = 0; j < end.l; ++j) {
        int64_t at = now.l - end.l + j;
        end.at(b, d, j) = at < 0 ? before.at(b, d, end.l + at) : now.at(b, d, at);
      }
  return end;
}

Result<TensorMap> GatedFir::run() {
  HALO_CHECK(checkNames());
  HALO_TRY(layout, choice(params, "layout", "bdl", {"bdl", "bld"}));
  HALO_TRY(states, choice(params, "states", "false", {"false", "true"}));
  HALO_CHECK(choice(params, "precision", "accurate", {"accurate", "fast"}));
  dtype = input(form.input)->dtype;
  channelLast = layout == "bld" && !form.step;
  HALO_TRY(loaded, loadInput());
  z = loaded;
  if (z.d % kStreams)
    return invalid(
        fmt::format("{} has {} channels, not a multiple of {}", form.input, z.d, kStreams));
  int64_t d = z.d / kStreams;
  const HostTensor &projWeight = *input(form.projWeight), &filter = *input(form.filter);
  for (const HostTensor *taps : {&projWeight, &filter})
    if (taps->shape.size() != 2 || taps->shape[0] < 1 || taps->shape[1] < 1)
      return invalid(fmt::format("{} has shape [{}], expected rows of at least one tap (conv_c2)",
                                 taps == &filter ? form.filter : form.projWeight,
                                 fmt::join(taps->shape, ", ")));
  kp = projWeight.shape[1];
  k = filter.shape[1];
  HALO_CHECK(checkShape(form.projWeight, projWeight, {z.d, kp}, "conv_c2"));
  if (d % filter.shape[0])
    return invalid(fmt::format("D {} is not a multiple of G {} (conv_c1)", d, filter.shape[0]));
  group = d / filter.shape[0];
  if (const HostTensor *skip = input("skip"))
    HALO_CHECK(checkShape("skip", *skip, {d}, "conv_c2"));
  HALO_TRY(streams, parseStreams(params, form, d));
  HALO_TRY(zState, loadState("proj_state", z.d, kp - 1));
  HALO_TRY(uState, loadState("fir_state", d, k - 1));
  zBefore = zState;
  uBefore = uState;
  u = y = Signal(z.b, d, z.l);
  for (int64_t c = 0; c < d; ++c)
    channel(c, streams);

  TensorMap outputs;
  outputs["y"] = store(y, dtype, channelLast);
  if (form.step)
    outputs["y"].shape.pop_back();
  if (form.step || states == "true") {
    outputs["proj_state"] = store(endOf(zBefore, z), dtype, /*channelLast=*/false);
    outputs["fir_state"] = store(endOf(uBefore, u), dtype, /*channelLast=*/false);
  }
  return outputs;
}

} // namespace

Result<TensorMap> halo::gatedFir(const TensorMap &inputs, const OracleParams &params,
                                 const GatedFirForm &form) {
  return GatedFir(inputs, params, form).run();
}

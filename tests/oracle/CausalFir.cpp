#include "tests/oracle/CausalFir.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

using namespace halo;

Result<std::string> halo::choice(const OracleParams &params, const std::string &name,
                                 const std::string &fallback,
                                 const std::vector<std::string> &values) {
  auto found = params.find(name);
  const std::string &value = found == params.end() ? fallback : found->second;
  if (!values.empty() && std::find(values.begin(), values.end(), value) == values.end())
    return invalid(fmt::format("{} is '{}', expected {}", name, value, fmt::join(values, "|")));
  return value;
}

HostTensor halo::store(const Signal &signal, DType dtype, bool channelLast) {
  HostTensor tensor;
  tensor.dtype = dtype;
  if (channelLast)
    tensor.shape = {signal.b, signal.l, signal.d};
  else
    tensor.shape = {signal.b, signal.d, signal.l};
  tensor.bytes.resize(signal.values.size() * size(dtype));
  for (int64_t b = 0; b < signal.b; ++b)
    for (int64_t d = 0; d < signal.d; ++d)
      for (int64_t t = 0; t < signal.l; ++t) {
        int64_t index =
            channelLast ? (b * signal.l + t) * signal.d + d : (b * signal.d + d) * signal.l + t;
        storeFromF64(tensor.bytes.data(), dtype, index, signal.at(b, d, t));
      }
  return tensor;
}

Result<Signal> halo::load(const std::string &name, const HostTensor &tensor, bool channelLast) {
  if (tensor.shape.size() != 3)
    return invalid(fmt::format("{} has rank {}, expected 3", name, tensor.shape.size()));
  const std::vector<int64_t> &shape = tensor.shape;
  Signal signal(shape[0], channelLast ? shape[2] : shape[1], channelLast ? shape[1] : shape[2]);
  for (int64_t b = 0; b < signal.b; ++b)
    for (int64_t d = 0; d < signal.d; ++d)
      for (int64_t t = 0; t < signal.l; ++t) {
        int64_t index =
            channelLast ? (b * signal.l + t) * signal.d + d : (b * signal.d + d) * signal.l + t;
        signal.at(b, d, t) = loadAsF64(tensor.bytes.data(), tensor.dtype, index);
      }
  return signal;
}

static double activate(const std::string &activation, double a) {
  if (activation == "silu")
    return a / (1 + std::exp(-a));
  if (activation == "sigmoid")
    return 1 / (1 + std::exp(-a));
  return a;
}

Result<void> halo::checkShape(const std::string &name, const HostTensor &tensor,
                              const std::vector<int64_t> &expected, const char *label) {
  if (tensor.shape == expected)
    return {};
  return invalid(fmt::format("{} has shape [{}], expected [{}] ({})", name,
                             fmt::join(tensor.shape, ", "), fmt::join(expected, ", "), label));
}

Result<CausalFir> halo::causalFir(const TensorMap &inputs, const OracleParams &params) {
  static const std::vector<std::string> known = {"x", "weight", "bias", "initial_state",
                                                 "residual", "seq_idx"};
  for (const auto &input : inputs)
    if (std::find(known.begin(), known.end(), input.first) == known.end())
      return invalid(fmt::format("the oracle knows no input '{}'", input.first));
  auto input = [&](const char *name) {
    auto found = inputs.find(name);
    return found == inputs.end() ? nullptr : &found->second;
  };
  const HostTensor *x = input("x"), *weight = input("weight"), *bias = input("bias");
  const HostTensor *initial = input("initial_state"), *residual = input("residual");
  const HostTensor *seqIdx = input("seq_idx");
  if (!x || !weight)
    return invalid(fmt::format("{} is missing", x ? "weight" : "x"));

  HALO_TRY(layout, choice(params, "layout", "bdl", {"bdl", "bld"}));
  HALO_TRY(activation, choice(params, "activation", "none", {"none", "silu", "sigmoid"}));
  HALO_TRY(order, choice(params, "taps", "correlation", {"correlation", "convolution"}));
  HALO_TRY(storesState, choice(params, "final_state", "false", {"false", "true"}));

  CausalFir fir;
  fir.dtype = x->dtype;
  fir.channelLast = layout == "bld";
  fir.storesState = storesState == "true";
  HALO_TRY(u, load("x", *x, fir.channelLast));
  if (weight->shape.size() != 2 || weight->shape[0] < 1 || weight->shape[1] < 1)
    return invalid(fmt::format("weight has shape [{}], expected [G, K] with 1 <= K (conv_c2)",
                               fmt::join(weight->shape, ", ")));
  int64_t rows = weight->shape[0], k = weight->shape[1];
  if (u.d % rows)
    return invalid(fmt::format("D {} is not a multiple of G {} (conv_c1)", u.d, rows));
  int64_t group = u.d / rows;
  if (bias)
    HALO_CHECK(checkShape("bias", *bias, {u.d}, "conv_c2"));
  if (initial)
    HALO_CHECK(checkShape("initial_state", *initial, {u.b, u.d, k - 1}, "conv_c4"));
  if (residual)
    HALO_CHECK(checkShape("residual", *residual, x->shape, "conv_c2"));

  Signal state(u.b, u.d, k - 1);
  if (initial) {
    HALO_TRY(loaded, load("initial_state", *initial, /*channelLast=*/false));
    state = loaded;
  }
  auto sample = [&](int64_t b, int64_t d, int64_t t) {
    return t < 0 ? state.at(b, d, k - 1 + t) : u.at(b, d, t);
  };
  if (seqIdx)
    HALO_CHECK(checkShape("seq_idx", *seqIdx, {u.b, u.l}, "conv_c2"));
  // What lies before the row has the number of its first position.
  auto label = [&](int64_t b, int64_t t) -> int64_t {
    if (!seqIdx || u.l == 0)
      return 0;
    return int64_t(loadAsF64(seqIdx->bytes.data(), seqIdx->dtype, b * u.l + std::max<int64_t>(t, 0)));
  };

  Signal added;
  if (residual) {
    HALO_TRY(loaded, load("residual", *residual, fir.channelLast));
    added = loaded;
  }
  fir.y = Signal(u.b, u.d, u.l);
  fir.finalState = Signal(u.b, u.d, k - 1);
  std::vector<double> taps(static_cast<size_t>(k)); // in correlation order
  for (int64_t d = 0; d < u.d; ++d) {
    for (int64_t j = 0; j < k; ++j) {
      int64_t tap = order == "correlation" ? j : k - 1 - j;
      taps[size_t(j)] = loadAsF64(weight->bytes.data(), weight->dtype, d / group * k + tap);
    }
    double offset = bias ? loadAsF64(bias->bytes.data(), bias->dtype, d) : 0;
    for (int64_t b = 0; b < u.b; ++b) {
      for (int64_t t = 0; t < u.l; ++t) {
        if (label(b, t) < 0)
          continue;
        double sum = offset;
        for (int64_t j = 0; j < k; ++j) {
          int64_t from = t - (k - 1) + j;
          sum += taps[size_t(j)] * (label(b, from) == label(b, t) ? sample(b, d, from) : 0);
        }
        double y = activate(activation, sum);
        fir.y.at(b, d, t) = residual ? y + added.at(b, d, t) : y;
      }
      int64_t last = label(b, u.l - 1);
      for (int64_t j = 0; j < k - 1; ++j) {
        int64_t from = u.l - (k - 1) + j;
        fir.finalState.at(b, d, j) =
            last >= 0 && label(b, from) == last ? sample(b, d, from) : 0;
      }
    }
  }
  return fir;
}

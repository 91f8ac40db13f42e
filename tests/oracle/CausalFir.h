// The sum every causal-convolution oracle starts from.
//
//   K = 3, taps w = [w0 w1 w2], inputs u0 u1 u2, initial state [s0 s1] (s1 is the newer):
//
//   correlation   y0 = w0·s0 + w1·s1 + w2·u0     y2 = w0·u0 + w1·u1 + w2·u2
//   convolution   y0 = w2·s0 + w1·s1 + w0·u0     y2 = w2·u0 + w1·u1 + w0·u2
//   final state   [u1 u2];   with L = 1 it is [s1 u0]: an old sample moves on (conv_c4)
#pragma once

#include "tests/oracle/Oracle.h"

#include <cstdint>

namespace halo {

/// A signal widened to f64, [B, D, L] whatever its layout in memory was.
struct Signal {
  int64_t b = 0, d = 0, l = 0;
  std::vector<double> values;

  Signal() = default;
  Signal(int64_t b, int64_t d, int64_t l) : b(b), d(d), l(l), values(size_t(b * d * l)) {}
  double &at(int64_t batch, int64_t channel, int64_t position) {
    return values[size_t((batch * d + channel) * l + position)];
  }
  double at(int64_t batch, int64_t channel, int64_t position) const {
    return values[size_t((batch * d + channel) * l + position)];
  }
};

/// causal_conv1d before its last rounding, act(bias + FIR(x)) + residual, and the state it leaves.
struct CausalFir {
  Signal y;
  Signal finalState; ///< [B, D, K-1], newest last.
  DType dtype = DType::F32;
  bool channelLast = false;
  bool storesState = false;
};

Result<CausalFir> causalFir(const TensorMap &inputs, const OracleParams &params);

/// A tensor widened: [B, L, D] where `channelLast`, else [B, D, L].
Result<Signal> load(const std::string &name, const HostTensor &tensor, bool channelLast);
/// Refuses another shape, with the law's label.
Result<void> checkShape(const std::string &name, const HostTensor &tensor,
                        const std::vector<int64_t> &expected, const char *label);

/// The signal as a tensor of `dtype`: [B, L, D] where `channelLast`, else [B, D, L].
HostTensor store(const Signal &signal, DType dtype, bool channelLast);

/// `params[name]`, or `fallback`; refused unless it is one of `values` (empty: anything goes).
Result<std::string> choice(const OracleParams &params, const std::string &name,
                           const std::string &fallback, const std::vector<std::string> &values);

} // namespace halo

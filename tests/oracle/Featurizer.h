// What stands before the convolution of every Hyena operator. Per channel d, with z's three streams
// z2, z1, zv (memory channels by `streams`) and Kp = 2:
//
//   p(t) = round(w0·z(t-1) + w1·z(t))    z(-1) is proj_state, or 0
//   u(t) = round(p1(t)·pv(t))            x2(t) = p2(t)
//
// round is to the storage type; with f32 storage nothing is rounded before the stores.
#pragma once

#include "tests/oracle/CausalFir.h"

namespace halo {

struct Featurized {
  Signal z, zBefore; ///< The raw projections, [B, 3D, L], and the Kp - 1 before position 0.
  Signal x2, u;      ///< [B, D, L]
  DType dtype = DType::F32;
  bool channelLast = false;
};

/// What the kernels call their operands, and what they take.
struct FeaturizerForm {
  const char *input = "z", *weight = "proj_weight";
  bool hasStreams = true; ///< Takes the option `streams`; else they are interleaved.
  bool step = false;      ///< [B, 3D]: one position.
};

/// Reads the input [B, 3D, L] or [B, L, 3D] by `layout` ([B, 3D] for a step), the taps and
/// proj_state.
Result<Featurized> featurize(const TensorMap &inputs, const OracleParams &params,
                             const FeaturizerForm &form);

/// To the storage type and back; f32 is not rounded.
double rounded(double value, DType dtype);

/// The last samples of `before` followed by `now`, as many as `before` has.
Signal endOf(const Signal &before, const Signal &now);

/// `inputs[name]`, or null.
const HostTensor *find(const TensorMap &inputs, const std::string &name);

} // namespace halo

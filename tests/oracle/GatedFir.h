// The gated pair of convolutions behind hcs, hcm, their steps and b2b_causal_conv1d. Per channel d,
// with z's three streams z2, z1, zv (memory channels by `streams`), Kp = 2, K = 2, bf16 storage:
//
//   p(t)  = round(w0·z(t-1) + w1·z(t))       z(-1) is proj_state, or 0
//   u(t)  = round(p1(t)·pv(t))               u(-1) is fir_state, or 0: not p1(-1)·pv(-1)
//   f(t)  = correlation  h0·u(t-1) + h1·u(t)
//           convolution  h1·u(t-1) + h0·u(t)
//   o(t)  = no skip: round(f)   bias: round(round(f) + skip)   scaled: round(f + skip·u(t))
//   y(t)  = round(p2(t)·o(t))
//
//   states after L positions: proj_state = [z(L-1)], the raw projections; fir_state = [u(L-1)].
//
// round is to the storage type; with f32 storage nothing is rounded before the stores.
#pragma once

#include "tests/oracle/Featurizer.h"

namespace halo {

/// What tells the kernels of the family apart. A step requires its states and emits them.
struct GatedFirForm {
  enum class Skip { Bias, Scaled };

  FeaturizerForm featurizer;
  const char *filter = "filter";
  bool convolution = false; ///< Tap order of the second FIR.
  Skip skip = Skip::Scaled;
};

/// y, and the states where they are asked for.
Result<TensorMap> gatedFir(const TensorMap &inputs, const OracleParams &params,
                           const GatedFirForm &form);

} // namespace halo

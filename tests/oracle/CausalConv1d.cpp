// causal_conv1d: y = round(act(bias + FIR(x)) + residual), and the last K-1 inputs (conv_c4).
#include "tests/oracle/CausalFir.h"

using namespace halo;

Result<TensorMap> halo::causalConv1dOracle(const TensorMap &inputs, const OracleParams &params) {
  HALO_TRY(fir, causalFir(inputs, params));
  TensorMap outputs;
  outputs["y"] = store(fir.y, fir.dtype, fir.channelLast);
  if (fir.storesState)
    outputs["final_state"] = store(fir.finalState, fir.dtype, /*channelLast=*/false);
  return outputs;
}

// Packed sequences: what a kernel computes for each of them alone, one after another.
//
//   cu_seqlens = [0, 2, 2, 5]    y = [ alone(x[0:2]) | | alone(x[2:5]) ]
//   states [N, ..]: row n goes into and comes out of sequence n; of the empty one it stays as it is
#pragma once

#include "tests/oracle/Oracle.h"

namespace halo {

/// The outputs of `alone` over the sequences of the input "cu_seqlens", which is among the inputs.
/// Refuses bounds that do not start at 0, end at L and never decrease.
Result<TensorMap> packedOracle(OracleFunction alone, const TensorMap &inputs,
                               const OracleParams &params);

} // namespace halo

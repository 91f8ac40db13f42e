// The oracle: what a kernel must compute, as direct sums in f64 on the same, already rounded,
// inputs, rounded to the storage type exactly where the law rounds. Nothing here is fast, and
// nothing is shared with the compiler: only the runtime's host types are used.
//
// One file per kernel; a new kernel is that file and one line in Oracle.cpp.
#pragma once

#include "runtime/Result.h"
#include "runtime/Safetensors.h"

#include <map>
#include <string>
#include <vector>

namespace halo {

/// The texts of --set, by name. What is absent takes the default of the command line's contract.
using OracleParams = std::map<std::string, std::string>;

/// The outputs of `kernel` for these inputs. Tensors are contiguous: a caller with strides copies.
Result<TensorMap> oracle(const std::string &kernel, const TensorMap &inputs,
                         const OracleParams &params);

/// The kernels that have an oracle, sorted.
std::vector<std::string> oracleKernels();

using OracleFunction = Result<TensorMap> (*)(const TensorMap &, const OracleParams &);

Result<TensorMap> causalConv1dOracle(const TensorMap &inputs, const OracleParams &params);
Result<TensorMap> causalConv1dSplitOracle(const TensorMap &inputs, const OracleParams &params);
Result<TensorMap> causalConv1dUpdateOracle(const TensorMap &inputs, const OracleParams &params);
Result<TensorMap> hclOracle(const TensorMap &inputs, const OracleParams &params);
Result<TensorMap> hclStepOracle(const TensorMap &inputs, const OracleParams &params);
Result<TensorMap> modalFilterOracle(const TensorMap &inputs, const OracleParams &params);
Result<TensorMap> hcsOracle(const TensorMap &inputs, const OracleParams &params);
Result<TensorMap> hcmOracle(const TensorMap &inputs, const OracleParams &params);
Result<TensorMap> hcsStepOracle(const TensorMap &inputs, const OracleParams &params);
Result<TensorMap> hcmStepOracle(const TensorMap &inputs, const OracleParams &params);
Result<TensorMap> b2bCausalConv1dOracle(const TensorMap &inputs, const OracleParams &params);

} // namespace halo

#include "tests/oracle/PackedSequences.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace halo;

static const std::map<std::string, OracleFunction> &registry() {
  static const std::map<std::string, OracleFunction> functions = {
      {"causal_conv1d", causalConv1dOracle},
      {"causal_conv1d_split", causalConv1dSplitOracle},
      {"causal_conv1d_update", causalConv1dUpdateOracle},
      {"hcl", hclOracle},
      {"hcl_step", hclStepOracle},
      {"modal_filter", modalFilterOracle},
      {"hcs", hcsOracle},
      {"hcm", hcmOracle},
      {"hcs_step", hcsStepOracle},
      {"hcm_step", hcmStepOracle},
      {"b2b_causal_conv1d", b2bCausalConv1dOracle},
  };
  return functions;
}

Result<TensorMap> halo::oracle(const std::string &kernel, const TensorMap &inputs,
                               const OracleParams &params) {
  auto found = registry().find(kernel);
  if (found == registry().end())
    return invalid(fmt::format("there is no oracle for kernel '{}': it knows {}", kernel,
                               fmt::join(oracleKernels(), ", ")));
  if (inputs.count("cu_seqlens"))
    return packedOracle(found->second, inputs, params);
  return found->second(inputs, params);
}

std::vector<std::string> halo::oracleKernels() {
  std::vector<std::string> names;
  for (const auto &entry : registry())
    names.push_back(entry.first);
  return names;
}

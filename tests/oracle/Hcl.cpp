// hcl, its step, and modal_filter: y = round(x2·f), f = round(round(conv(u)) + skip·u) or, without
// skip, round(conv(u)).
#include "tests/oracle/Featurizer.h"
#include "tests/oracle/Modal.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

using namespace halo;

static Result<void> checkNames(const TensorMap &inputs, const std::vector<std::string> &known,
                               size_t required) {
  for (const auto &entry : inputs)
    if (std::find(known.begin(), known.end(), entry.first) == known.end())
      return invalid(fmt::format("the oracle knows no input '{}'", entry.first));
  for (size_t i = 0; i < required; ++i)
    if (!inputs.count(known[i]))
      return invalid(fmt::format("{} is missing", known[i]));
  return {};
}

/// Channel `c` of log_poles and residues.
static ModalFilter filterOf(const TensorMap &inputs, int64_t c) {
  ModalFilter filter;
  for (auto [name, values] :
       {std::pair("log_poles", &filter.logPoles), std::pair("residues", &filter.residues)}) {
    const HostTensor &tensor = inputs.at(name);
    for (int64_t s = 0; s < tensor.shape[1]; ++s)
      values->push_back(loadAsF64(tensor.bytes.data(), tensor.dtype, c * tensor.shape[1] + s));
  }
  return filter;
}

/// S, once both operands are [D, S] of f32.
static Result<int64_t> checkModes(const TensorMap &inputs, int64_t d) {
  const HostTensor &logPoles = inputs.at("log_poles");
  if (logPoles.shape.size() != 2 || logPoles.shape[1] < 1)
    return invalid(fmt::format("log_poles has shape [{}], expected [D, S] (conv_c2)",
                               fmt::join(logPoles.shape, ", ")));
  int64_t modes = logPoles.shape[1];
  for (const char *name : {"log_poles", "residues"}) {
    const HostTensor &tensor = inputs.at(name);
    HALO_CHECK(checkShape(name, tensor, {d < 0 ? logPoles.shape[0] : d, modes}, "conv_c2"));
    if (tensor.dtype != DType::F32)
      return invalid(fmt::format("{} is {}, expected f32", name, halo::name(tensor.dtype)));
  }
  return modes;
}

static Result<TensorMap> hcl(const TensorMap &inputs, const OracleParams &params, bool step) {
  std::vector<std::string> known = {"z", "proj_weight", "log_poles", "residues"};
  known.insert(known.end(), {"proj_state", "modal_state", "skip"});
  HALO_CHECK(checkNames(inputs, known, step ? 6 : 4));
  HALO_TRY(wanted, choice(params, "states", "false", {"false", "true"}));
  HALO_CHECK(choice(params, "precision", "accurate", {"accurate", "fast"}));
  HALO_TRY(in, featurize(inputs, params, {"z", "proj_weight", true, step}));
  const Signal &u = in.u;
  HALO_TRY(modes, checkModes(inputs, u.d));
  const HostTensor *skips = find(inputs, "skip");
  if (skips)
    HALO_CHECK(checkShape("skip", *skips, {u.d}, "conv_c2"));
  Signal state(u.b, u.d, modes), y(u.b, u.d, u.l);
  if (const HostTensor *given = find(inputs, "modal_state")) {
    HALO_CHECK(checkShape("modal_state", *given, {u.b, u.d, modes}, "conv_c4"));
    HALO_TRY(loaded, load("modal_state", *given, /*channelLast=*/false));
    state = loaded;
  }

  for (int64_t d = 0; d < u.d; ++d) {
    ModalFilter filter = filterOf(inputs, d);
    for (int64_t b = 0; b < u.b; ++b) {
      std::vector<double> samples, states;
      for (int64_t t = 0; t < u.l; ++t)
        samples.push_back(u.at(b, d, t));
      for (int64_t s = 0; s < modes; ++s)
        states.push_back(state.at(b, d, s));
      std::vector<double> conv = filter.convolve(samples, states);
      for (int64_t s = 0; s < modes; ++s)
        state.at(b, d, s) = states[size_t(s)];
      for (int64_t t = 0; t < u.l; ++t) {
        double f = rounded(conv[size_t(t)], in.dtype);
        if (skips)
          f = rounded(f + loadAsF64(skips->bytes.data(), skips->dtype, d) * u.at(b, d, t),
                      in.dtype);
        y.at(b, d, t) = in.x2.at(b, d, t) * f;
      }
    }
  }

  TensorMap outputs;
  outputs["y"] = store(y, in.dtype, in.channelLast);
  if (step)
    outputs["y"].shape.pop_back();
  if (step || wanted == "true") {
    outputs["proj_state"] = store(endOf(in.zBefore, in.z), in.dtype, /*channelLast=*/false);
    outputs["modal_state"] = store(state, DType::F32, /*channelLast=*/false);
  }
  return outputs;
}

Result<TensorMap> halo::hclOracle(const TensorMap &inputs, const OracleParams &params) {
  return hcl(inputs, params, /*step=*/false);
}

Result<TensorMap> halo::hclStepOracle(const TensorMap &inputs, const OracleParams &params) {
  return hcl(inputs, params, /*step=*/true);
}

Result<TensorMap> halo::modalFilterOracle(const TensorMap &inputs, const OracleParams &params) {
  HALO_CHECK(checkNames(inputs, {"log_poles", "residues"}, 2));
  HALO_CHECK(checkModes(inputs, -1));
  HALO_TRY(text, choice(params, "length", "", {}));
  int64_t length = std::atoll(text.c_str()), channels = inputs.at("log_poles").shape[0];
  Signal h(1, channels, length);
  for (int64_t d = 0; d < channels; ++d) {
    ModalFilter filter = filterOf(inputs, d);
    for (int64_t k = 0; k < length; ++k)
      h.at(0, d, k) = filter.at(k);
  }
  TensorMap outputs;
  outputs["h"] = store(h, DType::F32, /*channelLast=*/false);
  outputs["h"].shape = {channels, length};
  return outputs;
}

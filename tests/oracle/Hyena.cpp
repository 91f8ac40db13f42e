// hcs, hcm, their steps and b2b_causal_conv1d: one chain, five forms (GatedFir.h).
#include "tests/oracle/GatedFir.h"

using namespace halo;

/// Short: taps in correlation order, the skip a bias.
static GatedFirForm shortForm() {
  GatedFirForm form;
  form.skip = GatedFirForm::Skip::Bias;
  return form;
}

/// Medium: taps in convolution order, the skip scaled by u.
static GatedFirForm mediumForm() {
  GatedFirForm form;
  form.convolution = true;
  return form;
}

Result<TensorMap> halo::hcsOracle(const TensorMap &inputs, const OracleParams &params) {
  return gatedFir(inputs, params, shortForm());
}

Result<TensorMap> halo::hcmOracle(const TensorMap &inputs, const OracleParams &params) {
  return gatedFir(inputs, params, mediumForm());
}

Result<TensorMap> halo::hcsStepOracle(const TensorMap &inputs, const OracleParams &params) {
  GatedFirForm form = shortForm();
  form.featurizer.step = true;
  return gatedFir(inputs, params, form);
}

Result<TensorMap> halo::hcmStepOracle(const TensorMap &inputs, const OracleParams &params) {
  GatedFirForm form = mediumForm();
  form.featurizer.step = true;
  return gatedFir(inputs, params, form);
}

Result<TensorMap> halo::b2bCausalConv1dOracle(const TensorMap &inputs, const OracleParams &params) {
  GatedFirForm form; // Correlation order, the skip scaled.
  form.featurizer.input = "x";
  form.featurizer.weight = "w_proj";
  form.filter = "w_mixer";
  form.featurizer.hasStreams = false;
  return gatedFir(inputs, params, form);
}

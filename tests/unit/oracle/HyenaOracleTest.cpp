// The gated pair against numbers worked by hand. One channel, Kp = 2, K = 2:
//
//   z2 = 1 2, z1 = 1 3, zv = 2 1; featurizer [0 1] (the current sample) for x2 and x1, [1 1] for v
//   x2 = 1 2    x1 = 1 3    v = 2 (1 + 2) = 2 3    u = 2 9
//   filter [10 100]   correlation  200, 920    convolution  20, 290
//   skip 5            bias: + 5                scaled: + 5·u = + 10, + 45
#include "Tensors.h"
#include "tests/oracle/Oracle.h"

#include <gtest/gtest.h>

using namespace halo;
using namespace halo::test;

using Values = std::vector<double>;

static TensorMap run(const std::string &kernel, const TensorMap &inputs,
                     const OracleParams &params = {}) {
  Result<TensorMap> outputs = oracle(kernel, inputs, params);
  EXPECT_TRUE(bool(outputs)) << (outputs ? "" : outputs.error().message);
  return outputs ? *outputs : TensorMap();
}

static std::string refusal(const TensorMap &inputs, const OracleParams &params) {
  Result<TensorMap> outputs = oracle("hcs", inputs, params);
  return outputs ? "accepted" : outputs.error().message;
}

static TensorMap worked() {
  return {{"z", f32({1, 3, 2}, {1, 2, 1, 3, 2, 1})},
          {"proj_weight", f32({3, 2}, {0, 1, 0, 1, 1, 1})},
          {"filter", f32({1, 2}, {10, 100})}};
}

TEST(HyenaOracle, ShortFilter) {
  TensorMap inputs = worked();
  EXPECT_EQ(values(run("hcs", inputs)["y"]), (Values{200, 1840}));
  inputs["skip"] = f32({1}, {5});
  EXPECT_EQ(values(run("hcs", inputs)["y"]), (Values{205, 1850}));
}

TEST(HyenaOracle, MediumFilterReversesTheTaps) {
  TensorMap inputs = worked();
  EXPECT_EQ(values(run("hcm", inputs)["y"]), (Values{20, 580}));
  inputs["skip"] = f32({1}, {5});
  EXPECT_EQ(values(run("hcm", inputs)["y"]), (Values{30, 670}));
}

TEST(HyenaOracle, BackToBack) {
  TensorMap hyena = worked();
  TensorMap inputs = {{"x", hyena["z"]},
                      {"w_proj", hyena["proj_weight"]},
                      {"w_mixer", hyena["filter"]},
                      {"skip", f32({1}, {5})}};
  EXPECT_EQ(values(run("b2b_causal_conv1d", inputs)["y"]), (Values{210, 1930}));
}

/// hyena_c1: the states hold raw projections and gated samples.
TEST(HyenaOracle, States) {
  TensorMap inputs = worked(), outputs = run("hcs", inputs, {{"states", "true"}});
  EXPECT_EQ(values(outputs["proj_state"]), (Values{2, 3, 1}));
  EXPECT_EQ(values(outputs["fir_state"]), (Values{9}));
  // One more position: z = 1 1 0. v = 0 + 1 = 1, u = 1·1 = 1, y = 1·(10·9 + 100·1).
  inputs["proj_state"] = outputs["proj_state"];
  inputs["fir_state"] = outputs["fir_state"];
  inputs["z"] = f32({1, 3}, {1, 1, 0});
  TensorMap step = run("hcs_step", inputs);
  EXPECT_EQ(step["y"].shape, (std::vector<int64_t>{1, 1}));
  EXPECT_EQ(values(step["y"]), (Values{190}));
  EXPECT_EQ(values(step["proj_state"]), (Values{1, 1, 0}));
  EXPECT_EQ(values(step["fir_state"]), (Values{1}));
  EXPECT_EQ(values(run("hcm_step", inputs)["y"]), (Values{910}));
}

/// hyena_c2: what a prompt shorter than the state leaves behind; a featurized past is no past of u.
TEST(HyenaOracle, ShorterThanTheStates) {
  TensorMap inputs = worked();
  inputs["filter"] = f32({1, 4}, {1000, 100, 10, 1});
  TensorMap outputs = run("hcs", inputs, {{"states", "true"}});
  EXPECT_EQ(values(outputs["fir_state"]), (Values{0, 2, 9}));
  inputs["proj_state"] = f32({1, 3, 1}, {7, 7, 7});
  outputs = run("hcs", inputs, {{"states", "true"}});
  EXPECT_EQ(values(outputs["fir_state"]), (Values{0, 9, 9})); // v(0) = 7 + 2
  inputs["z"] = f32({1, 3, 0}, {});
  inputs["fir_state"] = f32({1, 1, 3}, {4, 5, 6});
  outputs = run("hcs", inputs, {{"states", "true"}});
  EXPECT_EQ(values(outputs["fir_state"]), (Values{4, 5, 6}));
  EXPECT_EQ(values(outputs["proj_state"]), (Values{7, 7, 7}));
}

TEST(HyenaOracle, Streams) {
  // Two channels, the featurizer takes its input as it is. y = x2 · x1 · v, K = 1.
  TensorMap inputs = {{"z", f32({1, 6, 1}, {1, 2, 3, 5, 7, 11})},
                      {"proj_weight", f32({6, 1}, {1, 1, 1, 1, 1, 1})},
                      {"filter", f32({1, 1}, {1})}};
  auto y = [&](const char *streams) {
    return values(run("hcs", inputs, {{"streams", streams}})["y"]);
  };
  EXPECT_EQ(y("interleave"), (Values{1 * 2 * 3, 5 * 7 * 11}));
  EXPECT_EQ(y("split"), (Values{1 * 3 * 7, 2 * 5 * 11}));
  EXPECT_EQ(y("column_split:1"), y("split"));
  EXPECT_EQ(y("column_split:2"), y("interleave"));
  EXPECT_NE(refusal(inputs, {{"streams", "column_split:3"}}).find("3"), std::string::npos);
  EXPECT_NE(refusal(inputs, {{"streams", "thirds"}}).find("interleave"), std::string::npos);
}

/// p, u, f and f + skip are rounded on their way: 1/256 is half a unit of bf16 at 1.
TEST(HyenaOracle, RoundsWhereTheLawDoes) {
  auto bf16 = [](std::vector<int64_t> shape, const Values &values) {
    return tensor(DType::BF16, std::move(shape), values);
  };
  // x1 = v = 1 + 1/128: u = 1 + 2/128 + 1/16384 rounds to 1 + 2/128.
  TensorMap inputs = {{"z", bf16({1, 3, 1}, {128, 1.0078125, 1.0078125})},
                      {"proj_weight", bf16({3, 1}, {1, 1, 1})},
                      {"filter", bf16({1, 1}, {1})}};
  EXPECT_EQ(values(run("hcs", inputs)["y"]), (Values{130}));
  // f = 1 + 2/128: a bias of half a unit is lost in the second rounding, ties to even.
  inputs["skip"] = bf16({1}, {0.00390625});
  EXPECT_EQ(values(run("hcs", inputs)["y"]), (Values{130}));
  // x1 = 1 + 1/256 rounds to 1, ties to even: u = v. Unrounded, u would be nearer to 1 + 2/128.
  inputs["z"] = bf16({1, 3, 1}, {128, 1, 1.0078125});
  inputs["proj_weight"] = f32({3, 1}, {1, 1.00390625, 1});
  inputs.erase("skip");
  EXPECT_EQ(values(run("hcs", inputs)["y"]), (Values{129}));
}

// The oracle against numbers worked by hand; no test here repeats the oracle's loops.
//
//   u = 1 2 3 4, taps 10 100 1000
//   correlation   1000·u[t] + 100·u[t-1] + 10·u[t-2]   1000 2100 3210 4320
//   convolution   10·u[t] + 100·u[t-1] + 1000·u[t-2]   10 120 1230 2340
//   correlation after the state [5 6] (6 is the newer)
//     t = 0  1000·1 + 100·6 + 10·5 = 1650    t = 1  1000·2 + 100·1 + 10·6 = 2160
#include "Tensors.h"
#include "tests/oracle/Oracle.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace halo;
using namespace halo::test;

using Values = std::vector<double>;

static TensorMap run(const TensorMap &inputs, const OracleParams &params,
                     const std::string &kernel = "causal_conv1d") {
  Result<TensorMap> outputs = oracle(kernel, inputs, params);
  EXPECT_TRUE(bool(outputs)) << (outputs ? "" : outputs.error().message);
  return outputs ? *outputs : TensorMap();
}

static std::string refusal(const TensorMap &inputs, const OracleParams &params,
                           const std::string &kernel = "causal_conv1d") {
  Result<TensorMap> outputs = oracle(kernel, inputs, params);
  return outputs ? "accepted" : outputs.error().message;
}

TEST(CausalConv1dOracle, TapOrders) {
  TensorMap inputs = {{"x", f32({1, 1, 4}, {1, 2, 3, 4})},
                      {"weight", f32({1, 3}, {10, 100, 1000})}};
  EXPECT_EQ(values(run(inputs, {})["y"]), (Values{1000, 2100, 3210, 4320}));
  EXPECT_EQ(values(run(inputs, {{"taps", "convolution"}})["y"]), (Values{10, 120, 1230, 2340}));
}

TEST(CausalConv1dOracle, StateGoesInAndOut) {
  TensorMap inputs = {{"x", f32({1, 1, 4}, {1, 2, 3, 4})},
                      {"weight", f32({1, 3}, {10, 100, 1000})},
                      {"initial_state", f32({1, 1, 2}, {5, 6})}};
  TensorMap outputs = run(inputs, {{"final_state", "true"}});
  EXPECT_EQ(values(outputs["y"]), (Values{1650, 2160, 3210, 4320}));
  EXPECT_EQ(values(outputs["final_state"]), (Values{3, 4}));
  EXPECT_EQ(run(inputs, {}).count("final_state"), 0u);
}

// conv_c3, conv_c4: fewer positions than the state holds; the old samples move on.
TEST(CausalConv1dOracle, ShorterThanTheState) {
  TensorMap inputs = {{"x", f32({1, 1, 2}, {1, 2})},
                      {"weight", f32({1, 5}, {1, 10, 100, 1000, 10000})},
                      {"initial_state", f32({1, 1, 4}, {6, 7, 8, 9})}};
  TensorMap outputs = run(inputs, {{"final_state", "true"}});
  EXPECT_EQ(values(outputs["y"]),
            (Values{6 + 70 + 800 + 9000 + 10000, 7 + 80 + 900 + 1000 + 20000}));
  EXPECT_EQ(values(outputs["final_state"]), (Values{8, 9, 1, 2}));
  inputs.erase("initial_state");
  EXPECT_EQ(values(run(inputs, {{"final_state", "true"}})["final_state"]), (Values{0, 0, 1, 2}));
}

// conv_c7: no positions; the state passes through.
TEST(CausalConv1dOracle, Empty) {
  TensorMap inputs = {{"x", f32({1, 2, 0}, {})},
                      {"weight", f32({2, 3}, {1, 2, 3, 4, 5, 6})},
                      {"initial_state", f32({1, 2, 2}, {1, 2, 3, 4})}};
  TensorMap outputs = run(inputs, {{"final_state", "true"}});
  EXPECT_EQ(outputs["y"].shape, (std::vector<int64_t>{1, 2, 0}));
  EXPECT_EQ(values(outputs["final_state"]), (Values{1, 2, 3, 4}));
  inputs.erase("initial_state");
  EXPECT_EQ(values(run(inputs, {{"final_state", "true"}})["final_state"]), (Values{0, 0, 0, 0}));
  TensorMap noBatch = {{"x", f32({0, 2, 3}, {})}, {"weight", f32({2, 1}, {1, 2})}};
  EXPECT_EQ(run(noBatch, {})["y"].shape, (std::vector<int64_t>{0, 2, 3}));
}

// conv_c1: channels 0 1 share the first filter, 2 3 the second.
TEST(CausalConv1dOracle, ConsecutiveChannelsShareAFilter) {
  TensorMap inputs = {{"x", f32({1, 4, 2}, {1, 2, 3, 4, 5, 6, 7, 8})},
                      {"weight", f32({2, 2}, {1, 10, 100, 1000})}};
  EXPECT_EQ(values(run(inputs, {})["y"]), (Values{10, 21, 30, 43, 5000, 6500, 7000, 8700}));
  inputs["weight"] = f32({3, 2}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(refusal(inputs, {}), "D 4 is not a multiple of G 3 (conv_c1)");
}

TEST(CausalConv1dOracle, LayoutsAndBatches) {
  // B = 2, D = 2, L = 2: channel-last holds (t0: d0 d1)(t1: d0 d1) per batch.
  TensorMap inputs = {{"x", f32({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8})},
                      {"weight", f32({2, 2}, {1, 10, 2, 20})}};
  EXPECT_EQ(values(run(inputs, {{"layout", "bld"}})["y"]),
            (Values{10, 40, 31, 84, 50, 120, 75, 172}));
  EXPECT_EQ(values(run(inputs, {{"layout", "bdl"}})["y"]),
            (Values{10, 21, 60, 86, 50, 65, 140, 174}));
}

TEST(CausalConv1dOracle, BiasActivationResidual) {
  TensorMap inputs = {{"x", f32({1, 1, 2}, {1, 2})},
                      {"weight", f32({1, 1}, {3})},
                      {"bias", f32({1}, {-3})},
                      {"residual", f32({1, 1, 2}, {100, 200})}};
  // a = 0 and 3: silu 0 and 3 / (1 + e^-3), sigmoid 0.5 and 1 / (1 + e^-3); e^-3 = 0.0497870684.
  EXPECT_EQ(values(run(inputs, {})["y"]), (Values{100, 203}));
  Values silu = values(run(inputs, {{"activation", "silu"}})["y"]);
  EXPECT_FLOAT_EQ(silu[0], 100);
  EXPECT_FLOAT_EQ(silu[1], 202.85772);
  Values sigmoid = values(run(inputs, {{"activation", "sigmoid"}})["y"]);
  EXPECT_FLOAT_EQ(sigmoid[0], 100.5);
  EXPECT_FLOAT_EQ(sigmoid[1], 200.95257);
}

TEST(CausalConv1dOracle, RoundsOnceToTheActivationsType) {
  // 1 + 2^-8 is halfway between two bf16 numbers and goes to the even one, 1; 1 + 3·2^-8 goes up.
  TensorMap inputs = {{"x", tensor(DType::BF16, {1, 1, 2}, {1, 1})},
                      {"weight", f32({1, 1}, {1 + 0x1p-8})}};
  TensorMap outputs = run(inputs, {});
  EXPECT_EQ(outputs["y"].dtype, DType::BF16);
  EXPECT_EQ(values(outputs["y"]), (Values{1, 1}));
  inputs["weight"] = f32({1, 1}, {1 + 0x3p-8});
  EXPECT_EQ(values(run(inputs, {})["y"]), (Values{1 + 0x1p-6, 1 + 0x1p-6}));
  // f16 activations, bf16 weights: 2048 + 1 is halfway in f16.
  inputs = {{"x", tensor(DType::F16, {1, 1, 1}, {2048})},
            {"weight", tensor(DType::BF16, {1, 1}, {1})},
            {"bias", tensor(DType::BF16, {1}, {1})}};
  EXPECT_EQ(values(run(inputs, {})["y"]), (Values{2048}));
}

TEST(CausalConv1dOracle, Refusals) {
  TensorMap inputs = {{"x", f32({1, 2, 1}, {1, 2})}, {"weight", f32({2, 2}, {1, 2, 3, 4})}};
  EXPECT_EQ(refusal(inputs, {{"taps", "reversed"}}),
            "taps is 'reversed', expected correlation|convolution");
  inputs["initial_state"] = f32({1, 2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(refusal(inputs, {}), "initial_state has shape [1, 2, 2], expected [1, 2, 1] (conv_c4)");
  inputs.erase("initial_state");
  inputs["bias"] = f32({1}, {1});
  EXPECT_EQ(refusal(inputs, {}), "bias has shape [1], expected [2] (conv_c2)");
  EXPECT_EQ(refusal({{"x", inputs["x"]}}, {}), "weight is missing");
  EXPECT_EQ(refusal({}, {}, "conv2d")
                .find("there is no oracle for kernel 'conv2d': it knows "
                      "b2b_causal_conv1d, causal_conv1d, "),
            0u);
}

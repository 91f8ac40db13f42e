// The split oracle against numbers worked by hand. Its parts are [B, L, n] in both layouts:
//
//   D = 5, split q:2,k:1,v:2, K = 1, weight 1: y = x
//   bdl x = channels (1 2)(3 4)(5 6)(7 8)(9 10), L = 2
//   q = t0: 1 3, t1: 2 4     k = t0: 5, t1: 6     v = t0: 7 9, t1: 8 10
#include "Tensors.h"
#include "tests/oracle/Oracle.h"

#include <gtest/gtest.h>

using namespace halo;
using namespace halo::test;

using Values = std::vector<double>;
using Dims = std::vector<int64_t>;

static TensorMap split(const TensorMap &inputs, const OracleParams &params) {
  Result<TensorMap> outputs = oracle("causal_conv1d_split", inputs, params);
  EXPECT_TRUE(bool(outputs)) << (outputs ? "" : outputs.error().message);
  return outputs ? *outputs : TensorMap();
}

TEST(CausalConv1dSplitOracle, PartsAreChannelLastInBothLayouts) {
  TensorMap inputs = {{"x", f32({1, 5, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})},
                      {"weight", f32({5, 1}, {1, 1, 1, 1, 1})}};
  TensorMap outputs = split(inputs, {{"split", "q:2,k:1,v:2"}});
  EXPECT_EQ(outputs.size(), 3u);
  EXPECT_EQ(outputs["q"].shape, (Dims{1, 2, 2}));
  EXPECT_EQ(values(outputs["q"]), (Values{1, 3, 2, 4}));
  EXPECT_EQ(outputs["k"].shape, (Dims{1, 2, 1}));
  EXPECT_EQ(values(outputs["k"]), (Values{5, 6}));
  EXPECT_EQ(values(outputs["v"]), (Values{7, 9, 8, 10}));

  inputs["x"] = f32({1, 2, 5}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  outputs = split(inputs, {{"split", "q:2,k:1,v:2"}, {"layout", "bld"}});
  EXPECT_EQ(values(outputs["q"]), (Values{1, 2, 6, 7}));
  EXPECT_EQ(values(outputs["k"]), (Values{3, 8}));
  EXPECT_EQ(values(outputs["v"]), (Values{4, 5, 9, 10}));
}

// A filter may serve channels on both sides of a cut: groups do not follow the parts.
TEST(CausalConv1dSplitOracle, AGroupStraddlesABoundary) {
  TensorMap inputs = {{"x", f32({1, 1, 4}, {1, 2, 3, 4})}, {"weight", f32({2, 1}, {10, 100})}};
  TensorMap outputs = split(inputs, {{"split", "a:1,b:3"}, {"layout", "bld"}});
  EXPECT_EQ(values(outputs["a"]), (Values{10}));
  EXPECT_EQ(values(outputs["b"]), (Values{20, 300, 400}));
}

// Heads of two channels: (3 4)/5, (6 8)/10, and v as it is. 1e-6 under the root is below f32's
// last digit here; in a head of zeros it keeps the result at 0.
TEST(CausalConv1dSplitOracle, NormalisesHeads) {
  TensorMap inputs = {{"x", f32({1, 1, 7}, {3, 4, 6, 8, 0, 0, 7})}, {"weight", f32({1, 1}, {1})}};
  OracleParams params = {{"split", "q:4,k:2,v:1"}, {"layout", "bld"}, {"l2norm", "q,k:2"}};
  TensorMap outputs = split(inputs, params);
  Values q = values(outputs["q"]);
  EXPECT_NEAR(q[0], 0.6, 1e-6);
  EXPECT_NEAR(q[1], 0.8, 1e-6);
  EXPECT_NEAR(q[2], 0.6, 1e-6);
  EXPECT_NEAR(q[3], 0.8, 1e-6);
  EXPECT_EQ(values(outputs["k"]), (Values{0, 0}));
  EXPECT_EQ(values(outputs["v"]), (Values{7}));
  // Each name may have its own head: q as one head of 4, sqrt(125) = 11.18034.
  params["l2norm"] = "q:4,k:2";
  EXPECT_NEAR(values(split(inputs, params)["q"])[0], 0.26832816, 1e-6);
  // The square of 1e-3 equals the 1e-6: x / sqrt(2e-6) = 0.70710678.
  inputs["x"] = f32({1, 1, 7}, {1e-3, 0, 0, 0, 0, 0, 0});
  EXPECT_NEAR(values(split(inputs, params)["q"])[0], 0.70710678, 1e-6);
}

TEST(CausalConv1dSplitOracle, StateIsOfAllChannels) {
  TensorMap inputs = {{"x", f32({1, 1, 3}, {7, 8, 9})},
                      {"weight", f32({1, 3}, {1, 10, 100})},
                      {"initial_state", f32({1, 3, 2}, {1, 2, 3, 4, 5, 6})}};
  TensorMap outputs =
      split(inputs, {{"split", "a:1,b:2"}, {"layout", "bld"}, {"final_state", "true"}});
  EXPECT_EQ(values(outputs["a"]), (Values{721}));
  EXPECT_EQ(values(outputs["b"]), (Values{843, 965}));
  EXPECT_EQ(outputs["final_state"].shape, (Dims{1, 3, 2}));
  EXPECT_EQ(values(outputs["final_state"]), (Values{2, 7, 4, 8, 6, 9}));
}

TEST(CausalConv1dSplitOracle, Refusals) {
  TensorMap inputs = {{"x", f32({1, 1, 3}, {7, 8, 9})}, {"weight", f32({1, 1}, {1})}};
  auto refusal = [&](const OracleParams &params) {
    OracleParams all = params;
    all["layout"] = "bld";
    Result<TensorMap> outputs = oracle("causal_conv1d_split", inputs, all);
    return outputs ? "accepted" : outputs.error().message;
  };
  EXPECT_EQ(refusal({{"split", "a:1,b:3"}}), "the parts hold 4 channels, but x has 3");
  EXPECT_EQ(refusal({}), "split '' is no list of name:channels");
  EXPECT_EQ(refusal({{"split", "a:1,b:2"}, {"l2norm", "c:2"}}),
            "l2norm names 'c', which is no part of split 'a:1,b:2'");
  EXPECT_EQ(refusal({{"split", "a:3"}, {"l2norm", "a:2"}}),
            "part a has 3 channels, not a multiple of its head 2");
}

// Packed sequences against numbers worked by hand.
//
//   u = 1 2 | 3 4 5, taps 10 100 1000 (correlation), states [6 7] and [8 9]
//     t = 0  1000·1 + 100·7 + 10·6 = 1760    t = 1  1000·2 + 100·1 + 10·7 = 2170
//     t = 2  1000·3 + 100·9 + 10·8 = 3980    t = 3  1000·4 + 100·3 + 10·9 = 4390
//     t = 4  1000·5 + 100·4 + 10·3 = 5430
//   final states: [1 2], [4 5]
#include "Tensors.h"
#include "tests/oracle/Oracle.h"

#include <gtest/gtest.h>

using namespace halo;
using namespace halo::test;

using Values = std::vector<double>;

static TensorMap run(const TensorMap &inputs, const OracleParams &params) {
  Result<TensorMap> outputs = oracle("causal_conv1d", inputs, params);
  EXPECT_TRUE(bool(outputs)) << (outputs ? "" : outputs.error().message);
  return outputs ? *outputs : TensorMap();
}

static HostTensor i32(std::vector<int64_t> shape, const Values &numbers) {
  return tensor(DType::I32, std::move(shape), numbers);
}

TEST(PackedOracle, SequencesHaveTheirOwnStates) {
  for (const char *layout : {"bdl", "bld"}) {
    bool bld = layout[2] == 'd';
    TensorMap inputs = {{"x", f32(bld ? std::vector<int64_t>{1, 5, 1} : std::vector<int64_t>{1, 1, 5},
                                  {1, 2, 3, 4, 5})},
                        {"weight", f32({1, 3}, {10, 100, 1000})},
                        {"initial_state", f32({3, 1, 2}, {6, 7, 1, 1, 8, 9})},
                        {"cu_seqlens", i32({4}, {0, 2, 2, 5})}};
    TensorMap outputs = run(inputs, {{"layout", layout}, {"final_state", "true"}});
    EXPECT_EQ(values(outputs["y"]), (Values{1760, 2170, 3980, 4390, 5430}));
    // conv_c7: the empty one keeps its state. conv_c4: a short one keeps some of it.
    EXPECT_EQ(values(outputs["final_state"]), (Values{1, 2, 1, 1, 4, 5}));
    EXPECT_EQ(outputs["final_state"].shape, (std::vector<int64_t>{3, 1, 2}));
  }
}

TEST(PackedOracle, ChannelsStayApart) {
  TensorMap inputs = {{"x", f32({1, 2, 3}, {1, 2, 3, 10, 20, 30})},
                      {"weight", f32({2, 2}, {1, 1, 1, 1})},
                      {"cu_seqlens", i32({3}, {0, 1, 3})}};
  EXPECT_EQ(values(run(inputs, {})["y"]), (Values{1, 2, 5, 10, 20, 50}));
}

TEST(PackedOracle, NoSequence) {
  TensorMap inputs = {{"x", f32({1, 2, 0}, {})},
                      {"weight", f32({2, 2}, {1, 1, 1, 1})},
                      {"cu_seqlens", i32({1}, {0})}};
  TensorMap outputs = run(inputs, {{"final_state", "true"}});
  EXPECT_EQ(outputs["y"].shape, (std::vector<int64_t>{1, 2, 0}));
  EXPECT_EQ(outputs["final_state"].shape, (std::vector<int64_t>{0, 2, 1}));
}

TEST(PackedOracle, RefusesOtherBounds) {
  TensorMap inputs = {{"x", f32({1, 1, 3}, {1, 2, 3})}, {"weight", f32({1, 2}, {1, 1})}};
  for (const Values &bounds : {Values{1, 3}, Values{0, 2}, Values{0, 2, 1, 3}}) {
    inputs["cu_seqlens"] = i32({int64_t(bounds.size())}, bounds);
    EXPECT_FALSE(oracle("causal_conv1d", inputs, {}));
  }
}

// Taps of another number count as 0, a number that comes back counts, negative positions are 0; the
// initial state goes with the first position's number, the final one with the last one's.
//   u = 1 2 3 4, taps 10 100 1000, numbers 5 5 -1 5, state [6 7]
//     t = 0  1760    t = 1  2170    t = 2  0    t = 3  1000·4 + 100·0 + 10·2 = 4020
TEST(PackedOracle, NumbersPerPosition) {
  TensorMap inputs = {{"x", f32({1, 1, 4}, {1, 2, 3, 4})},
                      {"weight", f32({1, 3}, {10, 100, 1000})},
                      {"initial_state", f32({1, 1, 2}, {6, 7})},
                      {"seq_idx", i32({1, 4}, {5, 5, -1, 5})}};
  TensorMap outputs = run(inputs, {{"final_state", "true"}});
  EXPECT_EQ(values(outputs["y"]), (Values{1760, 2170, 0, 4020}));
  EXPECT_EQ(values(outputs["final_state"]), (Values{0, 4}));
  inputs["seq_idx"] = i32({1, 4}, {5, 5, 5, -1});
  outputs = run(inputs, {{"final_state", "true"}, {"activation", "sigmoid"}});
  EXPECT_EQ(values(outputs["y"])[3], 0);
  EXPECT_EQ(values(outputs["final_state"]), (Values{0, 0}));
}

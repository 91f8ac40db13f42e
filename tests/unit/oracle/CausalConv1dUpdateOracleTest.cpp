// causal_conv1d_update's oracle against numbers worked by hand: K = 3, taps 10 100 1000, x = 5 6.
//
//   row 1 2 3 4, linear     before: 3 4    y0 = 5000 + 400 + 30, y1 = 6000 + 500 + 40    after 3 4 5 6
//   the same as a ring at 7 (7 mod 4 = 3)  before: 2 3
//                           y0 = 5000 + 300 + 20, y1 = 6000 + 500 + 30    after 6 2 3 5
#include "Tensors.h"
#include "tests/oracle/Oracle.h"

#include <gtest/gtest.h>

using namespace halo;
using namespace halo::test;

using Values = std::vector<double>;

static HostTensor i32(const std::vector<int> &numbers) {
  HostTensor tensor{DType::I32, {int64_t(numbers.size())}, {}};
  tensor.bytes.resize(4 * numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i)
    storeFromF64(tensor.bytes.data(), DType::I32, int64_t(i), numbers[i]);
  return tensor;
}

static TensorMap inputs() {
  return {{"x", f32({1, 1, 2}, {5, 6})},
          {"conv_state", f32({1, 1, 4}, {1, 2, 3, 4})},
          {"weight", f32({1, 3}, {10, 100, 1000})}};
}

static TensorMap run(const TensorMap &given) {
  Result<TensorMap> outputs = oracle("causal_conv1d_update", given, {});
  EXPECT_TRUE(bool(outputs)) << (outputs ? "" : outputs.error().message);
  return outputs ? *outputs : TensorMap();
}

TEST(CausalConv1dUpdateOracle, Linear) {
  TensorMap out = run(inputs());
  EXPECT_EQ(values(out["y"]), (Values{5430, 6540}));
  EXPECT_EQ(values(out["conv_state"]), (Values{3, 4, 5, 6}));
}

TEST(CausalConv1dUpdateOracle, Ring) {
  TensorMap given = inputs();
  given["cache_seqlens"] = i32({7});
  TensorMap out = run(given);
  EXPECT_EQ(values(out["y"]), (Values{5320, 6530}));
  EXPECT_EQ(values(out["conv_state"]), (Values{6, 2, 3, 5}));
}

TEST(CausalConv1dUpdateOracle, MoreTokensThanPlaces) {
  TensorMap given = inputs();
  given["x"] = f32({1, 1, 6}, {5, 6, 7, 8, 9, 1});
  EXPECT_EQ(values(run(given)["conv_state"]), (Values{7, 8, 9, 1}));
  given["cache_seqlens"] = i32({3});
  EXPECT_EQ(values(run(given)["conv_state"]), (Values{1, 7, 8, 9}));
}

TEST(CausalConv1dUpdateOracle, SlotsAndPadding) {
  TensorMap given = inputs();
  given["x"] = f32({2, 1}, {5, 6});
  given["conv_state"] = f32({3, 1, 2}, {1, 2, 3, 4, 7, 8});
  given["conv_state_indices"] = i32({1, -1});
  TensorMap out = run(given);
  EXPECT_EQ(out["y"].shape, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(values(out["y"]), (Values{5430, 0}));
  EXPECT_EQ(values(out["conv_state"]), (Values{1, 2, 4, 5, 7, 8}));
  given["conv_state_indices"] = i32({1, 3});
  EXPECT_NE(oracle("causal_conv1d_update", given, {}).error().message.find("update_c3"),
            std::string::npos);
}

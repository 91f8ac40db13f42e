// The oracle of the long operator against numbers worked by hand.
//
//   one channel, Kp = 1 with weights 1 (x2 = z2, u = z1·zv), one mode: lp = -ln 2, R = 3
//   h = 3 1.5 0.75      u = 2 0 4: conv = 6, 3, 0.75·2 + 3·4 = 13.5
//   state after: 2/4 + 0/2 + 4 = 4.5;   with the state 8 before: 8/8 more = 5.5, and
//   conv gains 3·8/2 = 12, 6, 3
#include "Tensors.h"
#include "tests/oracle/Modal.h"
#include "tests/oracle/Oracle.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace halo;
using namespace halo::test;

using Values = std::vector<double>;

// The f32 next to -ln 2 halves to 1e-8.
static const double kHalf = -0.69314718055994530942;

static TensorMap inputs(DType dtype = DType::F32) {
  return {{"z", tensor(dtype, {1, 3, 3}, {10, 100, 1, 2, 0, 1, 1, 5, 4})},
          {"proj_weight", tensor(dtype, {3, 1}, {1, 1, 1})},
          {"log_poles", f32({1, 1}, {kHalf})},
          {"residues", f32({1, 1}, {3})}};
}

static void expectNear(const Values &got, const Values &want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], want[i], 1e-6 * std::abs(want[i])) << i;
}

static TensorMap run(const std::string &kernel, const TensorMap &in, const OracleParams &params) {
  Result<TensorMap> outputs = oracle(kernel, in, params);
  EXPECT_TRUE(bool(outputs)) << (outputs ? "" : outputs.error().message);
  return outputs ? *outputs : TensorMap();
}

TEST(HclOracle, Prefill) {
  TensorMap out = run("hcl", inputs(), {{"states", "true"}});
  expectNear(values(out["y"]), {60, 300, 13.5});
  expectNear(values(out["modal_state"]), {4.5});
  EXPECT_EQ(out["modal_state"].shape, (std::vector<int64_t>{1, 1, 1}));
  EXPECT_EQ(out["proj_state"].shape, (std::vector<int64_t>{1, 3, 0}));
  EXPECT_EQ(run("hcl", inputs(), {}).size(), 1u);
}

TEST(HclOracle, StateBefore) {
  TensorMap in = inputs();
  in["modal_state"] = f32({1, 1, 1}, {8});
  TensorMap out = run("hcl", in, {{"states", "true"}});
  expectNear(values(out["y"]), {180, 900, 16.5});
  expectNear(values(out["modal_state"]), {5.5});
}

// Rounded twice with skip: bf16 has 8 bits. conv = 13.5 and 13.5 + 0.265625·4 = 14.5625 stay;
// 6.03 rounds to 6.03125, and round(6.03125 + 2·0.265625 = 6.5625).
TEST(HclOracle, SkipIsScaledAndRoundedTwice) {
  TensorMap in = inputs(DType::BF16);
  in["skip"] = tensor(DType::BF16, {1}, {0.265625});
  in["residues"] = f32({1, 1}, {3.015});
  Values y = values(run("hcl", in, {})["y"]);
  EXPECT_EQ(y[0], 65.5); // 10 · 6.5625 = 65.625 lies between 65.5 and 66.
}

TEST(HclOracle, StepsArePrefill) {
  TensorMap in = inputs(),
            states = {{"proj_state", f32({1, 3, 0}, {})}, {"modal_state", f32({1, 1, 1}, {0})}};
  const Values columns[] = {{10, 2, 1}, {100, 0, 5}, {1, 1, 4}}, want = {60, 300, 13.5};
  for (size_t t = 0; t < 3; ++t) {
    TensorMap step = in;
    step["z"] = f32({1, 3}, columns[t]);
    step.insert(states.begin(), states.end());
    TensorMap out = run("hcl_step", step, {});
    expectNear(values(out["y"]), {want[t]});
    EXPECT_EQ(out["y"].shape, (std::vector<int64_t>{1, 1}));
    states = {{"proj_state", out["proj_state"]}, {"modal_state", out["modal_state"]}};
  }
  expectNear(values(states["modal_state"]), {4.5});
}

TEST(HclOracle, ModalFilter) {
  TensorMap in = {{"log_poles", f32({2, 2}, {kHalf, 2 * kHalf, kHalf, kHalf})},
                  {"residues", f32({2, 2}, {3, 1, 1, -1})}};
  TensorMap out = run("modal_filter", in, {{"length", "3"}});
  expectNear(values(out["h"]), {4, 1.75, 0.8125, 0, 0, 0});
  EXPECT_EQ(out["h"].shape, (std::vector<int64_t>{2, 3}));
}

// Long sequences are summed by the recurrence: it gives the direct sums.
TEST(HclOracle, RecurrenceIsTheDirectSum) {
  std::mt19937_64 engine(7);
  std::normal_distribution<double> normal;
  for (double slowest : {-1e-6, -1e-3, -1.0}) {
    ModalFilter filter{{slowest, 10 * slowest, -50.0}, {1, -0.5, 2}};
    Values u(700), before = {3, -2, 1};
    for (double &value : u)
      value = normal(engine);
    Values a = before, b = before;
    Values direct = filter.convolveDirectly(u, a), walked = filter.convolveByRecurrence(u, b);
    for (size_t t = 0; t < u.size(); ++t)
      EXPECT_NEAR(direct[t], walked[t], 1e-10) << slowest << " at " << t;
    for (size_t s = 0; s < a.size(); ++s)
      EXPECT_NEAR(a[s], b[s], 1e-10) << slowest << " mode " << s;
  }
}

TEST(HclOracle, Refusals) {
  auto refusal = [](const TensorMap &in) {
    Result<TensorMap> outputs = oracle("hcl", in, {});
    return outputs ? std::string("accepted") : outputs.error().message;
  };
  TensorMap in = inputs();
  in["residues"] = f32({1, 2}, {1, 1});
  EXPECT_EQ(refusal(in), "residues has shape [1, 2], expected [1, 1] (conv_c2)");
  in = inputs();
  in["log_poles"] = tensor(DType::BF16, {1, 1}, {-1});
  EXPECT_EQ(refusal(in), "log_poles is bf16, expected f32");
  in = inputs();
  in["filter"] = f32({1}, {1});
  EXPECT_EQ(refusal(in), "the oracle knows no input 'filter'");
}

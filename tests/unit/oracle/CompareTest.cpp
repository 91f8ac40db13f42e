#include "tests/oracle/Compare.h"
#include "Tensors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

using namespace halo;
using namespace halo::test;

static constexpr double NotANumber = std::numeric_limits<double>::quiet_NaN();
static constexpr double Infinity = std::numeric_limits<double>::infinity();

static Comparison compareF32(const std::vector<double> &got, const std::vector<double> &want) {
  std::vector<int64_t> shape = {1, int64_t(want.size())};
  return compare(f32(shape, got), f32(shape, want), DType::F32);
}

TEST(Compare, EqualTensors) {
  Comparison result = compareF32({1, 2, 3}, {1, 2, 3});
  EXPECT_TRUE(result.withinTolerance);
  EXPECT_EQ(result.relativeNorm, 0);
  EXPECT_EQ(result.maxAbs, 0);
  EXPECT_EQ(result.worst, "");
  EXPECT_TRUE(compareF32({}, {}).withinTolerance);
}

// ||(0, 0.5)|| / ||(3, 4)|| = 0.1
TEST(Compare, NormAndPlace) {
  Comparison result = compareF32({3, 4.5}, {3, 4});
  EXPECT_FALSE(result.withinTolerance);
  EXPECT_DOUBLE_EQ(result.relativeNorm, 0.1);
  EXPECT_DOUBLE_EQ(result.maxAbs, 0.5);
  EXPECT_EQ(result.worst, "at [0, 1]: got 4.5, want 4");
}

// 2e-5 of relative error passes every element's bound and fails the norm's, 1e-5.
TEST(Compare, TheNormIsABoundOfItsOwn) {
  EXPECT_FALSE(compareF32({1 + 2e-5}, {1}).withinTolerance);
  EXPECT_TRUE(compareF32({1 + 5e-6}, {1}).withinTolerance);
}

// One element far out among a million is invisible in the norm, not to its own bound.
TEST(Compare, EachElementHasABound) {
  std::vector<double> want(1000000, 1), got = want;
  got[77] += 0.005;
  Comparison result = compareF32(got, want);
  EXPECT_LT(result.relativeNorm, 1e-5);
  EXPECT_FALSE(result.withinTolerance);
}

// An f32 state of bf16 activations may be as far away as a bf16 output.
TEST(Compare, BoundsFollowTheActivations) {
  auto within = [](DType activations) {
    return compare(f32({1}, {1 + 1e-3}), f32({1}, {1}), DType::F32, activations).withinTolerance;
  };
  EXPECT_FALSE(within(DType::F32));
  EXPECT_FALSE(within(DType::F16));
  EXPECT_TRUE(within(DType::BF16));
  EXPECT_EQ(toleranceOf(DType::BF16, DType::F32).norm, toleranceOf(DType::BF16).norm);
}

TEST(Compare, BoundsFollowTheType) {
  auto within = [](DType type, double error) {
    return compare(tensor(type, {1}, {1 + error}), tensor(type, {1}, {1}), type).withinTolerance;
  };
  EXPECT_FALSE(within(DType::BF16, 0x1p-7));
  EXPECT_FALSE(within(DType::F16, 0x1p-10));
  std::vector<double> want(100, 1), got = want;
  got[3] += 0x1p-7; // norm 7.8e-4: one of a hundred may round the other way
  EXPECT_TRUE(
      compare(tensor(DType::BF16, {100}, got), tensor(DType::BF16, {100}, want), DType::BF16)
          .withinTolerance);
  EXPECT_FALSE(within(DType::I32, 1));
}

// Poison that was never overwritten is NaN; it must not hide in a maximum.
TEST(Compare, NotANumberIsAFailure) {
  EXPECT_FALSE(compareF32({NotANumber, 2}, {1, 2}).withinTolerance);
  EXPECT_FALSE(compareF32({1, 2}, {NotANumber, 2}).withinTolerance);
  EXPECT_FALSE(compareF32({NotANumber, 2}, {Infinity, 2}).withinTolerance);
  EXPECT_FALSE(compareF32({Infinity, 2}, {-Infinity, 2}).withinTolerance);
  Comparison result = compareF32({1.0001, NotANumber, 3}, {1, 2, 3});
  EXPECT_EQ(result.worst, "at [0, 1]: got nan, want 2");
  EXPECT_EQ(result.maxAbs, Infinity);
}

TEST(Compare, SpecialsThatAgreeAreLeftOut) {
  Comparison result =
      compareF32({NotANumber, Infinity, -Infinity, 2}, {NotANumber, Infinity, -Infinity, 2});
  EXPECT_TRUE(result.withinTolerance);
  EXPECT_EQ(result.relativeNorm, 0);
}

TEST(Compare, ShapesAndTypesMustAgree) {
  EXPECT_FALSE(compare(f32({2, 1}, {1, 2}), f32({1, 2}, {1, 2}), DType::F32).withinTolerance);
  Comparison result = compare(tensor(DType::F16, {1}, {1}), f32({1}, {1}), DType::F32);
  EXPECT_FALSE(result.withinTolerance);
  EXPECT_EQ(result.worst, "got f16 [1], want f32 [1], compared as f32");
}

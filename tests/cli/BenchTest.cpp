// Benchmarks without a GPU: statistics against values worked by hand, and who is launched when.
#include "tools/halo/BenchCase.h"
#include "tools/halo/BenchCompare.h"
#include "tools/halo/BenchReport.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <numeric>

using namespace halo;
using namespace halo::tool;

template <typename T> static std::string messageOf(const Result<T> &result) {
  return result ? "accepted" : result.error().message;
}

TEST(Statistics, QuantilesInterpolate) {
  Statistics three = summarise({3, 1, 2});
  EXPECT_DOUBLE_EQ(three.median, 2);
  EXPECT_DOUBLE_EQ(three.p10, 1.2);
  EXPECT_DOUBLE_EQ(three.p90, 2.8);
  EXPECT_DOUBLE_EQ(summarise({1, 2}).median, 1.5);
  EXPECT_DOUBLE_EQ(summarise({}).median, 0);
}

/// Rounds with the ratios 1, 2, ..., n, in an order that is not sorted.
static Ratio ratioOfRanks(size_t n) {
  std::vector<double> a(n, 0.5), b(n);
  std::iota(b.begin(), b.end(), 1.0);
  std::reverse(b.begin() + long(n / 2), b.end());
  for (double &value : b)
    value *= 0.5;
  return compareRounds(a, b);
}

TEST(Statistics, TheTableOfTheSignTest) {
  EXPECT_FALSE(ratioOfRanks(5).bounded);
  EXPECT_FALSE(ratioOfRanks(5).significant());
  struct Row {
    size_t n;
    double k, coverage;
  };
  // 1 - 2 / 2^6, 1 - 2 * 11 / 2^10, and a table of the binomial distribution.
  for (Row row : {Row{6, 1, 0.96875}, Row{10, 2, 0.978515625}, Row{50, 18, 0.9672},
                  Row{100, 40, 0.9648}, Row{2000, 956, 0.9534}}) {
    Ratio ratio = ratioOfRanks(row.n);
    ASSERT_TRUE(ratio.bounded) << row.n;
    EXPECT_DOUBLE_EQ(ratio.low, row.k);
    EXPECT_DOUBLE_EQ(ratio.high, double(row.n) + 1 - row.k);
    EXPECT_NEAR(ratio.confidence, row.coverage, 1e-4) << row.n;
    EXPECT_DOUBLE_EQ(ratio.median, (double(row.n) + 1) / 2);
  }
}

TEST(Statistics, SignificanceLeavesOutOne) {
  std::vector<double> drifting = {1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7}, slower = drifting;
  for (double &ms : slower)
    ms *= 1.01; // Far less than the drift: the rounds show it all the same.
  Ratio ratio = compareRounds(drifting, slower);
  EXPECT_NEAR(ratio.median, 1.01, 1e-12);
  EXPECT_TRUE(ratio.significant());
  EXPECT_TRUE(compareRounds(slower, drifting).significant());
  EXPECT_FALSE(compareRounds(drifting, drifting).significant());
  slower[0] = 0.9; // One of eight rounds the other way: P = 2 * 9 / 256 is above 5 %.
  EXPECT_FALSE(compareRounds(drifting, slower).significant());
  EXPECT_EQ(compareRounds({0, 1, 1}, {1, 0, 2, 9}).rounds, 1u); // A clock that did not tick.
  EXPECT_EQ(compareRounds({}, {}).rounds, 0u);
}

TEST(BenchReport, NumbersAndFractions) {
  auto copy = numbersJson({2, 1, 3}, 8000000), none = numbersJson({}, 8000000);
  EXPECT_DOUBLE_EQ(copy["gb_per_s"].get<double>(), 4);
  EXPECT_TRUE(none["gb_per_s"].is_null());
  EXPECT_DOUBLE_EQ(fractionOf(numbersJson({4, 4, 4}, 8000000), copy).get<double>(), 0.5);
  EXPECT_TRUE(fractionOf(copy, none).is_null());
  EXPECT_TRUE(ratioJson(compareRounds({1, 1}, {2, 2}))["significant"].is_null());
  EXPECT_EQ(ratioJson(compareRounds({1, 1}, {2, 2}))["ratio"], 2.0);
}

namespace {
/// Contenders "A" and "B", which write their names down instead of computing.
class Measured : public testing::Test {
protected:
  Measured() {
    for (const char *name : {"A", "B"})
      contenders.push_back({name,
                            [this, name]() -> Result<void> {
                              if (log.size() < 100)
                                log += name;
                              return {};
                            },
                            {}});
  }
  double run(const Protocol &protocol) {
    auto start = std::chrono::steady_clock::now();
    Progress progress;
    Result<void> done = measure(openNullDevice(), protocol, contenders, progress);
    EXPECT_TRUE(bool(done)) << messageOf(done);
    for (const Contender &contender : contenders)
      EXPECT_EQ(contender.samples.size(), size_t(protocol.repeat));
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
        .count();
  }
  std::string log;
  std::vector<Contender> contenders;
};
} // namespace

TEST_F(Measured, RoundsRotate) {
  run({3, /*hot=*/false, Clock::Unpaced});
  EXPECT_EQ(log, "AB"
                 "AB"
                 "BA"
                 "AB"); // The first two load the modules.
}

TEST_F(Measured, HotRunsTheSameRightBefore) {
  run({2, /*hot=*/true, Clock::Unpaced});
  EXPECT_EQ(log, "AB"
                 "AABB"
                 "BBAA");
}

TEST_F(Measured, BurstIdlesBeforeEachRound) {
  EXPECT_GE(run({3, /*hot=*/false, Clock::Burst}), 3 * BurstIdleMs);
  EXPECT_EQ(log, "AB"
                 "AB"
                 "BA"
                 "AB");
}

TEST_F(Measured, SustainedHeatsEachTurnWithItsOwn) {
  double ms = run({2, /*hot=*/false, Clock::Sustained});
  EXPECT_GE(ms, 2 * SustainedHeatMs);
  EXPECT_EQ(log.substr(2), std::string(98, 'A')); // B's turn comes when A's is over.
}

TEST_F(Measured, AFailingLaunchIsTheError) {
  contenders[1].launch = [] { return Result<void>(failed("out of order")); };
  Progress progress;
  for (Clock clock : {Clock::Unpaced, Clock::Sustained})
    EXPECT_EQ(messageOf(measure(openNullDevice(), {2, false, clock}, contenders, progress)),
              "out of order");
}

TEST(BenchCase, Shapes) {
  Result<Shape> shape = parseShape("L=65536,D=2147483647");
  ASSERT_TRUE(bool(shape));
  EXPECT_EQ(shape->b, 1);
  EXPECT_EQ(shape->d * shape->l, int64_t(65536) * 2147483647);
  EXPECT_EQ(messageOf(parseShape("L=1")), "--shape 'L=1' has no D: expected B=1,L=65536,D=4096");
  Result<Shape> packed = parseShape("L=10,D=8,N=3");
  ASSERT_TRUE(bool(packed));
  EXPECT_EQ(packed->n, 3);
  EXPECT_EQ(shape->n, -1);
  Result<Shape> step = parseShape("B=2,D=8");
  ASSERT_TRUE(bool(step));
  EXPECT_EQ(step->l, 0);
}

TEST(BenchCase, SchedulesOrKernelsAreCompared) {
  Result<std::vector<Entrant>> schedules = parseCompare("conv", {"num_warps=4", ""});
  ASSERT_TRUE(bool(schedules)) << messageOf(schedules);
  EXPECT_EQ((*schedules)[0].kernel, "conv");
  EXPECT_EQ((*schedules)[0].schedule, "num_warps=4");
  EXPECT_EQ((*schedules)[1].schedule, "");
  Result<std::vector<Entrant>> kernels = parseCompare("", {"conv", "out/K=4/mine.mlir"});
  ASSERT_TRUE(bool(kernels)) << messageOf(kernels);
  EXPECT_EQ((*kernels)[1].kernel, "out/K=4/mine.mlir");
  EXPECT_EQ((*kernels)[1].schedule, "");
  EXPECT_EQ(messageOf(parseCompare("conv", {"a=1", "mine.mlir"})),
            "--compare: 'a=1' is a schedule, 'mine.mlir' a kernel: compare two of a kind");
  EXPECT_EQ(messageOf(parseCompare("", {"a=1", "a=2"})),
            "--compare of two schedules needs their KERNEL");
  EXPECT_EQ(messageOf(parseCompare("conv", {"a", "b"})),
            "KERNEL 'conv' and --compare of the kernels 'a' and 'b' exclude each other");
  EXPECT_EQ(messageOf(parseCompare("conv", {"a=1"})),
            "--compare needs two schedules or two kernels, not 1");
}

TEST(BenchCompare, OperandsMustBeTheSame) {
  Operand x;
  x.name = "x";
  x.layout = Layout::BLD;
  x.dtype = DType::BF16;
  Operand other = x;
  Shape shape{1, 8, 16};
  EXPECT_EQ(messageOf(checkSameOperands("a", {x}, "b", {other}, shape)), "accepted");
  other.layout = Layout::BDL;
  EXPECT_EQ(messageOf(checkSameOperands("a", {x}, "b", {other}, shape)),
            "--compare: 'x' is input view bld bf16 [1, 16, 8] in a but input view bdl bf16 [1, 8, "
            "16] in b");
  other = x;
  other.dtype = DType::F32;
  EXPECT_NE(messageOf(checkSameOperands("a", {x}, "b", {other}, shape)), "accepted");
  other.name = "z";
  EXPECT_EQ(messageOf(checkSameOperands("a", {x}, "b", {x, other}, shape)),
            "--compare: b has an operand 'z', a has none");
  EXPECT_EQ(messageOf(checkSameOperands("a", {x, other}, "b", {x}, shape)),
            "--compare: a has an operand 'z', b has none");
  // A state may be an input and an output.
  Operand state, stored;
  state.name = stored.name = "state";
  state.kind = stored.kind = OperandKind::State;
  state.taps = stored.taps = 4;
  stored.output = true;
  EXPECT_EQ(messageOf(checkSameOperands("a", {x, state, stored}, "b", {x, state, stored}, shape)),
            "accepted");
  EXPECT_EQ(messageOf(checkSameOperands("a", {x, state, stored}, "b", {x, state}, shape)),
            "--compare: 'state' is output state f32 [1, 8, 3] in a but input state f32 [1, 8, 3] in "
            "b");
}

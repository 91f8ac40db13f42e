#include "runtime/Problem.h"

#include "tests/unit/runtime/TestSupport.h"

namespace halo {
namespace {

using test::expectRefused;

Problem sample() {
  Problem problem;
  problem.kernel = "causal_conv1d";
  problem.params = {
      {"T", "bf16"}, {"W", "f32"}, {"layout", "bld"}, {"K", "4"}, {"activation", "silu"}};
  problem.with = {"initial_state", "bias"};
  problem.align = 1;
  return problem;
}

TEST(ProblemTest, PrintsWhatTheCommandLineTakes) {
  EXPECT_EQ(sample().print(),
            "causal_conv1d --dtype bf16 --wdtype f32 --set K=4 --set activation=silu "
            "--set layout=bld --set align=1 --with bias,initial_state");
  Problem same = sample();
  same.invariant = true;
  EXPECT_FALSE(same == sample());
  EXPECT_NE(same.print().find(" --set align=1 --set invariant=true --with"), std::string::npos);
  Problem bare;
  bare.kernel = "hcs";
  EXPECT_EQ(bare.print(), "hcs");
}

TEST(ProblemTest, OrderDoesNotMatter) {
  for (const char *text :
       {"--with initial_state,bias --set align=1 layout=bld K=4 --wdtype f32 causal_conv1d "
        "--set activation=silu --dtype bf16",
        "  causal_conv1d --set T=bf16 W=f32 --with bias --set align=1 --with initial_state\n"
        "--set K=4 'activation=silu' \"layout=bld\"  "}) {
    auto parsed = Problem::parse(text);
    HALO_ASSERT_OK(parsed);
    EXPECT_EQ(*parsed, sample()) << parsed->print();
  }
}

TEST(ProblemTest, KeepsCommasAndColonsOfValues) {
  auto parsed =
      Problem::parse("causal_conv1d_split --set split=q:2048,k:2048,v:4096 l2norm=q,k:128");
  HALO_ASSERT_OK(parsed);
  EXPECT_EQ(parsed->params.at("split"), "q:2048,k:2048,v:4096");
  EXPECT_EQ(parsed->params.at("l2norm"), "q,k:128");
  EXPECT_EQ(parsed->align, 16);
}

/// Characters a shell would take are frequent, so that quoting is met.
std::string randomText(test::Random &random) {
  static const std::string alphabet = "aZ09_./:,=-+ '\"\\$&\n*#\t\xc3\xa9";
  std::string text;
  for (int64_t i = 1 + random.below(8); i > 0; --i)
    text += alphabet[size_t(random.below(int64_t(alphabet.size())))];
  return text;
}

TEST(ProblemTest, ParsesWhatItPrints) {
  test::Random random;
  SCOPED_TRACE(random.trace());
  const char *types[] = {"f32", "f16", "bf16"};
  for (int i = 0; i < 2000; ++i) {
    Problem problem;
    // A kernel is a name or a path, and no option.
    problem.kernel = (random.coin() ? "/" : "k") + randomText(random);
    if (random.coin())
      problem.params["T"] = types[random.below(3)];
    if (random.coin())
      problem.params["W"] = types[random.below(3)];
    for (int64_t n = random.below(4); n > 0; --n)
      problem.params["p" + std::to_string(random.below(10))] = randomText(random);
    for (int64_t n = random.below(4); n > 0; --n)
      problem.with.insert("operand_" + std::to_string(random.below(10)));
    problem.align = random.coin() ? 16 : 1;
    problem.invariant = random.coin();
    auto parsed = Problem::parse(problem.print());
    HALO_ASSERT_OK(parsed);
    ASSERT_EQ(*parsed, problem) << problem.print();
    ASSERT_EQ(parsed->print(), problem.print());
  }
}

TEST(ProblemTest, WordsNeedNoQuotes) {
  auto parsed = Problem::parse(std::vector<std::string>{"/a b/it's.mlir", "--set", "K=4"});
  HALO_ASSERT_OK(parsed);
  EXPECT_EQ(parsed->kernel, "/a b/it's.mlir");
  auto words = Problem::words(parsed->print());
  HALO_ASSERT_OK(words);
  EXPECT_EQ(*words, (std::vector<std::string>{"/a b/it's.mlir", "--set", "K=4"}));
}

TEST(ProblemTest, Refuses) {
  auto refuse = [](const char *text, const char *part) {
    expectRefused(Problem::parse(text), part);
  };
  refuse("", "no kernel");
  refuse("--set K=4", "no kernel");
  refuse("''", "empty");
  refuse("hcs hcm", "'hcm' is a second kernel");
  refuse("hcs --set invariant=yes", "invariant is yes where true or false is expected");
  refuse("hcs --set invariant=true invariant=true", "invariant is set twice");
  refuse("hcs --frobnicate 3", "--frobnicate");
  refuse("hcs --set", "name=value");
  refuse("hcs --set K", "name=value");
  refuse("hcs --set K=", "K");
  refuse("hcs --set =4", "''");
  refuse("hcs --set 4K=4", "'4K'");
  refuse("hcs --set K=4 K=5", "K is set twice");
  refuse("hcs --set K=4 --set K=4", "K is set twice");
  refuse("hcs --set align=8", "align is 8");
  refuse("hcs --set align=1 --set align=1", "align is set twice");
  refuse("hcs --dtype", "--dtype");
  refuse("hcs --dtype i32", "i32");
  refuse("hcs --dtype f64", "f64");
  refuse("hcs --dtype bf16 --set T=bf16", "T is set twice");
  refuse("hcs --wdtype --with skip", "--wdtype");
  refuse("hcs --with", "--with");
  refuse("hcs --with bias,", "''");
  refuse("hcs --with bi-as", "'bi-as'");
  refuse("hcs --set 'K=4", "' is not closed");
}

} // namespace
} // namespace halo

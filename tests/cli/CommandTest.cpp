// The parts of the command that need no compiler, against values worked by hand.
#include "tools/halo/Arguments.h"
#include "tools/halo/DeviceTensors.h"
#include "tools/halo/Operands.h"
#include "tools/halo/ProblemOptions.h"
#include "tools/halo/RandomFill.h"
#include "tools/halo/Suggest.h"
#include "tools/halo/TensorBinding.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace halo;
using namespace halo::tool;

template <typename T> static std::string messageOf(const Result<T> &result) {
  return result ? "accepted" : result.error().message;
}

TEST(Suggest, DistanceCountsASwapAsOne) {
  EXPECT_EQ(editDistance("bdl", "bdl"), 0u);
  EXPECT_EQ(editDistance("dbl", "bdl"), 1u);
  EXPECT_EQ(editDistance("", "abc"), 3u);
  EXPECT_EQ(editDistance("kitten", "sitting"), 3u);
}

TEST(Suggest, NearestOrTheList) {
  std::vector<std::string> legal = {"list", "run"};
  EXPECT_EQ(unknown("command", "lst", legal), "unknown command 'lst': did you mean 'list'?");
  EXPECT_EQ(unknown("command", "tune", legal), "unknown command 'tune': there are list, run");
}

TEST(Arguments, FlagsValuesAndPositionals) {
  Syntax syntax;
  syntax.command = "test";
  syntax.positionals = {"KERNEL"};
  syntax.options = {{"--set", "N=V", "", true}, {"--flag", "", ""}, {"-o", "FILE", ""}};
  Result<Arguments> parsed =
      Arguments::parse(syntax, {"k", "--set", "a=1", "--set=b=2", "--flag", "-o", "-"});
  ASSERT_TRUE(bool(parsed)) << messageOf(parsed);
  EXPECT_EQ(parsed->positional(0), "k");
  EXPECT_EQ(parsed->values("--set"), (std::vector<std::string>{"a=1", "b=2"}));
  EXPECT_TRUE(parsed->has("--flag"));
  EXPECT_EQ(parsed->value("-o"), "-");
  EXPECT_EQ(messageOf(Arguments::parse(syntax, {})),
            "halo test needs KERNEL: see halo test --help");
  EXPECT_EQ(messageOf(Arguments::parse(syntax, {"k", "--flag=1"})), "option --flag takes no value");
}

TEST(Arguments, OneSetTakesSeveralValues) {
  Syntax syntax;
  syntax.command = "test";
  syntax.positionals = {"KERNEL"};
  syntax.options = {{"--set", "N=V", "", true}, {"--flag", "", ""}};
  Result<Arguments> parsed = Arguments::parse(syntax, {"--set", "K=4", "layout=bld", "conv"});
  ASSERT_TRUE(parsed) << messageOf(parsed);
  EXPECT_EQ(parsed->values("--set"), (std::vector<std::string>{"K=4", "layout=bld"}));
  EXPECT_EQ(messageOf(Arguments::parse(syntax, {"conv", "--flag", "K=4"})),
            "unexpected argument 'K=4' of halo test");
}

TEST(Arguments, AnOptionOfTwoValues) {
  Syntax syntax;
  syntax.command = "test";
  syntax.positionals = {"[KERNEL]"};
  syntax.options = {{"--compare", "A B", "", false, 2}, {"--flag", "", ""}};
  for (std::vector<std::string> words : std::vector<std::vector<std::string>>{
           {"--compare", "x=1", "", "k", "--flag"}, {"k", "--flag", "--compare=x=1", ""}}) {
    Result<Arguments> parsed = Arguments::parse(syntax, words);
    ASSERT_TRUE(bool(parsed)) << messageOf(parsed);
    EXPECT_EQ(parsed->values("--compare"), (std::vector<std::string>{"x=1", ""}));
    EXPECT_EQ(parsed->positional(0), "k");
    EXPECT_TRUE(parsed->has("--flag"));
  }
  const char *missing = "option --compare needs 2 values: --compare A B";
  EXPECT_EQ(messageOf(Arguments::parse(syntax, {"--compare", "a"})), missing);
  EXPECT_EQ(messageOf(Arguments::parse(syntax, {"--compare", "a", "--flag"})), missing);
  EXPECT_EQ(messageOf(Arguments::parse(syntax, {"--compare", "a", "b", "--compare", "c", "d"})),
            "option --compare is given twice");
}

/// causal_conv1d_split as the compiler describes it, in short.
static Description splitKernel() {
  Description kernel;
  kernel.name = "conv";
  kernel.params = {{"T", "type", {}, {}},
                   {"W", "type", {}, {}},
                   {"K", "int", {}, {}},
                   {"group", "int", "1", {}},
                   {"layout", "enum", "bdl", {"bdl", "bld"}},
                   {"final_state", "flag", "false", {}},
                   {"split", "parts", "", {}}};
  kernel.operands = {{"x", "view", false, false, false, "T", "", "", "", "layout"},
                     {"weight", "taps", false, false, false, "W", "K", "group", "", ""},
                     {"initial_state", "state", false, true, false, "T", "K", "", "", ""},
                     {"parts", "view", true, false, true, "T", "", "", "", "bld"},
                     {"final_state", "state", true, true, false, "T", "K", "", "", ""}};
  kernel.operands.back().flag = "final_state";
  return kernel;
}

static HostTensor zeros(DType dtype, std::vector<int64_t> shape) {
  HostTensor tensor{dtype, std::move(shape), {}};
  tensor.bytes.resize(size_t(tensor.elements()) * size(dtype));
  return tensor;
}

TEST(TensorBinding, TheTableOfItsHeader) {
  TensorMap tensors = {{"x", zeros(DType::BF16, {2, 12, 64})},
                       {"weight", zeros(DType::F32, {3, 4})},
                       {"initial_state", zeros(DType::BF16, {2, 12, 3})}};
  Result<TensorBinding> bound = bindTensors(splitKernel(), tensors, {});
  ASSERT_TRUE(bool(bound)) << messageOf(bound);
  EXPECT_EQ(bound->params["T"], "bf16");
  EXPECT_EQ(bound->params["W"], "f32");
  EXPECT_EQ(bound->params["K"], "4");
  EXPECT_EQ(bound->params["group"], "4");
  EXPECT_EQ(bound->with, std::set<std::string>{"initial_state"});
  EXPECT_EQ(bound->shape.b, 2);
  EXPECT_EQ(bound->shape.d, 12);
  EXPECT_EQ(bound->shape.l, 64);

  EXPECT_EQ(messageOf(bindTensors(splitKernel(), tensors, {{"K", "5"}})),
            "conv_c2: K is 5 in --set but 4 in weight");
  tensors["initial_state"] = zeros(DType::BF16, {2, 12, 4});
  EXPECT_EQ(messageOf(bindTensors(splitKernel(), tensors, {})),
            "conv_c4: K is 4 in weight but 5 in initial_state");
  tensors["weight"] = zeros(DType::F32, {5, 4});
  EXPECT_EQ(messageOf(bindTensors(splitKernel(), tensors, {})),
            "conv_c1: D 12 is not a multiple of G 5, the rows of weight");
  tensors["y"] = zeros(DType::F32, {1});
  EXPECT_EQ(messageOf(bindTensors(splitKernel(), tensors, {})),
            "tensor 'y' is no input of conv: it takes x, weight, initial_state");
}

TEST(Operands, PartsDecideTheVariantToo) {
  std::map<std::string, std::string> params = {
      {"T", "bf16"}, {"W", "bf16"}, {"K", "4"}, {"layout", "bld"}, {"group", "1"}};
  params["split"] = "q:8,k:8";
  std::vector<Operand> operands = operandsOf(splitKernel(), params, {});
  ASSERT_EQ(operands.size(), 4u);
  EXPECT_EQ(operands[2].name, "q");
  EXPECT_EQ(operands[3].channels, 8);
  EXPECT_EQ(alignmentFor(operands, {1, 16, 5}), 16);
  params["split"] = "q:7,k:9"; // 16 channels in, but rows of 7 out
  EXPECT_EQ(alignmentFor(operandsOf(splitKernel(), params, {}), {1, 16, 5}), 1);
  EXPECT_EQ(alignmentFor(operandsOf(splitKernel(), params, {}), {0, 16, 0}), 1);
  params["final_state"] = "true";
  EXPECT_EQ(operandsOf(splitKernel(), params, {"initial_state"}).size(), 6u);
}

TEST(ProblemOptions, TypesFollow) {
  std::map<std::string, std::string> params;
  ASSERT_TRUE(bool(setTypes(splitKernel(), "f16", "", params)));
  EXPECT_EQ(params["W"], "f16");
  EXPECT_EQ(messageOf(setTypes(splitKernel(), "f32", "", params)),
            "--dtype is f32, but --set gives T = f16");
  EXPECT_EQ(messageOf(fillDefaults(splitKernel(), params)),
            "K of conv has no default: add --set K=...");
}

// The null device's memory is the host's: the test plays the kernel that writes outside.
TEST(DeviceTensors, GuardsFindAStrayByte) {
  for (int64_t offset : {-256, -1, 0, 11, 12, 267}) {
    DeviceTensors tensors(openNullDevice(), /*guarded=*/true);
    ASSERT_TRUE(bool(tensors.addOutput("y", DType::F32, {3})));
    ASSERT_TRUE(bool(tensors.checkGuards()));
    static_cast<char *>(tensors["y"].data)[offset] = 7;
    bool inside = offset >= 0 && offset < 12;
    EXPECT_EQ(bool(tensors.checkGuards()), inside) << offset;
  }
}

TEST(DeviceTensors, OutputsArePoisoned) {
  DeviceTensors tensors(openNullDevice(), /*guarded=*/false);
  for (DType dtype : {DType::F32, DType::F16, DType::BF16}) {
    ASSERT_TRUE(bool(tensors.addOutput("y", dtype, {2, 2})));
    EXPECT_TRUE(std::isnan(loadAsF64(tensors["y"].data, dtype, 3)));
  }
  EXPECT_EQ(messageOf(bytesOf("y", DType::F32, {INT64_MAX, 3})),
            "y [9223372036854775807, 3] of f32 has more than 2^63 bytes");
}

// More than one period: the tiles repeat and the end is filled.
TEST(RandomFill, NormalNumbersTiled) {
  std::shared_ptr<Device> device = openNullDevice();
  constexpr int64_t Period = 1048573, Count = 3 * Period + 1000;
  DeviceTensors tensors(device, /*guarded=*/true);
  ASSERT_TRUE(bool(tensors.add("x", DType::F32, {Count})));
  ASSERT_TRUE(bool(fillRandom(*device, tensors["x"], 1, 0.5)));
  EXPECT_TRUE(bool(tensors.checkGuards()));
  const float *x = static_cast<const float *>(tensors["x"].data);
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < Period; ++i) {
    sum += x[i];
    squares += double(x[i]) * x[i];
  }
  EXPECT_NEAR(sum / Period, 0, 0.01);
  EXPECT_NEAR(squares / Period, 0.25, 0.01);
  EXPECT_EQ(x[Count - 1], x[999]);
}

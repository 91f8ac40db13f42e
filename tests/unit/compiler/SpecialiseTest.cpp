#include "compiler/Specialise.h"

#include "tests/unit/compiler/KernelText.h"

namespace halo::compiler {
namespace {

using test::KernelText;

const char *const kText = R"(
halo.kernel @k params(K : int, group : int = 1, layout : enum<bdl, bld>,
                      activation : enum<none, silu>, tail : flag, T : type, W : type = T)
    ins(@x : view<T, layout>, @w : taps<W, K, group>, @bias : optional channel<W>,
        @history : optional state<T, K>)
    outs(@y : view<T, layout>, @tail : optional state<T, K>) {
  %x = halo.load @x init(@history)
  %f = halo.fir %x, @w
  %b = halo.channel @bias
  %fb = arith.addf %f, %b : f32
  %a = halo.choose bias {present = %fb, absent = %f}
  %s = halo.silu %a
  %y = halo.choose activation {none = %a, silu = %s}
  halo.store %y, @y
  halo.store_state %x, @tail
})";

template <typename Op> int count(ir::KernelOp kernel) {
  int found = 0;
  kernel.walk([&](Op) { ++found; });
  return found;
}

TEST(SpecialiseTest, FillsInEveryDefault) {
  KernelText text(kText);
  ASSERT_TRUE(text.bind({{"K", "4"}, {"T", "bf16"}})) << text.error();
  std::map<std::string, std::string> expected = {
      {"K", "4"},       {"group", "1"}, {"layout", "bdl"}, {"activation", "none"},
      {"tail", "false"}, {"T", "bf16"},  {"W", "bf16"}};
  EXPECT_EQ(text.bindings.params, expected);
  EXPECT_TRUE(text.kernel.isSpecialised());
  EXPECT_EQ(text.kernel.getOperandDecls().size(), 3u);
  EXPECT_EQ(count<ir::ChooseOp>(text.kernel), 0);
  EXPECT_EQ(count<ir::SiluOp>(text.kernel), 0);
  EXPECT_EQ(count<ir::ChannelOp>(text.kernel), 0);
  EXPECT_EQ(count<ir::StoreStateOp>(text.kernel), 0);
}

TEST(SpecialiseTest, KeepsWhatIsAskedFor) {
  KernelText text(kText);
  ASSERT_TRUE(text.bind({{"K", "7"}, {"T", "f16"}, {"W", "f32"}, {"layout", "bld"}, {"group", "8"},
                         {"activation", "silu"}, {"tail", "true"}},
                        {"bias", "history"}))
      << text.error();
  EXPECT_EQ(text.kernel.getOperandDecls().size(), 6u);
  EXPECT_EQ(count<ir::SiluOp>(text.kernel), 1);
  EXPECT_EQ(count<ir::StoreStateOp>(text.kernel), 1);
  auto taps = mlir::cast<ir::TapsType>(text.kernel.lookupOperand("w").getType());
  EXPECT_EQ(ir::knownCount(taps.getTaps()), 7);
  EXPECT_EQ(ir::knownCount(taps.getGroup()), 8);
  EXPECT_TRUE(ir::knownElement(taps.getElement()).isF32());
}

TEST(SpecialiseTest, RequiredOperandsInWithSayNothingNew) {
  KernelText text(kText);
  ASSERT_TRUE(text.bind({{"K", "4"}, {"T", "bf16"}}, {"x", "bias"})) << text.error();
  EXPECT_EQ(text.bindings.with, std::set<std::string>{"bias"});
}

TEST(SpecialiseTest, TheTextAfterwardsReadsBackEqual) {
  KernelText text(kText);
  ASSERT_TRUE(text.bind({{"K", "4"}, {"T", "bf16"}, {"tail", "true"}}, {"bias"})) << text.error();
  KernelText again(text.print());
  ASSERT_TRUE(again.kernel) << again.error();
  EXPECT_EQ(again.print(), text.print());
}

TEST(SpecialiseTest, BuiltinsReadBackEqual) {
  for (const std::string &name : builtinKernels())
    for (const char *layout : {"bdl", "bld"}) {
      auto source = kernelText(name);
      ASSERT_TRUE(source);
      KernelText text(*source);
      ASSERT_TRUE(text.kernel) << text.error();
      std::map<std::string, std::string> params = {{"K", "4"}, {"T", "bf16"}, {"layout", layout}};
      if (text.kernel.lookupParam("split"))
        params["split"] = "q:64,v:128";
      for (const char *name : {"K", "T", "layout"})
        if (!text.kernel.lookupParam(name))
          params.erase(name);
      if (text.kernel.lookupParam("S"))
        params["S"] = "4";
      if (source->find("layout : enum<bd, bdl>") != std::string::npos && params["layout"] == "bld")
        params["layout"] = "bd";
      ASSERT_TRUE(text.bind(params)) << name << ": " << text.error();
      KernelText again(text.print());
      ASSERT_TRUE(again.kernel) << again.error();
      EXPECT_EQ(again.print(), text.print());
    }
}

TEST(SpecialiseTest, RefusesWithASentence) {
  using Params = std::map<std::string, std::string>;
  struct Row {
    Params params;
    std::set<std::string> with;
    const char *message;
  };
  for (const Row &row : {
           Row{{{"T", "f32"}}, {}, "option 'K' of kernel 'k' has no default and is not given"},
           Row{{{"K", "4"}}, {}, "option 'T' of kernel 'k' has no default and is not given"},
           Row{{{"K", "-1"}, {"T", "f32"}}, {}, "option 'K': '-1' is not a number in 1..2147483647"},
           Row{{{"K", "4"}, {"T", "i8"}}, {}, "option 'T': 'i8' is not f32, f16 or bf16"},
           Row{{{"K", "4"}, {"T", "f32"}, {"tail", "1"}}, {},
               "option 'tail': '1' is not true or false"},
           Row{{{"K", "4"}, {"T", "f32"}, {"layout", "ldb"}}, {},
               "option 'layout': 'ldb' is not one of bdl, bld"},
           Row{{{"K", "4"}, {"T", "f32"}, {"k", "4"}}, {},
               "unknown option 'k' of kernel 'k', which has K, group, layout, activation, tail, T, W"},
           Row{{{"K", "4"}, {"T", "f32"}}, {"y"}, "operand 'y' is not an input of kernel 'k'"},
       }) {
    KernelText text(kText);
    EXPECT_FALSE(text.bind(row.params, row.with)) << row.message;
    EXPECT_EQ(text.error(), row.message);
  }
}

} // namespace
} // namespace halo::compiler

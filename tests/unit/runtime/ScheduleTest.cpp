#include "runtime/Schedule.h"
#include "runtime/ScheduleChoice.h"

#include "tests/unit/runtime/TestSupport.h"

namespace halo {
namespace {

using test::expectRefused;

TEST(ScheduleTest, PrintsEveryField) {
  Schedule schedule;
  schedule.blockN = 256;
  schedule.blockL = 64;
  schedule.vector = 8;
  schedule.unroll = 4;
  EXPECT_EQ(schedule.print(), "block_n=256,block_l=64,num_warps=4,vector=8,unroll=4,stages=1,"
                              "min_blocks=1,window=registers");
}

TEST(ScheduleTest, ParsesWhatItPrints) {
  test::Random random;
  SCOPED_TRACE(random.trace());
  for (int i = 0; i < 500; ++i) {
    Schedule schedule;
    schedule.blockN = random.below(1 << 20);
    schedule.blockL = random.below(1 << 20);
    schedule.numWarps = 1 + int(random.below(32));
    schedule.vector = int(random.below(65));
    schedule.unroll = int(random.below(257));
    schedule.stages = 1 + int(random.below(8));
    schedule.minBlocks = 1 + int(random.below(32));
    schedule.window = random.coin() ? Window::Shared : Window::Registers;
    schedule.fir = random.coin() ? Fir::Toeplitz : Fir::Direct;
    schedule.cluster = 1 + int(random.below(8));
    auto parsed = Schedule::parse(schedule.print(), Schedule());
    HALO_ASSERT_OK(parsed);
    ASSERT_EQ(*parsed, schedule) << schedule.print();
  }
}

TEST(ScheduleTest, KeepsTheBaseWhereNothingIsSaid) {
  Schedule base;
  base.blockN = 128;
  base.vector = 8;
  auto parsed = Schedule::parse("window=shared, block_n=64", base);
  HALO_ASSERT_OK(parsed);
  EXPECT_EQ(parsed->blockN, 64);
  EXPECT_EQ(parsed->vector, 8);
  EXPECT_EQ(parsed->window, Window::Shared);
  EXPECT_EQ(*Schedule::parse("", base), base);
}

TEST(ScheduleTest, Refuses) {
  auto parse = [](const char *text) { return Schedule::parse(text, Schedule()); };
  expectRefused(parse("block_m=64"), "block_m", "block_n");
  expectRefused(parse("block_n"), "block_n", "name=value");
  expectRefused(parse("block_n="), "block_n", "no number");
  expectRefused(parse("block_n=64x"), "64x", "no number");
  expectRefused(parse("block_n=-1"), "-1", "1048576");
  expectRefused(parse("num_warps=33"), "33", "32");
  expectRefused(parse("cluster=9"), "9", "8");
  expectRefused(parse("num_warps=99999999999999999999"), "99999999999999999999", "32");
  expectRefused(parse("vector=1,vector=2"), "vector", "twice");
  expectRefused(parse("vector=1,"), "comma");
  expectRefused(parse(",vector=1"), "name=value");
  expectRefused(parse("window=disk"), "disk", "shared");
}

TEST(KernelTraitsTest, JsonKeepsEveryField) {
  KernelTraits traits;
  traits.layout = Layout::BDL;
  traits.align = 1;
  traits.maxElementBytes = 4;
  traits.minElementBytes = 1;
  traits.maxTaps = 7;
  traits.sumTaps = 10;
  traits.halo = 8;
  traits.channels = 4096;
  traits.views = 3;
  traits.head = 128;
  traits.partUnit = 64;
  traits.crossLayout = true;
  auto back = KernelTraits::fromJson(traits.toJson());
  HALO_ASSERT_OK(back);
  EXPECT_EQ(back->toJson(), traits.toJson());
  EXPECT_EQ(back->layout, Layout::BDL);
  EXPECT_EQ(back->partUnit, 64);
  EXPECT_TRUE(back->crossLayout);
  expectRefused(KernelTraits::fromJson("{}"), "kernel traits", "layout");
  expectRefused(KernelTraits::fromJson("]"), "kernel traits");
}

TEST(ScheduleChoiceTest, TheCallersTextLiesOverTheChoice) {
  KernelTraits traits;
  auto chosen = resolveSchedule(traits, DeviceTraits(), 4096, "");
  HALO_ASSERT_OK(chosen);
  auto forced = resolveSchedule(traits, DeviceTraits(), 4096, "unroll=3");
  HALO_ASSERT_OK(forced);
  EXPECT_NE(chosen->unroll, 3);
  chosen->unroll = 3;
  EXPECT_EQ(*forced, *chosen);
  // D reaches the choice: 24 channels need no stripe of 512.
  EXPECT_LT(resolveSchedule(traits, DeviceTraits(), 24, "")->blockN, forced->blockN);
  // What a log or a record says of a direct schedule stays direct where the choice is another strategy.
  traits.maxTaps = traits.sumTaps = 128;
  traits.halo = 127;
  traits.toeplitzGroup = 16;
  ASSERT_EQ(chooseSchedule(traits, DeviceTraits()).fir, Fir::Toeplitz);
  EXPECT_EQ(*resolveSchedule(traits, DeviceTraits(), 0, forced->print()), *forced);
  Schedule clustered = *forced;
  clustered.cluster = 4;
  EXPECT_EQ(*Schedule::parse(forced->print(), clustered), *forced);
  EXPECT_EQ(*Schedule::parse(clustered.print(), *forced), clustered);
  EXPECT_EQ(resolveSchedule(traits, DeviceTraits(), 0, "unroll=4")->fir, Fir::Toeplitz);
  expectRefused(resolveSchedule(traits, DeviceTraits(), 0, "warps=1"), "warps");
}

// conv_c5: in bdl a length decides whether tensors are aligned, and so may not decide the strategy.
TEST(ScheduleChoiceTest, InvariantProblemsKeepOneStrategyInBdl) {
  KernelTraits traits;
  traits.maxTaps = traits.sumTaps = 128;
  traits.halo = 127;
  traits.views = 4;
  traits.toeplitzGroup = 16;
  Schedule toeplitz;
  toeplitz.fir = Fir::Toeplitz;
  for (Layout layout : {Layout::BDL, Layout::BLD}) {
    traits.layout = layout;
    bool bdl = layout == Layout::BDL;
    EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).fir, Fir::Toeplitz);
    EXPECT_EQ(chooseSchedule(invariantTraits(traits), DeviceTraits()).fir,
              bdl ? Fir::Direct : Fir::Toeplitz);
    EXPECT_TRUE(mayRecord(traits, Schedule()));
    EXPECT_EQ(mayRecord(traits, toeplitz), !bdl);
    KernelTraits modal = traits, normed = traits;
    modal.modes = 16;
    normed.head = 128;
    EXPECT_EQ(mayRecord(modal, Schedule()), !bdl);
    EXPECT_EQ(mayRecord(normed, Schedule()), !bdl);
  }
}

} // namespace
} // namespace halo

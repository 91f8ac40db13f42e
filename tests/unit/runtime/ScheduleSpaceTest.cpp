#include "runtime/ScheduleSpace.h"

#include "runtime/ScheduleStaged.h"
#include "tests/unit/runtime/TestSupport.h"

#include <algorithm>
#include <set>

namespace halo {
namespace {

KernelTraits filter(Layout layout, int64_t taps, int bytes = 2) {
  KernelTraits traits;
  traits.layout = layout;
  traits.maxTaps = traits.sumTaps = taps;
  traits.halo = taps - 1;
  traits.channels = 4096;
  traits.maxElementBytes = traits.minElementBytes = bytes;
  return traits;
}

Schedule parsed(const char *text) { return *Schedule::parse(text, Schedule()); }

TEST(ScheduleSpaceTest, AxesOfTheTable) {
  struct Row {
    Layout layout;
    int64_t taps;
    std::set<int> vectors;
    std::set<Window> windows;
  };
  for (const Row &row : std::vector<Row>{
           {Layout::BLD, 4, {1, 2, 4, 8}, {Window::Registers}},
           {Layout::BDL, 4, {4, 8}, {Window::Registers}},
           {Layout::BLD, 65, {1}, {Window::Shared}},
           {Layout::BDL, 65, {8}, {Window::Shared}},
           {Layout::BDL, 12, {4, 8}, {Window::Registers, Window::Shared}}}) {
    std::set<int> vectors;
    std::set<Window> windows;
    for (const Schedule &schedule :
         enumerateSchedules(filter(row.layout, row.taps), DeviceTraits()).legal) {
      vectors.insert(schedule.vector);
      windows.insert(schedule.window);
    }
    EXPECT_EQ(vectors, row.vectors) << row.taps;
    EXPECT_EQ(windows, row.windows) << row.taps;
  }
}

TEST(ScheduleSpaceTest, LegalOnesAreDifferentAndObeyTheLaw) {
  for (Layout layout : {Layout::BDL, Layout::BLD})
    for (int bytes : {2, 4})
      for (int64_t taps : {2, 4, 7, 16, 33, 64, 128}) {
        KernelTraits traits = filter(layout, taps, bytes);
        ScheduleSpace space = enumerateSchedules(traits, DeviceTraits());
        EXPECT_GT(space.legal.size(), 4u) << taps;
        std::set<std::string> texts;
        for (const Schedule &schedule : space.legal) {
          SCOPED_TRACE(schedule.print());
          EXPECT_TRUE(texts.insert(schedule.print()).second) << "twice";
          EXPECT_TRUE(checkSchedule(traits, DeviceTraits(), schedule));
          EXPECT_EQ(schedule.blockL, 0);
          EXPECT_GT(estimate(traits, DeviceTraits(), schedule, {}).blocksPerSm, 0);
        }
        for (const Rejection &rejection : space.rejected)
          EXPECT_FALSE(checkSchedule(traits, DeviceTraits(), rejection.schedule));
      }
}

// Each law by a schedule that breaks it alone; both numbers are in the sentence.
TEST(ScheduleSpaceTest, ReasonsHaveBothNumbers) {
  auto refuse = [](const KernelTraits &traits, const char *text, const char *one,
                   const char *other) {
    test::expectRefused(checkSchedule(traits, DeviceTraits(), parsed(text)), one, other);
  };
  KernelTraits bld = filter(Layout::BLD, 4);
  refuse(bld, "block_n=512,num_warps=4,vector=16,unroll=4", "vector 16", "32 bytes");
  refuse(bld, "block_n=1024,num_warps=4,vector=4,unroll=4", "256 threads", "128");
  refuse(bld, "block_n=512,num_warps=4,vector=4,unroll=4,min_blocks=32", "4096 threads", "2048");
  refuse(bld, "block_n=32,num_warps=1,vector=1,unroll=4,stages=2", "4 bytes", "gives 2");
  refuse(bld, "block_n=1024,num_warps=8,vector=4,unroll=16,stages=8,min_blocks=1", "262144",
         "232448");
  refuse(bld, "block_n=512,num_warps=4,vector=4,unroll=8,stages=6,min_blocks=6", "294912", "232448");
  refuse(bld, "block_n=128,num_warps=4,vector=1,unroll=4,stages=2,window=shared", "stages 2",
         "window=registers");
  KernelTraits unaligned = bld;
  unaligned.align = 1;
  refuse(unaligned, "block_n=64,num_warps=4,vector=2,unroll=4", "vector 2", "align 1");
  KernelTraits longer = filter(Layout::BLD, 80);
  refuse(longer, "block_n=64,num_warps=4,vector=1,unroll=4", "64 taps", "80");
  refuse(filter(Layout::BLD, 60), "block_n=512,num_warps=4,vector=4,unroll=2", "some 3", "255");
  refuse(filter(Layout::BLD, 60), "block_n=128,num_warps=4,vector=2,unroll=16", "1920", "1024");
  KernelTraits headed = bld;
  headed.head = 128;
  headed.partUnit = 128;
  refuse(headed, "block_n=64,num_warps=4,vector=2,unroll=4", "block_n 64", "head 128");
  KernelTraits parts = bld;
  parts.partUnit = 6;
  refuse(parts, "block_n=128,num_warps=4,vector=4,unroll=4", "vector 4", "6");
  KernelTraits narrow = bld;
  narrow.channels = 64;
  refuse(narrow, "block_n=256,num_warps=4,vector=4,unroll=4", "block_n 256", "D 64");
}

/// hcm with K taps, or hcl with modes.
KernelTraits gated(Layout layout, int64_t taps, int64_t group, int64_t modes = 0) {
  KernelTraits traits = filter(layout, std::max<int64_t>(taps, 3));
  traits.sumTaps = taps + 9;
  traits.halo = taps ? taps - 1 + 2 : 2;
  traits.views = 4;
  traits.streams = 3;
  traits.toeplitzGroup = group;
  traits.modes = modes;
  return traits;
}

TEST(ScheduleSpaceTest, LongFirsAndRecurrencesHaveBothStrategies) {
  std::vector<KernelTraits> kernels = {gated(Layout::BLD, 0, 1, 16)};
  for (Layout layout : {Layout::BLD, Layout::BDL})
    for (int64_t taps : {17, 33, 128, 256})
      for (int64_t group : {1, 4, 5, 8, 15, 16, 24, 32, 64, 256})
        kernels.push_back(gated(layout, taps, group));
  for (const KernelTraits &traits : kernels) {
    SCOPED_TRACE(traits.toJson());
    Schedule choice = chooseSchedule(traits, DeviceTraits());
    if (choice.fir == Fir::Toeplitz) {
      EXPECT_TRUE(checkStaged(traits, choice)) << choice.print();
    }
    std::vector<RankedSchedule> ranked = rankSchedules(traits, DeviceTraits(), {1, 4096, 65536});
    ASSERT_GE(ranked.size(), 8u);
    EXPECT_EQ(ranked[0].schedule, choice);
    EXPECT_NE(ranked[1].schedule.fir, choice.fir) << "the other strategy is tried, and early";
    std::set<std::string> staged;
    for (const RankedSchedule &one : ranked)
      if (one.schedule.fir == Fir::Toeplitz && !(one.schedule == choice)) {
        staged.insert(one.schedule.print());
        EXPECT_TRUE(checkSchedule(traits, DeviceTraits(), one.schedule)) << one.schedule.print();
        EXPECT_GT(one.estimate.blocksPerSm, 0);
      }
    EXPECT_GE(staged.size(), 4u);
    EXPECT_LE(staged.size(), 800u);
  }
}

// The model and the rules agree where the tensor cores pay: by K, group and type.
TEST(ScheduleSpaceTest, TheModelChoosesTheStrategyToo) {
  auto best = [](const KernelTraits &traits, Fir fir) {
    for (const RankedSchedule &one : rankSchedules(traits, DeviceTraits(), {1, 4096, 65536}))
      if (one.schedule.fir == fir)
        return one.estimate.ms;
    return 1e9;
  };
  for (Layout layout : {Layout::BLD, Layout::BDL}) {
    for (int64_t group : {8, 15, 16, 64})
      for (int64_t taps : {33, 128, group == 15 ? 100 : 256}) {
        KernelTraits traits = gated(layout, taps, group);
        EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).fir, Fir::Toeplitz);
        EXPECT_LT(best(traits, Fir::Toeplitz), best(traits, Fir::Direct)) << taps << " " << group;
      }
    // Seven taps are below the memory wall either way; four-byte samples and filters of one channel each
    // leave the tensor cores empty.
    KernelTraits brief = gated(layout, 7, 16), wide = gated(layout, 128, 16), alone = gated(layout, 17, 1);
    wide.maxElementBytes = wide.minElementBytes = 4;
    for (const KernelTraits &traits : {brief, wide, alone})
      EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).fir, Fir::Direct);
    EXPECT_EQ(best(brief, Fir::Toeplitz), 1e9);
    EXPECT_EQ(best(wide, Fir::Toeplitz), 1e9);
  }
  KernelTraits modal = gated(Layout::BLD, 0, 1, 16);
  EXPECT_LT(best(modal, Fir::Toeplitz), best(modal, Fir::Direct));
}

TEST(ScheduleSpaceTest, StagedReasonsHaveBothNumbers) {
  KernelTraits hcm = gated(Layout::BLD, 128, 16), hcl = gated(Layout::BLD, 0, 1, 16);
  Schedule fir = parsed("fir=toeplitz,num_warps=4,vector=4,unroll=8,stages=2,block_n=64");
  Schedule modal = parsed("fir=toeplitz,num_warps=8,vector=2,unroll=8,stages=2,block_n=32");
  auto refuse = [](const KernelTraits &traits, const Schedule &base, const char *change,
                   const char *one, const char *other) {
    Schedule schedule = *Schedule::parse(change, base);
    test::expectRefused(checkSchedule(traits, DeviceTraits(), schedule), one, other);
  };
  EXPECT_TRUE(checkSchedule(hcm, DeviceTraits(), fir));
  EXPECT_TRUE(checkSchedule(hcl, DeviceTraits(), modal));
  refuse(hcm, fir, "stages=1", "stages of at least 2", "got 1");
  refuse(hcm, fir, "window=shared", "window=registers", "got window=shared");
  refuse(hcm, fir, "unroll=3", "32 positions", "got 24");
  refuse(hcm, fir, "min_blocks=4", "min_blocks 4", "232448");
  refuse(hcm, fir, "block_n=128,unroll=16,stages=3", "269824 B exceeds", "232448");
  refuse(gated(Layout::BLD, 300, 16), fir, "stages=2", "256 taps", "300");
  refuse(gated(Layout::BLD, 128, 24), fir, "block_n=72,unroll=16", "6 tasks", "4 warps");
  KernelTraits other = hcm;
  other.align = 1;
  refuse(other, fir, "vector=1,unroll=32", "align 1", "16 taps");
  refuse(hcl, modal, "unroll=4", "128 to 512", "got 64");
  refuse(hcl, modal, "block_n=24", "24 channels", "8 warps");
  other = hcl;
  other.modes = 40;
  refuse(other, modal, "stages=2", "32 modes", "40");
  // Recurrences and steps without the tensor cores.
  refuse(hcl, modal, "fir=direct", "stages 1", "got stages 2");
  other = gated(Layout::BD, 7, 1);
  refuse(other, parsed("block_n=32,num_warps=4,vector=1,unroll=1"), "unroll=2", "unroll 1", "1, 2 and 1");
  EXPECT_GT(enumerateSchedules(other, DeviceTraits()).legal.size(), 3u);
}

TEST(ScheduleSpaceTest, TheChoiceIsRankOneAndNobodyComesTwice) {
  for (Layout layout : {Layout::BDL, Layout::BLD})
    for (int64_t taps : {4, 7, 12, 40, 100}) {
      KernelTraits traits = filter(layout, taps);
      std::vector<RankedSchedule> ranked = rankSchedules(traits, DeviceTraits(), {1, 4096, 65536});
      EXPECT_EQ(ranked[0].schedule, chooseSchedule(traits, DeviceTraits()));
      std::set<std::string> texts;
      for (const RankedSchedule &one : ranked)
        EXPECT_TRUE(texts.insert(one.schedule.print()).second);
      EXPECT_GE(ranked.back().estimate.ms, 1.2 * ranked[1].estimate.ms) << "it does rank";
    }
}

// The rules are measured, the model is estimated: where it thinks much less of what was measured to
// be within a tenth of the ceiling, it is the model that is wrong.
TEST(ScheduleSpaceTest, TheModelAgreesWithWhatWasMeasured) {
  for (Layout layout : {Layout::BDL, Layout::BLD})
    for (int64_t taps : {2, 3, 4, 5, 6, 7}) {
      KernelTraits traits = filter(layout, taps);
      std::vector<RankedSchedule> ranked = rankSchedules(traits, DeviceTraits(), {8, 4096, 8192});
      for (const RankedSchedule &other : ranked)
        EXPECT_LE(ranked[0].estimate.ms, 1.15 * other.estimate.ms)
            << taps << " " << ranked[0].schedule.print() << " behind " << other.schedule.print();
      // Its neighbours, one doubling away, are among the first to be tried.
      Schedule longer = ranked[0].schedule;
      longer.unroll *= 2;
      auto place = std::find_if(ranked.begin(), ranked.end(), [&](const RankedSchedule &other) {
        return other.schedule == longer;
      });
      EXPECT_LT(place - ranked.begin(), 128) << taps;
    }
}

TEST(ScheduleSpaceTest, EstimatesFollowTheSizes) {
  KernelTraits traits = filter(Layout::BLD, 4);
  Schedule schedule = chooseSchedule(traits, DeviceTraits());
  auto ms = [&](const Shape &shape) { return estimate(traits, DeviceTraits(), schedule, shape).ms; };
  EXPECT_LT(ms({1, 4096, 8192}), ms({1, 4096, 65536}));
  // bf16, x and y: 1 GiB at 4.2 TB/s is 0.26 ms.
  EXPECT_NEAR(ms({8, 4096, 8192}), 0.266, 0.08);
  // An H200's report of this schedule: 64 to 66 registers, 4 * 128 threads * 4 rows * 8 bytes.
  EXPECT_NEAR(estimateRegisters(traits, schedule), 65, 10);
  EXPECT_EQ(estimateShared(traits, schedule), 4 * 128 * 4 * 8);
  // The assembler's word replaces the guess.
  EXPECT_LT(estimate(traits, DeviceTraits(), schedule, {}, 240).blocksPerSm,
            estimate(traits, DeviceTraits(), schedule, {}, 32).blocksPerSm + 1);
}

TEST(ScheduleSpaceTest, NearbyWalks) {
  using Walks = std::vector<int64_t>;
  EXPECT_EQ(nearbyBlockL(32, 4, 65536), (Walks{8, 16, 32, 64, 128}));
  EXPECT_EQ(nearbyBlockL(4, 4, 65536), (Walks{4, 8, 16}));
  EXPECT_EQ(nearbyBlockL(2048, 1024, 65536), (Walks{1024, 2048, 4096, 8192}));
  EXPECT_EQ(nearbyBlockL(1024, 1024, 100), (Walks{1024}));
}

} // namespace
} // namespace halo

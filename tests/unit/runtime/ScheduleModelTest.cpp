#include "runtime/Schedule.h"
#include "runtime/ScheduleSpace.h"

#include "tests/unit/runtime/TestSupport.h"

#include <algorithm>

namespace halo {
namespace {

/// 100 SMs with one block each: 100 blocks run at once.
DeviceTraits hundredBlocks() {
  DeviceTraits device;
  device.sms = 100;
  device.maxThreadsPerSm = 1024;
  return device;
}

KernelInfo stripes(int64_t halo, int64_t stepL, int threads = 1024) {
  KernelInfo info;
  info.threads = threads;
  info.halo = halo;
  info.stepL = stepL;
  info.tiles = {{0, 0, 64}};
  return info;
}

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The table in ScheduleModel.cpp.
TEST(ScheduleModelTest, BlockLWorkedNumbers) {
  EXPECT_EQ(chooseBlockL(stripes(3, 4), {1, 640, 10000}, hundredBlocks()), 32);
  EXPECT_EQ(chooseBlockL(stripes(15, 4), {1, 640, 10000}, hundredBlocks()), 128);
  KernelInfo bdl = stripes(3, 512);
  bdl.layout = Layout::BDL;
  EXPECT_EQ(chooseBlockL(bdl, {1, 640, 10000}, hundredBlocks()), 512);
  EXPECT_EQ(chooseBlockL(bdl, {100, 640, 10000}, hundredBlocks()), 2048);
}

// The table's rows of kernels that carry a recurrence: 8 positions a thread, 32 channels or fewer a block.
TEST(ScheduleModelTest, WorkedModalSchedules) {
  KernelTraits traits;
  traits.modes = 16;
  traits.maxTaps = 3;
  traits.channels = 4096;
  EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).print(),
            "block_n=32,block_l=0,num_warps=8,vector=1,unroll=8,stages=1,min_blocks=1,"
            "window=registers");
  traits.layout = Layout::BDL;
  EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).print(),
            "block_n=32,block_l=0,num_warps=8,vector=8,unroll=1,stages=1,min_blocks=1,"
            "window=registers");
  traits.maxElementBytes = 4;
  EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).unroll, 2);
  traits.channels = 1920;
  EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).blockN, 8);
}

TEST(ScheduleModelTest, BlockLIsALegalStep) {
  test::Random random;
  SCOPED_TRACE(random.trace());
  for (int i = 0; i < 2000; ++i) {
    KernelInfo info = stripes(random.below(200), 1 + random.below(64), 32 << random.below(6));
    Shape shape{random.below(20), random.below(5000), random.below(1 << random.below(21))};
    int64_t blockL = chooseBlockL(info, shape, DeviceTraits());
    ASSERT_GT(blockL, 0);
    ASSERT_EQ(blockL % info.stepL, 0);
    ASSERT_LE(blockL, std::max(info.stepL, ceilDiv(shape.l, info.stepL) * info.stepL));
  }
}

TEST(ScheduleModelTest, LargeProblemsPayLittleHalo) {
  for (int64_t halo : {3, 6, 31}) {
    int64_t blockL = chooseBlockL(stripes(halo, 4, 128), {1, 8192, 65536}, DeviceTraits());
    EXPECT_GE(blockL, 6 * halo) << halo;
  }
}

// The table in ScheduleModel.cpp.
TEST(ScheduleModelTest, WorkedSchedules) {
  auto chosen = [](Layout layout, int64_t taps) {
    KernelTraits traits;
    traits.layout = layout;
    traits.maxTaps = traits.sumTaps = taps;
    traits.halo = taps - 1;
    traits.channels = 4096;
    return chooseSchedule(traits, DeviceTraits()).print();
  };
  EXPECT_EQ(chosen(Layout::BLD, 4), "block_n=512,block_l=0,num_warps=4,vector=4,unroll=4,stages=4,"
                                    "min_blocks=5,window=registers");
  EXPECT_EQ(chosen(Layout::BLD, 7), "block_n=512,block_l=0,num_warps=4,vector=4,unroll=8,stages=3,"
                                    "min_blocks=4,window=registers");
  EXPECT_EQ(chosen(Layout::BLD, 12), "block_n=256,block_l=0,num_warps=4,vector=2,unroll=8,"
                                     "stages=4,min_blocks=6,window=registers");
  EXPECT_EQ(chosen(Layout::BLD, 24), "block_n=128,block_l=0,num_warps=4,vector=2,unroll=16,"
                                     "stages=2,min_blocks=1,window=registers");
  EXPECT_EQ(chosen(Layout::BLD, 40), "block_n=64,block_l=0,num_warps=2,vector=1,unroll=16,stages=1,"
                                     "min_blocks=1,window=registers");
  EXPECT_EQ(chosen(Layout::BLD, 100), "block_n=64,block_l=0,num_warps=8,vector=1,unroll=16,"
                                      "stages=1,min_blocks=1,window=shared");
  EXPECT_EQ(chosen(Layout::BDL, 4), "block_n=1,block_l=0,num_warps=2,vector=8,unroll=2,stages=2,"
                                    "min_blocks=1,window=registers");
  EXPECT_EQ(chosen(Layout::BDL, 7), "block_n=1,block_l=0,num_warps=2,vector=8,unroll=1,stages=3,"
                                    "min_blocks=1,window=registers");
  EXPECT_EQ(chosen(Layout::BDL, 40), "block_n=1,block_l=0,num_warps=2,vector=8,unroll=1,stages=2,"
                                     "min_blocks=1,window=registers");
  EXPECT_EQ(chosen(Layout::BDL, 100), "block_n=1,block_l=0,num_warps=4,vector=8,unroll=8,stages=1,"
                                      "min_blocks=1,window=shared");
}

// hcs: three streams, a featurizer of 3 taps for each, K = 7.
TEST(ScheduleModelTest, SeveralStreams) {
  KernelTraits traits;
  traits.maxTaps = 7;
  traits.sumTaps = 16;
  traits.halo = 8;
  traits.views = 4;
  traits.streams = 3;
  traits.channels = 4096;
  EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).print(),
            "block_n=128,block_l=0,num_warps=2,vector=4,unroll=8,stages=3,min_blocks=1,"
            "window=registers");
  traits.layout = Layout::BDL;
  EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).print(),
            "block_n=1,block_l=0,num_warps=1,vector=8,unroll=2,stages=1,min_blocks=16,"
            "window=registers");
}

// Two walks of a stripe, each with a halo of 8, want 24 times as much: 512 positions.
TEST(ScheduleModelTest, SeveralStreamsWalkFurther) {
  KernelInfo info = stripes(8, 16, 64);
  info.vector = 4;
  info.tiles = {{0, 0, 128}};
  EXPECT_EQ(chooseBlockL(info, {1, 4096, 65536}, DeviceTraits()), 128);
  Operand z;
  z.streams = 3;
  info.operands = {z};
  EXPECT_EQ(chooseBlockL(info, {1, 4096, 65536}, DeviceTraits()), 512);
}

TEST(ScheduleModelTest, Steps) {
  KernelTraits traits;
  traits.layout = Layout::BD;
  traits.streams = 3;
  auto chosen = [&](int64_t taps) {
    traits.maxTaps = taps;
    return chooseSchedule(traits, DeviceTraits()).print();
  };
  const char *rest = ",min_blocks=1,window=registers";
  EXPECT_EQ(chosen(7), "block_n=128,block_l=0,num_warps=4,vector=1,unroll=1,stages=4,min_blocks=7,window=registers");
  EXPECT_EQ(chosen(64), std::string("block_n=64,block_l=0,num_warps=2,vector=1,unroll=1,stages=2") + rest);
  EXPECT_EQ(chosen(128), std::string("block_n=64,block_l=1,num_warps=2,vector=1,unroll=1,stages=1") + rest);
  // More channels of a longer state would leave an SM to one block.
  EXPECT_EQ(chosen(1024), std::string("block_n=32,block_l=1,num_warps=1,vector=1,unroll=1,stages=1") + rest);
  traits.modes = 16;
  traits.maxTaps = 3;
  EXPECT_EQ(chosen(3), "block_n=64,block_l=0,num_warps=2,vector=1,unroll=1,stages=2,min_blocks=8,window=registers");
  // More modes or wider samples want the registers.
  traits.modes = 0;
  traits.maxElementBytes = 4;
  EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).minBlocks, 1);
  traits.modes = 17;
  EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).minBlocks, 1);
}

TEST(ScheduleModelTest, StatesUpdatedInPlace) {
  KernelTraits traits;
  traits.keeps = true;
  for (Layout layout : {Layout::BD, Layout::BDL}) {
    traits.layout = layout;
    traits.maxTaps = 9;
    EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).print(),
              "block_n=128,block_l=0,num_warps=4,vector=1,unroll=1,stages=1,min_blocks=1,window=registers");
    traits.maxTaps = 100;
    EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).print(),
              "block_n=32,block_l=0,num_warps=1,vector=1,unroll=1,stages=1,min_blocks=1,window=shared");
  }
  // One position and short states: whole accesses of adjacent channels, where rows are aligned.
  traits.layout = Layout::BD;
  traits.maxTaps = 4;
  Schedule wide = chooseSchedule(traits, DeviceTraits());
  EXPECT_EQ(wide.vector, 4);
  EXPECT_EQ(wide.blockN, 32 * 4 * wide.numWarps);
  EXPECT_EQ(wide.minBlocks, 9);
  traits.maxTaps = 8;
  EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).minBlocks, 1);
  traits.align = 1;
  EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).vector, 1);
  traits.align = 16;
  traits.layout = Layout::BDL;
  EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).vector, 1);
}

// The tables in ScheduleModel.cpp.
TEST(ScheduleModelTest, GroupsGoToTheTensorCores) {
  KernelTraits traits;
  traits.maxTaps = 128;
  traits.sumTaps = 137;
  traits.halo = 129;
  traits.views = 4;
  traits.channels = 4096;
  auto chosen = [&](int64_t group) {
    traits.toeplitzGroup = group;
    return chooseSchedule(traits, DeviceTraits());
  };
  EXPECT_EQ(chosen(16).print(), "block_n=64,block_l=0,num_warps=4,vector=4,unroll=8,stages=2,"
                                "min_blocks=2,window=registers,fir=toeplitz");
  for (int64_t group : {4, 8, 32, 64, 256})
    EXPECT_EQ(chosen(group).blockN, 64) << group;
  EXPECT_EQ(chosen(15).print(), "block_n=48,block_l=0,num_warps=4,vector=4,unroll=8,stages=2,"
                                "min_blocks=2,window=registers,fir=toeplitz");
  // Whole sectors of 16 channels, in whole groups or straddled by them.
  const int64_t sectors[][3] = {{5, 80, 8},   {7, 112, 8},  {9, 144, 8},
                                {12, 96, 8}, {13, 208, 8}, {31, 32, 4}};
  for (auto [group, channels, warps] : sectors) {
    EXPECT_EQ(chosen(group).blockN, channels) << group;
    EXPECT_EQ(chosen(group).numWarps, warps) << group;
  }
  EXPECT_EQ(chosen(24).blockN, 96);
  EXPECT_EQ(chosen(24).numWarps, 8);
  for (int64_t group : {0, 1, 2, 48, 100})
    EXPECT_EQ(chosen(group).fir, Fir::Direct) << group;
  traits.layout = Layout::BDL;
  EXPECT_EQ(chosen(16).print(), "block_n=16,block_l=0,num_warps=2,vector=8,unroll=4,stages=2,"
                                "min_blocks=4,window=registers,fir=toeplitz");
  const int64_t stripes[][2] = {{4, 16}, {5, 20},  {8, 16},  {12, 24}, {15, 30},
                                {24, 24}, {32, 32}, {64, 32}, {256, 32}};
  for (auto [group, channels] : stripes)
    EXPECT_EQ(chosen(group).blockN, channels) << group;
  EXPECT_EQ(chosen(5).unroll, 4);
  EXPECT_EQ(chosen(4).unroll, 2);
  for (int64_t group : {0, 1, 2, 40, 100})
    EXPECT_EQ(chosen(group).fir, Fir::Direct) << group;
  traits.layout = Layout::BLD;
  // Nothing but aligned views of 2-byte elements, longer filters, and enough shared memory.
  auto direct = [&](auto change) {
    KernelTraits other = traits;
    other.toeplitzGroup = 16;
    DeviceTraits device;
    change(other, device);
    EXPECT_EQ(chooseSchedule(other, device).fir, Fir::Direct);
  };
  direct([](KernelTraits &other, DeviceTraits &) { other.layout = Layout::BD; });
  direct([](KernelTraits &other, DeviceTraits &) { other.align = 1; });
  direct([](KernelTraits &other, DeviceTraits &) { other.maxElementBytes = 4; });
  direct([](KernelTraits &other, DeviceTraits &) { other.maxTaps = 16; });
  direct([](KernelTraits &other, DeviceTraits &) { other.packed = true; });
  for (auto [layout, bytes] : {std::pair(Layout::BLD, 101376), std::pair(Layout::BDL, 49152)})
    direct([&, layout = layout, bytes = bytes](KernelTraits &other, DeviceTraits &device) {
      other.layout = layout;
      device.sharedPerBlock = bytes;
    });
}

TEST(ScheduleModelTest, RecurrencesInBf16GoToTheTensorCores) {
  KernelTraits traits;
  traits.layout = Layout::BLD;
  traits.maxTaps = 3;
  traits.sumTaps = 9;
  traits.halo = 2;
  traits.views = 4;
  traits.streams = 3;
  traits.modes = 16;
  traits.toeplitzGroup = 1;
  for (bool fast : {true, false}) {
    traits.fast = fast;
    EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).print(),
              "block_n=32,block_l=0,num_warps=8,vector=2,unroll=16,stages=2,min_blocks=1,"
              "window=registers,fir=toeplitz");
  }
  traits.storesStates = traits.loadsStates = true;
  EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).print(),
            "block_n=32,block_l=0,num_warps=8,vector=2,unroll=8,stages=3,min_blocks=1,"
            "window=registers,fir=toeplitz");
  traits.storesStates = traits.loadsStates = false;
  // Clusters as large as all fit at a time; none where D is not known, and none before sm_90.
  auto clusterOf = [&](int64_t channels, DeviceTraits device = {}) {
    traits.channels = channels;
    int cluster = chooseSchedule(traits, device).cluster;
    traits.channels = 0;
    return cluster;
  };
  EXPECT_EQ(clusterOf(0), 1);
  EXPECT_EQ(clusterOf(8192), 1);
  EXPECT_EQ(clusterOf(4096), 1);
  EXPECT_EQ(clusterOf(2112), 2);
  EXPECT_EQ(clusterOf(1920), 2);
  EXPECT_EQ(clusterOf(1024), 3);
  EXPECT_EQ(clusterOf(512), 6);
  EXPECT_EQ(clusterOf(32), 8);
  DeviceTraits half, old;
  half.sms = 66;
  EXPECT_EQ(clusterOf(1920, half), 1);
  old.maxCluster = 1;
  EXPECT_EQ(clusterOf(512, old), 1);
  // Half the tile where a whole one's constants and slots do not fit, then f32 arithmetic.
  DeviceTraits small;
  small.sharedPerBlock = 166912;
  EXPECT_EQ(chooseSchedule(traits, small).unroll, 8);
  small.sharedPerBlock = 101376;
  EXPECT_EQ(chooseSchedule(traits, small).fir, Fir::Direct);
  auto direct = [&](auto change) {
    KernelTraits other = traits;
    change(other);
    EXPECT_EQ(chooseSchedule(other, DeviceTraits()).fir, Fir::Direct);
  };
  direct([](KernelTraits &other) { other.toeplitzGroup = 0; });
  direct([](KernelTraits &other) { other.align = 1; });
}

// In bdl blocks are small and several lie on an SM; packed, element-wise and wide kernels are computed directly.
TEST(ScheduleModelTest, RecurrencesOfRunsGoToTheTensorCores) {
  KernelTraits traits;
  traits.layout = Layout::BDL;
  traits.maxTaps = 3;
  traits.sumTaps = 9;
  traits.halo = 2;
  traits.views = 4;
  traits.streams = 3;
  traits.modes = 16;
  traits.toeplitzGroup = 1;
  auto chosen = [&](int64_t channels, DeviceTraits device = {}) {
    traits.channels = channels;
    Schedule schedule = chooseSchedule(traits, device);
    if (schedule.fir == Fir::Toeplitz)
      EXPECT_TRUE(checkSchedule(traits, device, schedule)) << schedule.print();
    return schedule;
  };
  for (bool fast : {true, false})
    for (bool states : {true, false}) {
      traits.fast = fast;
      traits.storesStates = traits.loadsStates = states;
      EXPECT_EQ(chosen(4096).print(),
                "block_n=8,block_l=0,num_warps=4,vector=8,unroll=4,stages=2,min_blocks=2,"
                "window=registers,fir=toeplitz");
      EXPECT_EQ(chosen(512).print(),
                "block_n=4,block_l=0,num_warps=1,vector=8,unroll=4,stages=2,min_blocks=8,"
                "window=registers,fir=toeplitz,cluster=6");
    }
  for (int64_t channels : {0, 1920, 1064})
    EXPECT_EQ(chosen(channels).cluster, 1);
  EXPECT_EQ(chosen(1056).cluster, 3);
  EXPECT_EQ(chosen(8).cluster, 8);
  DeviceTraits small, old;
  old.maxCluster = 1;
  EXPECT_EQ(chosen(512, old).blockN, 8);
  small.sharedPerBlock = 101376;
  EXPECT_EQ(chosen(4096, small).minBlocks, 1);
  small.sharedPerBlock = 49152;
  EXPECT_EQ(chosen(4096, small).fir, Fir::Direct);
  for (auto change : {+[](KernelTraits &other) { other.packed = true; },
                      +[](KernelTraits &other) { other.align = 1; },
                      +[](KernelTraits &other) { other.maxElementBytes = 4; }}) {
    KernelTraits other = traits;
    change(other);
    EXPECT_EQ(chooseSchedule(other, DeviceTraits()).fir, Fir::Direct);
  }
}

// The table in ScheduleModel.cpp: windows are filled again by every block, so blocks walk far.
// Two bodies in one kernel: more registers a thread, never the tensor cores.
TEST(ScheduleModelTest, PackedSequencesTakeMoreRegisters) {
  KernelTraits traits;
  traits.packed = true;
  traits.maxTaps = traits.sumTaps = 4;
  traits.halo = 3;
  traits.channels = 4096;
  EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).minBlocks, 4);
  traits.maxTaps = traits.sumTaps = 7;
  EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).minBlocks, 2);
  traits.sumTaps = 16; // hcs
  traits.streams = 3;
  traits.views = 4;
  traits.halo = 8;
  EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).print(),
            "block_n=128,block_l=0,num_warps=2,vector=2,unroll=4,stages=3,min_blocks=1,"
            "window=registers");
  // A recurrence of packed sequences in bdl reads positions one by one.
  traits.modes = 16;
  traits.toeplitzGroup = 1;
  for (Layout layout : {Layout::BLD, Layout::BDL}) {
    traits.layout = layout;
    Schedule schedule = chooseSchedule(traits, DeviceTraits());
    EXPECT_EQ(schedule.fir, Fir::Direct);
    EXPECT_EQ(schedule.vector, 1);
    EXPECT_EQ(schedule.unroll, 8);
  }
}

TEST(ScheduleModelTest, BlocksWithWindowsWalkInWholeWaves) {
  KernelInfo info = stripes(129, 64, 128);
  info.warmup = 128;
  info.registers = 197;
  info.sharedBytes = 111104;
  EXPECT_EQ(chooseBlockL(info, {1, 4096, 65536}, DeviceTraits()), 16384);
  EXPECT_EQ(chooseBlockL(info, {1, 4096, 8192}, DeviceTraits()), 2048);
  EXPECT_EQ(chooseBlockL(info, {1, 4096, 1}, DeviceTraits()), 64);
  test::Random random;
  SCOPED_TRACE(random.trace());
  for (int i = 0; i < 2000; ++i) {
    Shape shape{1 + random.below(20), 1 + random.below(5000), 1 + random.below(1 << 20)};
    int64_t blockL = chooseBlockL(info, shape, DeviceTraits());
    ASSERT_GT(blockL, 0);
    ASSERT_EQ(blockL % 64, 0);
    ASSERT_LT(blockL, shape.l + 64);
  }
}

TEST(ScheduleModelTest, RaggedChannelsWasteFewThreads) {
  KernelTraits traits;
  traits.maxTaps = traits.sumTaps = 4;
  for (int64_t d : {64, 100, 256, 640, 1000, 1920, 2048, 4100, 8192}) {
    traits.channels = d;
    int64_t blockN = chooseSchedule(traits, DeviceTraits()).blockN;
    int64_t covered = (d + blockN - 1) / blockN * blockN;
    EXPECT_TRUE(blockN == 128 || covered * 8 <= d * 9 || blockN < 2 * d) << d << " " << blockN;
  }
}

TEST(ScheduleModelTest, UnalignedMeansElementWise) {
  KernelTraits traits;
  traits.align = 1;
  EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).vector, 1);
}

TEST(ScheduleModelTest, LongFiltersGoThroughSharedMemory) {
  KernelTraits traits;
  auto window = [&](int64_t taps) {
    traits.maxTaps = traits.sumTaps = taps;
    return chooseSchedule(traits, DeviceTraits()).window;
  };
  EXPECT_EQ(window(64), Window::Registers);
  EXPECT_EQ(window(65), Window::Shared);
  traits.layout = Layout::BDL;
  EXPECT_EQ(window(64), Window::Registers);
  EXPECT_EQ(window(65), Window::Shared);
  traits.maxElementBytes = 4;
  EXPECT_EQ(window(32), Window::Registers);
  EXPECT_EQ(window(33), Window::Shared);
  // Several streams' windows share the registers.
  traits.layout = Layout::BLD;
  traits.streams = 3;
  EXPECT_EQ(window(16), Window::Registers);
  EXPECT_EQ(window(17), Window::Shared);
  // And so do several filters.
  traits.streams = 1;
  window(30);
  traits.sumTaps = 90;
  EXPECT_EQ(chooseSchedule(traits, DeviceTraits()).window, Window::Shared);
}

TEST(ScheduleModelTest, EveryScheduleIsConsistent) {
  for (Layout layout : {Layout::BDL, Layout::BLD})
    for (int align : {1, 16})
      for (int bytes : {2, 4})
        for (int64_t taps : {1, 3, 7, 16, 40, 128})
          for (int64_t head : {0, 64, 96, 128, 256})
            for (bool cross : {false, true}) {
              KernelTraits traits;
              traits.layout = layout;
              traits.align = align;
              traits.maxElementBytes = bytes;
              traits.maxTaps = taps;
              traits.sumTaps = taps + 9;
              traits.head = head;
              traits.crossLayout = cross && layout == Layout::BDL;
              Schedule schedule = chooseSchedule(traits, DeviceTraits());
              SCOPED_TRACE(schedule.print());
              int64_t perThread = layout == Layout::BLD ? schedule.vector : 1;
              int64_t threadsN = schedule.blockN / perThread;
              EXPECT_EQ(schedule.blockN % perThread, 0);
              EXPECT_EQ(threadsN & (threadsN - 1), 0) << "a power of two";
              EXPECT_LE(threadsN, 32 * schedule.numWarps);
              EXPECT_GE(schedule.blockN, head);
              EXPECT_LE(schedule.vector * bytes, 16);
              if (traits.crossLayout)
                EXPECT_GE(schedule.blockN, 32);
              EXPECT_LE(schedule.minBlocks * 32 * schedule.numWarps, 2048);
              EXPECT_EQ(*Schedule::parse(schedule.print(), Schedule()), schedule);
            }
}

} // namespace
} // namespace halo

#include "compiler/lowering/KernelPlan.h"

#include "compiler/lowering/RolledFir.h"
#include "tests/unit/compiler/KernelText.h"

namespace halo::compiler {
namespace {

using test::KernelText;

struct Tiles : std::vector<std::array<int64_t, 3>> {
  using vector::vector;
  Tiles(llvm::ArrayRef<ChannelTiles> tiles) {
    for (const ChannelTiles &tile : tiles)
      push_back({tile.begin, tile.end, tile.width});
  }
};

TEST(CutChannelsTest, WorkedTable) {
  EXPECT_EQ(Tiles(cutChannels({}, {}, 256)), (Tiles{{0, 0, 256}}));
  EXPECT_EQ(Tiles(cutChannels({100, 28}, {50, 0}, 64)), (Tiles{{0, 100, 50}, {100, 128, 64}}));
  EXPECT_EQ(Tiles(cutChannels({256, 256}, {128, 128}, 256)), (Tiles{{0, 0, 256}}));
  // Plain parts never force a cut; plain neighbours share tiles beside a normalised part.
  EXPECT_EQ(Tiles(cutChannels({100, 28}, {}, 64)), (Tiles{{0, 0, 64}}));
  EXPECT_EQ(Tiles(cutChannels({100, 28}, {0, 0}, 64)), (Tiles{{0, 0, 64}}));
  EXPECT_EQ(Tiles(cutChannels({30, 20, 100}, {0, 0, 50}, 64)),
            (Tiles{{0, 50, 64}, {50, 150, 50}}));
  EXPECT_EQ(Tiles(cutChannels({64, 10, 20}, {64, 0, 0}, 64)), (Tiles{{0, 0, 64}}));
}

// Whatever the parts: every channel lies in exactly one tile, no tile is wider than block_n, and
// every head lies in one tile.
TEST(CutChannelsTest, CoversEveryChannelOnceAndSplitsNoHead) {
  test::Random random;
  SCOPED_TRACE(random.trace());
  for (int round = 0; round < 2000; ++round) {
    int64_t blockN = int64_t(1) << random.in(0, 8);
    std::vector<int64_t> widths, heads;
    int64_t total = 0;
    for (int64_t parts = random.in(1, 5); parts > 0; --parts) {
      int64_t head = random.in(0, 2) ? random.in(1, blockN) : 0;
      heads.push_back(head);
      widths.push_back(head ? head * random.in(1, 6) : random.in(1, 300));
      total += widths.back();
    }
    std::vector<int64_t> tileOf(total, -1);
    int64_t tile = 0;
    for (const ChannelTiles &run : cutChannels(widths, heads, blockN)) {
      ASSERT_GE(run.width, 1);
      ASSERT_LE(run.width, blockN);
      int64_t end = run.end ? run.end : total;
      ASSERT_LE(end, total);
      for (int64_t c = run.begin; c < end; ++c) {
        ASSERT_EQ(tileOf[c], -1) << "channel " << c << " twice";
        tileOf[c] = tile + (c - run.begin) / run.width;
      }
      tile += (end - run.begin + run.width - 1) / run.width;
    }
    for (int64_t c = 0; c < total; ++c)
      ASSERT_NE(tileOf[c], -1) << "channel " << c << " of " << total;
    int64_t begin = 0;
    for (size_t i = 0; i < widths.size(); begin += widths[i++])
      for (int64_t c = 0; heads[i] && c < widths[i]; ++c)
        ASSERT_EQ(tileOf[begin + c], tileOf[begin + c / heads[i] * heads[i]])
            << "head of " << heads[i] << " at channel " << begin + c << ", block_n " << blockN;
  }
}

/// A kernel with a schedule; `fields` is #halo.schedule's text.
std::string scheduled(const std::string &fields, const std::string &layout, int64_t taps,
                      const std::string &type = "bf16") {
  return "halo.kernel @k ins(@x : view<" + type + ", " + layout + ">, @w : taps<" + type + ", " +
         std::to_string(taps) + ">) outs(@y : view<" + type + ", " + layout +
         ">) schedule(#halo.schedule<" + fields +
         ">) {\n  %x = halo.load @x\n  %f = halo.fir %x, @w\n  halo.store %f, @y\n}";
}

std::string fields(int64_t blockN, int64_t warps, int64_t vector, int64_t unroll,
                   const std::string &window = "registers", int64_t blockL = 0, int64_t stages = 1,
                   int64_t align = 16) {
  auto n = [](int64_t value) { return std::to_string(value); };
  return "block_n = " + n(blockN) + ", block_l = " + n(blockL) + ", num_warps = " + n(warps) +
         ", vector = " + n(vector) + ", unroll = " + n(unroll) + ", stages = " + n(stages) +
         ", min_blocks = 1, window = " + window + ", align = " + n(align);
}

TEST(KernelPlanTest, ThreadsOfABldKernel) {
  KernelText text(scheduled(fields(256, 4, 8, 4), "bld", 4));
  ASSERT_TRUE(text.kernel) << text.error();
  auto plan = planKernel(text.kernel, 232448);
  ASSERT_TRUE(succeeded(plan)) << text.error();
  EXPECT_EQ(plan->layout, Layout::BLD);
  EXPECT_EQ(plan->lanes, 8);
  EXPECT_EQ(plan->run, 1);
  EXPECT_EQ(plan->threadsN, 32);
  EXPECT_EQ(plan->threadsL, 4);
  EXPECT_EQ(plan->threads(), 128);
  EXPECT_EQ(plan->stepL, 16);
  EXPECT_EQ(plan->sharedBytes, 0);
  EXPECT_TRUE(plan->channelsFast);
  EXPECT_FALSE(plan->shared);
}

TEST(KernelPlanTest, ThreadsOfABdlKernel) {
  KernelText text(scheduled(fields(1, 4, 8, 2), "bdl", 4));
  auto plan = planKernel(text.kernel, 232448);
  ASSERT_TRUE(succeeded(plan)) << text.error();
  EXPECT_EQ(plan->lanes, 1);
  EXPECT_EQ(plan->run, 8);
  EXPECT_EQ(plan->threadsN, 1);
  EXPECT_EQ(plan->threadsL, 128);
  EXPECT_EQ(plan->stepL, 2048);
  EXPECT_FALSE(plan->channelsFast);
}

TEST(KernelPlanTest, ARingOfLoadsTakesSharedMemory) {
  // 3 steps of 4 rows of 16 bytes for each of 128 threads.
  KernelText text(scheduled(fields(256, 4, 8, 4, "registers", 0, 3), "bld", 4));
  auto plan = planKernel(text.kernel, 232448);
  ASSERT_TRUE(succeeded(plan)) << text.error();
  EXPECT_EQ(plan->ringBase, 0);
  EXPECT_EQ(plan->sharedBytes, 3 * 4 * 16 * 128);
}

TEST(KernelPlanTest, SharedWindow) {
  KernelText text(scheduled(fields(32, 4, 1, 4, "shared"), "bld", 100));
  auto plan = planKernel(text.kernel, 232448);
  ASSERT_TRUE(succeeded(plan)) << text.error();
  EXPECT_TRUE(plan->shared);
  EXPECT_EQ(plan->lanes, 1);
  EXPECT_EQ(plan->stepL, 16);
  ASSERT_EQ(outerRolledFirs(*plan).size(), 1u);
  auto fir = outerRolledFirs(*plan)[0];
  EXPECT_TRUE(isRolled(*plan, fir));
  // 64 taps and 16 + 64 - 1 samples for each of 32 channels.
  EXPECT_EQ(rolledSharedBytes(*plan, fir), 4 * 32 * (64 + 79));
  EXPECT_EQ(plan->sharedBytes, 4 * 32 * (64 + 79));

  // Where threads lie along positions only, a word of padding per run spreads the banks.
  KernelText along(scheduled(fields(1, 4, 1, 4, "shared"), "bdl", 100));
  auto padded = planKernel(along.kernel, 232448);
  ASSERT_TRUE(succeeded(padded)) << along.error();
  int64_t samples = 128 * 4 + 64 - 1;
  EXPECT_EQ(padded->sharedBytes, 4 * (64 + samples + samples / 4 + 1));
}

TEST(KernelPlanTest, ShortFirsAreNeverRolled) {
  KernelText text(scheduled(fields(32, 4, 1, 4, "shared"), "bld", kUnrolledTaps));
  auto plan = planKernel(text.kernel, 232448);
  ASSERT_TRUE(succeeded(plan)) << text.error();
  EXPECT_TRUE(outerRolledFirs(*plan).empty());
  EXPECT_EQ(plan->sharedBytes, 0);
}

TEST(KernelPlanTest, ARolledFirThatAnotherReadsIsNotOuter) {
  KernelText text("halo.kernel @k ins(@x : view<f32, bld>, @a : taps<f32, 20>, @b : taps<f32, 30>, "
                  "@c : taps<f32, 40>) outs(@y : view<f32, bld>) schedule(#halo.schedule<" +
                  fields(32, 4, 1, 4, "shared") +
                  ">) {\n  %x = halo.load @x\n  %a = halo.fir %x, @a\n  %r = halo.silu %a\n"
                  "  %b = halo.fir %r, @b\n  %c = halo.fir %x, @c\n"
                  "  %y = arith.addf %b, %c : f32\n  halo.store %y, @y\n}");
  ASSERT_TRUE(text.kernel) << text.error();
  auto plan = planKernel(text.kernel, 232448);
  ASSERT_TRUE(succeeded(plan)) << text.error();
  auto outer = outerRolledFirs(*plan);
  ASSERT_EQ(outer.size(), 2u);
  EXPECT_EQ(outer[0].getWeight(), "b");
  EXPECT_EQ(outer[1].getWeight(), "c");
}

// The law of RolledFir.h: with the taps taken in chunks, oldest first, a thread's outputs are
// sliding windows over the staged samples. Checked against the direct sum, in integers.
TEST(RolledFirTest, ChunksOfTheHeadersIdentityAreTheDirectSum) {
  test::Random random;
  SCOPED_TRACE(random.trace());
  for (int round = 0; round < 200; ++round) {
    int64_t K = random.in(1, 200), h = random.in(0, 9), P = random.in(1, 8), threads = 4;
    int64_t TL = threads * P, tile = random.in(0, 50);
    std::vector<int64_t> w(K), history;
    for (int64_t &tap : w)
      tap = random.in(-9, 9);
    auto u = [&](int64_t t) { return t < 0 ? 0 : (t * 7919 + 13) % 31 - 15; };
    for (int64_t thread = 0; thread < threads; ++thread) {
      int64_t s0 = thread * P;
      std::vector<int64_t> sums(P + h, 0);
      int64_t rest = K % kTapChunk;
      auto chunk = [&](int64_t k0, int64_t n) {
        int64_t W = TL + h + n - 1;
        std::vector<int64_t> S(W);
        for (int64_t q = 0; q < W; ++q)
          S[q] = u(tile - h - (k0 + n - 1) + q);
        for (int64_t j = -h; j < P; ++j)
          for (int64_t i = 0; i < n; ++i) {
            ASSERT_LT(s0 + (j + h) + i, W);
            sums[j + h] += w[k0 + n - 1 - i] * S[s0 + (j + h) + i];
          }
      };
      if (rest)
        chunk(K - rest, rest);
      for (int64_t i = 0; i < K / kTapChunk; ++i)
        chunk(K - rest - (i + 1) * kTapChunk, kTapChunk);
      for (int64_t j = -h; j < P; ++j) {
        int64_t direct = 0;
        for (int64_t age = 0; age < K; ++age)
          direct += w[age] * u(tile + s0 + j - age);
        ASSERT_EQ(sums[j + h], direct) << "K " << K << " h " << h << " P " << P << " j " << j;
      }
    }
  }
}

TEST(KernelPlanTest, RefusesImpossibleSchedulesWithASentence) {
  struct Row {
    std::string text;
    const char *message;
  };
  for (const Row &row : {
           Row{scheduled(fields(256, 4, 8, 4, "registers", 0, 1, 1), "bld", 4),
               "schedule: vector 8 needs align 16, got align 1"},
           Row{scheduled(fields(256, 4, 8, 4), "bld", 4, "f32"),
               "schedule: vector 8 of 4-byte elements is 32 bytes, more than an access of 16"},
           Row{scheduled(fields(100, 4, 8, 4), "bld", 4),
               "schedule: block_n 100 is not a power of two times vector 8"},
           Row{scheduled(fields(256, 4, 1, 4), "bld", 4),
               "schedule: block_n 256 needs 256 threads across channels, which does not divide the "
               "block's 128"},
           Row{scheduled(fields(256, 4, 8, 4, "registers", 24), "bld", 4),
               "schedule: block_l 24 is not a multiple of the block's step of 16 positions"},
           Row{scheduled(fields(32, 4, 1, 4, "shared", 0, 2), "bld", 40),
               "schedule: stages 2 needs window=registers, else 1"},
           Row{scheduled(fields(32, 4, 1, 4, "registers", 0, 3), "bld", 4),
               "schedule: stages 3 needs accesses of 4 bytes, vector 1 gives 2"},
           Row{scheduled(fields(256, 4, 8, 4), "bld", 65),
               "schedule: window=registers unrolls at most 64 taps, 'w' has 65"},
           Row{scheduled(fields(64, 32, 1, 64, "shared"), "bld", 64),
               "schedule: shared memory 294656 B exceeds the target's 232448 B"},
       }) {
    KernelText text(row.text);
    ASSERT_TRUE(text.kernel) << text.error();
    EXPECT_TRUE(failed(planKernel(text.kernel, 232448))) << row.message;
    EXPECT_EQ(text.error(), row.message);
  }
}

} // namespace
} // namespace halo::compiler

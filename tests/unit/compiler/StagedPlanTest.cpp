#include "compiler/lowering/StagedPlan.h"

#include "compiler/lowering/KernelPlan.h"
#include "tests/unit/compiler/KernelText.h"

namespace halo::compiler {
namespace {

using test::KernelText;

struct Form {
  std::string type = "bf16", taps = "bf16", layout = "bld";
  int64_t count = 128, group = 16;
  std::string streams = "interleave";
  /// After the long FIR %s and the signals %u and %x2.
  std::string tail = "  %r = halo.round %s to bf16\n  %y = arith.mulf %x2, %r : f32\n"
                     "  halo.store %y, @y\n";
};

struct Numbers {
  int64_t blockN = 64, warps = 8, vector = 4, unroll = 4, stages = 2, align = 16, blockL = 0;
  std::string window = "registers";
};

std::string kernel(const Form &form = {}, const Numbers &n = {}) {
  auto text = [](int64_t value) { return std::to_string(value); };
  std::string fields = "block_n = " + text(n.blockN) + ", block_l = " + text(n.blockL) +
                       ", num_warps = " + text(n.warps) + ", vector = " + text(n.vector) +
                       ", unroll = " + text(n.unroll) + ", stages = " + text(n.stages) +
                       ", min_blocks = 1, window = " + n.window + ", align = " + text(n.align) +
                       ", fir = toeplitz";
  std::string view = "view<" + form.type + ", " + form.layout;
  std::string result = "halo.kernel @k ins(@z : " + view + ", 3>, @p : taps<bf16, 3, 1, 3>, @w : taps<" +
                       form.taps + ", " + text(form.count) + ", " + text(form.group) +
                       ">, @c : channel<bf16>) outs(@y : " + view +
                       ">) schedule(#halo.schedule<" + fields + ">) {\n";
  result += "  %a, %b, %d = halo.load @z streams(" + form.streams + ")\n";
  const char *names[] = {"a", "b", "d"}, *outs[] = {"x2", "x1", "v"};
  for (int i = 0; i < 3; ++i)
    result += std::string("  %f") + names[i] + " = halo.fir %" + names[i] + ", @p stream(" + text(i) +
              ", interleave)\n  %" + outs[i] + " = halo.round %f" + names[i] + " to bf16\n";
  return result +
         "  %g = arith.mulf %x1, %v : f32\n  %u = halo.round %g to bf16\n"
         "  %s = halo.fir %u, @w taps(convolution)\n" +
         form.tail + "}";
}

// The table in StagedPlan.h.
TEST(StagedPlanTest, WorkedNumbers) {
  Form form;
  form.tail = "  %k = halo.channel @c\n  %f = math.fma %k, %u, %s : f32\n"
              "  %r = halo.round %f to bf16\n  %y = arith.mulf %x2, %r : f32\n  halo.store %y, @y\n";
  KernelText text(kernel(form));
  ASSERT_TRUE(text.kernel) << text.error();
  auto plan = planKernel(text.kernel, 232448);
  ASSERT_TRUE(succeeded(plan)) << text.error();
  ASSERT_TRUE(plan->staged);
  const StagedPlan &staged = *plan->staged;
  EXPECT_EQ(staged.tile, 64);
  EXPECT_EQ(staged.ring, 256);
  EXPECT_EQ(staged.warmup, 128);
  EXPECT_EQ(staged.tasks, 4);
  EXPECT_EQ(staged.warpsPerTask, 2);
  EXPECT_EQ(staged.tasksPerWarp, 1);
  EXPECT_EQ(staged.blocksPerWarp, 2);
  ASSERT_EQ(staged.firs.size(), 1u);
  EXPECT_EQ(staged.firs[0].blocks, 9);
  EXPECT_FALSE(staged.firs[0].split);
  ASSERT_EQ(staged.loads.size(), 1u);
  EXPECT_EQ(staged.loads[0].halo, 2);
  EXPECT_EQ(staged.loads[0].rowBytes(), 384);
  EXPECT_EQ(staged.slotBytes, 66 * 384);
  // u comes back from its window, x2 through a tile, which the store reuses.
  ASSERT_EQ(staged.windows.size(), 1u);
  EXPECT_TRUE(staged.windows[0].finished);
  ASSERT_EQ(staged.tiles.size(), 1u);
  EXPECT_EQ(staged.tiles[0].rowBytes, 144);
  ASSERT_EQ(staged.stores.size(), 1u);
  EXPECT_EQ(staged.stores[0].tile.base, staged.tiles[0].base);
  EXPECT_EQ(plan->sharedBytes, 2 * 66 * 384 + 64 * 512 + 3 * 64 * 144);
}

// The same in bdl: rows of channels, an odd number of accesses long.
TEST(StagedPlanTest, WorkedNumbersOfRuns) {
  Form form;
  form.layout = "bdl";
  form.tail = "  %k = halo.channel @c\n  %f = math.fma %k, %u, %s : f32\n"
              "  %r = halo.round %f to bf16\n  %y = arith.mulf %x2, %r : f32\n  halo.store %y, @y\n";
  Numbers n;
  n.blockN = 32;
  n.warps = 4;
  n.vector = 8;
  for (const char *streams : {"interleave", "split"}) {
    form.streams = streams;
    KernelText text(kernel(form, n));
    ASSERT_TRUE(text.kernel) << text.error();
    auto plan = planKernel(text.kernel, 232448);
    ASSERT_TRUE(succeeded(plan)) << text.error();
    const StagedPlan &staged = *plan->staged;
    EXPECT_EQ(staged.tile, 128);
    EXPECT_EQ(staged.ring, 512);
    EXPECT_EQ(staged.warmup, 128);
    EXPECT_EQ(staged.tasks, 2);
    EXPECT_EQ(staged.warpsPerTask, 2);
    EXPECT_EQ(staged.blocksPerWarp, 4);
    ASSERT_EQ(staged.loads.size(), 1u);
    EXPECT_EQ(staged.loads[0].halo, 2);
    EXPECT_EQ(staged.loads[0].before, 16);
    EXPECT_EQ(staged.loads[0].pieces, 3);
    EXPECT_EQ(staged.loads[0].pieceBytes, 272);
    ASSERT_EQ(staged.tiles.size(), 1u);
    EXPECT_EQ(staged.tiles[0].rowBytes, 288);
    EXPECT_EQ(plan->sharedBytes, 2 * 3 * 32 * 272 + 32 * 1024 + 3 * 32 * 288);
  }
}

TEST(StagedPlanTest, GroupsDecideTheTasks) {
  struct Row {
    int64_t group, blockN, warps, vector, unroll, tasks, warpsPerTask, tasksPerWarp;
  };
  for (const Row &row : {Row{16, 64, 4, 4, 8, 4, 1, 1}, Row{8, 64, 4, 4, 8, 8, 1, 2},
                         Row{32, 64, 4, 4, 8, 4, 1, 1}, Row{256, 64, 4, 4, 8, 4, 1, 1},
                         Row{15, 120, 8, 4, 8, 8, 1, 1}, Row{64, 128, 8, 4, 8, 8, 1, 1},
                         Row{64, 64, 8, 4, 4, 4, 2, 1},
                         // Groups that straddle stripes; tasks without channels make rounds whole.
                         Row{15, 48, 4, 4, 8, 4, 1, 1}, Row{15, 64, 4, 4, 8, 8, 1, 2},
                         Row{31, 64, 4, 4, 8, 8, 1, 2}, Row{48, 64, 4, 4, 8, 8, 1, 2},
                         Row{15, 16, 4, 4, 8, 2, 2, 1}, Row{15, 48, 8, 4, 4, 4, 2, 1}}) {
    Form form;
    form.group = row.group;
    Numbers n;
    n.blockN = row.blockN;
    n.warps = row.warps;
    n.vector = row.vector;
    n.unroll = row.unroll;
    KernelText text(kernel(form, n));
    auto plan = planKernel(text.kernel, 1 << 30);
    ASSERT_TRUE(succeeded(plan)) << text.error();
    EXPECT_EQ(plan->staged->tasks, row.tasks) << row.group;
    EXPECT_EQ(plan->staged->warpsPerTask, row.warpsPerTask) << row.group;
    EXPECT_EQ(plan->staged->tasksPerWarp, row.tasksPerWarp) << row.group;
  }
}

// The table of sectors in StagedPlan.h.
TEST(StagedPlanTest, ShortTilesLeaveRoomForWideStripes) {
  Form form;
  form.group = 15;
  Numbers n;
  n.blockN = 240;
  n.unroll = 8;
  KernelText text(kernel(form, n));
  ASSERT_TRUE(text.kernel) << text.error();
  auto plan = planKernel(text.kernel, 232448);
  ASSERT_TRUE(succeeded(plan)) << text.error();
  const StagedPlan &wide = *plan->staged;
  EXPECT_EQ(wide.tile, 32);
  EXPECT_EQ(wide.ring, 192);
  EXPECT_FALSE(wide.skewed);
  EXPECT_EQ(wide.tileSets, 1);
  EXPECT_EQ(wide.tasksPerWarp, 2);
  EXPECT_EQ(wide.blocksPerWarp, 2);
  // Pairs of channels are split between groups: y has a tile of its own beside that of x2.
  EXPECT_NE(wide.stores[0].tile.base, wide.tiles[0].base);
  EXPECT_EQ(plan->sharedBytes, 2 * 34 * 1440 + 240 * 384 + 2 * 32 * 496);

  form.group = 16;
  n.blockN = 64;
  n.warps = 4;
  n.unroll = 4;
  KernelText other(kernel(form, n));
  auto narrow = planKernel(other.kernel, 232448);
  ASSERT_TRUE(succeeded(narrow)) << other.error();
  EXPECT_EQ(narrow->staged->ring, 192);
  EXPECT_TRUE(narrow->staged->skewed);
  EXPECT_EQ(narrow->staged->tileSets, 3);
  EXPECT_EQ(narrow->sharedBytes, 2 * 34 * 384 + 64 * 384 + 3 * 32 * 144);
}

// The law of ToeplitzFinish.h: wherever in a group a stripe begins, each of its channels is of one task.
TEST(StagedPlanTest, TasksOfStraddlingGroupsOwnEachChannelOnce) {
  int planned = 0;
  for (int64_t group = 1; group <= 70; ++group)
    for (int64_t blockN : {16, 48, 64, 96}) {
      Form form;
      form.group = group;
      Numbers n;
      n.blockN = blockN;
      n.warps = 4;
      n.unroll = 16;
      KernelText text(kernel(form, n));
      auto plan = planKernel(text.kernel, 1 << 30);
      if (failed(plan)) // Whole groups, of which the warps have no whole number.
        continue;
      ++planned;
      const StagedPlan &staged = *plan->staged;
      for (int64_t stripe = 0; stripe < blockN * staged.group; stripe += blockN) {
        std::vector<int> owners(blockN, 0);
        int64_t perGroup = staged.tasksPerGroup();
        for (int64_t task = 0; task < staged.tasks; ++task) {
          int64_t first = task / perGroup * staged.group;
          first -= staged.straddles ? stripe % staged.group : 0;
          int64_t column = (first & ~int64_t(1)) + 16 * (task % perGroup);
          for (int64_t c = std::max<int64_t>(column, 0); c < std::min(column + 16, blockN); ++c)
            if (c >= first && c < first + staged.group)
              ++owners[c];
        }
        for (int64_t c = 0; c < blockN; ++c)
          ASSERT_EQ(owners[c], 1) << "groups of " << group << ", stripe at " << stripe << " of "
                                  << blockN << ", channel " << c;
      }
    }
  EXPECT_GE(planned, 250);
}

TEST(StagedPlanTest, TapsThatAreNotExactAreSplit) {
  for (const char *taps : {"f32", "f16", "bf16"}) {
    Form form;
    form.taps = taps;
    KernelText text(kernel(form));
    auto plan = planKernel(text.kernel, 1 << 30);
    ASSERT_TRUE(succeeded(plan)) << text.error();
    EXPECT_EQ(plan->staged->firs[0].split, std::string(taps) != "bf16");
  }
}

// The worked plan of ModalFinish.h's layout: hcl without its featurizer, in the class accurate.
TEST(StagedPlanTest, RecurrencesTakePairsOfChannelsPerWarp) {
  KernelText text(R"(
halo.kernel @k
    ins(@z : view<bf16, bld, 3>, @lp : modes<16>, @r : modes<16>)
    outs(@y : view<bf16, bld>)
    schedule(#halo.schedule<block_n = 32, block_l = 0, num_warps = 16, vector = 2, unroll = 8, stages = 2, min_blocks = 1, window = registers, align = 16, fir = toeplitz>) {
  %a, %b, %c = halo.load @z streams(interleave)
  %g = arith.mulf %b, %c : f32
  %u = halo.round %g to bf16
  %m = halo.modal %u, @lp, @r
  %f = halo.round %m to bf16
  %o = arith.mulf %a, %f : f32
  halo.store %o, @y
})");
  ASSERT_TRUE(text.kernel) << text.error();
  auto plan = planKernel(text.kernel, 232448);
  ASSERT_TRUE(succeeded(plan)) << text.error();
  const StagedPlan &staged = *plan->staged;
  EXPECT_EQ(staged.tile, 256);
  EXPECT_EQ(staged.chunk, 32);
  EXPECT_EQ(staged.channelsPerWarp, 2);
  EXPECT_FALSE(staged.skewed);
  EXPECT_EQ(staged.ring, 256);
  // u, and the gate beside it, by way of the tensor cores.
  ASSERT_EQ(staged.windows.size(), 2u);
  EXPECT_FALSE(staged.windows[0].finished);
  EXPECT_TRUE(staged.windows[1].finished);
  EXPECT_TRUE(staged.tiles.empty());
  // 16 threads of a row read 64 bytes at once: the next row's lie 64 bytes further.
  EXPECT_EQ(staged.loads[0].pad, 64);
  EXPECT_EQ(staged.slotBytes, 256 * 192 + 31 * 64);
  EXPECT_TRUE(staged.stores[0].swizzled);
  EXPECT_EQ(staged.stores[0].pieces, 4);
  EXPECT_EQ(staged.stores[0].tile.rowBytes, 64);
  ASSERT_EQ(staged.modals.size(), 1u);
  EXPECT_TRUE(staged.modals[0].split);
  // T of two blocks in two parts, decays, starts, the lesser part of Q.
  EXPECT_EQ(staged.modals[0].tableBytes, 2 * 2 * 14 * 16 + 256 + 256 + 512);
  EXPECT_EQ(plan->sharedBytes, 2 * staged.slotBytes + 2 * 32 * 512 + 256 * 64 + 32 * 512 +
                                   32 * staged.modals[0].tableBytes);
}

// The same in bdl: a tile of sixteen chunks. FIRs whose taps are exact leave warps alone with their slots.
TEST(StagedPlanTest, RecurrencesOfRunsTakeChannelsPerWarp) {
  struct Row {
    std::string numbers = "block_n = 16, block_l = 0, num_warps = 4, vector = 8, unroll = 4";
    std::string taps = "bf16", out, after;
  };
  auto text = [](const Row &row) {
    return "halo.kernel @k ins(@z : view<bf16, bdl, 3>, @p : taps<" + row.taps +
           ", 3, 1, 3>, @lp : modes<16>, @r : modes<16>) outs(@y : view<bf16, bdl>" + row.out +
           ") schedule(#halo.schedule<" + row.numbers +
           R"(, stages = 2, min_blocks = 1, window = registers, align = 16, fir = toeplitz>) {
  %a, %b, %c = halo.load @z streams(interleave)
  %f0 = halo.fir %a, @p stream(0, interleave)
  %g0 = halo.round %f0 to bf16
  %g = arith.mulf %b, %c : f32
  %u = halo.round %g to bf16
  %m = halo.modal %u, @lp, @r
  %f = halo.round %m to bf16
  %o = arith.mulf %g0, %f : f32
  halo.store %o, @y
)" + row.after + "}";
  };
  auto planOf = [&](const Row &row) {
    KernelText kernel(text(row));
    EXPECT_TRUE(kernel.kernel) << kernel.error();
    auto plan = planKernel(kernel.kernel, 232448);
    EXPECT_TRUE(succeeded(plan)) << kernel.error();
    return *plan;
  };
  KernelPlan plan = planOf({});
  const StagedPlan &staged = *plan.staged;
  EXPECT_EQ(staged.tile, 256);
  EXPECT_EQ(staged.chunk, 16);
  EXPECT_EQ(staged.channelsPerWarp, 4);
  EXPECT_EQ(staged.ring, 256);
  EXPECT_TRUE(staged.tiles.empty());
  EXPECT_EQ(staged.slotBytes, 3 * 16 * (512 + 16));
  EXPECT_TRUE(staged.alone);
  // y takes the place of the first stream.
  EXPECT_TRUE(staged.stores[0].windowed);
  EXPECT_EQ(staged.stores[0].tile.base, 16);
  EXPECT_EQ(staged.stores[0].tile.rowBytes, 528);
  // T of one block in two parts, the lesser parts of Q and P, six decays and zeros, the starts.
  int64_t tables = 2 * 14 * 16 + 2 * 512 + 6 * 64 + 16 + 512;
  EXPECT_EQ(staged.modals[0].tableBytes, tables);
  EXPECT_EQ(plan.sharedBytes, 2 * staged.slotBytes + 16 * tables);

  // The window of u, for what the last tile adds to the states.
  Row stores;
  stores.out = ", @s : modal_state<16>";
  stores.after = "  halo.store_state %m, @s\n";
  EXPECT_EQ(planOf(stores).sharedBytes, plan.sharedBytes + 16 * 512);
  // A tile of two rounds: y has rows of its own, a recurrence takes 256 positions at a time.
  Row rounds;
  rounds.numbers = "block_n = 8, block_l = 0, num_warps = 4, vector = 8, unroll = 4";
  KernelPlan two = planOf(rounds);
  EXPECT_EQ(two.staged->tile, 512);
  EXPECT_EQ(two.staged->round, 256);
  EXPECT_EQ(two.staged->chunk, 16);
  EXPECT_EQ(two.sharedBytes, 2 * 3 * 8 * (1024 + 16) + 8 * 1024 + 8 * tables);
  // Taps that are not exact: u, the gate beside it and y as rows of channels.
  Row wide;
  wide.taps = "f32";
  KernelPlan apart = planOf(wide);
  EXPECT_FALSE(apart.staged->alone);
  EXPECT_EQ(apart.staged->windows.size(), 2u);
  EXPECT_EQ(apart.sharedBytes, plan.sharedBytes + 3 * 16 * 512);

  for (auto [numbers, message] :
       {std::pair{"block_n = 16, block_l = 0, num_warps = 4, vector = 8, unroll = 2",
                  "needs 256 to 1024 positions per step for a halo.modal, got 128"},
        std::pair{"block_n = 8, block_l = 0, num_warps = 4, vector = 8, unroll = 4, cluster = 2",
                  "needs 256 positions per step in a cluster, got 512"},
        std::pair{"block_n = 4, block_l = 0, num_warps = 8, vector = 8, unroll = 1",
                  "cannot share 4 channels among 8 warps"}}) {
    Row row;
    row.numbers = numbers;
    KernelText refused(text(row));
    ASSERT_TRUE(refused.kernel) << refused.error();
    EXPECT_TRUE(failed(planKernel(refused.kernel, 232448)));
    EXPECT_NE(refused.error().find(message), std::string::npos) << refused.error();
  }
}

TEST(StagedPlanTest, RefusalsNameBothNumbers) {
  struct Row {
    std::string text, message;
  };
  auto with = [](auto change) {
    Form form;
    Numbers n;
    change(form, n);
    return kernel(form, n);
  };
  for (const Row &row : {
           Row{with([](Form &, Numbers &n) { n.stages = 1; }),
               "needs stages of at least 2, got 1"},
           Row{with([](Form &, Numbers &n) { n.unroll = 1; }),
               "needs a power of two of at least 32 positions per step, got 16"},
           Row{with([](Form &form, Numbers &n) {
                 form.layout = "bdl";
                 n.vector = 8;
                 n.unroll = 1;
               }),
               "needs a power of two of at least 64 positions per step, got 32"},
           Row{with([](Form &, Numbers &n) {
                 n.blockN = 48;
                 n.warps = 4;
                 n.unroll = 8;
               }),
               "cannot share 3 tasks of up to 16 channels among 4 warps"},
           Row{with([](Form &form, Numbers &n) {
                 form.group = 15;
                 n.blockN = 60;
                 n.warps = 4;
                 n.unroll = 8;
               }),
               "copies accesses of 16 bytes, block_n 60 of 'z' has 120"},
           Row{with([](Form &form, Numbers &n) {
                 form.layout = "bdl";
                 n.vector = 8;
                 n.blockN = 16;
                 n.warps = 1;
                 n.unroll = 32;
               }),
               "copies 64 accesses of 16 bytes of a row of 'z' by as many threads, got 32"},
           Row{with([](Form &form, Numbers &) { form.count = 8; }),
               "needs a halo.modal, or a FIR of more than 8 taps"},
           Row{with([](Form &form, Numbers &) { form.count = 300; }),
               "holds at most 256 taps, 'w' has 300"},
           Row{with([](Form &form, Numbers &) { form.streams = "column_split, 4"; }),
               "needs streams interleave or split, got column_split"},
           Row{with([](Form &form, Numbers &) {
                 form.tail = "  %q = halo.fir %s, @p stream(0, interleave)\n  halo.store %q, @y\n";
               }),
               "cannot look back into what a long FIR gives"},
       }) {
    KernelText text(row.text);
    ASSERT_TRUE(text.kernel) << text.error();
    EXPECT_TRUE(failed(planKernel(text.kernel, 232448))) << row.message;
    EXPECT_NE(text.error().find(row.message), std::string::npos) << text.error();
  }
}

// The law of Toeplitz.h in integers: A_d[r][k] = h[16 d + r - k] over the blocks of history is the
// direct sum, and R_m of every lane are the mma's registers of A_d.
TEST(ToeplitzTest, BlocksOfTheHeadersIdentityAreTheDirectSum) {
  test::Random random;
  SCOPED_TRACE(random.trace());
  for (int round = 0; round < 50; ++round) {
    int64_t K = random.in(9, 256), blocks = 1 + (K - 1 + 15) / 16;
    std::vector<int64_t> taps(K);
    for (int64_t &tap : taps)
      tap = random.in(-9, 9);
    auto h = [&](int64_t age) { return age >= 0 && age < K ? taps[age] : 0; };
    auto u = [&](int64_t t) { return t < 0 ? 0 : (t * 7919 + 13) % 31 - 15; };
    auto R = [&](int64_t m, int64_t g, int64_t q, int64_t half) {
      return h(8 * m + g - 2 * q - half);
    };
    int64_t block = random.in(0, 20);
    for (int64_t r = 0; r < 16; ++r) {
      int64_t sum = 0, direct = 0, t = 16 * block + r;
      for (int64_t d = 0; d < blocks; ++d)
        for (int64_t k = 0; k < 16; ++k) {
          // Where the mma keeps element (r, k): register r / 8 + 2 * (k / 8), half k % 2.
          int64_t g = r % 8, q = k % 8 / 2, which = r / 8 + 2 * (k / 8);
          int64_t m = which == 0 || which == 3 ? 2 * d : which == 1 ? 2 * d + 1 : 2 * d - 1;
          sum += R(m, g, q, k % 2) * u(16 * (block - d) + k);
        }
      for (int64_t age = 0; age < K; ++age)
        direct += taps[age] * u(t - age);
      ASSERT_EQ(sum, direct) << "K " << K << " row " << r;
    }
  }
}

// The law of ToeplitzFragments.h: in bdl lane (g, q) of the second half gives the taps of its row and
// column, and gets four positions side by side.
TEST(ToeplitzTest, PositionsOfTheRightSideAreTheDirectSum) {
  test::Random random;
  SCOPED_TRACE(random.trace());
  auto t = [](int64_t n, int64_t half) { return 4 * (n / 2) + n % 2 + 2 * half; };
  for (int round = 0; round < 50; ++round) {
    int64_t K = random.in(9, 256), blocks = 1 + (K - 1 + 15) / 16, block = random.in(0, 20);
    std::vector<int64_t> taps(K);
    for (int64_t &tap : taps)
      tap = random.in(-9, 9);
    auto h = [&](int64_t age) { return age >= 0 && age < K ? taps[age] : 0; };
    auto u = [&](int64_t t) { return t < 0 ? 0 : (t * 7919 + 13) % 31 - 15; };
    const int64_t ages[] = {0, -8, 2, -6};
    for (int64_t half = 0; half < 2; ++half)
      for (int64_t n = 0; n < 8; ++n) {
        int64_t sum = 0, direct = 0, at = 16 * block + t(n, half);
        for (int64_t d = 0; d < blocks; ++d)
          for (int64_t k = 0; k < 16; ++k) {
            // Where the mma keeps element (k, n): lane (g = n, q), register k / 8, half k % 2.
            int64_t q = k % 8 / 2, difference = t(n, 0) - 2 * q;
            ASSERT_GE(difference, -6);
            ASSERT_LE(difference, 13);
            int64_t age = 16 * d + difference + ages[2 * half + k / 8] - k % 2;
            sum += h(age) * u(16 * (block - d) + k);
          }
        for (int64_t age = 0; age < K; ++age)
          direct += taps[age] * u(at - age);
        ASSERT_EQ(sum, direct) << "K " << K << " column " << n << " half " << half;
      }
    for (int64_t q = 0; q < 4; ++q)
      for (int64_t i = 0; i < 4; ++i)
        EXPECT_EQ(t(2 * q + i % 2, i / 2), 4 * q + i);
  }
}

} // namespace
} // namespace halo::compiler

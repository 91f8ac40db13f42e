// The parts of `halo tune` that need neither compiler nor device: statistics, the race by synthetic
// timings, the shapes of the check, messages.
#include "tools/halo/TuneCheck.h"
#include "tools/halo/TuneRace.h"
#include "tools/halo/TuneWire.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace halo;
using namespace halo::tool;

// The table in TuneRace.h.
TEST(MedianInterval, CoverageByOrderStatistics) {
  struct Row {
    size_t n, k;
    double coverage;
  };
  for (const Row &row : {Row{1, 1, 0}, {2, 1, 0.5}, {3, 1, 0.75}, {5, 1, 0.9375}, {6, 1, 0.9688},
                         {8, 1, 0.9922}, {9, 2, 0.9609}, {20, 6, 0.9586}, {50, 18, 0.9672}}) {
    std::vector<double> samples;
    for (size_t i = row.n; i > 0; --i)
      samples.push_back(double(i));
    MedianInterval interval = medianInterval(samples);
    EXPECT_EQ(interval.low, double(row.k)) << row.n;
    EXPECT_EQ(interval.high, double(row.n + 1 - row.k)) << row.n;
    EXPECT_NEAR(interval.coverage, row.coverage, 1e-4) << row.n;
    EXPECT_EQ(interval.median, double(row.n + 1) / 2) << row.n;
  }
  EXPECT_EQ(medianInterval({}).coverage, 0);
}

TEST(MedianInterval, CoversTheMedianAsOftenAsItSays) {
  std::mt19937_64 random(7);
  std::exponential_distribution<double> skewed(1); // Timings have long right tails.
  double truth = std::log(2.0);
  for (size_t n : {5, 9, 20}) {
    int covered = 0, trials = 4000;
    double said = 0;
    for (int i = 0; i < trials; ++i) {
      std::vector<double> samples(n);
      for (double &sample : samples)
        sample = skewed(random);
      MedianInterval interval = medianInterval(samples);
      covered += interval.low <= truth && truth <= interval.high;
      said = interval.coverage;
    }
    EXPECT_NEAR(double(covered) / trials, said, 0.015) << n;
  }
}

namespace {
/// Runs a race on made-up kernels: a true time each, and noise that only ever adds.
struct Track {
  std::vector<double> truth;
  double noise;
  std::mt19937_64 random;

  Race run(size_t defaultIndex = 0, RaceOptions options = {}) {
    Race race(truth.size(), defaultIndex, options);
    std::exponential_distribution<double> slower(1);
    while (!race.done()) {
      size_t turn = race.next();
      race.record(turn, truth[turn] * (1 + noise * slower(random)));
    }
    race.finish();
    return race;
  }
};
} // namespace

TEST(Race, LosersAreOutEarlyAndTheFastestWins) {
  Track track{{1.0, 1.5, 0.8, 2.0, 0.9}, 0.01, std::mt19937_64(1)};
  Race race = track.run();
  EXPECT_EQ(race.winner(), 2u);
  EXPECT_EQ(race.status(2), Race::Status::Won);
  for (size_t loser : {1, 3, 4}) {
    EXPECT_EQ(race.status(loser), Race::Status::Lost);
    EXPECT_LE(race.rounds(loser), 8u);
  }
  // The default is timed to the end, whatever it is worth.
  EXPECT_EQ(race.status(0), Race::Status::Lost);
  EXPECT_EQ(race.rounds(0), RaceOptions().maxRounds);
}

TEST(Race, InTheBandTheDefaultWinsElseTheFirst) {
  Track track{{1.004, 1.0, 1.003}, 0, std::mt19937_64(1)};
  EXPECT_EQ(track.run(0).winner(), 0u);
  EXPECT_EQ(track.run(2).winner(), 2u);
  track.truth = {1.02, 1.006, 1.0};
  Race race = track.run(0);
  EXPECT_EQ(race.winner(), 1u);
  EXPECT_EQ(race.status(2), Race::Status::Tied);
  EXPECT_EQ(race.status(0), Race::Status::Lost);
}

// Ten tunes of the same kernels: equal ones must not take turns at winning.
TEST(Race, NoiseDoesNotFlipTheWinner) {
  Track equal{std::vector<double>(12, 1.0), 0.004, std::mt19937_64(3)};
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(equal.run().winner(), 0u) << i;
  // Near the border of the band winners may change, at the price of the band at most.
  Track border{{1.01, 1.0, 1.001, 1.012}, 0.004, std::mt19937_64(4)};
  for (int i = 0; i < 10; ++i)
    EXPECT_LE(border.truth[border.run().winner()], 1.015) << i;
}

TEST(Race, FailuresLeaveTheOthers) {
  Race race(3, 0, {});
  size_t turns = 0;
  while (!race.done()) {
    size_t turn = race.next();
    if (turn == 1)
      race.fail(turn);
    else
      race.record(turn, turn == 2 ? 0.5 : 1);
    ASSERT_LT(++turns, 1000u);
  }
  race.finish();
  EXPECT_EQ(race.winner(), 2u);
  EXPECT_EQ(race.status(1), Race::Status::Failed);
  EXPECT_EQ(race.rounds(1), 0u);
}

TEST(Race, WhenTimeIsUpWhatIsKnownCounts) {
  Race race(3, 0, {});
  for (double ms : {1.0, 0.5, 0.7})
    race.record(race.next(), ms); // The first round starts at the first candidate.
  race.finish();
  EXPECT_TRUE(race.done());
  EXPECT_EQ(race.winner(), 1u);
}

TEST(Race, EachRoundStartsElsewhere) {
  Race race(3, 0, {});
  std::vector<size_t> starts;
  for (int i = 0; i < 9; ++i) {
    size_t turn = race.next();
    if (i % 3 == 0)
      starts.push_back(turn);
    race.record(turn, 1);
  }
  EXPECT_EQ(starts, (std::vector<size_t>{0, 1, 2}));
}

static KernelInfo viewKernel(Layout layout, int64_t group = 1, int64_t fixed = 0) {
  KernelInfo info;
  info.layout = layout;
  info.align = 16;
  Operand x;
  x.name = "x";
  x.dtype = DType::BF16;
  x.layout = layout;
  Operand weight;
  weight.name = "weight";
  weight.kind = OperandKind::Taps;
  weight.taps = 4;
  weight.group = group;
  Operand y = x;
  y.name = "y";
  y.output = true;
  y.channels = fixed;
  info.operands = {x, weight, y};
  return info;
}

TEST(CheckShape, SmallRaggedAndLegal) {
  for (Layout layout : {Layout::BDL, Layout::BLD})
    for (int64_t group : {1, 3, 16}) {
      KernelInfo info = viewKernel(layout, group);
      Shape full{8, 96 * 128, 65536}, small = checkShape(info, full);
      EXPECT_LE(small.b * small.d * small.l, 1 << 19);
      EXPECT_EQ(small.d % group, 0);
      // The aligned variant needs whole 16-byte groups along what is contiguous.
      EXPECT_EQ((layout == Layout::BDL ? small.l : small.d) % 8, 0);
      EXPECT_NE(small.l % 64, 0) << "ends that fill no tile";
      EXPECT_GE(small.l, layout == Layout::BDL ? 3000 : 64);
      EXPECT_GE(small.d, layout == Layout::BDL ? 2 : 1000);
    }
}

TEST(CheckShape, NeverLargerThanWhatIsTuned) {
  KernelInfo info = viewKernel(Layout::BLD);
  Shape tiny{1, 8, 5}, same = checkShape(info, tiny);
  EXPECT_EQ(same.d, 8);
  EXPECT_EQ(same.l, 5);
  Shape wide{1, 1 << 20, 16}, cut = checkShape(info, wide);
  EXPECT_LE(cut.l, 16);
  EXPECT_LE(cut.d, wide.d);
  EXPECT_EQ(checkShape(viewKernel(Layout::BLD, 1, 8192), {4, 8192, 8192}).d, 8192);
}

TEST(TuneWire, MessagesArriveWhole) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  std::string blob(3 << 20, '\0');
  for (size_t i = 0; i < blob.size(); ++i)
    blob[i] = char(i * 7);
  std::thread sender([&] { EXPECT_TRUE(sendMessage(ends[0], {{{"id", 5}}, blob})); });
  Result<Message> message = receiveMessage(ends[1], 10'000);
  sender.join();
  ASSERT_TRUE(bool(message));
  EXPECT_EQ(message->json["id"], 5);
  EXPECT_TRUE(message->blob == blob);

  Result<Message> nothing = receiveMessage(ends[1], 10);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(int(nothing.error().code), int(ErrorCode::Unavailable)) << nothing.error().message;
  close(ends[0]);
  Result<Message> gone = receiveMessage(ends[1], 10'000);
  ASSERT_FALSE(gone);
  EXPECT_EQ(int(gone.error().code), int(ErrorCode::Failed));
  EXPECT_FALSE(sendMessage(ends[1], {{{"id", 5}}, blob})) << "no signal kills us";
  close(ends[1]);
}

TEST(TuneWire, NonsenseIsRefused) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  std::string noise(64, '\xff');
  ASSERT_EQ(write(ends[0], noise.data(), noise.size()), ssize_t(noise.size()));
  EXPECT_FALSE(receiveMessage(ends[1], 1000));
  close(ends[0]);
  close(ends[1]);
}

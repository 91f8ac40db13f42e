// A race of candidates: rounds of timings, losers out early, a winner the next race agrees on.
//
// Medians with a confidence interval from order statistics: of n sorted samples, the k-th smallest
// and the k-th largest enclose the true median with probability 1 - 2 P(Binomial(n, 1/2) < k),
// whatever the distribution; k is the largest that keeps 95 %, and 1 where none does:
//
//   n          1     2     3     5      6      8      9      20     50
//   k          1     1     1     1      1      1      2      6      18
//   coverage   0     0.5   0.75  0.938  0.969  0.992  0.961  0.959  0.967
//
// After a round a candidate is out if its whole interval lies above the fastest one's and its
// median is beyond the tie band; only the default stays, for comparison. At the end, whoever is
// within the band of the fastest median ties. Of those the winner is the default, else the first by the order of the candidates: noise inside
// the band cannot choose.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace halo::tool {

struct MedianInterval {
  double median = 0, low = 0, high = 0;
  double coverage = 0; ///< Probability that [low, high] has the true median.
};
/// Of a copy of the samples; all zero where there are none.
MedianInterval medianInterval(std::vector<double> samples);

struct RaceOptions {
  double tieBand = 0.01;  ///< Medians within this fraction of the fastest are equal.
  size_t firstRounds = 3; ///< Rounds before anyone is out.
  size_t maxRounds = 40;
};

class Race {
public:
  enum class Status { Running, Lost, Failed, Tied, Won };

  Race(size_t numCandidates, size_t defaultIndex, RaceOptions options);

  /// The next candidate's turn, in rounds over all that run; the start moves from round to round.
  /// `done()` says when the rounds are over.
  size_t next();
  bool done() const;
  /// The time of a turn.
  void record(size_t candidate, double ms);
  /// Takes one out of the race for another reason than its time.
  void fail(size_t candidate);
  /// Ends the race: the tie band and the winner. Early too, when the time is up.
  void finish();

  Status status(size_t candidate) const { return entries[candidate].status; }
  MedianInterval interval(size_t candidate) const;
  size_t rounds(size_t candidate) const { return entries[candidate].samples.size(); }
  size_t numRunning() const;
  size_t numRounds() const { return round; }
  /// After finish(); the number of candidates where every one failed.
  size_t winner() const { return won; }

private:
  struct Entry {
    std::vector<double> samples;
    Status status = Status::Running;
  };
  std::vector<Entry> entries;
  size_t defaultIndex, won;
  RaceOptions options;
  size_t round = 0;
  std::vector<size_t> turns; ///< Of this round, in reverse order.

  void startRound();
  void dropLosers();
  size_t fastest() const;
};

const char *name(Race::Status status);

} // namespace halo::tool

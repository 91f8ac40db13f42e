#include "tools/halo/TuneRace.h"

#include <algorithm>
#include <cmath>

using namespace halo::tool;

static constexpr double Confidence = 0.95;

MedianInterval halo::tool::medianInterval(std::vector<double> samples) {
  if (samples.empty())
    return {};
  std::sort(samples.begin(), samples.end());
  size_t n = samples.size();
  // P(Binomial(n, 1/2) = i), summed from below while both tails stay within what is left.
  double term = std::pow(0.5, double(n)), below = term;
  size_t k = 1;
  for (size_t i = 1; 2 * (i + 1) <= n; ++i) {
    term *= double(n - i + 1) / double(i);
    if (1 - 2 * (below + term) < Confidence)
      break;
    below += term;
    k = i + 1;
  }
  MedianInterval interval;
  interval.low = samples[k - 1];
  interval.high = samples[n - k];
  interval.median = (samples[(n - 1) / 2] + samples[n / 2]) / 2;
  interval.coverage = std::max(0.0, 1 - 2 * below);
  return interval;
}

Race::Race(size_t numCandidates, size_t defaultIndex, RaceOptions options)
    : entries(numCandidates), defaultIndex(defaultIndex), won(numCandidates), options(options) {
  startRound();
}

void Race::startRound() {
  turns.clear();
  for (size_t i = 0; i < entries.size(); ++i)
    if (entries[i].status == Status::Running)
      turns.push_back(i);
  // Nobody always follows the same neighbour, whose clocks and pages it would inherit.
  if (!turns.empty())
    std::rotate(turns.begin(), turns.begin() + long(round % turns.size()), turns.end());
  std::reverse(turns.begin(), turns.end());
}

size_t Race::next() {
  size_t candidate = turns.back();
  turns.pop_back();
  return candidate;
}

bool Race::done() const { return turns.empty(); }

void Race::record(size_t candidate, double ms) {
  entries[candidate].samples.push_back(ms);
  if (!turns.empty())
    return;
  ++round;
  if (round >= options.firstRounds)
    dropLosers();
  if (round < options.maxRounds)
    startRound();
}

void Race::fail(size_t candidate) {
  entries[candidate].status = Status::Failed;
  turns.erase(std::remove(turns.begin(), turns.end(), candidate), turns.end());
  if (turns.empty() && ++round < options.maxRounds)
    startRound();
}

size_t Race::fastest() const {
  size_t best = entries.size();
  double least = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].status != Status::Running || entries[i].samples.empty())
      continue;
    double median = medianInterval(entries[i].samples).median;
    if (best == entries.size() || median < least) {
      best = i;
      least = median;
    }
  }
  return best;
}

void Race::dropLosers() {
  size_t best = fastest();
  if (best == entries.size())
    return;
  MedianInterval leader = medianInterval(entries[best].samples);
  for (Entry &entry : entries) {
    bool isDefault = &entry == entries.data() + defaultIndex;
    if (isDefault || entry.status != Status::Running || entry.samples.empty())
      continue;
    MedianInterval own = medianInterval(entry.samples);
    if (own.low > leader.high && own.median > leader.median * (1 + options.tieBand))
      entry.status = Status::Lost;
  }
}

void Race::finish() {
  turns.clear();
  size_t best = fastest();
  if (best == entries.size())
    return;
  double bound = medianInterval(entries[best].samples).median * (1 + options.tieBand);
  for (Entry &entry : entries)
    if (entry.status == Status::Running) {
      bool tied = !entry.samples.empty() && medianInterval(entry.samples).median <= bound;
      entry.status = tied ? Status::Tied : Status::Lost;
    }
  auto isTied = [](const Entry &entry) { return entry.status == Status::Tied; };
  won = defaultIndex;
  if (defaultIndex >= entries.size() || !isTied(entries[defaultIndex]))
    won = size_t(std::find_if(entries.begin(), entries.end(), isTied) - entries.begin());
  entries[won].status = Status::Won;
}

MedianInterval Race::interval(size_t candidate) const {
  return medianInterval(entries[candidate].samples);
}

size_t Race::numRunning() const {
  return size_t(std::count_if(entries.begin(), entries.end(), [](const Entry &entry) {
    return entry.status == Status::Running;
  }));
}

const char *halo::tool::name(Race::Status status) {
  switch (status) {
  case Race::Status::Running:
    return "running";
  case Race::Status::Lost:
    return "lost";
  case Race::Status::Failed:
    return "failed";
  case Race::Status::Tied:
    return "tie";
  case Race::Status::Won:
    return "won";
  }
  return "";
}

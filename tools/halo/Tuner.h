// One tune: rank, compile in parallel, check, race, and say what became of every candidate.
//
//   rank all legal schedules ─► compile the first N on all cores ─► worker: load, check
//     race 1: one block_l each, the model's      ─► the few fastest
//     race 2: those times several block_l each   ─► the winner
//
// The default schedule is always the first candidate, and the reference of the others' check.
#pragma once

#include "runtime/ScheduleSpace.h"
#include "runtime/TuningRecords.h"
#include "tools/halo/Output.h"
#include "tools/halo/TuneCompiler.h"
#include "tools/halo/TuneRace.h"
#include "tools/halo/TuneWorker.h"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace halo::tool {

struct TuneOptions {
  std::string device;
  std::string worker;     ///< The worker's program; "" is this one. Tests put another one here.
  size_t candidates = 96; ///< At most so many are compiled, the model's best.
  double seconds = 4.5;   ///< For all of it; what is not compiled by half of it is skipped.
  size_t finalists = 4;   ///< Of race 1, into race 2.
  uint64_t seed = 1;
  unsigned threads = 0; ///< That compile; 0: as many as there are cores.
  RaceOptions race;
};

struct TuneTask {
  Problem problem;
  Shape shape;
  std::vector<Schedule> include; ///< Candidates whatever the model says of them, and finalists.
  int64_t includeBlockL = 0;     ///< Theirs in race 2, beside the model's; 0: none.
};

/// One line of the table. A finalist has a line for each block_l.
struct TuneRow {
  size_t rank = 0; ///< 1: the model's first choice, the default.
  Schedule schedule;
  int64_t blockL = 0;
  double estimateMs = 0; ///< With the assembler's count of registers, once there is one.
  int registers = -1, spillBytes = -1;
  std::string status; ///< won, tie, lost, failed, rejected, skipped
  std::string why;
  size_t rounds = 0;
  MedianInterval ms;
};

struct TuneReport {
  DeviceFacts device;
  KernelFacts kernel;
  std::string problemText; ///< As records name it.
  std::string toolkit;     ///< Who assembled: "nvJitLink 13.0".
  Shape shape;
  size_t numLegal = 0, numCompiled = 0;
  std::vector<TuneRow> rows; ///< Everything that was tried, by rank, then by block_l.
  std::vector<Rejection> rejected;
  std::string checkedAgainst;
  size_t winner = 0, defaultRow = 0; ///< Rows.
  double copyMs = 0, seconds = 0, checkSeconds = 0;
  double bytes = 0; ///< That all views and the copy move.

  TuningRecord record(bool pinned, const std::string &date) const;
};

/// Keeps its worker from one tune to the next. Not thread-safe.
class Tuner {
public:
  explicit Tuner(TuneOptions options) : options(std::move(options)) {}

  Result<TuneReport> tune(const TuneTask &task, Progress &progress);
  /// Races the candidates of the last tune once more, without compiling them again.
  Result<TuneReport> again(Progress &progress);

private:
  using Clock = std::chrono::steady_clock;
  /// A candidate through its life.
  struct Candidate {
    RankedSchedule ranked;
    Artifact artifact;
    bool compiled = false, loaded = false;
    TuneRow row;
  };
  /// A launch in a race: a candidate and a block_l (0: the model's).
  struct Contender {
    size_t candidate;
    int64_t blockL;
    int64_t launch = -1; ///< The worker's number, while it lives.
  };

  TuneOptions options;
  TuneTask task;
  std::unique_ptr<TuneWorker> worker;
  std::vector<Candidate> candidates;
  std::vector<Contender> contenders;
  TuneReport report;
  Clock::time_point start;
  int64_t loadLimit = 0, timeLimit = 0; ///< Milliseconds a worker may take to answer.

  double elapsed() const;
  Result<void> startWorker();
  Result<void> prepare();
  Result<void> compileAndCheck(Progress &progress);
  void accept(CompiledCandidate done);
  Result<void> load(size_t index);
  Result<void> revive();
  Result<void> bind(Contender &contender);
  Result<double> time(int64_t launch);
  Result<Race> race(double until, const char *what, Progress &progress);
  Result<void> raceAll(Progress &progress);
  void reportRace(const Race &race, std::vector<TuneRow> &rows) const;
};

} // namespace halo::tool

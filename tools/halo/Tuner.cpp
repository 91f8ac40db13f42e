#include "tools/halo/Tuner.h"

#include "runtime/CompilerLibrary.h"
#include "runtime/KernelSource.h"
#include "tools/halo/Measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::json;

/// Shares of the time: until compiling stops, until race 1 stops. The rest is race 2 and the end.
static constexpr double CompileShare = 0.55, FirstRaceShare = 0.85, SecondRaceShare = 0.95;
/// The first answer may take long: modules load, memory is filled. Later ones are held to it.
static constexpr int64_t FirstLoadMs = 120'000, LeastLoadMs = 2'000, LeastTimeMs = 1'000;
static constexpr int64_t Patience = 20;

double Tuner::elapsed() const {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

TuningRecord TuneReport::record(bool pinned, const std::string &date) const {
  const TuneRow &won = rows[winner], &base = rows[defaultRow];
  TuningRecord record;
  record.gpu = device.target.gpu;
  record.driver = device.target.driver;
  record.toolkit = toolkit;
  record.problem = problemText;
  record.bucket = bucketOf(recordSizes(kernel.problem, shape));
  record.schedule = won.schedule.print();
  record.blockL = kernel.problem.invariant ? 0 : won.blockL;
  record.ms = won.ms.median;
  record.low = won.ms.low;
  record.high = won.ms.high;
  record.defaultSchedule = base.schedule.print();
  record.defaultMs = base.ms.median;
  record.date = date;
  record.pinned = pinned;
  return record;
}

/// Who turns PTX into a cubin.
static std::string assemblerName() {
  Result<CompilerLibrary *> compiler = CompilerLibrary::get();
  if (!compiler)
    return "";
  Result<Reply> reply = (*compiler)->call("{\"verb\": \"assembler\"}");
  Json json = Json::parse(reply ? reply->json : "", nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json.value("assembler", "") : "";
}

Result<void> Tuner::startWorker() {
  HALO_TRY(started, TuneWorker::start(options.worker, options.device));
  worker = std::move(started);
  return {};
}

Result<void> Tuner::prepare() {
  // The device opens in its process while the compiler opens in ours.
  std::future<Result<void>> opening;
  if (!worker || !worker->alive())
    opening = std::async(std::launch::async, [this] { return startWorker(); });
  Result<KernelFacts> facts = kernelFacts(task.problem);
  std::string toolkit = facts ? assemblerName() : "";
  if (opening.valid())
    HALO_CHECK(opening.get());
  if (!facts)
    return facts.error();
  report = TuneReport();
  report.device = worker->facts();
  report.kernel = *facts;
  report.shape = task.shape;
  report.toolkit = report.device.kind == "cuda" ? toolkit : report.device.kind;
  HALO_TRY(source, kernelSource(task.problem.kernel));
  report.problemText = recordProblem(facts->problem, source);
  const DeviceTraits &device = report.device.target.traits;

  KernelTraits traits = facts->traits;
  traits.channels = task.shape.d;
  ScheduleSpace space = enumerateSchedules(traits, device);
  std::vector<RankedSchedule> ranked = rankSchedules(traits, device, task.shape);
  report.numLegal = ranked.size();
  report.rejected = std::move(space.rejected);
  candidates.clear();
  for (size_t i = 0; i < ranked.size(); ++i) {
    bool wanted = std::find(task.include.begin(), task.include.end(), ranked[i].schedule) !=
                  task.include.end();
    if (i >= options.candidates && !wanted)
      continue;
    Candidate candidate;
    candidate.ranked = ranked[i];
    candidate.row.rank = i + 1;
    candidate.row.schedule = ranked[i].schedule;
    candidate.row.blockL = ranked[i].estimate.blockL;
    candidate.row.estimateMs = ranked[i].estimate.ms;
    candidates.push_back(std::move(candidate));
  }
  loadLimit = FirstLoadMs;
  timeLimit = FirstLoadMs;
  return {};
}

/// Sets the worker up, afresh where it has died, and loads again what it had loaded.
Result<void> Tuner::revive() {
  bool dead = !worker || !worker->alive();
  if (dead)
    HALO_CHECK(startWorker());
  const Shape &shape = task.shape;
  Json setup = {{"do", "setup"},
                {"kernel", task.problem.kernel},
                {"params", task.problem.params},
                {"with", task.problem.with},
                {"align", task.problem.align},
                {"shape", {shape.b, shape.d, shape.l}},
                {"seed", options.seed}};
  HALO_TRY(ready, worker->ask({setup, ""}, FirstLoadMs));
  (void)ready;
  for (Contender &contender : contenders)
    contender.launch = -1;
  for (size_t i = 0; i < candidates.size(); ++i)
    if (std::exchange(candidates[i].loaded, false))
      HALO_CHECK(load(i));
  return {};
}

/// Loads and checks one. A candidate's own failure is noted in its row; an error is the end of all.
Result<void> Tuner::load(size_t index) {
  Candidate &candidate = candidates[index];
  if (!worker->alive())
    HALO_CHECK(revive());
  Clock::time_point before = Clock::now();
  Json question = {{"do", "load"}, {"id", index}, {"info", candidate.artifact.info.toJson()}};
  Result<Json> reply = worker->ask({question, candidate.artifact.code}, loadLimit);
  if (!reply) {
    if (index == 0)
      return failed(fmt::format("the default schedule {}: {}", candidate.ranked.schedule.print(),
                                reply.error().message));
    candidate.row.status = "failed";
    candidate.row.why = reply.error().message;
    return {};
  }
  candidate.loaded = true;
  candidate.row.registers = reply->value("registers", -1);
  // What the assembler reports replaces the model's guess.
  KernelTraits traits = report.kernel.traits;
  traits.channels = task.shape.d;
  candidate.row.estimateMs = estimate(traits, report.device.target.traits,
                                      candidate.ranked.schedule, task.shape,
                                      candidate.row.registers)
                                 .ms;
  candidate.row.spillBytes = reply->value("spill_bytes", -1);
  if (index == 0) {
    report.checkedAgainst = reply->value("check", "");
    auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - before).count();
    loadLimit = std::max(LeastLoadMs, Patience * took);
  }
  return {};
}

void Tuner::accept(CompiledCandidate done) {
  Candidate &candidate = candidates[done.index];
  if (!done.artifact) {
    bool refused = done.artifact.error().code == ErrorCode::Invalid;
    candidate.row.status = refused ? "rejected" : "failed";
    candidate.row.why = done.artifact.error().message;
    return;
  }
  candidate.artifact = std::move(*done.artifact);
  candidate.compiled = true;
  ++report.numCompiled;
}

Result<void> Tuner::compileAndCheck(Progress &progress) {
  std::vector<Schedule> schedules;
  for (const Candidate &candidate : candidates)
    schedules.push_back(candidate.ranked.schedule);
  unsigned threads = options.threads ? options.threads : std::thread::hardware_concurrency();
  TuneCompiler compiler(task.problem, report.device.target, std::move(schedules), threads);
  HALO_CHECK(revive());
  // The default is what the others are checked against: they wait for it.
  std::vector<size_t> waiting;
  size_t checked = 0;
  while (!compiler.drained()) {
    if (elapsed() > CompileShare * options.seconds)
      compiler.stop();
    std::optional<CompiledCandidate> done = compiler.take(20);
    if (!done)
      continue;
    size_t index = done->index;
    accept(std::move(*done));
    if (index == 0 && !candidates[0].compiled)
      return failed(fmt::format("the default schedule {}: {}",
                                candidates[0].ranked.schedule.print(), candidates[0].row.why));
    if (!candidates[index].compiled)
      continue;
    waiting.push_back(index);
    if (!candidates[0].compiled)
      continue;
    if (!candidates[0].loaded)
      std::swap(waiting.front(), *std::find(waiting.begin(), waiting.end(), size_t(0)));
    for (size_t ready : waiting) {
      progress.show(fmt::format("compiled {}, checked {} of {}", report.numCompiled, ++checked,
                                candidates.size()));
      HALO_CHECK(load(ready));
    }
    waiting.clear();
  }
  for (Candidate &candidate : candidates)
    if (!candidate.compiled && candidate.row.status.empty()) {
      candidate.row.status = "skipped";
      candidate.row.why = fmt::format("{:.1f} s were over, of {:.1f} s in all", elapsed(),
                                      options.seconds);
    }
  report.checkSeconds = elapsed();
  return {};
}

Result<void> Tuner::bind(Contender &contender) {
  if (!worker->alive())
    HALO_CHECK(revive());
  if (contender.launch >= 0)
    return {};
  Json question = {
      {"do", "bind"}, {"id", contender.candidate}, {"block_l", contender.blockL}};
  HALO_TRY(reply, worker->ask({question, ""}, loadLimit));
  contender.blockL = reply.value("block_l", int64_t(0));
  contender.launch = reply.value("launch", int64_t(-1));
  return {};
}

Result<double> Tuner::time(int64_t launch) {
  Clock::time_point before = Clock::now();
  HALO_TRY(reply, worker->ask({{{"do", "time"}, {"id", launch}}, ""}, timeLimit));
  if (timeLimit == FirstLoadMs) {
    auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - before).count();
    timeLimit = std::max(LeastTimeMs, Patience * took);
  }
  report.bytes = reply.value("bytes", 0.0);
  return reply.value("ms", 0.0);
}

/// Races `contenders`, of which the first is the default's. Whoever fails is out, with its reason.
Result<Race> Tuner::race(double until, const char *what, Progress &progress) {
  Race race(contenders.size(), 0, options.race);
  std::vector<double> copies;
  for (size_t round = SIZE_MAX; !race.done() && (elapsed() < until || !race.numRounds());) {
    if (round != race.numRounds() && worker->alive()) {
      round = race.numRounds();
      progress.show(fmt::format("{}: round {} of {}, {} run", what, round + 1,
                                options.race.maxRounds, race.numRunning()));
      if (Result<double> ms = time(-1))
        copies.push_back(*ms);
    }
    size_t turn = race.next();
    Result<void> bound = bind(contenders[turn]);
    Result<double> ms = bound ? time(contenders[turn].launch) : Result<double>(bound.error());
    if (ms) {
      race.record(turn, *ms);
      continue;
    }
    Candidate &candidate = candidates[contenders[turn].candidate];
    candidate.loaded = false;
    candidate.row.status = "failed";
    candidate.row.why = ms.error().message;
    if (turn == 0)
      return failed(fmt::format("the default schedule {}: {}", candidate.ranked.schedule.print(),
                                ms.error().message));
    race.fail(turn);
  }
  race.finish();
  report.copyMs = summarise(copies).median;
  return race;
}

void Tuner::reportRace(const Race &race, std::vector<TuneRow> &rows) const {
  for (size_t i = 0; i < contenders.size(); ++i) {
    TuneRow row = candidates[contenders[i].candidate].row;
    row.blockL = contenders[i].blockL;
    row.ms = race.interval(i);
    row.rounds = race.rounds(i);
    if (race.status(i) != Race::Status::Failed) {
      row.status = name(race.status(i));
      const MedianInterval &best = race.interval(race.winner());
      if (race.status(i) == Race::Status::Lost)
        row.why = fmt::format("{:.4f} ms after {} rounds, the winner {:.4f} ms", row.ms.median,
                              row.rounds, best.median);
    }
    rows.push_back(std::move(row));
  }
}

Result<void> Tuner::raceAll(Progress &progress) {
  report.rows.clear();
  contenders.clear();
  for (size_t i = 0; i < candidates.size(); ++i)
    if (candidates[i].loaded)
      contenders.push_back({i, 0});
  HALO_TRY(first, race(FirstRaceShare * options.seconds, "racing schedules", progress));

  // The few fastest go on, and the default; each walks several lengths.
  std::vector<size_t> order;
  for (size_t i = 0; i < contenders.size(); ++i)
    if (first.status(i) != Race::Status::Failed && first.rounds(i) > 0)
      order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return first.interval(a).median < first.interval(b).median;
  });
  order.resize(std::min(order.size(), std::max<size_t>(1, options.finalists)));
  auto included = [&](size_t i) {
    const Schedule &schedule = candidates[contenders[i].candidate].ranked.schedule;
    return i == 0 || std::find(task.include.begin(), task.include.end(), schedule) !=
                         task.include.end();
  };
  for (size_t i = 0; i < contenders.size(); ++i)
    if (included(i) && first.status(i) != Race::Status::Failed &&
        std::find(order.begin(), order.end(), i) == order.end())
      order.push_back(i);
  std::sort(order.begin(), order.end()); // By rank: what decides among equals.

  std::vector<TuneRow> rows;
  reportRace(first, rows);
  std::vector<Contender> finalists;
  for (size_t i : order) {
    const KernelInfo &info = candidates[contenders[i].candidate].artifact.info;
    int64_t best = contenders[i].blockL;
    finalists.push_back(contenders[i]); // The model's own block_l first.
    std::vector<int64_t> walks = nearbyBlockL(best, info.stepL, task.shape.l);
    if (task.includeBlockL && task.includeBlockL % info.stepL == 0 && included(i))
      walks.push_back(task.includeBlockL);
    for (size_t k = 0; k < walks.size(); ++k)
      if (walks[k] != best && std::find(walks.begin(), walks.begin() + long(k), walks[k]) ==
                                  walks.begin() + long(k))
        finalists.push_back({contenders[i].candidate, walks[k]});
  }
  contenders = std::move(finalists);
  HALO_TRY(second, race(SecondRaceShare * options.seconds, "racing block_l", progress));

  // Finalists are told by race 2; the others, and those it never started, by race 1.
  std::vector<TuneRow> finals;
  reportRace(second, finals);
  for (TuneRow &row : rows) {
    bool final = std::any_of(finals.begin(), finals.end(),
                             [&](const TuneRow &other) { return other.rank == row.rank; });
    if (final)
      continue;
    if (row.status == "tie" || row.status == "won") {
      row.status = "lost";
      row.why = "not among the finalists";
    }
    report.rows.push_back(row);
  }
  size_t others = report.rows.size();
  report.rows.insert(report.rows.end(), finals.begin(), finals.end());
  report.winner = others + second.winner();
  report.defaultRow = others;
  for (const Candidate &candidate : candidates)
    if (!candidate.loaded && !candidate.row.status.empty() &&
        std::none_of(report.rows.begin(), report.rows.end(),
                     [&](const TuneRow &row) { return row.rank == candidate.row.rank; }))
      report.rows.push_back(candidate.row);
  report.seconds = elapsed();
  progress.show("");
  return {};
}

Result<TuneReport> Tuner::tune(const TuneTask &next, Progress &progress) {
  start = Clock::now();
  task = next;
  contenders.clear();
  HALO_CHECK(prepare());
  HALO_CHECK(compileAndCheck(progress));
  HALO_CHECK(raceAll(progress));
  return report;
}

Result<TuneReport> Tuner::again(Progress &progress) {
  start = Clock::now();
  HALO_CHECK(raceAll(progress));
  return report;
}

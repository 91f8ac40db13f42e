#include "tools/halo/TuneSuite.h"

#include "tools/halo/Operands.h"
#include "tools/halo/ProblemOptions.h"
#include "tools/halo/TuneOutput.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

Result<TuneTask> halo::tool::tuneTask(const BenchCase &bench) {
  HALO_TRY(kernel, describe(bench.entrants[0].kernel));
  HALO_TRY(problem,
           parseProblem(bench.entrants[0].kernel, bench.settings, bench.dtype, bench.wdtype, bench.with));
  if (problem.align == 16)
    problem.align = alignmentFor(operandsOf(kernel, problem.params, problem.with), bench.shape);
  TuneTask task;
  task.problem = problem;
  task.shape = bench.shape;
  return task;
}

/// A row as a line of a large file: [rank, schedule, block_l, estimated ms, ms, registers].
static Json shortRow(const TuneRow &row) {
  return Json::array({row.rank, row.schedule.print(), row.blockL, row.estimateMs, row.ms.median,
                      row.registers});
}

static const TuneRow &fastest(const TuneReport &report) {
  const TuneRow *best = &report.rows[report.winner];
  for (const TuneRow &row : report.rows)
    if (row.rounds && row.status != "failed" && row.ms.median < best->ms.median)
      best = &row;
  return *best;
}

static Json caseJson(const TuneReport &report) {
  const TuneRow &best = fastest(report), &choice = report.rows[report.defaultRow];
  Json json = {{"problem", report.kernel.problem.print()},
               {"shape", {{"B", report.shape.b}, {"D", report.shape.d}, {"L", report.shape.l}}},
               {"legal", report.numLegal},
               {"compiled", report.numCompiled},
               {"seconds", report.seconds},
               {"check_seconds", report.checkSeconds},
               {"bytes", report.bytes},
               {"copy_ms", report.copyMs},
               {"reached", best.ms.median / choice.ms.median},
               {"choice", shortRow(choice)},
               {"best", shortRow(best)},
               {"winner", shortRow(report.rows[report.winner])}};
  json["candidates"] = Json::array();
  json["out"] = Json::array();
  for (const TuneRow &row : report.rows)
    if (row.rounds && row.status != "failed")
      json["candidates"].push_back(shortRow(row));
    else if (row.status != "skipped")
      json["out"].push_back(Json::array({row.schedule.print(), row.status, row.why}));
  return json;
}

/// The winner of an earlier case of the same bucket on this case.
static Json bucketJson(const TuneReport &first, const TuneReport &report) {
  const TuneRow &record = first.rows[first.winner];
  Json json = {{"problem", report.kernel.problem.print()},
               {"tuned_at", {{"B", first.shape.b}, {"D", first.shape.d}, {"L", first.shape.l}}},
               {"used_at", {{"B", report.shape.b}, {"D", report.shape.d}, {"L", report.shape.l}}},
               {"record", shortRow(record)}};
  for (const TuneRow &row : report.rows)
    if (row.schedule == record.schedule && row.blockL == record.blockL && row.rounds)
      json["reached"] = fastest(report).ms.median / row.ms.median;
  return json;
}

Json halo::tool::runTuneSuite(const std::vector<BenchCase> &cases, TuneOptions options,
                              Progress &progress) {
  Tuner tuner(options);
  Json results = Json::array(), buckets = Json::array(), errors = Json::array();
  std::map<std::string, TuneReport> firstOfBucket;
  Json device;
  for (size_t i = 0; i < cases.size(); ++i) {
    progress.show(fmt::format("case {} of {}", i + 1, cases.size()));
    auto tuneOne = [&]() -> Result<TuneReport> {
      HALO_TRY(task, tuneTask(cases[i]));
      Shape bucket = bucketOf(task.shape);
      std::string key = fmt::format("{} {} {} {}", task.problem.print(), bucket.b, bucket.d,
                                    bucket.l);
      auto earlier = firstOfBucket.find(key);
      if (earlier != firstOfBucket.end()) {
        const TuneReport &first = earlier->second;
        task.include.push_back(first.rows[first.winner].schedule);
        task.includeBlockL = first.rows[first.winner].blockL;
      }
      HALO_TRY(report, tuner.tune(task, progress));
      if (earlier != firstOfBucket.end())
        buckets.push_back(bucketJson(earlier->second, report));
      else
        firstOfBucket.emplace(key, report);
      return std::move(report);
    };
    Result<TuneReport> report = tuneOne();
    if (!report) {
      errors.push_back({{"case", i + 1}, {"kernel", cases[i].entrants[0].kernel},
                        {"error", report.error().message}});
      continue;
    }
    results.push_back(caseJson(*report));
    device = {{"device", report->device.name},
              {"device_kind", report->device.kind},
              {"arch", report->device.target.arch},
              {"driver", report->device.target.driver},
              {"toolkit", report->toolkit}};
  }
  Json json = device.is_null() ? Json::object() : device;
  json["date"] = utcNow();
  json["row"] = {"rank", "schedule", "block_l", "estimate_ms", "ms", "registers"};
  json["results"] = std::move(results);
  json["buckets"] = std::move(buckets);
  json["errors"] = std::move(errors);
  return json;
}

Result<Json> halo::tool::repeatTune(Tuner &tuner, const TuneReport &first, int64_t times,
                                    Progress &progress) {
  using Key = std::pair<std::string, int64_t>;
  std::map<Key, std::vector<double>> medians;
  std::map<Key, int64_t> wins;
  std::vector<Key> winners;
  auto note = [&](const TuneReport &report) {
    for (const TuneRow &row : report.rows)
      if (row.rounds && row.status != "failed")
        medians[{row.schedule.print(), row.blockL}].push_back(row.ms.median);
    const TuneRow &won = report.rows[report.winner];
    winners.push_back({won.schedule.print(), won.blockL});
    ++wins[winners.back()];
  };
  note(first);
  for (int64_t i = 1; i < times; ++i) {
    HALO_TRY(report, tuner.again(progress));
    note(report);
  }
  std::map<Key, double> pooled;
  double best = 0;
  for (auto &[key, samples] : medians) {
    pooled[key] = medianInterval(samples).median;
    // One that was timed in one repeat only may have been lucky.
    bool often = 2 * samples.size() >= size_t(times);
    if (often && (best == 0 || pooled[key] < best))
      best = pooled[key];
  }
  int64_t most = 0;
  double worst = 1;
  for (const auto &[key, count] : wins)
    most = std::max(most, count);
  Json list = Json::array();
  for (const Key &key : winners) {
    worst = std::min(worst, best / pooled[key]);
    list.push_back({{"schedule", key.first}, {"block_l", key.second},
                    {"reached", best / pooled[key]}});
  }
  return Json{{"problem", first.kernel.problem.print()},
              {"shape", {{"B", first.shape.b}, {"D", first.shape.d}, {"L", first.shape.l}}},
              {"times", times},
              {"flip_rate", double(times - most) / double(times)},
              {"worst_reached", worst},
              {"winners", list}};
}

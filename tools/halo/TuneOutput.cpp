#include "tools/halo/TuneOutput.h"

#include "tools/halo/Output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <ctime>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

std::string halo::tool::utcNow() {
  std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text;
}

/// A schedule without what the table has a column for.
static std::string codeText(const Schedule &schedule) {
  std::string text = schedule.print();
  std::string blockL = fmt::format("block_l={},", schedule.blockL);
  size_t place = text.find(blockL);
  return place == std::string::npos ? text : text.erase(place, blockL.size());
}

static std::string interval(const MedianInterval &ms) {
  return ms.coverage > 0 ? fmt::format("{:.4f}-{:.4f}", ms.low, ms.high) : "-";
}

std::string halo::tool::reportTable(const TuneReport &report, double tieBand) {
  std::vector<const TuneRow *> rows;
  for (const TuneRow &row : report.rows)
    if (row.status != "skipped")
      rows.push_back(&row);
  auto timed = [](const TuneRow *row) { return row->rounds > 0 && row->status != "failed"; };
  std::stable_sort(rows.begin(), rows.end(), [&](const TuneRow *a, const TuneRow *b) {
    if (timed(a) != timed(b))
      return timed(a);
    return timed(a) && a->ms.median < b->ms.median;
  });
  std::vector<std::vector<std::string>> cells = {
      {"status", "schedule", "block_l", "ms", "95 %", "of copy", "rounds", "rank", "regs", "why"}};
  for (const TuneRow *row : rows) {
    bool has = timed(row);
    std::string status = row->status + (row->rank == 1 ? " (default)" : "");
    cells.push_back({status, codeText(row->schedule), std::to_string(row->blockL),
                     has ? fmt::format("{:.4f}", row->ms.median) : "-",
                     has ? interval(row->ms) : "-",
                     has && report.copyMs > 0 && report.device.kind == "cuda"
                         ? fmt::format("{:.3f}", report.copyMs / row->ms.median)
                         : "-",
                     std::to_string(row->rounds), std::to_string(row->rank),
                     row->registers < 0 ? "-" : std::to_string(row->registers), row->why});
  }
  std::string text = table(cells, 99, stdout);
  auto isSkipped = [](const TuneRow &row) { return row.status == "skipped"; };
  auto skipped = std::count_if(report.rows.begin(), report.rows.end(), isSkipped);
  const TuneRow &won = report.rows[report.winner], &base = report.rows[report.defaultRow];
  text += fmt::format("\n{} of {} legal schedules were compiled, {} more had no time; {} "
                      "combinations are no schedules: --dry-run says why",
                      report.numCompiled, report.numLegal, skipped, report.rejected.size());
  text += fmt::format("\neach was compared with the {} before it was timed; a tie is within {} % "
                      "of the fastest",
                      report.checkedAgainst == "default" ? "default schedule"
                                                         : report.checkedAgainst,
                      tieBand * 100);
  text += fmt::format("\nwinner: {}, block_l {}: {:.4f} ms, {:.3f} of the default's {:.4f} ms; "
                      "tuned in {:.1f} s",
                      codeText(won.schedule), won.blockL, won.ms.median,
                      base.ms.median > 0 ? won.ms.median / base.ms.median : 1.0, base.ms.median,
                      report.seconds);
  return text;
}

static Json shapeJson(const Shape &shape) {
  return {{"B", shape.b}, {"D", shape.d}, {"L", shape.l}};
}

static Json rowJson(const TuneRow &row) {
  Json json = {{"rank", row.rank},          {"schedule", row.schedule.print()},
               {"block_l", row.blockL},     {"status", row.status},
               {"estimate_ms", row.estimateMs}, {"registers", row.registers},
               {"spill_bytes", row.spillBytes}, {"rounds", row.rounds}};
  if (row.rounds) {
    json["ms"] = row.ms.median;
    json["ms_low"] = row.ms.low;
    json["ms_high"] = row.ms.high;
    json["coverage"] = row.ms.coverage;
  }
  if (!row.why.empty())
    json["why"] = row.why;
  return json;
}

Json halo::tool::reportJson(const TuneReport &report) {
  Json json = {{"device", report.device.name},
               {"device_kind", report.device.kind},
               {"driver", report.device.target.driver},
               {"toolkit", report.toolkit},
               {"problem", report.kernel.problem.print()},
               {"shape", shapeJson(report.shape)},
               {"bucket", shapeJson(bucketOf(report.shape))},
               {"legal", report.numLegal},
               {"compiled", report.numCompiled},
               {"checked_against", report.checkedAgainst},
               {"bytes", report.bytes},
               {"copy_ms", report.copyMs},
               {"seconds", report.seconds},
               {"check_seconds", report.checkSeconds},
               {"winner", rowJson(report.rows[report.winner])},
               {"default", rowJson(report.rows[report.defaultRow])}};
  json["candidates"] = Json::array();
  for (const TuneRow &row : report.rows)
    json["candidates"].push_back(rowJson(row));
  return json;
}

std::string halo::tool::spaceTable(const std::vector<RankedSchedule> &ranked, size_t most) {
  std::vector<std::vector<std::string>> cells = {
      {"schedule", "rank", "block_l", "regs", "shared B", "blocks/SM", "waves", "est. ms"}};
  for (size_t i = 0; i < std::min(ranked.size(), most); ++i) {
    const Estimate &estimate = ranked[i].estimate;
    cells.push_back({codeText(ranked[i].schedule) + (i ? "" : " (default)"), std::to_string(i + 1),
                     std::to_string(estimate.blockL), std::to_string(estimate.registers),
                     std::to_string(estimate.sharedBytes), std::to_string(estimate.blocksPerSm),
                     fmt::format("{:.1f}", estimate.waves), fmt::format("{:.4f}", estimate.ms)});
  }
  return table(cells, 1, stdout);
}

Json halo::tool::spaceJson(const std::vector<RankedSchedule> &ranked,
                           const std::vector<Rejection> &rejected) {
  Json candidates = Json::array(), refused = Json::array();
  for (size_t i = 0; i < ranked.size(); ++i) {
    const Estimate &estimate = ranked[i].estimate;
    candidates.push_back({{"rank", i + 1},
                          {"schedule", ranked[i].schedule.print()},
                          {"block_l", estimate.blockL},
                          {"registers", estimate.registers},
                          {"shared_bytes", estimate.sharedBytes},
                          {"blocks_per_sm", estimate.blocksPerSm},
                          {"waves", estimate.waves},
                          {"estimate_ms", estimate.ms}});
  }
  for (const Rejection &rejection : rejected)
    refused.push_back({{"schedule", rejection.schedule.print()}, {"why", rejection.reason}});
  return {{"candidates", candidates}, {"rejected", refused}};
}

std::string halo::tool::rejectionTable(const std::vector<Rejection> &rejected) {
  struct Group {
    std::string words;
    size_t count;
    const Rejection *example;
  };
  std::vector<Group> groups;
  for (const Rejection &rejection : rejected) {
    std::string words;
    for (char c : rejection.reason)
      if (!std::isdigit(static_cast<unsigned char>(c)))
        words += c;
    auto same = [&](const Group &group) { return group.words == words; };
    auto place = std::find_if(groups.begin(), groups.end(), same);
    if (place == groups.end())
      groups.push_back({words, 1, &rejection});
    else
      ++place->count;
  }
  std::vector<std::vector<std::string>> cells = {{"rejected", "for example", "why"}};
  for (const Group &group : groups)
    cells.push_back({std::to_string(group.count), codeText(group.example->schedule),
                     group.example->reason});
  return table(cells, 99, stdout);
}

#include "tools/halo/BenchReport.h"

#include <fmt/format.h>

#include <algorithm>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

Json halo::tool::numbersJson(const Statistics &ms, size_t bytes) {
  Json json = {{"ms", ms.median}, {"ms_p10", ms.p10}, {"ms_p90", ms.p90}, {"bytes", bytes}};
  json["gb_per_s"] = ms.median > 0 ? Json(double(bytes) / ms.median / 1e6) : Json();
  return json;
}

Json halo::tool::fractionOf(const Json &timed, const Json &copy) {
  const Json &own = timed["gb_per_s"], &ceiling = copy["gb_per_s"];
  if (!own.is_number() || !ceiling.is_number() || ceiling.get<double>() <= 0)
    return {};
  return own.get<double>() / ceiling.get<double>();
}

Json halo::tool::ratioJson(const Ratio &ratio) {
  Json json = {{"ratio", ratio.rounds ? Json(ratio.median) : Json()}};
  json["ratio_low"] = ratio.bounded ? Json(ratio.low) : Json();
  json["ratio_high"] = ratio.bounded ? Json(ratio.high) : Json();
  json["confidence"] = ratio.bounded ? Json(ratio.confidence) : Json();
  json["rounds"] = ratio.rounds;
  json["significant"] = ratio.bounded ? Json(ratio.significant()) : Json();
  return json;
}

static std::string number(const Json &value, int digits) {
  return value.is_number() ? fmt::format("{:.{}f}", value.get<double>(), digits) : "-";
}

static std::string text(const Json &row, const char *field) {
  return row.contains(field) && row[field].is_string() ? row[field].get<std::string>() : "-";
}

static std::string shapeText(const Json &shape) {
  return fmt::format("B={},L={},D={}", shape["B"].dump(), shape["L"].dump(), shape["D"].dump());
}

std::string halo::tool::resultTable(const Json &rows) {
  auto any = [&](auto holds) { return std::any_of(rows.begin(), rows.end(), holds); };
  bool states = any([](const Json &row) {
    return text(row, "l2") == "hot" || (row.contains("clock") && row["clock"] != "unpaced");
  });
  bool graphs = any([](const Json &row) { return row.contains("graph"); });
  std::vector<std::string> heading = {"kernel", "shape", "schedule"};
  if (states)
    heading.insert(heading.end(), {"L2", "clock"});
  size_t firstRight = heading.size();
  heading.insert(heading.end(), {"ms", "p10", "p90", "MB", "GB/s", "copy GB/s", "fraction"});
  if (graphs)
    heading.insert(heading.end(), {"graph ms", "graph fraction", "empty graph ms"});
  heading.push_back("regs");

  std::vector<std::vector<std::string>> cells = {heading};
  for (const Json &row : rows) {
    if (row.contains("error")) {
      cells.push_back({text(row, "kernel"), "-", text(row, "error")});
      continue;
    }
    const Json &copy = row["copy"];
    bool kernel = row.contains("ms");
    const Json &timed = kernel ? row : copy;
    std::vector<std::string> line = {text(row, "kernel"), shapeText(row["shape"]),
                                     kernel ? text(row, "schedule") : "(copy)"};
    if (states)
      line.insert(line.end(), {text(row, "l2"), text(row, "clock")});
    line.insert(line.end(),
                {number(timed["ms"], 4), number(timed["ms_p10"], 4), number(timed["ms_p90"], 4),
                 fmt::format("{:.1f}", timed["bytes"].get<double>() / 1e6),
                 number(timed["gb_per_s"], 0), number(copy["gb_per_s"], 0),
                 kernel ? number(row["fraction"], 3) : "-"});
    if (graphs) {
      const Json graph = row.value("graph", Json::object());
      line.push_back(number(graph.value("ms", Json()), 4));
      line.push_back(number(graph.value("fraction", Json()), 3));
      line.push_back(number(graph.value("empty_ms", Json()), 4));
    }
    line.push_back(kernel && row["registers"] >= 0 ? row["registers"].dump() : "-");
    cells.push_back(std::move(line));
  }
  return table(cells, firstRight, stdout);
}

/// "B / A is 1.018 [1.016, 1.021] at 96.7 %: B is slower", of one kind of launch.
static std::string verdict(const Json &ratio) {
  if (!ratio["ratio"].is_number())
    return "B / A is unknown: no round counts";
  std::string line = "B / A is " + number(ratio["ratio"], 4);
  if (ratio["significant"].is_null())
    return line + fmt::format(": {} rounds are too few for an interval, which needs 6",
                              ratio["rounds"].get<size_t>());
  line += fmt::format(" [{}, {}] at {:.1f} %: ", number(ratio["ratio_low"], 4),
                      number(ratio["ratio_high"], 4), ratio["confidence"].get<double>() * 100);
  if (!ratio["significant"].get<bool>())
    return line + "no significant difference";
  return line + (ratio["ratio_high"].get<double>() < 1 ? "B is faster" : "B is slower");
}

static std::string outputsText(const Json &outputs) {
  if (outputs.is_null())
    return "  outputs: not compared, this device computes nothing\n";
  std::string lines;
  for (const auto &[name, output] : outputs.items()) {
    bool within = output["within_tolerance"].get<bool>();
    lines += fmt::format(
        "  {}: {} tolerance, largest difference {}, relative norm {:.3g} (bound {:.3g}){}{}\n",
        name, within ? "within" : "OUTSIDE",
        output["max_abs"].is_number() ? fmt::format("{:.3g}", output["max_abs"].get<double>())
                                      : "unbounded",
        output["relative_norm"].is_number() ? output["relative_norm"].get<double>() : 0.0,
        output["bound"].get<double>(), within ? "" : ", ", within ? "" : text(output, "worst"));
  }
  return lines;
}

std::string halo::tool::comparisonText(const Json &comparisons) {
  std::string lines;
  Json shown; // A case's outputs were compared once, whatever states it was timed in.
  for (const Json &comparison : comparisons) {
    lines += fmt::format("{}, L2 {}, clock {}\n", shapeText(comparison["shape"]),
                         text(comparison, "l2"), text(comparison, "clock"));
    for (const char *side : {"a", "b"})
      lines += fmt::format("  {}: {} ms  {}  {}\n", side[0] == 'a' ? "A" : "B",
                           number(comparison[side]["ms"], 4), text(comparison[side], "kernel"),
                           text(comparison[side], "schedule"));
    lines += fmt::format("  {}\n", verdict(comparison));
    if (comparison.contains("graph"))
      lines += fmt::format("  graph replay: {}\n", verdict(comparison["graph"]));
    Json compared = {comparison["shape"], comparison["a"]["kernel"], comparison["outputs"]};
    if (compared != shown)
      lines += outputsText(comparison["outputs"]);
    shown = std::move(compared);
  }
  if (!lines.empty())
    lines.pop_back();
  return lines;
}

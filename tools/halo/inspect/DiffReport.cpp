#include "tools/halo/inspect/DiffReport.h"

#include "tools/halo/Output.h"
#include "tools/halo/inspect/TextReport.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

/// Numbers of which fewer are better whatever else changes.
static bool isCost(const std::string &what) {
  for (const char *end :
       {"registers", "spill_bytes", "local_load", "local_store", "us", "wavefronts", "factor",
        "warp_instructions", "bytes_with_halo", "main_loop.mix.instructions"})
    if (what.size() >= std::strlen(end) &&
        what.compare(what.size() - std::strlen(end), std::string::npos, end) == 0)
      return true;
  return false;
}

/// Every number and text by its path; lists that name places or instructions are left out.
static void flatten(const Json &value, const std::string &path,
                    std::vector<std::pair<std::string, Json>> &rows) {
  if (value.is_object()) {
    for (const auto &[name, field] : value.items())
      if (name != "places" && name != "instructions" && name != "inner" && name != "lines" &&
          name != "how" && name != "label")
        flatten(field, path.empty() ? name : path + "." + name, rows);
      else if (field.is_number())
        flatten(field, path + "." + name, rows);
  } else if (value.is_array() && path == "roofline.walls") {
    for (const Json &wall : value)
      rows.emplace_back("roofline." + wall["name"].get<std::string>() + ".us", wall["us"]);
  } else if (!value.is_array()) {
    rows.emplace_back(path, value);
  }
}

static std::string titleOf(const Json &report) {
  std::string title = report.value("commit", "");
  std::string rest =
      report.contains("file") ? report["file"].get<std::string>() : report.value("schedule", "");
  return title.empty() ? rest : title + ": " + rest;
}

Result<Json> halo::tool::diffReport(const Json &a, const Json &b) {
  for (const Json *report : {&a, &b})
    if (!report->is_object() || !report->contains("halo inspect") || !report->contains("code"))
      return invalid(
          "a report to compare with is no inspection: write one with halo inspect --json");
  std::vector<std::pair<std::string, Json>> left, right;
  for (const char *part : {"kernel", "problem", "schedule", "arch", "resources", "occupancy",
                           "tile", "shape", "per_output", "roofline", "accesses", "code"}) {
    flatten(a.value(part, Json()), part, left);
    flatten(b.value(part, Json()), part, right);
  }
  auto find = [](const std::vector<std::pair<std::string, Json>> &rows, const std::string &what) {
    auto found =
        std::find_if(rows.begin(), rows.end(), [&](const auto &row) { return row.first == what; });
    return found == rows.end() ? Json() : found->second;
  };
  Json rows = Json::array();
  auto add = [&](const std::string &what, const Json &x, const Json &y) {
    if (x == y)
      return;
    Json row = {{"what", what}, {"a", x}, {"b", y}};
    if (x.is_number() && y.is_number() && isCost(what))
      row["better"] = x.get<double>() < y.get<double>() ? "a" : "b";
    rows.push_back(row);
  };
  for (const auto &[what, value] : left)
    add(what, value, find(right, what));
  for (const auto &[what, value] : right)
    if (find(left, what).is_null())
      add(what, Json(), value);
  return Json{{"a", titleOf(a)}, {"b", titleOf(b)}, {"rows", rows}};
}

std::string halo::tool::diffText(const Json &diff) {
  std::string text;
  for (const char *side : {"a", "b"})
    for (const std::string &line : wrapped(diff[side].get<std::string>(), 97))
      text += fmt::format("{}  {}\n", side, line);
  if (diff["rows"].empty())
    return text + "\nno number differs\n";
  auto cell = [](const Json &value) {
    return value.is_null()     ? std::string("-")
           : value.is_number() ? shortNumber(value.get<double>())
           : value.is_string() ? value.get<std::string>()
                               : value.dump();
  };
  std::vector<std::vector<std::string>> rows = {{"", "a", "b", "change", ""}};
  for (const Json &row : diff["rows"]) {
    // The long texts are above the table.
    if (row["what"] == "schedule" || row["what"] == "problem")
      continue;
    std::string change;
    if (row["a"].is_number() && row["b"].is_number() && row["a"].get<double>() != 0)
      change =
          fmt::format("{:+.1f} %", 100 * (row["b"].get<double>() / row["a"].get<double>() - 1));
    rows.push_back({row["what"], cell(row["a"]), cell(row["b"]), change,
                    row.contains("better") ? row["better"].get<std::string>() + " is better" : ""});
  }
  return text + "\n" + table(rows, 1, stdout) + "\n";
}

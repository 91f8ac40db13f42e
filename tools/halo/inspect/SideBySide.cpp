// Source, PTX and SASS side by side.
#include "tools/halo/Output.h"
#include "tools/halo/inspect/TextReport.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

static constexpr size_t kHalf = 48; ///< A column: two and a bar between them are 99 wide.

std::string halo::tool::sideBySide(const Json &report) {
  auto fit = [](std::string text) {
    std::replace(text.begin(), text.end(), '\t', ' ');
    text.resize(std::min(text.size(), kHalf));
    return text;
  };
  // Rows of one form by line; line 0 is what belongs to no line.
  auto byLine = [&](const char *form) {
    std::map<int, std::vector<std::string>> rows;
    if (report["listings"].contains(form))
      for (const Json &row : report["listings"][form])
        if (row.contains("index"))
          rows[row["line"]].push_back(row["text"]);
    return rows;
  };
  auto ptx = byLine("ptx"), sass = byLine("sass");
  std::vector<std::string> source = {"(no line)"};
  if (report.contains("source"))
    for (const Json &line : report["source"])
      source.push_back(line);
  for (const auto *rows : {&ptx, &sass})
    if (!rows->empty() && size_t(rows->rbegin()->first) >= source.size())
      source.resize(size_t(rows->rbegin()->first) + 1);
  std::string text;
  for (size_t line = 0; line < source.size(); ++line) {
    const std::vector<std::string> &left = ptx[int(line)], &right = sass[int(line)];
    if (line || !left.empty() || !right.empty())
      text +=
          styled(Style::Bold,
                 fmt::format("{:>4}  {}", line ? std::to_string(line) : "", source[line]), stdout) +
          "\n";
    for (size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
      std::string row = fmt::format("{:<{}} | {}", i < left.size() ? fit(left[i]) : "", kHalf,
                                    i < right.size() ? fit(right[i]) : "");
      row.resize(row.find_last_not_of(' ') + 1);
      text += row + "\n";
    }
  }
  return text;
}

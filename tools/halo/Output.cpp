#include "tools/halo/Output.h"

#include "runtime/Environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <unistd.h>

using namespace halo::tool;

bool halo::tool::isTerminal(std::FILE *stream) { return isatty(fileno(stream)) == 1; }

std::string halo::tool::styled(Style style, std::string_view text, std::FILE *stream) {
  if (style == Style::Plain || !environment(kNoColor).empty() || !isTerminal(stream))
    return std::string(text);
  const char *code = style == Style::Bold  ? "1"
                     : style == Style::Dim ? "2"
                     : style == Style::Red ? "31"
                                           : "32";
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

void halo::tool::print(std::string_view text) { fmt::print("{}\n", text); }

void halo::tool::note(std::string_view text) {
  std::fflush(stdout);
  fmt::print(stderr, "halo: {}\n", text);
}

void halo::tool::printError(std::string_view sentence) {
  // A diagnostic may span lines; a caller that reads stderr by lines gets one.
  std::string line;
  for (char c : sentence) {
    bool space = c == '\n' || c == '\r' || c == '\t';
    if (!space || (!line.empty() && line.back() != ' '))
      line += space ? ' ' : c;
  }
  while (!line.empty() && line.back() == ' ')
    line.pop_back();
  std::fflush(stdout);
  fmt::print(stderr, "halo: {} {}\n", styled(Style::Red, "error:", stderr), line);
}

Progress::~Progress() { show(""); }

void Progress::show(std::string_view text) {
  if (!isTerminal(stderr) || (text.empty() && !width))
    return;
  fmt::print(stderr, "\r{:<{}}", text, width);
  if (text.empty())
    fmt::print(stderr, "\r");
  width = text.size();
  std::fflush(stderr);
}

std::string halo::tool::table(const std::vector<std::vector<std::string>> &rows, size_t firstRight,
                              std::FILE *stream) {
  std::vector<size_t> widths;
  for (const auto &row : rows)
    for (size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size())
        widths.push_back(0);
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string text;
  for (size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (size_t i = 0; i < rows[r].size(); ++i) {
      if (i)
        line += "  ";
      line += i >= firstRight ? fmt::format("{:>{}}", rows[r][i], widths[i])
                              : fmt::format("{:<{}}", rows[r][i], widths[i]);
    }
    line.resize(line.find_last_not_of(' ') + 1);
    text += styled(r ? Style::Plain : Style::Bold, line, stream) + "\n";
  }
  if (!text.empty())
    text.pop_back();
  return text;
}

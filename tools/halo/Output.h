// What goes to the terminal: results to stdout, everything else to stderr, colours and progress
// only where a person is looking.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace halo::tool {

enum class Style { Plain, Bold, Dim, Red, Green };

bool isTerminal(std::FILE *stream);
/// `text` in `style` where `stream` is a terminal and NO_COLOR is not set; else as it is.
std::string styled(Style style, std::string_view text, std::FILE *stream);

void print(std::string_view text); ///< To stdout, with a newline.
void note(std::string_view text);  ///< "halo: ..." to stderr.
/// "halo: error: ..." to stderr, always one line.
void printError(std::string_view sentence);

/// One line on stderr that overwrites itself; nothing where stderr is no terminal.
class Progress {
public:
  Progress() = default;
  Progress(const Progress &) = delete;
  ~Progress();
  void show(std::string_view text);

private:
  size_t width = 0;
};

/// Columns aligned to their widest cell; cells from `firstRight` on are right-aligned. The first
/// row is the heading.
std::string table(const std::vector<std::vector<std::string>> &rows, size_t firstRight,
                  std::FILE *stream);

} // namespace halo::tool

#include "tools/halo/Suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

using namespace halo::tool;

size_t halo::tool::editDistance(std::string_view a, std::string_view b) {
  // Three rows of the usual table: a swap looks two rows back.
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string halo::tool::unknown(std::string_view what, std::string_view name,
                                const std::vector<std::string> &legal) {
  std::string message = fmt::format("unknown {} '{}'", what, name);
  const std::string *nearest = nullptr;
  // One slip in three letters: beyond that a suggestion misleads.
  size_t distance = std::max<size_t>(1, name.size() / 3) + 1;
  for (const std::string &candidate : legal) {
    size_t own = editDistance(name, candidate);
    // Half a word is a near name too.
    if (name.size() > 2 && candidate.compare(0, name.size(), name) == 0)
      own = std::min<size_t>(own, 1);
    if (own < distance) {
      distance = own;
      nearest = &candidate;
    }
  }
  if (nearest)
    return message + fmt::format(": did you mean '{}'?", *nearest);
  if (legal.empty())
    return message + ": there are none";
  return message + fmt::format(": there are {}", fmt::join(legal, ", "));
}

// Lists in texts. Internal to the runtime: fmt's own join brings formatters of every element type.
#pragma once

#include <string>
#include <string_view>

namespace halo {

inline std::string joinedText(std::string_view text) { return std::string(text); }
inline std::string joinedText(long number) { return std::to_string(number); }

/// "a, b, c" of texts or numbers.
template <typename List> std::string join(const List &list, std::string_view separator) {
  std::string text;
  for (const auto &item : list) {
    if (&item != &*list.begin())
      text += separator;
    text += joinedText(item);
  }
  return text;
}

} // namespace halo

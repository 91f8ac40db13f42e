// The name of a cached thing: the fields that select it, as a text of name=value lines, and that
// text's SHA-256. Two things with the same fields are the same bytes; the text is kept with the
// entry, so that a miss can be explained field by field.
#pragma once

#include "runtime/Export.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace halo {

class HALO_API CacheKey {
public:
  /// `kind` says what is cached: "kernel", "traits", "description", "hash".
  explicit CacheKey(std::string kind) : kindName(std::move(kind)) {}
  /// Fields are added in a fixed order; a name occurs once.
  void add(std::string name, std::string value) {
    fields.emplace_back(std::move(name), std::move(value));
  }

  const std::string &kind() const { return kindName; }
  /// "kind=kernel\nname=value\n..."; newlines and backslashes in values are escaped, so that no
  /// value can pose as a field.
  std::string text() const;
  /// 64 hexadecimal digits.
  std::string hash() const;

  /// The fields of a text(), the kind first; lines that are no field are left out.
  static std::vector<std::pair<std::string, std::string>> fieldsOf(std::string_view text);

private:
  std::string kindName;
  std::vector<std::pair<std::string, std::string>> fields;
};

} // namespace halo

// Reading fields of a JSON object that somebody else wrote. Internal to the runtime.
#pragma once

#include "runtime/Result.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace halo {

/// Reads typed fields and keeps the first complaint: read everything, then ask done(). After a
/// complaint every reader returns an empty value, so that callers need no branches.
class JsonFields {
public:
  /// `where` starts every message: "kernel info", "operand 'x'".
  JsonFields(const nlohmann::json &object, std::string where);

  int64_t integer(const char *name, int64_t min, int64_t max);
  std::string text(const char *name);
  bool flag(const char *name);
  /// The elements of an array, as an array.
  nlohmann::json array(const char *name);
  /// Adds a complaint of the caller's own.
  void complain(std::string what);

  bool ok() const { return static_cast<bool>(state); }
  Result<void> done() const { return state; }

private:
  const nlohmann::json *find(const char *name, const char *type);

  const nlohmann::json &object;
  std::string where;
  Result<void> state;
};

/// Deeper than any JSON of ours. What is nested deeper is refused: values are printed and freed by
/// functions that call themselves, and a file must not choose how deep.
constexpr size_t kMaxJsonDepth = 64;
/// The value, or a discarded one where the text is no JSON, is nested too deep, or names something
/// twice in one object; that name goes to `twice`.
nlohmann::json parseJson(std::string_view text, std::string *twice = nullptr);
/// One line of JSON; bytes that are no UTF-8 are replaced, never thrown about.
std::string printJson(const nlohmann::json &value);

} // namespace halo

#include "runtime/Json.h"

#include <fmt/format.h>

#include <limits>

namespace halo {

JsonFields::JsonFields(const nlohmann::json &object, std::string where)
    : object(object), where(std::move(where)) {
  if (!object.is_object())
    complain("is no JSON object");
}

const nlohmann::json *JsonFields::find(const char *name, const char *type) {
  if (!ok())
    return nullptr;
  auto field = object.find(name);
  if (field == object.end()) {
    complain(fmt::format("has no '{}'", name));
    return nullptr;
  }
  std::string_view wanted = type;
  bool fits = wanted == "integer"  ? field->is_number_integer()
              : wanted == "string" ? field->is_string()
              : wanted == "array"  ? field->is_array()
                                   : field->is_boolean();
  if (fits)
    return &*field;
  complain(
      fmt::format("has a '{}' of type {} where {} is expected", name, field->type_name(), type));
  return nullptr;
}

int64_t JsonFields::integer(const char *name, int64_t min, int64_t max) {
  const nlohmann::json *field = find(name, "integer");
  if (!field)
    return min;
  bool tooLarge = field->is_number_unsigned() &&
                  field->get<uint64_t>() > uint64_t(std::numeric_limits<int64_t>::max());
  int64_t value = tooLarge ? max : field->get<int64_t>();
  if (tooLarge || value < min || value > max) {
    complain(fmt::format("has {} = {} outside {} to {}", name, field->dump(), min, max));
    return min;
  }
  return value;
}

std::string JsonFields::text(const char *name) {
  const nlohmann::json *field = find(name, "string");
  return field ? field->get<std::string>() : "";
}

bool JsonFields::flag(const char *name) {
  const nlohmann::json *field = find(name, "boolean");
  return field && field->get<bool>();
}

nlohmann::json JsonFields::array(const char *name) {
  const nlohmann::json *field = find(name, "array");
  return field ? *field : nlohmann::json::array();
}

void JsonFields::complain(std::string what) {
  if (ok())
    state = invalid(where + " " + what);
}

bool isShallowJson(std::string_view text) {
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i)
    if (char c = text[i]; c == '"') {
      while (++i < text.size() && text[i] != '"')
        i += text[i] == '\\';
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxJsonDepth)
        return false;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  return true;
}

nlohmann::json parseJson(std::string_view text) {
  if (!isShallowJson(text))
    return nlohmann::json(nlohmann::json::value_t::discarded);
  return nlohmann::json::parse(text.data(), text.data() + text.size(), nullptr,
                               /*allow_exceptions=*/false);
}

std::string printJson(const nlohmann::json &value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace halo

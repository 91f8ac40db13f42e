#include "runtime/Json.h"

#include <fmt/format.h>

#include <limits>
#include <vector>

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

namespace {

using nlohmann::json;

/// Builds a value from the parser's events: the one parser of this library, which the library's own
/// two would not share.
class Builder final : public nlohmann::json_sax<json> {
public:
  json root = json(json::value_t::discarded);
  std::string twice;

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(int64_t value) override { return add(value); }
  bool number_unsigned(uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string &) override { return add(value); }
  bool string(std::string &value) override { return add(std::move(value)); }
  bool binary(json::binary_t &) override { return false; }
  bool start_object(size_t) override { return open(json::object()); }
  bool start_array(size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string &name) override {
    if (parents.back()->contains(name)) {
      twice = name;
      return false;
    }
    place = &(*parents.back())[name];
    return true;
  }
  bool parse_error(size_t, const std::string &, const json::exception &) override { return false; }

private:
  json *put(json value) {
    if (parents.empty())
      return &(root = std::move(value));
    if (!parents.back()->is_array())
      return &(*place = std::move(value));
    parents.back()->push_back(std::move(value));
    return &parents.back()->back();
  }
  bool add(json value) {
    put(std::move(value));
    return true;
  }
  bool open(json value) {
    if (parents.size() == kMaxJsonDepth)
      return false;
    parents.push_back(put(std::move(value)));
    return true;
  }
  bool close() {
    parents.pop_back();
    return true;
  }

  std::vector<json *> parents; ///< Open arrays and objects, the innermost last; none moves meanwhile.
  json *place = nullptr;       ///< Of the value behind the last key.
};

} // namespace

nlohmann::json parseJson(std::string_view text, std::string *twice) {
  Builder builder;
  if (json::sax_parse(text.data(), text.data() + text.size(), &builder))
    return std::move(builder.root);
  if (twice)
    *twice = std::move(builder.twice);
  return json(json::value_t::discarded);
}

std::string printJson(const nlohmann::json &value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace halo

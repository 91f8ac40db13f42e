#include "runtime/ProblemDefaults.h"

#include "runtime/Json.h"

#include <algorithm>

namespace halo {

using nlohmann::json;

Result<ProblemDefaults> ProblemDefaults::parse(std::string_view description) {
  json document = parseJson(description);
  JsonFields fields(document, "a kernel's description");
  json params = fields.array("params"), operands = fields.array("operands");
  HALO_CHECK(fields.done());
  ProblemDefaults defaults;
  for (const json &entry : params) {
    JsonFields param(entry, "a kernel's description: a parameter");
    Param made;
    made.name = param.text("name");
    made.kind = param.text("kind");
    HALO_CHECK(param.done());
    if (auto value = entry.find("default"); value != entry.end() && !value->is_null())
      made.fallback = value->is_string() ? value->get<std::string>() : printJson(*value);
    auto values = entry.find("values");
    if (!made.fallback.empty()) {
    } else if (made.kind == "enum" && values != entry.end() && values->is_array() &&
               !values->empty() && values->front().is_string()) {
      made.fallback = values->front().get<std::string>();
    } else if (made.kind == "flag") {
      made.fallback = "false";
    } else {
      made.given = made.kind != "heads" && made.kind != "length";
    }
    defaults.params.push_back(std::move(made));
  }
  for (const json &entry : operands) {
    JsonFields operand(entry, "a kernel's description: an operand");
    std::string name = operand.text("name");
    bool optional = operand.flag("optional");
    HALO_CHECK(operand.done());
    if (optional)
      defaults.optional.push_back(std::move(name));
  }
  return defaults;
}

std::optional<Problem> ProblemDefaults::complete(const Problem &asked) const {
  Problem whole = asked;
  for (const auto &[name, value] : asked.params)
    if (std::none_of(params.begin(), params.end(),
                     [&name = name](const Param &param) { return param.name == name; }))
      return std::nullopt;
  for (const std::string &name : asked.with)
    if (std::find(optional.begin(), optional.end(), name) == optional.end())
      return std::nullopt;
  for (const Param &param : params) {
    if (whole.params.count(param.name))
      continue;
    if (param.given)
      return std::nullopt;
    // "W : type = T": the default is what another parameter became.
    auto other = whole.params.find(param.fallback);
    whole.params[param.name] =
        param.kind == "type" && other != whole.params.end() ? other->second : param.fallback;
  }
  return whole;
}

} // namespace halo

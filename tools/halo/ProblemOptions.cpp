#include "tools/halo/ProblemOptions.h"

#include "tools/halo/Suggest.h"

#include <fmt/format.h>

#include <algorithm>

using namespace halo;
using namespace halo::tool;

static Result<void> checkValue(const ParamSpec &spec, const std::string &value) {
  static const std::vector<std::string> types = {"f32", "f16", "bf16"}, flags = {"true", "false"};
  auto oneOf = [&](const std::vector<std::string> &legal) -> Result<void> {
    // A value may carry a number, column_split:8: the compiler knows which may.
    std::string plain = spec.kind == "enum" ? value.substr(0, value.find(':')) : value;
    if (std::find(legal.begin(), legal.end(), plain) != legal.end())
      return {};
    return invalid(unknown(fmt::format("value of {}", spec.name), value, legal));
  };
  if (spec.kind == "enum")
    return oneOf(spec.values);
  if (spec.kind == "type")
    return oneOf(types);
  if (spec.kind == "flag")
    return oneOf(flags);
  if (spec.kind == "int" || spec.kind == "length") {
    std::optional<int64_t> number = parseNumber(value);
    if (!number)
      return invalid(fmt::format("{} is '{}', expected a whole number", spec.name, value));
    if (*number < 1)
      return invalid(fmt::format("{} is {}, expected at least 1", spec.name, *number));
  }
  return {};
}

Result<Settings> halo::tool::parseSettings(const Description &kernel,
                                           const std::vector<std::string> &texts) {
  Settings settings;
  for (const std::string &text : texts) {
    HALO_TRY(setting, parseNamedValue("--set", text));
    if (setting.name == "align") {
      if (setting.value != "1" && setting.value != "16")
        return invalid(fmt::format("align is '{}', expected 1 or 16", setting.value));
      settings.align = setting.value == "1" ? 1 : 16;
      continue;
    }
    if (setting.name == "invariant") {
      if (setting.value != "true" && setting.value != "false")
        return invalid(fmt::format("invariant is '{}', expected true or false", setting.value));
      settings.invariant = setting.value == "true";
      continue;
    }
    const ParamSpec *spec = kernel.param(setting.name);
    if (!spec) {
      std::vector<std::string> legal = kernel.paramNames();
      legal.insert(legal.end(), {"align", "invariant"});
      return invalid(
          unknown(fmt::format("option of {} in --set", kernel.name), setting.name, legal));
    }
    HALO_CHECK(checkValue(*spec, setting.value));
    auto [place, fresh] = settings.params.emplace(setting.name, setting.value);
    if (!fresh && place->second != setting.value)
      return invalid(fmt::format("--set gives {} twice, as '{}' and as '{}'", setting.name,
                                 place->second, setting.value));
  }
  return settings;
}

Result<void> halo::tool::fillDefaults(const Description &kernel,
                                      std::map<std::string, std::string> &params) {
  for (const ParamSpec &spec : kernel.params) {
    if (params.count(spec.name))
      continue;
    // "W : type = T": the default is what another param became.
    auto other = spec.fallback ? params.find(*spec.fallback) : params.end();
    if (spec.kind == "type" && other != params.end())
      params[spec.name] = other->second;
    else if (spec.fallback && !spec.fallback->empty())
      params[spec.name] = *spec.fallback;
    else if (!spec.fallback)
      return invalid(fmt::format("{} of {} has no default: add --set {}=...", spec.name,
                                 kernel.name, spec.name));
  }
  return {};
}

Result<void> halo::tool::setTypes(const Description &kernel, std::string dtype, std::string wdtype,
                                  std::map<std::string, std::string> &params) {
  auto set = [&](const char *option, const std::string &param, const std::string &given,
                 const std::string &fallback) -> Result<void> {
    if (!given.empty()) {
      HALO_CHECK(checkValue(ParamSpec{option, "type", {}, {}}, given));
      if (param.empty())
        return invalid(
            fmt::format("{} is {}, but {} has no such type", option, given, kernel.name));
    }
    if (param.empty())
      return {};
    auto [place, fresh] = params.emplace(param, given.empty() ? fallback : given);
    if (!fresh && !given.empty() && place->second != given)
      return invalid(
          fmt::format("{} is {}, but --set gives {} = {}", option, given, param, place->second));
    return {};
  };
  HALO_CHECK(set("--dtype", kernel.activationType(), dtype, "bf16"));
  auto activations = params.find(kernel.activationType());
  return set("--wdtype", kernel.weightType(), wdtype,
             activations == params.end() ? "bf16" : activations->second);
}

Result<std::set<std::string>> halo::tool::parseWith(const Description &kernel,
                                                    const std::string &list,
                                                    std::map<std::string, std::string> &params) {
  std::set<std::string> with;
  std::vector<std::string> legal;
  for (const OperandSpec &spec : kernel.operands)
    if (spec.optional)
      legal.push_back(spec.name);
  for (const std::string &name : splitList(list)) {
    if (std::find(legal.begin(), legal.end(), name) == legal.end())
      return invalid(
          unknown(fmt::format("optional operand of {} in --with", kernel.name), name, legal));
    // A name that is an input and an output means the input.
    const OperandSpec *spec = kernel.operand(name);
    if (spec->output)
      params[spec->flag] = "true";
    else
      with.insert(name);
  }
  return with;
}

std::vector<Option> halo::tool::problemOptions() {
  return {
      {"--set", "NAME=VALUE",
       "an option of the kernel, as K=4 or layout=bld; align=1 asks for the "
       "element-wise variant, invariant=true for the same bits whatever B and L",
       true},
      {"--dtype", "TYPE", "the activations' storage: bf16 (default), f16 or f32"},
      {"--wdtype", "TYPE", "the weights' storage; by default the activations'"},
      {"--with", "A,B", "the optional operands that are present"},
  };
}

Result<Problem> halo::tool::parseProblem(const std::string &kernel,
                                         const std::vector<std::string> &settings,
                                         const std::string &dtype, const std::string &wdtype,
                                         const std::string &with) {
  HALO_TRY(description, describe(kernel));
  HALO_TRY(parsed, parseSettings(description, settings));
  Problem problem;
  problem.kernel = kernel;
  problem.params = parsed.params;
  for (const ParamSpec &spec : description.params)
    if (spec.kind == "length")
      problem.params.erase(spec.name); // Said by --shape L=...
  if (parsed.align)
    problem.align = parsed.align;
  problem.invariant = parsed.invariant;
  HALO_CHECK(setTypes(description, dtype, wdtype, problem.params));
  HALO_TRY(operands, parseWith(description, with, problem.params));
  problem.with = operands;
  HALO_CHECK(fillDefaults(description, problem.params));
  return problem;
}

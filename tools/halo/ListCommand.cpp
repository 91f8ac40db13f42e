// halo list: the kernels, what they take, and their texts.
#include "tools/halo/Command.h"
#include "tools/halo/Description.h"
#include "tools/halo/Output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

static std::string operandText(const OperandSpec &spec) {
  std::string text = spec.name;
  if (spec.variadic)
    text += "...";
  if (spec.optional)
    text += spec.flag.empty() || spec.flag == spec.name ? "?" : "?" + spec.flag;
  std::vector<std::string> facts = {spec.kind};
  if (!spec.dtype.empty())
    facts.push_back(spec.dtype);
  if (!spec.form.empty())
    facts.push_back(spec.form);
  if (!spec.taps.empty() && spec.taps != "0")
    facts.push_back(spec.taps);
  if (spec.longer)
    facts.push_back("longer");
  for (auto [word, index] : {std::pair{"ring", &spec.ring}, std::pair{"slots", &spec.slots}})
    if (!index->empty())
      facts.push_back(fmt::format("{}({})", word, *index));
  return fmt::format("{} ({})", text, fmt::join(facts, " "));
}

static std::string paramText(const ParamSpec &spec) {
  std::string legal = spec.kind;
  if (spec.kind == "enum")
    legal = fmt::format("{}", fmt::join(spec.values, "|"));
  else if (spec.kind == "flag")
    legal = "true|false";
  else if (spec.kind == "type")
    legal = "f32|f16|bf16";
  else if (spec.kind == "parts")
    legal = "name:channels,...";
  else if (spec.kind == "heads")
    legal = "name,...:channels";
  std::string text = fmt::format("{}={}", spec.name, legal);
  if (spec.fallback && !spec.fallback->empty())
    text += fmt::format(" (default {})", *spec.fallback);
  return text;
}

static std::string kernelText(const Description &kernel) {
  std::vector<std::string> inputs, outputs;
  for (const OperandSpec &spec : kernel.operands)
    (spec.output ? outputs : inputs).push_back(operandText(spec));
  std::string text =
      fmt::format("{}  {}\n  in   {}\n  out  {}\n", styled(Style::Bold, kernel.name, stdout),
                  kernel.summary, fmt::join(inputs, ", "), fmt::join(outputs, ", "));
  const char *lead = "  set  ";
  for (const ParamSpec &spec : kernel.params) {
    text += fmt::format("{}{}\n", lead, paramText(spec));
    lead = "       ";
  }
  return text;
}

static Json kernelJson(const Description &kernel) {
  Json json = {{"name", kernel.name}, {"summary", kernel.summary}};
  json["operands"] = Json::array();
  for (const OperandSpec &spec : kernel.operands)
    json["operands"].push_back({{"name", spec.name},
                                {"kind", spec.kind},
                                {"output", spec.output},
                                {"optional", spec.optional},
                                {"variadic", spec.variadic},
                                {"dtype", spec.dtype},
                                {"taps", spec.taps},
                                {"group", spec.group},
                                {"streams", spec.streams},
                                {"layout", spec.layout},
                                {"form", spec.form},
                                {"longer", spec.longer},
                                {"ring", spec.ring},
                                {"slots", spec.slots},
                                {"flag", spec.flag}});
  json["options"] = Json::array();
  for (const ParamSpec &spec : kernel.params)
    json["options"].push_back({{"name", spec.name},
                               {"kind", spec.kind},
                               {"default", spec.fallback ? Json(*spec.fallback) : Json()},
                               {"values", spec.values}});
  return json;
}

static Result<int> run(const Arguments &arguments) {
  bool wantsJson = arguments.has("--json");
  if (arguments.has("--source")) {
    HALO_TRY(kernel, describe(arguments.value("--source")));
    if (wantsJson)
      print(Json{{"name", kernel.name}, {"source", kernel.source}}.dump(2));
    else
      fmt::print("{}", kernel.source); // Byte for byte: it runs by path identically.
    return 0;
  }

  std::vector<std::string> names;
  if (!arguments.positional(0).empty()) {
    names.push_back(arguments.positional(0));
  } else {
    HALO_TRY(kernels, listKernels());
    for (const KernelSummary &kernel : kernels)
      names.push_back(kernel.name);
  }
  Json all = Json::array();
  std::vector<std::string> texts;
  for (const std::string &name : names) {
    HALO_TRY(kernel, describe(name));
    all.push_back(kernelJson(kernel));
    texts.push_back(kernelText(kernel));
  }
  if (wantsJson) {
    print(all.dump(2));
    return 0;
  }
  fmt::print("{}", fmt::join(texts, "\n"));
  return 0;
}

Command halo::tool::listCommand() {
  Syntax syntax;
  syntax.command = "list";
  syntax.summary = "kernels, their operands and options, and their texts";
  syntax.positionals = {"[KERNEL]"};
  syntax.options = {
      {"--source", "KERNEL",
       "print the text of one kernel; saved to a .mlir file, it runs by its "
       "path identically"},
      {"--json", "", "print JSON: an array of {name, summary, operands, options}"},
  };
  syntax.notes =
      "KERNEL is a built-in name or a path to a .mlir file. A '?' marks what is optional, "
      "'...' a list.";
  return {syntax, run};
}

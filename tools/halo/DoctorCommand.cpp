// halo doctor: what this machine has and what is missing, with the mend.
#include "runtime/CompileCache.h"
#include "tools/halo/Command.h"
#include "tools/halo/Output.h"
#include "tools/halo/Probes.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

static std::string cacheState() {
  CompileCache &cache = CompileCache::get();
  if (DiskCache *disk = cache.disk())
    return fmt::format("{}, at most {} MB: see halo cache stat", disk->folder(),
                       disk->limit() / 1000000);
  return "off: " + (cache.offReason().empty() ? "its limit is 0" : cache.offReason());
}

static std::string findingText(const Finding &finding) {
  std::string mark = finding.present ? styled(Style::Green, "ok     ", stdout)
                                     : styled(Style::Red, "missing", stdout);
  std::string text = fmt::format("{}  {:<12}  {}\n", mark, finding.what, finding.state);
  if (!finding.mend.empty())
    text += fmt::format("{:23}mend: {}\n", "", finding.mend);
  return text;
}

static Json findingJson(const Finding &finding) {
  Json json = {{"what", finding.what}, {"present", finding.present}, {"state", finding.state}};
  if (!finding.mend.empty())
    json["mend"] = finding.mend;
  return json;
}

static Result<int> run(const Arguments &arguments) {
  std::vector<Finding> findings = {probeDriver()};
  for (const Finding &gpu : probeGpus())
    findings.push_back(gpu);
  findings.push_back(probeCompiler());
  findings.push_back(probeSimulator());
  for (const Finding &tool : probeToolkit())
    findings.push_back(tool);
  std::vector<Variable> variables = readEnvironment();

  if (arguments.has("--json")) {
    Json json = {{"findings", Json::array()}, {"environment", Json::object()}};
    for (const Finding &finding : findings)
      json["findings"].push_back(findingJson(finding));
    for (const Variable &variable : variables)
      json["environment"][variable.name] = {{"value", variable.set ? Json(variable.value) : Json()},
                                            {"key", variable.keyField},
                                            {"meaning", variable.meaning}};
    json["cache"] = cacheState();
    print(json.dump(2, ' ', false, Json::error_handler_t::replace));
    return 0;
  }
  for (const Finding &finding : findings)
    fmt::print("{}", findingText(finding));
  fmt::print("         {:<12}  {}\n\nenvironment (key: the field of a kernel's key it acts "
             "through; neutral: no kernel depends on it):\n",
             "cache", cacheState());
  for (const Variable &variable : variables)
    fmt::print("  {:<21}  {:<14}  {}\n{}", variable.name,
               variable.keyField.empty() ? "neutral" : "key " + variable.keyField,
               variable.meaning,
               variable.set ? fmt::format("  {:<21}  {:<14}  = '{}'\n", "", "", variable.value)
                            : "");
  return 0;
}

Command halo::tool::doctorCommand() {
  Syntax syntax;
  syntax.command = "doctor";
  syntax.summary = "what this machine has and what is missing, with the mend";
  syntax.options = {{"--json", "", "print JSON: {findings, environment, cache}"}};
  syntax.notes = "The exit status is 0 whatever is found.";
  return {syntax, run};
}

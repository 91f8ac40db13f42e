#include "tools/halo/OverrideOption.h"

#include "tools/halo/OutputFile.h"
#include "tools/halo/Suggest.h"

#include <fmt/format.h>

#include <algorithm>

using namespace halo;
using namespace halo::tool;

Option halo::tool::overrideOption() {
  return {
      "--override", "STAGE=FILE",
      "take FILE for the text of stage halo, gpu, llvm, opt, ptx or cubin and go on from there"};
}

Result<void> halo::tool::parseOverride(const Arguments &arguments, CompileOptions &options) {
  if (!arguments.has("--override"))
    return {};
  HALO_TRY(given, parseNamedValue("--override", arguments.value("--override")));
  static const std::vector<std::string> stages = {"halo", "gpu", "llvm", "opt", "ptx", "cubin"};
  if (std::find(stages.begin(), stages.end(), given.name) == stages.end())
    return invalid(unknown("stage in --override", given.name, stages));
  HALO_TRY(text, readFile(given.value));
  if (text.empty())
    return invalid(fmt::format("'{}' is empty: stage {} needs a text", given.value, given.name));
  options.overrideStage = given.name;
  options.overrideText = text;
  return {};
}

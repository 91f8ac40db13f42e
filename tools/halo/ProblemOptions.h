// From a command line's options to a problem: what --set, --dtype, --wdtype and --with say.
#pragma once

#include "runtime/Problem.h"
#include "tools/halo/Arguments.h"
#include "tools/halo/Description.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace halo::tool {

/// The texts of --set: params by name; `align`, which selects a variant, and `invariant`, which
/// binds the choice of a schedule, are no params.
struct Settings {
  std::map<std::string, std::string> params;
  int align = 0; ///< 0 where it was not given.
  bool invariant = false;
};

/// Parses --set texts against what the kernel takes: unknown names, values outside an enum,
/// numbers that are none, and names given twice are refused.
Result<Settings> parseSettings(const Description &kernel, const std::vector<std::string> &texts);
/// Every param that is not set takes its default; a number without one must be given.
Result<void> fillDefaults(const Description &kernel, std::map<std::string, std::string> &params);
/// The types of --dtype and --wdtype where --set did not name them.
Result<void> setTypes(const Description &kernel, std::string dtype, std::string wdtype,
                      std::map<std::string, std::string> &params);
/// The optional operands of --with. An optional output sets the flag that turns it on instead.
Result<std::set<std::string>> parseWith(const Description &kernel, const std::string &list,
                                        std::map<std::string, std::string> &params);

/// The options that `compile` and `bench` share: --set, --dtype, --wdtype, --with.
std::vector<Option> problemOptions();
/// A problem from the texts of those options.
Result<Problem> parseProblem(const std::string &kernel, const std::vector<std::string> &settings,
                             const std::string &dtype, const std::string &wdtype,
                             const std::string &with);

} // namespace halo::tool

// Two inspections of one form, number by number: two schedules, or what two commits saved by
// --json.
#pragma once

#include "runtime/Result.h"

#include <nlohmann/json.hpp>

#include <string>

namespace halo::tool {

/// {"a", "b": what tells them apart, "rows": [{"what", "a", "b", "better"?}]}: the numbers that
/// differ, in the order of the report. `better`: "a" or "b" where less is better without doubt.
/// Refused where one is no inspection.
Result<nlohmann::ordered_json> diffReport(const nlohmann::ordered_json &a,
                                          const nlohmann::ordered_json &b);
std::string diffText(const nlohmann::ordered_json &diff);

} // namespace halo::tool

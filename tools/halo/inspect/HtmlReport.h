// An inspection as one HTML file: no script, nothing from elsewhere.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace halo::tool {

/// `diff` is DiffReport.h's, or null.
std::string htmlReport(const nlohmann::ordered_json &report, const nlohmann::ordered_json &diff);

} // namespace halo::tool

// An inspection for a terminal of 100 columns.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace halo::tool {

std::string textReport(const nlohmann::ordered_json &report);

/// Source, PTX and SASS side by side, by the lines of the source: for a report with listings.
std::string sideBySide(const nlohmann::ordered_json &report);

/// "1,234,567".
std::string grouped(int64_t number);
/// A number with as many digits as it needs: "0.031", "4.1", "1,234".
std::string shortNumber(double number);
/// "activations bf16, K=4, ..." cut into lines of at most `width`, at spaces or commas.
std::vector<std::string> wrapped(const std::string &text, size_t width);

} // namespace halo::tool

// What a pack holds, for people and as JSON.
#pragma once

#include "runtime/Pack.h"

#include <nlohmann/json.hpp>

#include <string>

namespace halo::tool {

/// A row for each problem: its text, and what it is compiled for.
std::string problemTable(const Pack &pack);
/// A row for each kind of bytes: how many pieces, how many bytes, what part of the file.
std::string sizeReport(const Pack &pack);
nlohmann::ordered_json packJson(const Pack &pack);

} // namespace halo::tool

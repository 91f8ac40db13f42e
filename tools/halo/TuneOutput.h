// What a tune shows: tables for people, JSON for tools.
#pragma once

#include "runtime/ScheduleSpace.h"
#include "tools/halo/Tuner.h"

#include <nlohmann/json.hpp>

#include <string>

namespace halo::tool {

/// One line for each candidate, the fastest first, then how many were not tried and why.
std::string reportTable(const TuneReport &report, double tieBand);
nlohmann::ordered_json reportJson(const TuneReport &report);

/// The candidates by rank with what the model thinks of them; nothing was compiled.
std::string spaceTable(const std::vector<RankedSchedule> &ranked, size_t most);
nlohmann::ordered_json spaceJson(const std::vector<RankedSchedule> &ranked,
                                 const std::vector<Rejection> &rejected);
/// Rejections counted by what they say, numbers apart, with one example each.
std::string rejectionTable(const std::vector<Rejection> &rejected);

/// "2026-11-21T10:00:00Z"
std::string utcNow();

} // namespace halo::tool

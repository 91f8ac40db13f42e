// What a benchmark says: numbers as JSON, rows as tables, comparisons as sentences.
#pragma once

#include "tools/halo/BenchCase.h"
#include "tools/halo/Statistics.h"

#include <nlohmann/json.hpp>

#include <string>

namespace halo::tool {

/// ms, ms_p10, ms_p90, bytes and gb_per_s (null where nothing was timed).
nlohmann::ordered_json numbersJson(const Statistics &ms, size_t bytes);
/// Its GB/s over the copy's; null where either has none.
nlohmann::ordered_json fractionOf(const nlohmann::ordered_json &timed,
                                  const nlohmann::ordered_json &copy);
/// ratio, ratio_low, ratio_high, confidence, rounds and significant; the interval and the verdict
/// are null where there are too few rounds for them.
nlohmann::ordered_json ratioJson(const Ratio &ratio);

/// Rows of runCase(), and {kernel, error} of cases that failed, as a table. What tells no two rows
/// apart, the L2 and clock of a plain run, gets no column.
std::string resultTable(const nlohmann::ordered_json &rows);
/// Comparisons of runCase(): who is faster by how much, and whether both compute the same.
std::string comparisonText(const nlohmann::ordered_json &comparisons);

} // namespace halo::tool

// Many tunes in one run, to judge the analytic choice and the bucket rule, not to keep records.
#pragma once

#include "tools/halo/BenchCase.h"
#include "tools/halo/Tuner.h"

#include <nlohmann/json.hpp>

#include <vector>

namespace halo::tool {

/// What --shape and the options of a problem say, ready to tune: the aligned variant where
/// contiguous tensors allow it.
Result<TuneTask> tuneTask(const BenchCase &bench);

/// Tunes every case. Of each: the choice and the best, and what the choice reaches of it. Cases of
/// one problem in one bucket also tell what the winner of the first reaches on the others, with
/// its block_l. Cases that fail are listed with their reason.
nlohmann::ordered_json runTuneSuite(const std::vector<BenchCase> &cases, TuneOptions options,
                                    Progress &progress);

/// The last tune's candidates raced `times` over: how often the winner was another than the most
/// frequent one, and what the worst winner reaches of the best, by the medians of all samples.
Result<nlohmann::ordered_json> repeatTune(Tuner &tuner, const TuneReport &first, int64_t times,
                                          Progress &progress);

} // namespace halo::tool

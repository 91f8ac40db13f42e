// What one benchmark measures: a problem, a shape, and the kernels or schedules that compete on it.
#pragma once

#include "runtime/Device.h"
#include "runtime/Schedule.h"
#include "tools/halo/Measure.h"

#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <vector>

namespace halo::tool {

/// One competitor.
struct Entrant {
  std::string kernel;   ///< A built-in name or a path.
  std::string schedule; ///< "" is the analytic choice.
};

struct BenchCase {
  std::vector<Entrant> entrants; ///< At least one. They work on the same tensors.
  std::string dtype, wdtype, with;
  std::vector<std::string> settings; ///< As --set spells them.
  Shape shape;
  std::string overrideStage, overrideText; ///< Of the entrant, where there is one only.
  bool compare = false; ///< Two entrants, judged against each other, their outputs too.
};

struct BenchOptions {
  std::vector<Protocol> protocols; ///< At least one; each gives a row. The first one is judged.
  bool graph = false;              ///< Times the replay of a graph of each launch as well.
  bool onlyCopy = false;           ///< Measures the copy ceiling and no kernel.
  uint64_t seed = 1;
};

struct BenchResult {
  /// A row for each entrant and protocol, entrant by entrant.
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  /// For a case that compares: an object for each protocol.
  nlohmann::ordered_json comparisons = nlohmann::ordered_json::array();
  /// The outputs of a comparison that differ by more than their type's tolerance, in one clause;
  /// "" where they agree.
  std::string disagreement;
};

/// "B=1,L=65536,D=4096"; B may be left out and is 1 then; L, for a step, and is 0 then.
Result<Shape> parseShape(const std::string &text);
/// Two schedules of `kernel`, or two kernels where `kernel` is "". A schedule has a '=' and is no
/// .mlir file, or is "" for the analytic choice.
Result<std::vector<Entrant>> parseCompare(const std::string &kernel,
                                          const std::vector<std::string> &names);
/// A suite: a JSON array of {kernel, shape, set, dtype, wdtype, with, schedule, compare}, each
/// field as on the command line or as JSON spells it: set {"K": 4}, shape {"B": 1, ...}, with
/// ["bias"], compare ["num_warps=4", "num_warps=8"].
Result<std::vector<BenchCase>> readSuite(const std::string &path);

/// Measures one case. Entrants with different operands are refused before anything is launched.
Result<BenchResult> runCase(const std::shared_ptr<Device> &device, const BenchCase &bench,
                            const BenchOptions &options, Progress &progress);

} // namespace halo::tool

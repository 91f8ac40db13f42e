// halo-property: random problems on a device against the oracle. README.md says how to use it.
#include "tests/property/Checks.h"
#include "tests/property/Draw.h"
#include "tests/property/Large.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <optional>

using namespace halo;
using namespace halo::property;

namespace {

constexpr const char *kUsage =
    "usage: halo-property [--device sim|cuda|null] [--cases N] [--seconds S] [--seed X]\n"
    "                     [--kernel NAME] [--large] [--verbose] [--replay TEXT] [--file FILE]\n"
    "Runs until N cases (default 200) or S seconds are done, whichever is given and comes first.\n"
    "TEXT is the line of a failed case, or SEED:INDEX; FILE has such lines.\n";

struct Options {
  std::string device = "sim", kernel, replay, file;
  std::optional<uint64_t> cases, seed;
  std::optional<double> seconds;
  bool large = false, verbose = false;
};

template <typename T> Result<T> parseNumber(const std::string &option, const std::string &text) {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return invalid(fmt::format("{} is '{}', which is no number", option, text));
  return value;
}

Result<Options> parseOptions(const std::vector<std::string> &words) {
  Options options;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string &word = words[i];
    if (word == "--large" || word == "--verbose") {
      (word == "--large" ? options.large : options.verbose) = true;
      continue;
    }
    if (i + 1 == words.size())
      return invalid(fmt::format("{} is unknown, or its value is missing", word));
    const std::string &value = words[++i];
    if (word == "--device") {
      options.device = value;
    } else if (word == "--kernel") {
      options.kernel = value;
    } else if (word == "--replay") {
      options.replay = value;
    } else if (word == "--file") {
      options.file = value;
    } else if (word == "--cases") {
      HALO_TRY(number, parseNumber<uint64_t>(word, value));
      options.cases = number;
    } else if (word == "--seed") {
      HALO_TRY(number, parseNumber<uint64_t>(word, value));
      options.seed = number;
    } else if (word == "--seconds") {
      HALO_TRY(number, parseNumber<double>(word, value));
      options.seconds = number;
    } else {
      return invalid(fmt::format("{} is unknown", word));
    }
  }
  return options;
}

/// Counts outcomes and prints what failed.
class Report {
public:
  explicit Report(bool verbose) : verbose(verbose) {}

  void add(const Outcome &outcome, const std::string &where, const std::string &what) {
    ++counts[outcome.kind];
    if (outcome.kind == Outcome::Failed)
      fmt::print("FAILED {}\n  {}\n  replay: {}\n", where, outcome.reason, what);
    else if (verbose)
      fmt::print("{} {} {}{}\n", outcome.kind == Outcome::Passed ? "passed" : "skipped", where,
                 what, outcome.reason.empty() ? "" : ": " + outcome.reason);
    if (outcome.kind == Outcome::Skipped)
      ++skips[withoutNumbers(outcome.reason)];
    std::fflush(stdout);
  }

  int finish() const {
    for (const auto &[reason, count] : skips)
      fmt::print("skipped {}: {}\n", count, reason);
    auto count = [&](Outcome::Kind kind) {
      auto found = counts.find(kind);
      return found == counts.end() ? 0 : found->second;
    };
    fmt::print("{} passed, {} failed, {} skipped\n", count(Outcome::Passed), count(Outcome::Failed),
               count(Outcome::Skipped));
    return count(Outcome::Failed) ? 1 : 0;
  }

private:
  /// Reasons are counted by their words: "vector N needs align N, got align N".
  static std::string withoutNumbers(const std::string &reason) {
    std::string text;
    for (char c : reason)
      if (c < '0' || c > '9')
        text += c;
      else if (text.empty() || text.back() != 'N')
        text += 'N';
    return text;
  }

  bool verbose;
  std::map<Outcome::Kind, int> counts;
  std::map<std::string, int> skips;
};

Result<Case> findCase(const std::string &text, const DrawOptions &draw) {
  size_t colon = text.find(':');
  if (colon == std::string::npos || text.find(' ') != std::string::npos)
    return Case::parse(text);
  HALO_TRY(seed, parseNumber<uint64_t>("the seed", text.substr(0, colon)));
  HALO_TRY(index, parseNumber<uint64_t>("the index", text.substr(colon + 1)));
  return drawCase(seed, index, draw);
}

/// Cases of a file, one a line; '#' begins a line that is none.
Result<void> replayFile(const std::string &path,
                        const std::function<void(const std::string &, const Case &)> &check) {
  std::ifstream file(path);
  if (!file)
    return invalid(fmt::format("file {} cannot be read", path));
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line[0] == '#')
      continue;
    HALO_TRY(drawn, Case::parse(line));
    check(fmt::format("{}:{}", path, number), drawn);
  }
  return {};
}

Result<int> run(const Options &options) {
  Runner runner(options.device);
  HALO_TRY(device, runner.device(0));
  fmt::print("{}, seed ", device->name());
  uint64_t seed = options.seed ? *options.seed : std::random_device{}();
  fmt::print("{}\n", seed);
  std::fflush(stdout);

  Report report(options.verbose);
  DrawOptions draw;
  draw.kernel = options.kernel;
  draw.simulated = runner.simulated();
  if (device->kind() == "cuda") {
    draw.work = 4e7;
    draw.length = 9000;
  }
  if (!options.replay.empty()) {
    HALO_TRY(drawn, findCase(options.replay, draw));
    report.add(checkCase(runner, drawn), options.replay, drawn.print());
    return report.finish();
  }
  if (!options.file.empty()) {
    HALO_CHECK(replayFile(options.file, [&](const std::string &line, const Case &drawn) {
      report.add(checkCase(runner, drawn), line, drawn.print());
    }));
    return report.finish();
  }
  if (options.large) {
    HALO_CHECK(runLarge(device, seed, [&](const std::string &name, const Outcome &outcome) {
      report.add(outcome, name, fmt::format("--large --seed {}", seed));
    }));
    return report.finish();
  }

  auto start = std::chrono::steady_clock::now();
  auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  uint64_t cases = options.cases ? *options.cases : options.seconds ? UINT64_MAX : 200;
  for (uint64_t i = 0; i < cases && (!options.seconds || elapsed() < *options.seconds); ++i) {
    Case drawn = drawCase(seed, i, draw);
    report.add(checkCase(runner, drawn), fmt::format("{}:{}", seed, i), drawn.print());
  }
  return report.finish();
}

} // namespace

int main(int argc, char **argv) {
  auto options = parseOptions({argv + 1, argv + argc});
  if (!options) {
    fmt::print(stderr, "halo-property: {}\n{}", options.error().message, kUsage);
    return 2;
  }
  auto status = run(*options);
  if (!status) {
    fmt::print(stderr, "halo-property: {}\n", status.error().message);
    return status.error().code == ErrorCode::Invalid ? 2 : 1;
  }
  return *status;
}

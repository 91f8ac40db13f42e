// Command lines: what a command takes, parsed and explained by one table.
//
//   halo run causal_conv1d --in a.safetensors --out=b.safetensors --set K=4 --check
//            ^ positional  ^ option with value                              ^ flag
//   halo bench ... --compare num_warps=4 num_warps=8
//                  ^ option with two values
#pragma once

#include "runtime/Result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace halo::tool {

/// One option. A flag has no value name.
struct Option {
  std::string name;      ///< "--set"; "-o" for short ones.
  std::string valueName; ///< "NAME=VALUE", shown by --help.
  std::string help;
  bool repeatable = false;
  size_t numValues = 1; ///< Words that one use takes, where it has a value name.
};

/// What one command takes; --help prints exactly this.
struct Syntax {
  std::string command;
  std::string summary;
  std::vector<std::string> positionals; ///< "KERNEL"; "[KERNEL]" is optional.
  std::vector<Option> options;
  std::string notes; ///< Printed after the options.

  std::string help() const;
};

/// A parsed command line.
class Arguments {
public:
  /// Refuses unknown options (with the nearest name), missing or surplus values and positionals,
  /// and options given twice that are not repeatable. --help and -h are known everywhere.
  static Result<Arguments> parse(const Syntax &syntax, const std::vector<std::string> &words);

  bool helpWanted() const { return help; }
  bool has(const std::string &option) const { return options.count(option) != 0; }
  /// The value of an option, or `fallback`.
  std::string value(const std::string &option, const std::string &fallback = "") const;
  /// All its values, in order: several uses, or several words of one use.
  std::vector<std::string> values(const std::string &option) const;
  /// A whole number of at least `least`.
  Result<int64_t> number(const std::string &option, int64_t fallback, int64_t least) const;
  /// The `index`-th positional, or "".
  std::string positional(size_t index) const;

private:
  bool help = false;
  std::map<std::string, std::vector<std::string>> options;
  std::vector<std::string> positionals;
};

/// A whole decimal number with nothing after it.
std::optional<int64_t> parseNumber(const std::string &text);
/// "a,b,c" in pieces; none of "".
std::vector<std::string> splitList(const std::string &text, char separator = ',');

/// A "name=value" text in halves.
struct NamedValue {
  std::string name, value;
};
/// Refuses a text without '=' or without a name; `option` is named in the sentence.
Result<NamedValue> parseNamedValue(const std::string &option, const std::string &text);

} // namespace halo::tool

// A problem: everything that selects a kernel's code except its schedule, and what the choice of
// one must keep to. It prints as what the command line takes, and that one text is used in logs,
// keys, tuning records and tests:
//
//   causal_conv1d --dtype bf16 --set K=4 --set layout=bld --set align=1 --with bias,initial_state
#pragma once

#include "runtime/Export.h"
#include "runtime/Result.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace halo {

struct HALO_API Problem {
  /// A built-in name, or the path of a text that ends in .mlir.
  std::string kernel;
  /// Texts of --set; "T" and "W" are --dtype and --wdtype.
  std::map<std::string, std::string> params;
  /// Optional operands that are present.
  std::set<std::string> with;
  /// 16: the aligned, contiguous variant. 1: any tensors.
  int align = 16;
  /// "--set invariant=true": the schedule is chosen by neither B nor L, so that calls of other
  /// sizes give the same bits (conv_c5; ScheduleChoice.h). No field of a kernel's key.
  bool invariant = false;

  /// The canonical text: params by name, then align where it is 1, invariant where it is true.
  /// Words with characters that a shell would take are in single quotes.
  std::string print() const;
  /// parse(print(p)) == p. Also takes the options in any order, several name=value after one --set,
  /// --set T=, and a repeated --with; a name that is set twice is refused.
  static Result<Problem> parse(std::string_view text);
  /// The same of words, which nothing splits or unquotes any more.
  static Result<Problem> parse(std::vector<std::string> words);
  /// The words of such a text, as a shell would split it.
  static Result<std::vector<std::string>> words(std::string_view text);
  bool operator==(const Problem &other) const;
};

} // namespace halo

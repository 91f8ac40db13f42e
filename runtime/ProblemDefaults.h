// What a kernel's description says about its parameters, without the compiler: a problem with every
// default, so that two ways to ask for one kernel become one text.
#pragma once

#include "runtime/Export.h"
#include "runtime/Problem.h"
#include "runtime/Result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace halo {

/// Parameters with their defaults; parse() once, complete() often. Immutable, so thread-safe.
class HALO_API ProblemDefaults {
public:
  /// From a reply to CompilerAbi.h's verb "describe".
  static Result<ProblemDefaults> parse(std::string_view description);
  /// `asked` with every default, as the compiler's verb "traits" would fill it in. Nothing where it
  /// names a parameter or an operand that the kernel lacks, or leaves out one without a default.
  std::optional<Problem> complete(const Problem &asked) const;

private:
  struct Param {
    std::string name, kind, fallback;
    bool given = false; ///< Must be given: there is no default.
  };
  std::vector<Param> params;
  std::vector<std::string> optional; ///< Operands.
};

} // namespace halo

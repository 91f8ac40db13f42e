// What the compiler says about a kernel: its options and operands, still symbolic.
#pragma once

#include "runtime/KernelInfo.h"
#include "runtime/Result.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace halo::tool {

/// One name that --set knows.
struct ParamSpec {
  std::string name;
  std::string kind; ///< int | type | enum | flag | parts | heads | length
  std::optional<std::string>
      fallback; ///< Its default; none where it must be given. A type's may be another type's name.
  std::vector<std::string> values; ///< Of an enum.
};

/// One operand. dtype, taps, group, streams, layout and modes are a number, a name, or a param's name;
/// "" where the operand has no such thing.
struct OperandSpec {
  std::string name;
  std::string kind; ///< view | taps | channel | state | modes | modal_state | indices
  bool output = false, optional = false, variadic = false;
  std::string dtype, taps, group, streams, layout, modes;
  std::string streamOrder; ///< Of an input view with streams: a param's name, or its value.
  std::string form;        ///< Of indices: rows, positions or bounds.
  bool longer = false;     ///< Of a state: it has a length of its own, of at least K - 1.
  std::string ring, slots; ///< Of a state: the indices that say where it is kept, or "".
  std::string flag;        ///< Of an optional output: the param that turns it on.
};

struct Description {
  std::string name, summary, source;
  std::vector<ParamSpec> params;
  std::vector<OperandSpec> operands;

  const ParamSpec *param(const std::string &name) const;
  const OperandSpec *operand(const std::string &name) const;
  std::vector<std::string> paramNames() const;
  /// The names of the inputs a file may hold.
  std::vector<std::string> inputNames() const;
  /// The param that names the activations' or the weights' storage type, or "".
  std::string activationType() const;
  std::string weightType() const;
};

struct KernelSummary {
  std::string name, summary;
};

/// The built-in kernels.
Result<std::vector<KernelSummary>> listKernels();
/// Describes a built-in kernel or the kernel in a user's .mlir file. An unknown name is refused
/// with the nearest one.
Result<Description> describe(const std::string &kernel);

} // namespace halo::tool

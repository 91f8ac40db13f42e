// The rules a launch must keep, apart from how it is built. Internal to the runtime.
//
// They run at every launch, so a rule costs its comparison: what it needs to know of the kernel is
// in the LaunchPlan, and its sentence is written out of line, by refuse(), when it is broken.
//
// Adding a rule: a check here with the law's label in its message, and a test in LaunchTest.cpp
// whose name carries the label.
#pragma once

#include "runtime/Launch.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace halo {

/// Says why: `return refuse(why, ...)`. Arguments are only worked out where it is called.
template <typename... Args>
[[gnu::cold, gnu::noinline]] bool refuse(Error &why, fmt::format_string<Args...> text,
                                         Args &&...args) {
  why = invalid(fmt::format(text, std::forward<Args>(args)...));
  return false;
}

/// The same for those who may not want to know.
template <typename... Args>
bool refuse(Error *why, fmt::format_string<Args...> text, Args &&...args) {
  return why && refuse(*why, text, std::forward<Args>(args)...);
}

// All of these return whether the rules are kept, and say in `why` which one is not.

/// Puts named arguments into the order of the kernel's operands, of which there is room for
/// `tensors`. Where a name is an input and an output, its first argument is the input.
bool matchNames(const KernelInfo &info, Span<Argument> arguments, const TensorRef **tensors,
                Error &why);

/// Everything that can be said without knowing the device, alignment aside. The sizes that the
/// tensors agree on go to `shape`.
bool checkTensors(const LaunchPlan &plan, const TensorRef *const *tensors, Shape &shape,
                  Error &why);

/// Whether a checked tensor allows 16-byte accesses. `why` may be null.
bool checkAligned(const Operand &operand, const TensorRef &tensor, Error *why);

/// "[2, 64, 3]"
std::string printSizes(const Dims &sizes);

} // namespace halo

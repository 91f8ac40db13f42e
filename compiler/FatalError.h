// LLVM ends the process where it cannot go on: report_fatal_error, "cannot select" among them. The
// process is somebody's server or notebook, so that here it ends the request.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace halo::compiler {

/// Runs `work`, and returns what LLVM said where it gave up in it. Then nothing that `work` held is
/// released: a leak, in place of an exit. Calls on different threads are independent.
std::optional<std::string> catchFatalError(const std::function<void()> &work);

} // namespace halo::compiler

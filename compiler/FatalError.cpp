#include "compiler/FatalError.h"

#include "llvm/Support/ErrorHandling.h"

#include <csetjmp>
#include <mutex>

namespace halo::compiler {

namespace {

/// Where to go from a fatal error of this thread; null outside of catchFatalError.
thread_local jmp_buf *handler = nullptr;
thread_local std::string message;

void giveUp(void *, const char *reason, bool) {
  message = reason;
  if (handler)
    longjmp(*handler, 1); // LLVM is built without exceptions: nothing may be thrown through it.
}

} // namespace

std::optional<std::string> catchFatalError(const std::function<void()> &work) {
  static std::once_flag once;
  std::call_once(once, [] { llvm::install_fatal_error_handler(giveUp); });
  jmp_buf here;
  jmp_buf *volatile before = handler;
  handler = &here;
  if (setjmp(here)) {
    handler = before;
    return message;
  }
  work();
  handler = before;
  return std::nullopt;
}

} // namespace halo::compiler

#include "runtime/Warning.h"

#include <atomic>

namespace halo {

static std::atomic<WarningSink> installed{nullptr};

void setWarningSink(WarningSink sink) { installed = sink; }

void warn(const std::string &sentence) {
  if (WarningSink sink = installed)
    sink(sentence);
}

} // namespace halo

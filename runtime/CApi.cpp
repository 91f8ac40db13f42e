// The C API's errors and structs, and what belongs to the process.
#include "runtime/CApi.h"

#include "runtime/Warning.h"

#include <fmt/format.h>

#include <mutex>

namespace halo::capi {

namespace {

thread_local std::string lastText;
/// lastText's, or a literal where there was no memory for it.
thread_local const char *lastError = "";

halo_status statusOf(ErrorCode code) {
  switch (code) {
  case ErrorCode::Invalid:
    return HALO_INVALID;
  case ErrorCode::Unavailable:
    return HALO_UNAVAILABLE;
  case ErrorCode::Failed:
    break;
  }
  return HALO_FAILED;
}

/// The caller's sink. Warnings are rare: a lock does no harm.
struct Sink {
  std::mutex mutex;
  halo_warning_sink call = nullptr;
  void *user = nullptr;
};

Sink &sink() {
  static auto *installed = new Sink; // A thread may warn while statics are being destroyed.
  return *installed;
}

void passOn(const std::string &sentence) {
  halo_warning_sink call;
  void *user;
  {
    std::lock_guard<std::mutex> lock(sink().mutex);
    call = sink().call;
    user = sink().user;
  }
  if (call)
    call(sentence.c_str(), user);
}

} // namespace

halo_status report(const Error &error) noexcept {
  try {
    lastText = error.message;
    lastError = lastText.c_str();
  } catch (...) {
    return outOfMemory();
  }
  return statusOf(error.code);
}

halo_status outOfMemory() noexcept {
  lastError = "out of memory";
  return HALO_FAILED;
}

Error nullArgument(const char *what) { return invalid(fmt::format("{} is null", what)); }

Result<void> checkStruct(const void *given, size_t structSize, size_t first, size_t known,
                         const char *name) {
  if (structSize < first)
    return invalid(fmt::format("{} has struct_size = {}, below the {} of its first version", name,
                               structSize, first));
  for (size_t i = known; i < structSize; ++i)
    if (static_cast<const char *>(given)[i])
      return invalid(fmt::format("{} has {} bytes, of which this version of the library knows {}, "
                                 "and a field behind them is set",
                                 name, structSize, known));
  return {};
}

} // namespace halo::capi

using namespace halo;
using namespace halo::capi;

uint32_t halo_abi_version(void) { return HALO_ABI_VERSION; }
const char *halo_version(void) { return HALO_VERSION_TEXT; }
const char *halo_last_error(void) { return lastError; }

void halo_set_warning_sink(halo_warning_sink call, void *user) {
  {
    std::lock_guard<std::mutex> lock(sink().mutex);
    sink().call = call;
    sink().user = user;
  }
  setWarningSink(call ? passOn : nullptr);
}

void halo_set_frozen(int32_t frozen) { setFrozen(frozen != 0); }

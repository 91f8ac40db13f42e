// What the files of the C API share: handles, errors on their way out, structs of other versions.
// Internal to the runtime; programs include runtime/halo.h.
//
// Adding a function: its declaration in halo.h, its name in exports.map, its case in
// CApiConformance.cpp. Adding a field: at the end of its struct; kFirstSize stays.
#pragma once

#include "runtime/Device.h"
#include "runtime/Operator.h"
#include "runtime/halo.h"

#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>

struct halo_device {
  std::shared_ptr<halo::Device> device;
  std::string kind, name, arch;
};

struct halo_operator {
  std::shared_ptr<halo::Operator> op; ///< Forms share it.
  std::string problem;                ///< As asked for.
};

namespace halo::capi {

/// Keeps the sentence for halo_last_error.
[[gnu::cold, gnu::noinline]] halo_status report(const Error &error) noexcept;
[[gnu::cold, gnu::noinline]] halo_status outOfMemory() noexcept;

/// Runs `body`, which returns a Result<void>; whatever happens becomes a status.
template <typename Body> halo_status guarded(const Body &body) noexcept {
  try {
    Result<void> done = body();
    return done ? HALO_OK : report(done.error());
  } catch (const std::bad_alloc &) {
    return outOfMemory();
  } catch (const std::exception &error) {
    return report(failed(error.what()));
  } catch (...) {
    return report(failed("an unknown exception"));
  }
}

[[gnu::cold]] Error nullArgument(const char *what);

#define HALO_NEED(what)                                                                            \
  if (!(what))                                                                                     \
  return nullArgument(#what)

/// sizeof each struct in the first version: what every caller has.
template <typename T> inline constexpr size_t kFirstSize = 0;
template <> inline constexpr size_t kFirstSize<halo_device_options> = 32;
template <> inline constexpr size_t kFirstSize<halo_operator_options> = 104;
template <> inline constexpr size_t kFirstSize<halo_tensor> = 160;
template <> inline constexpr size_t kFirstSize<halo_operand> = 80;

/// Whether a caller's struct can be read by this version: fields that are not known here are unset.
Result<void> checkStruct(const void *given, size_t structSize, size_t first, size_t known,
                         const char *name);

/// A caller's options, whatever its version; what it does not know is zero.
template <typename T> Result<T> readStruct(const T *given, const char *name) {
  T read{};
  size_t size = given ? given->struct_size : sizeof(T);
  if (given) {
    HALO_CHECK(checkStruct(given, size, kFirstSize<T>, sizeof(T), name));
    std::memcpy(&read, given, size < sizeof(T) ? size : sizeof(T));
  }
  read.struct_size = sizeof(T);
  return read;
}

} // namespace halo::capi

// A CUDA context that may die under us: whoever made it can destroy it at any time, and the driver
// leaves undefined what a destroyed context's handle does then. So its handle is touched only when
// it is known to be alive, from facts that outlive it:
//
//   its id       which the driver never gives out again, compared with the current context's
//   a witness    a few bytes of memory in it, which vanish with it; their buffer id is unique too
//
// Destroying a context while another thread calls into it stays the caller's error.
#pragma once

#include "runtime/CudaDriver.h"

#include <string>

namespace halo {

/// Internal to the runtime. Thread-safe.
class CudaContext {
public:
  /// The calling thread's current context where it belongs to `device`, else the device's primary
  /// one, which is retained.
  static Result<CudaContext> open(const CudaDriver &cuda, CUdevice device);
  CudaContext(CudaContext &&other) noexcept;
  ~CudaContext();

  /// Whether it is current in this thread; then it is alive. The hot path: one call to the driver.
  bool current() const {
    if (cuda.cuCtxGetId) {
      unsigned long long other = 0;
      return cuda.cuCtxGetId(nullptr, &other) == 0 && other == id;
    }
    CUcontext other = nullptr;
    // Without ids a new context may pass for the destroyed one whose address it took.
    return cuda.cuCtxGetCurrent(&other) == 0 && other == handle && alive();
  }
  /// Whether it still exists.
  bool alive() const;

  const CudaDriver &cuda;

private:
  friend class CurrentContext;
  CudaContext(const CudaDriver &cuda, CUdevice device, CUcontext handle, bool retained)
      : cuda(cuda), device(device), handle(handle), retained(retained) {}
  Result<void> identify();

  CUdevice device;
  CUcontext handle;
  bool retained; ///< The primary context, ours to release.
  unsigned long long id = 0;
  CUdeviceptr witness = 0;
  unsigned long long witnessId = 0;
};

/// Makes a context current for a scope; the thread's own is current again afterwards.
class CurrentContext {
public:
  explicit CurrentContext(const CudaContext &context) : cuda(context.cuda) {
    // The common case, a thread that already is in the right context, pushes nothing.
    if (!context.current())
      enter(context);
  }
  ~CurrentContext() {
    CUcontext popped;
    if (pushed)
      cuda.cuCtxPopCurrent(&popped);
  }
  CurrentContext(const CurrentContext &) = delete;

  explicit operator bool() const { return !refused; }
  /// Why it could not be entered.
  Error error() const;

private:
  [[gnu::cold, gnu::noinline]] void enter(const CudaContext &context);

  const CudaDriver &cuda;
  bool pushed = false, refused = false;
  CUresult result = 0;
};

} // namespace halo

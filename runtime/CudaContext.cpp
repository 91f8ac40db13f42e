#include "runtime/CudaContext.h"

#include <utility>

namespace halo {

Result<CudaContext> CudaContext::open(const CudaDriver &cuda, CUdevice device) {
  CUcontext handle = nullptr;
  CUdevice current = -1;
  bool callers = cuda.cuCtxGetCurrent(&handle) == 0 && handle &&
                 cuda.cuCtxGetDevice(&current) == 0 && current == device;
  if (!callers)
    HALO_CHECK(
        cuda.check(cuda.cuDevicePrimaryCtxRetain(&handle, device), "cuDevicePrimaryCtxRetain"));
  CudaContext context(cuda, device, handle, !callers);
  HALO_CHECK(context.identify());
  return context;
}

Result<void> CudaContext::identify() {
  HALO_CHECK(cuda.check(cuda.cuCtxPushCurrent(handle), "cuCtxPushCurrent"));
  CUresult result = cuda.cuCtxGetId ? cuda.cuCtxGetId(nullptr, &id) : 0;
  if (result == 0)
    result = cuda.cuMemAlloc(&witness, 1);
  if (result == 0)
    result = cuda.cuPointerGetAttribute(&witnessId, CU_POINTER_ATTRIBUTE_BUFFER_ID, witness);
  CUcontext popped;
  cuda.cuCtxPopCurrent(&popped);
  return cuda.check(result, "opening a context");
}

CudaContext::CudaContext(CudaContext &&other) noexcept
    : cuda(other.cuda), device(other.device), handle(std::exchange(other.handle, nullptr)),
      retained(std::exchange(other.retained, false)), id(other.id),
      witness(std::exchange(other.witness, 0)), witnessId(other.witnessId) {}

CudaContext::~CudaContext() {
  // Of a context that was destroyed nothing is left to give back.
  if (!handle || (witness && !alive()))
    return;
  if (CurrentContext scope{*this}; scope && witness)
    cuda.cuMemFree(witness);
  if (retained)
    cuda.cuDevicePrimaryCtxRelease(device);
}

bool CudaContext::alive() const {
  constexpr CUresult noContext = 201; // CUDA_ERROR_INVALID_CONTEXT: this thread has none to ask in.
  unsigned long long found = 0;
  CUresult result = cuda.cuPointerGetAttribute(&found, CU_POINTER_ATTRIBUTE_BUFFER_ID, witness);
  return result == 0 ? found == witnessId : result == noContext;
}

void CurrentContext::enter(const CudaContext &context) {
  refused = true;
  if (!context.alive())
    return;
  result = cuda.cuCtxPushCurrent(context.handle);
  pushed = result == 0;
  refused = !pushed;
}

Error CurrentContext::error() const {
  if (result == 0)
    return failed("the CUDA context that this device was opened in has been destroyed");
  return cuda.check(result, "cuCtxPushCurrent").error();
}

} // namespace halo

#include "runtime/CudaDriver.h"

#include <fmt/format.h>

#include <dlfcn.h>

#include <string>

namespace halo {

namespace {

constexpr const char *kFileName = "libcuda.so.1";

template <typename Function> void find(void *library, const char *name, Function &function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
}

Result<const CudaDriver *> openDriver() {
  void *library = dlopen(kFileName, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *why = dlerror();
    return unavailable(fmt::format("no CUDA driver on this machine ({})", why ? why : kFileName));
  }
  auto *driver = new CudaDriver{}; // Lives as long as the process, like the library.
  const char *missing = nullptr;
  auto need = [&](const char *name, auto &function) {
    find(library, name, function);
    if (!function && !missing)
      missing = name;
  };
  need("cuInit", driver->cuInit);
  need("cuDriverGetVersion", driver->cuDriverGetVersion);
  need("cuGetErrorString", driver->cuGetErrorString);
  need("cuDeviceGet", driver->cuDeviceGet);
  need("cuDeviceGetCount", driver->cuDeviceGetCount);
  need("cuDeviceGetName", driver->cuDeviceGetName);
  need("cuDeviceGetAttribute", driver->cuDeviceGetAttribute);
  need("cuDevicePrimaryCtxRetain", driver->cuDevicePrimaryCtxRetain);
  need("cuDevicePrimaryCtxRelease_v2", driver->cuDevicePrimaryCtxRelease);
  need("cuCtxGetCurrent", driver->cuCtxGetCurrent);
  need("cuCtxGetDevice", driver->cuCtxGetDevice);
  need("cuCtxPushCurrent_v2", driver->cuCtxPushCurrent);
  need("cuCtxPopCurrent_v2", driver->cuCtxPopCurrent);
  need("cuMemAlloc_v2", driver->cuMemAlloc);
  need("cuMemFree_v2", driver->cuMemFree);
  need("cuPointerGetAttribute", driver->cuPointerGetAttribute);
  need("cuMemcpyHtoD_v2", driver->cuMemcpyHtoD);
  need("cuMemcpyDtoH_v2", driver->cuMemcpyDtoH);
  need("cuMemcpyDtoDAsync_v2", driver->cuMemcpyDtoDAsync);
  need("cuMemsetD8Async", driver->cuMemsetD8Async);
  need("cuModuleLoadData", driver->cuModuleLoadData);
  need("cuModuleUnload", driver->cuModuleUnload);
  need("cuModuleGetFunction", driver->cuModuleGetFunction);
  need("cuFuncGetAttribute", driver->cuFuncGetAttribute);
  need("cuFuncSetAttribute", driver->cuFuncSetAttribute);
  need("cuLaunchKernel", driver->cuLaunchKernel);
  need("cuEventCreate", driver->cuEventCreate);
  need("cuEventDestroy_v2", driver->cuEventDestroy);
  need("cuEventRecord", driver->cuEventRecord);
  need("cuEventSynchronize", driver->cuEventSynchronize);
  need("cuEventElapsedTime", driver->cuEventElapsedTime);
  need("cuStreamCreate", driver->cuStreamCreate);
  need("cuStreamDestroy_v2", driver->cuStreamDestroy);
  need("cuStreamSynchronize", driver->cuStreamSynchronize);
  need("cuStreamGetCtx", driver->cuStreamGetCtx);
  need("cuStreamBeginCapture_v2", driver->cuStreamBeginCapture);
  need("cuStreamEndCapture", driver->cuStreamEndCapture);
  need("cuStreamIsCapturing", driver->cuStreamIsCapturing);
  need("cuGraphInstantiateWithFlags", driver->cuGraphInstantiateWithFlags);
  need("cuGraphLaunch", driver->cuGraphLaunch);
  need("cuGraphDestroy", driver->cuGraphDestroy);
  need("cuGraphExecDestroy", driver->cuGraphExecDestroy);
  find(library, "cuCtxGetId", driver->cuCtxGetId);
  find(library, "cuFuncLoad", driver->cuFuncLoad);
  if (missing)
    return unavailable(fmt::format("{} lacks {}: the driver is too old", kFileName, missing));
  if (auto ready = driver->check(driver->cuInit(0), "cuInit"); !ready)
    return unavailable(ready.error().message);
  return driver;
}

} // namespace

Result<const CudaDriver *> CudaDriver::get() {
  static auto *opened = new Result<const CudaDriver *>(openDriver());
  return *opened;
}

Result<void> CudaDriver::check(CUresult result, const char *what) const {
  if (result == 0)
    return {};
  const char *text = nullptr;
  cuGetErrorString(result, &text);
  return failed(fmt::format("{}: {} ({})", what, text ? text : "unknown error", result));
}

Result<int> CudaDriver::ptxVersion() const {
  int version = 0;
  HALO_CHECK(check(cuDriverGetVersion(&version), "cuDriverGetVersion"));
  return ptxVersionOf(version);
}

// CUDA   11.m   12.0-12.5   12.6   12.7   12.8   12.9   13.m
// PTX    7.m    8.m         8.5    8.6    8.7    8.8    9.m
int ptxVersionOf(int cudaVersion) {
  int major = cudaVersion / 1000, minor = cudaVersion % 1000 / 10;
  if (major == 11)
    return 70 + minor;
  if (major == 12)
    return 80 + (minor <= 5 ? minor : minor - 1);
  if (major == 13)
    return 90 + minor;
  // Drivers accept every older PTX; a newer generation surely takes 9.0.
  return major > 13 ? 90 : 70;
}

} // namespace halo

// A GPU through the driver API. Whatever context the calling thread had is current again when a
// function returns.
#include "runtime/CudaContext.h"
#include "runtime/Device.h"

#include <fmt/format.h>

#include <algorithm>

namespace halo {

namespace {

/// Dynamic shared memory a kernel may use without asking.
constexpr int64_t kSharedWithoutAsking = 48 << 10;

CUdeviceptr address(const void *pointer) { return reinterpret_cast<CUdeviceptr>(pointer); }

#define HALO_ENTER()                                                                               \
  CurrentContext scope(context);                                                                   \
  if (!scope)                                                                                      \
  return scope.error()
#define HALO_CUDA(call, ...) HALO_CHECK(cuda.check(cuda.call(__VA_ARGS__), #call))

class CudaKernel final : public LoadedKernel {
public:
  CudaKernel(KernelInfo info, std::shared_ptr<const Device> device, const CudaContext &context,
             CUmodule module, CUfunction entry)
      : LoadedKernel(std::move(info), std::move(device)), context(context), module(module),
        entry(entry) {}
  ~CudaKernel() override {
    if (CurrentContext scope{context})
      context.cuda.cuModuleUnload(module);
  }
  void *function() const override { return entry; }

  const CudaContext &context; ///< The device's.
  const CUmodule module;
  const CUfunction entry;
};

class CudaGraph final : public Graph {
public:
  CudaGraph(std::shared_ptr<const Device> device, const CudaContext &context, CUgraphExec graph)
      : device(std::move(device)), context(context), graph(graph) {}
  ~CudaGraph() override {
    if (CurrentContext scope{context})
      context.cuda.cuGraphExecDestroy(graph);
  }
  Result<void> launch(Stream stream) override {
    const CudaDriver &cuda = context.cuda;
    HALO_ENTER();
    HALO_CUDA(cuGraphLaunch, graph, static_cast<CUstream>(stream));
    return {};
  }

private:
  const std::shared_ptr<const Device> device;
  const CudaContext &context;
  const CUgraphExec graph;
};

/// What a module holds until a kernel owns it.
struct ModuleGuard {
  const CudaDriver &cuda;
  CUmodule module = nullptr;
  ~ModuleGuard() {
    if (module)
      cuda.cuModuleUnload(module);
  }
};

struct Event {
  const CudaDriver &cuda;
  CUevent handle = nullptr;
  ~Event() {
    if (handle)
      cuda.cuEventDestroy(handle);
  }
};

class CudaDevice final : public Device {
public:
  CudaDevice(CUdevice device, CudaContext context)
      : cuda(context.cuda), device(device), context(std::move(context)) {}

  /// Reads what never changes.
  Result<void> describe() {
    char text[256] = {};
    HALO_CUDA(cuDeviceGetName, text, int(sizeof(text)) - 1, device);
    deviceName = text;
    int major = 0, minor = 0, shared = 0;
    HALO_CHECK(attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, major));
    HALO_CHECK(attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, minor));
    HALO_CHECK(attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, facts.sms));
    HALO_CHECK(
        attribute(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, facts.maxThreadsPerSm));
    HALO_CHECK(
        attribute(CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR, facts.registersPerSm));
    HALO_CHECK(attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, shared));
    HALO_CHECK(attribute(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, facts.l2Bytes));
    facts.sharedPerBlock = shared;
    facts.maxCluster = major >= 9 ? 8 : 1;
    archName = fmt::format("sm_{}{}", major, minor);
    HALO_TRY(version, cuda.ptxVersion());
    ptx = version;
    return {};
  }

  std::string_view kind() const override { return "cuda"; }
  std::string name() const override { return deviceName; }
  std::string_view emit() const override { return "cubin"; }
  std::string arch() const override { return archName; }
  DeviceTraits traits() const override { return facts; }
  int ptxVersion() const override { return ptx; }

  Result<void *> allocate(size_t bytes) override {
    HALO_ENTER();
    CUdeviceptr pointer = 0;
    CUresult result = cuda.cuMemAlloc(&pointer, std::max<size_t>(bytes, 1));
    HALO_CHECK(cuda.check(result, fmt::format("cuMemAlloc of {} bytes", bytes).c_str()));
    return reinterpret_cast<void *>(pointer);
  }
  Result<void> release(void *pointer) override {
    if (!pointer)
      return {};
    HALO_ENTER();
    HALO_CUDA(cuMemFree, address(pointer));
    return {};
  }
  Result<void> upload(void *to, const void *host, size_t bytes) override {
    HALO_ENTER();
    if (bytes)
      HALO_CUDA(cuMemcpyHtoD, address(to), host, bytes);
    return {};
  }
  Result<void> download(void *host, const void *from, size_t bytes) override {
    HALO_ENTER();
    if (bytes)
      HALO_CUDA(cuMemcpyDtoH, host, address(from), bytes);
    return {};
  }
  Result<void> fill(void *to, uint8_t byte, size_t bytes) override {
    HALO_ENTER();
    if (bytes)
      HALO_CUDA(cuMemsetD8Async, address(to), byte, bytes, nullptr);
    return {};
  }
  Result<void> copy(void *to, const void *from, size_t bytes) override {
    HALO_ENTER();
    if (bytes)
      HALO_CUDA(cuMemcpyDtoDAsync, address(to), address(from), bytes, nullptr);
    return {};
  }

  Result<std::shared_ptr<LoadedKernel>> loadCode(const Artifact &artifact) override {
    HALO_ENTER();
    KernelInfo info = artifact.info;
    if (artifact.code.empty())
      return invalid(fmt::format("kernel {} has no code to load", info.kernel));
    ModuleGuard guard{cuda};
    HALO_CUDA(cuModuleLoadData, &guard.module, artifact.code.c_str());
    CUfunction function = nullptr;
    HALO_CUDA(cuModuleGetFunction, &function, guard.module, info.entry.c_str());
    // Now rather than at the first launch, which may be inside a graph capture.
    if (cuda.cuFuncLoad)
      HALO_CUDA(cuFuncLoad, function);
    if (info.sharedBytes > kSharedWithoutAsking)
      HALO_CUDA(cuFuncSetAttribute, function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                int(info.sharedBytes));
    HALO_CUDA(cuFuncGetAttribute, &info.registers, CU_FUNC_ATTRIBUTE_NUM_REGS, function);
    HALO_CUDA(cuFuncGetAttribute, &info.staticSharedBytes, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES,
              function);
    // Local memory also holds arrays: the assembler's own count of spills is better where known.
    if (info.spillBytes < 0)
      HALO_CUDA(cuFuncGetAttribute, &info.spillBytes, CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES, function);
    CUmodule module = std::exchange(guard.module, nullptr);
    return std::shared_ptr<LoadedKernel>(std::make_shared<CudaKernel>(
        std::move(info), shared_from_this(), context, module, function));
  }

  Result<void> enqueue(const LoadedKernel &kernel, uint32_t blocks, void **params,
                       Stream stream) override {
    HALO_ENTER();
    CUresult result = cuda.cuLaunchKernel(
        static_cast<const CudaKernel &>(kernel).entry, blocks, 1, 1, unsigned(kernel.info.threads),
        1, 1, unsigned(kernel.info.sharedBytes), static_cast<CUstream>(stream), params, nullptr);
    if (result != 0)
      return launchError(kernel, static_cast<CUstream>(stream), result);
    return {};
  }

  Result<Stream> createStream() override {
    HALO_ENTER();
    CUstream stream = nullptr;
    HALO_CUDA(cuStreamCreate, &stream, CU_STREAM_NON_BLOCKING);
    return static_cast<Stream>(stream);
  }
  Result<void> destroyStream(Stream stream) override {
    if (!stream)
      return {};
    HALO_ENTER();
    HALO_CUDA(cuStreamDestroy, static_cast<CUstream>(stream));
    return {};
  }
  Result<void> synchronize(Stream stream) override {
    HALO_ENTER();
    HALO_CUDA(cuStreamSynchronize, static_cast<CUstream>(stream));
    return {};
  }

  Result<double> time(const std::function<Result<void>()> &before,
                      const std::function<Result<void>()> &work) override {
    HALO_ENTER();
    Event start{cuda}, stop{cuda};
    HALO_CUDA(cuEventCreate, &start.handle, 0);
    HALO_CUDA(cuEventCreate, &stop.handle, 0);
    if (before)
      HALO_CHECK(before());
    HALO_CUDA(cuEventRecord, start.handle, nullptr);
    HALO_CHECK(work());
    HALO_CUDA(cuEventRecord, stop.handle, nullptr);
    HALO_CUDA(cuEventSynchronize, stop.handle);
    float milliseconds = 0;
    HALO_CUDA(cuEventElapsedTime, &milliseconds, start.handle, stop.handle);
    return double(milliseconds);
  }

  bool capturing(Stream stream) const override {
    CurrentContext scope(context);
    int status = 0;
    // An error means that another stream's capture forbids to ask: no time to load either.
    return scope &&
           (cuda.cuStreamIsCapturing(static_cast<CUstream>(stream), &status) != 0 || status);
  }
  Result<void> beginCapture(Stream stream) override {
    HALO_ENTER();
    // Other threads may go on to load and allocate meanwhile.
    HALO_CUDA(cuStreamBeginCapture, static_cast<CUstream>(stream),
              CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
    return {};
  }
  Result<std::unique_ptr<Graph>> endCapture(Stream stream) override {
    HALO_ENTER();
    CUgraph recorded = nullptr;
    HALO_CUDA(cuStreamEndCapture, static_cast<CUstream>(stream), &recorded);
    CUgraphExec graph = nullptr;
    CUresult result = cuda.cuGraphInstantiateWithFlags(&graph, recorded, 0);
    cuda.cuGraphDestroy(recorded);
    HALO_CHECK(cuda.check(result, "cuGraphInstantiateWithFlags"));
    return std::unique_ptr<Graph>(std::make_unique<CudaGraph>(shared_from_this(), context, graph));
  }

private:
  /// Says what the driver's number does not.
  [[gnu::cold, gnu::noinline]] Error launchError(const LoadedKernel &kernel, CUstream stream,
                                                 CUresult result) const {
    CUcontext own = nullptr, streams = nullptr;
    std::string why = cuda.check(result, "cuLaunchKernel").error().message;
    if (stream && cuda.cuCtxGetCurrent(&own) == 0 && cuda.cuStreamGetCtx(stream, &streams) == 0 &&
        own != streams)
      return invalid(fmt::format("kernel {} was loaded in another context than that of the stream "
                                 "it is launched on ({})",
                                 kernel.info.kernel, why));
    return failed(fmt::format("kernel {}: {}", kernel.info.kernel, why));
  }

  Result<void> attribute(int which, int &value) const {
    HALO_CUDA(cuDeviceGetAttribute, &value, which, device);
    return {};
  }

  const CudaDriver &cuda;
  const CUdevice device;
  const CudaContext context;
  std::string deviceName, archName;
  DeviceTraits facts;
  int ptx = 0;
};

#undef HALO_CUDA
#undef HALO_ENTER

} // namespace

Result<std::shared_ptr<Device>> openCudaDevice(int ordinal) {
  HALO_TRY(driver, CudaDriver::get());
  const CudaDriver &cuda = *driver;
  int count = 0;
  HALO_CHECK(cuda.check(cuda.cuDeviceGetCount(&count), "cuDeviceGetCount"));
  if (ordinal < 0 || ordinal >= count)
    return unavailable(
        fmt::format("device cuda:{} does not exist: this machine has {}", ordinal, count));
  CUdevice device = 0;
  HALO_CHECK(cuda.check(cuda.cuDeviceGet(&device, ordinal), "cuDeviceGet"));

  HALO_TRY(context, CudaContext::open(cuda, device));
  auto opened = std::make_shared<CudaDevice>(device, std::move(context));
  HALO_CHECK(opened->describe());
  return std::shared_ptr<Device>(std::move(opened));
}

} // namespace halo

// A device runs compiled kernels. Three are registered: null (checks everything, runs nothing),
// sim (the CPU simulator in libhalo_compiler.so) and cuda (the driver API, opened at run time).
// All three pass one conformance suite, tests/unit/runtime/DeviceConformance.cpp.
//
// Ownership: a Device is shared; memory, streams, graphs and kernels come as handles that release
// what they hold and keep their device alive. Thread-safety: all functions may be called from
// several threads; a Stream orders the work given to it, and is captured by one thread.
#pragma once

#include "runtime/Export.h"
#include "runtime/KernelInfo.h"
#include "runtime/Launch.h"
#include "runtime/Result.h"
#include "runtime/Schedule.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace halo {

/// A CUstream on cuda (a caller's own may be passed); elsewhere what createStream() made. Null is
/// the default stream.
using Stream = void *;

/// What the compiler made for a device: bytes in the device's own form, and how to launch them.
struct Artifact {
  KernelInfo info;
  std::string code; ///< A cubin or PTX (cuda), LLVM bitcode (sim); unused on null.
};

class Device;

/// A loaded kernel. Unloaded when the last reference goes.
class HALO_API LoadedKernel : public std::enable_shared_from_this<LoadedKernel> {
public:
  LoadedKernel(KernelInfo info, std::shared_ptr<const Device> device);
  virtual ~LoadedKernel();
  /// The CUfunction on cuda, for callers who launch it themselves; null elsewhere.
  virtual void *function() const { return nullptr; }
  const KernelInfo info;
  const std::shared_ptr<const Device> device;
  const LaunchPlan plan;
};

/// What Device::capture recorded. The captured kernels and the tensors' memory must outlive it.
class HALO_API Graph {
public:
  virtual ~Graph();
  /// Enqueues all of it, in the captured order and with the captured arguments.
  virtual Result<void> launch(Stream stream = nullptr) = 0;
};

class HALO_API Device : public std::enable_shared_from_this<Device> {
public:
  virtual ~Device();

  virtual std::string_view kind() const = 0; ///< "null", "sim" or "cuda".
  virtual std::string name() const = 0;      ///< "NVIDIA H200", "simulator", ...
  /// What `compile` must emit for this device ("cubin", "sim"; "gpu" on null, whose kernels are
  /// never run) and for which architecture.
  virtual std::string_view emit() const = 0;
  virtual std::string arch() const = 0;
  virtual DeviceTraits traits() const = 0;
  /// The newest PTX the driver takes, as 10 * major + minor (CUDA 13.0: 90); 0 where none matters.
  virtual int ptxVersion() const { return 0; }

  /// Device memory. At least 256-byte aligned, never null, zero bytes included. Contents undefined.
  virtual Result<void *> allocate(size_t bytes) = 0;
  virtual Result<void> release(void *pointer) = 0;
  /// Synchronous copies, ordered after all work on the default stream.
  virtual Result<void> upload(void *device, const void *host, size_t bytes) = 0;
  virtual Result<void> download(void *host, const void *device, size_t bytes) = 0;
  /// Enqueues, on the default stream, setting every byte.
  virtual Result<void> fill(void *device, uint8_t byte, size_t bytes) = 0;

  /// Refused inside capture(), because loading synchronises, in a frozen process, and for kernels
  /// of more than kMaxParameters.
  Result<std::shared_ptr<LoadedKernel>> load(const Artifact &artifact);
  /// Enqueues one launch; never allocates, loads or synchronises on cuda. `params` is the flat
  /// parameter list of KernelInfo.h. Zero blocks launch nothing and succeed.
  Result<void> launch(const LoadedKernel &kernel, uint64_t blocks, void **params, Stream stream);

  /// A stream of its own, which does not wait for the default stream. See DeviceStream.
  virtual Result<Stream> createStream() = 0;
  virtual Result<void> destroyStream(Stream stream) = 0;
  virtual Result<void> synchronize(Stream stream) = 0;

  /// Records what `work` launches on `stream`, in this thread, instead of running it. The default
  /// stream cannot be captured. A failing `work` is the capture's failure.
  Result<std::unique_ptr<Graph>> capture(Stream stream, const std::function<Result<void>()> &work);
  /// Whether launches on `stream` are being recorded, by capture() or by the caller's own means.
  virtual bool capturing(Stream stream) const = 0;

  /// Milliseconds between the start and the end of what `work` enqueues on the default stream.
  /// `before`, if any, is enqueued just ahead of the measured span: an L2 flush, which also hides
  /// the launch latency of `work` behind a running kernel.
  virtual Result<double> time(const std::function<Result<void>()> &before,
                              const std::function<Result<void>()> &work) = 0;
  /// Enqueues a device-to-device copy on the default stream (the copy ceiling's measure).
  virtual Result<void> copy(void *to, const void *from, size_t bytes) = 0;

protected:
  // What the functions above leave to a device, once they have checked what all devices refuse.
  virtual Result<std::shared_ptr<LoadedKernel>> loadCode(const Artifact &artifact) = 0;
  virtual Result<void> enqueue(const LoadedKernel &kernel, uint32_t blocks, void **params,
                               Stream stream) = 0;
  virtual Result<void> beginCapture(Stream stream) = 0;
  /// Ends what beginCapture began, also after a failure in between.
  virtual Result<std::unique_ptr<Graph>> endCapture(Stream stream) = 0;
};

/// A frozen process compiles and loads nothing more: Kernel::compile, Device::load and an Operator
/// that would have to are refused; what is loaded goes on. For servers, after their warm-up.
HALO_API void setFrozen(bool frozen);
HALO_API bool isFrozen();
/// Refused where the process is frozen or this thread is inside Device::capture.
HALO_API Result<void> checkLoadingAllowed(std::string_view kernel);

/// Options of the simulator device.
struct SimOptions {
  bool checked = true;
  uint64_t seed = 0;
  /// Where each launch leaves what its accesses cost, as the JSON of compiler/sim/AccessProfile.h;
  /// for checked devices. Must outlive the device; one launch at a time.
  std::string *profile = nullptr;
};

HALO_API std::shared_ptr<Device> openNullDevice();
HALO_API Result<std::shared_ptr<Device>> openSimDevice(SimOptions options = {});
/// The `ordinal`-th GPU, in its primary context unless the calling thread has a current one.
HALO_API Result<std::shared_ptr<Device>> openCudaDevice(int ordinal = 0);
/// "null", "sim", "cuda", "cuda:1"; "" takes cuda where there is one, else sim.
HALO_API Result<std::shared_ptr<Device>> openDevice(std::string_view name);

/// A move-only stream.
class HALO_API DeviceStream {
public:
  DeviceStream() = default;
  static Result<DeviceStream> create(std::shared_ptr<Device> device);
  DeviceStream(DeviceStream &&other) noexcept;
  DeviceStream &operator=(DeviceStream &&other) noexcept;
  ~DeviceStream();
  Stream get() const { return stream; }

private:
  std::shared_ptr<Device> device;
  Stream stream = nullptr;
};

/// Move-only device memory.
class HALO_API DeviceBuffer {
public:
  DeviceBuffer() = default;
  static Result<DeviceBuffer> allocate(std::shared_ptr<Device> device, size_t bytes);
  DeviceBuffer(DeviceBuffer &&other) noexcept;
  DeviceBuffer &operator=(DeviceBuffer &&other) noexcept;
  ~DeviceBuffer();
  void *data() const { return pointer; }
  size_t bytes() const { return size; }

private:
  std::shared_ptr<Device> device;
  void *pointer = nullptr;
  size_t size = 0;
};

} // namespace halo

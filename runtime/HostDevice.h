// What the devices without a GPU share: host memory, synchronous streams, and graphs that replay
// recorded launches. A new one gives its names, loadCode and run.
#pragma once

#include "runtime/Device.h"
#include "runtime/HostMemory.h"

#include <atomic>
#include <map>
#include <mutex>

namespace halo {

/// One launch of a graph: its parameters by value.
struct RecordedLaunch {
  std::shared_ptr<const LoadedKernel> kernel;
  uint32_t blocks = 0;
  std::vector<uint64_t> slots;
};

/// Launches run at once, in the calling thread, so a stream only matters while it is captured.
class HostDevice : public Device {
public:
  std::string arch() const override { return "sm_90"; }
  DeviceTraits traits() const override { return {}; }

  Result<void *> allocate(size_t bytes) override { return memory.allocate(bytes); }
  Result<void> release(void *pointer) override { return memory.release(pointer); }
  Result<void> upload(void *device, const void *host, size_t bytes) override {
    return memory.upload(device, host, bytes);
  }
  Result<void> download(void *host, const void *device, size_t bytes) override {
    return memory.download(host, device, bytes);
  }
  Result<void> fill(void *device, uint8_t byte, size_t bytes) override {
    return memory.fill(device, byte, bytes);
  }
  Result<void> copy(void *to, const void *from, size_t bytes) override {
    return memory.copy(to, from, bytes);
  }

  Result<Stream> createStream() override;
  Result<void> destroyStream(Stream stream) override;
  Result<void> synchronize(Stream) override { return {}; }
  bool capturing(Stream stream) const override;
  Result<double> time(const std::function<Result<void>()> &before,
                      const std::function<Result<void>()> &work) override;

protected:
  virtual Result<void> run(const LoadedKernel &kernel, uint32_t blocks, void **params) = 0;

  HostMemory memory;

private:
  Result<void> enqueue(const LoadedKernel &kernel, uint32_t blocks, void **params,
                       Stream stream) final;
  Result<void> beginCapture(Stream stream) final;
  Result<std::unique_ptr<Graph>> endCapture(Stream stream) final;
  /// False where the stream is not being captured.
  bool record(const LoadedKernel &kernel, uint32_t blocks, void **params, Stream stream);

  struct HostStream {
    bool captured = false;
    std::vector<RecordedLaunch> launches;
  };
  mutable std::mutex mutex;
  std::map<Stream, std::unique_ptr<HostStream>> streams; ///< By their own address.
  std::atomic<int> captures{0}; ///< Of all streams: spares launches the lock.
};

} // namespace halo

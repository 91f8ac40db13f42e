#include "runtime/HostDevice.h"

#include <fmt/format.h>

#include <chrono>
#include <cstring>

namespace halo {

namespace {

class HostGraph final : public Graph {
public:
  HostGraph(std::shared_ptr<Device> device, std::vector<RecordedLaunch> launches)
      : device(std::move(device)), launches(std::move(launches)) {}

  Result<void> launch(Stream stream) override {
    for (const RecordedLaunch &recorded : launches) {
      std::vector<uint64_t> slots = recorded.slots; // A kernel may not change the graph's.
      std::vector<void *> params;
      for (uint64_t &slot : slots)
        params.push_back(&slot);
      HALO_CHECK(device->launch(*recorded.kernel, recorded.blocks, params.data(), stream));
    }
    return {};
  }

private:
  const std::shared_ptr<Device> device;
  const std::vector<RecordedLaunch> launches;
};

Error unknownStream(Stream stream) {
  return invalid(fmt::format("stream {} is no stream of this device", stream));
}

} // namespace

Result<Stream> HostDevice::createStream() {
  auto stream = std::make_unique<HostStream>();
  Stream handle = stream.get();
  std::lock_guard<std::mutex> lock(mutex);
  streams[handle] = std::move(stream);
  return handle;
}

Result<void> HostDevice::destroyStream(Stream stream) {
  if (!stream)
    return {};
  std::lock_guard<std::mutex> lock(mutex);
  auto found = streams.find(stream);
  if (found == streams.end())
    return unknownStream(stream);
  if (found->second->captured)
    return invalid(fmt::format("stream {} is destroyed while it is being captured", stream));
  streams.erase(found);
  return {};
}

bool HostDevice::capturing(Stream stream) const {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = streams.find(stream);
  return found != streams.end() && found->second->captured;
}

Result<void> HostDevice::beginCapture(Stream stream) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = streams.find(stream);
  if (found == streams.end())
    return unknownStream(stream);
  if (found->second->captured)
    return invalid(fmt::format("stream {} is being captured already", stream));
  found->second->captured = true;
  ++captures;
  return {};
}

Result<std::unique_ptr<Graph>> HostDevice::endCapture(Stream stream) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = streams.find(stream);
  if (found == streams.end())
    return unknownStream(stream);
  --captures;
  found->second->captured = false;
  return std::unique_ptr<Graph>(
      std::make_unique<HostGraph>(shared_from_this(), std::exchange(found->second->launches, {})));
}

bool HostDevice::record(const LoadedKernel &kernel, uint32_t blocks, void **params, Stream stream) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = streams.find(stream);
  if (found == streams.end() || !found->second->captured)
    return false;
  RecordedLaunch launch{kernel.shared_from_this(), blocks, {}};
  launch.slots.resize(kernel.info.parameterCount());
  size_t wide = launch.slots.size() - kSizeParameters;
  for (size_t i = 0; i < launch.slots.size(); ++i)
    std::memcpy(&launch.slots[i], params[i], i < wide ? sizeof(int64_t) : sizeof(int32_t));
  found->second->launches.push_back(std::move(launch));
  return true;
}

Result<void> HostDevice::enqueue(const LoadedKernel &kernel, uint32_t blocks, void **params,
                                 Stream stream) {
  if (captures.load(std::memory_order_relaxed) && record(kernel, blocks, params, stream))
    return {};
  return run(kernel, blocks, params);
}

Result<double> HostDevice::time(const std::function<Result<void>()> &before,
                                const std::function<Result<void>()> &work) {
  if (before)
    HALO_CHECK(before());
  auto start = std::chrono::steady_clock::now();
  HALO_CHECK(work());
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

} // namespace halo

// The C API of devices, their memory and their streams.
#include "runtime/CApi.h"

using namespace halo;
using namespace halo::capi;

static Result<std::shared_ptr<Device>> open(const halo_device_options &options) {
  std::string_view name = options.name ? options.name : "";
  SimOptions sim;
  sim.checked = !options.sim_unchecked;
  sim.seed = options.sim_seed;
  if (name == "sim")
    return openSimDevice(sim);
  if (!name.empty())
    return openDevice(name);
  if (auto cuda = openCudaDevice(); cuda)
    return cuda;
  return openSimDevice(sim);
}

halo_status halo_device_open(const halo_device_options *options, halo_device **device) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(device);
    HALO_TRY(known, readStruct(options, "halo_device_options"));
    HALO_TRY(opened, open(known));
    *device = new halo_device{opened, std::string(opened->kind()), opened->name(), opened->arch()};
    return {};
  });
}

void halo_device_close(halo_device *device) { delete device; }

const char *halo_device_kind(const halo_device *device) {
  return device ? device->kind.c_str() : nullptr;
}
const char *halo_device_name(const halo_device *device) {
  return device ? device->name.c_str() : nullptr;
}
const char *halo_device_arch(const halo_device *device) {
  return device ? device->arch.c_str() : nullptr;
}

halo_status halo_memory_allocate(halo_device *device, size_t bytes, void **memory) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(device);
    HALO_NEED(memory);
    HALO_TRY(pointer, device->device->allocate(bytes));
    *memory = pointer;
    return {};
  });
}

halo_status halo_memory_release(halo_device *device, void *memory) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(device);
    return device->device->release(memory);
  });
}

halo_status halo_memory_upload(halo_device *device, void *to, const void *host, size_t bytes) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(device);
    if (bytes) {
      HALO_NEED(to);
      HALO_NEED(host);
    }
    return device->device->upload(to, host, bytes);
  });
}

halo_status halo_memory_download(halo_device *device, void *host, const void *from, size_t bytes) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(device);
    if (bytes) {
      HALO_NEED(host);
      HALO_NEED(from);
    }
    return device->device->download(host, from, bytes);
  });
}

halo_status halo_stream_create(halo_device *device, void **stream) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(device);
    HALO_NEED(stream);
    HALO_TRY(created, device->device->createStream());
    *stream = created;
    return {};
  });
}

halo_status halo_stream_destroy(halo_device *device, void *stream) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(device);
    return device->device->destroyStream(stream);
  });
}

halo_status halo_stream_synchronize(halo_device *device, void *stream) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(device);
    return device->device->synchronize(stream);
  });
}

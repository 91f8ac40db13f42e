// The simulator's part of the C ABI (runtime/CompilerAbi.h). Replies are malloc'ed, as everywhere.
#include "compiler/sim/Simulator.h"

#include <cstdlib>
#include <cstring>

using namespace halo;

struct HaloSimKernel {
  std::unique_ptr<sim::SimKernel> kernel;
};

/// The ABI promises the bare sentence here, not a JSON object.
static int reply(const Error &error, HaloReply *to) {
  to->json = static_cast<char *>(std::malloc(error.message.size() + 1));
  if (to->json)
    std::memcpy(to->json, error.message.c_str(), error.message.size() + 1);
  return error.code == ErrorCode::Invalid ? 2 : 1;
}

#define HALO_EXPORT extern "C" __attribute__((visibility("default")))

HALO_EXPORT int haloSimCreate(const char *bitcode, size_t size, const char *entry, int32_t checked,
                              HaloSimKernel **kernel, HaloReply *to) {
  *kernel = nullptr;
  *to = {};
  auto created = sim::SimKernel::create({bitcode, size}, entry, checked != 0);
  if (!created)
    return reply(created.error(), to);
  *kernel = new HaloSimKernel{std::move(*created)};
  return 0;
}

HALO_EXPORT int haloSimRun(HaloSimKernel *kernel, const HaloSimLaunch *launch, HaloReply *to) {
  *to = {};
  std::string accesses;
  auto done = kernel->kernel->run(*launch, &accesses);
  if (!done)
    return reply(done.error(), to);
  if (!accesses.empty())
    to->json = strdup(accesses.c_str());
  return 0;
}

HALO_EXPORT void haloSimDestroy(HaloSimKernel *kernel) { delete kernel; }

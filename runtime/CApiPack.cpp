// The C API of packs.
#include "runtime/CApi.h"

#include "runtime/PackSelfTest.h"
#include "runtime/Packs.h"

using namespace halo;
using namespace halo::capi;

halo_status halo_pack_open(const char *path) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(path);
    return Packs::get().open(path);
  });
}

halo_status halo_pack_verify(const char *path) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(path);
    HALO_TRY(pack, Pack::open(path));
    return pack->verify();
  });
}

halo_status halo_pack_self_test(halo_device *device, const char *path, size_t *tested) {
  return guarded([&]() -> Result<void> {
    HALO_NEED(device);
    HALO_NEED(path);
    HALO_TRY(pack, Pack::open(path));
    size_t count = 0;
    for (const PackProblem &problem : pack->manifest().problems) {
      HALO_TRY(ran, selfTest(pack, problem, device->device));
      count += ran == SelfTest::Passed;
    }
    if (tested)
      *tested = count;
    return {};
  });
}

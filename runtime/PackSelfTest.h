// A pack's own test of a kernel: tiny inputs, and what must come out, within a stated tolerance.
// It takes milliseconds, and needs nothing but the device.
#pragma once

#include "runtime/Device.h"
#include "runtime/Export.h"
#include "runtime/Packs.h"
#include "runtime/Result.h"

#include <memory>

namespace halo {

/// Runs a loaded kernel on its problem's test. True where it ran and all outputs were right, false
/// where there is nothing to run: a problem without a test, or the null device. An output outside
/// the tolerance is an error that names both values. Waits for the device.
HALO_API Result<bool> selfTest(const PackedKernel &packed, const std::shared_ptr<Device> &device,
                               const LoadedKernel &loaded);

enum class SelfTest {
  Passed,
  Untested, ///< There is nothing to run.
  Absent,   ///< The pack has no code for this device.
};

/// Loads the code of a problem that this device would take, and runs its test.
HALO_API Result<SelfTest> selfTest(const std::shared_ptr<const Pack> &pack,
                                   const PackProblem &problem,
                                   const std::shared_ptr<Device> &device);

/// Whether kernels are tested when they are loaded: HALO_PACK_SELF_TEST=on, read once.
HALO_API bool selfTestWanted();

} // namespace halo

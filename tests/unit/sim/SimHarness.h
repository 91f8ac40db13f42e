// Kernels as LLVM IR texts, launched on buffers of the host.
#pragma once

#include "compiler/sim/Simulator.h"

#include <memory>
#include <string>
#include <vector>

namespace halo::sim {

/// The bitcode of a module text; intrinsics need no declarations. Fails the test on a bad text.
std::string assemble(const std::string &text);

struct Launch {
  uint32_t grid = 1, block = 32;
  uint64_t sharedBytes = 0;
  uint64_t seed = 0;
  bool checked = true;
};

/// A kernel that takes pointers only, one per buffer.
class TestKernel {
public:
  /// Kernel `@k` of the text.
  TestKernel(const std::string &text, bool checked);

  bool ok() const { return kernel != nullptr; }
  /// Why it was refused.
  const std::string &error() const { return message; }

  /// Adds a pointer parameter to the next run, and its region.
  template <typename T> TestKernel &with(std::vector<T> &buffer) {
    pointers.push_back(buffer.data());
    regions.push_back({buffer.data(), buffer.size() * sizeof(T)});
    return *this;
  }

  /// The fault, or an empty text.
  std::string run(const Launch &launch);

private:
  std::unique_ptr<SimKernel> kernel;
  std::string message;
  std::vector<void *> pointers;
  std::vector<HaloSimRegion> regions;
};

} // namespace halo::sim

// Linked into a test program, it counts what every operator new of the process allocates.
#pragma once

#include <cstdint>

namespace halo::test {

/// By the calling thread, so far.
int64_t allocations();

} // namespace halo::test

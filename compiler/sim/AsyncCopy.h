// cp.async: global to shared memory, landing only when its group is waited for.
#pragma once

#include "compiler/sim/Block.h"

namespace halo::sim {

/// in: shared address, global address and, with HasSize, how many bytes are read; the rest is zero.
template <uint32_t Bytes, bool HasSize>
void copyAsync(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t site);
void commitCopies(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t site);
/// in: how many of the latest groups may stay in flight.
void waitCopyGroups(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t site);
void waitAllCopies(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t site);

} // namespace halo::sim

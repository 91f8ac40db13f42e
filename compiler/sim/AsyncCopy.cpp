#include "compiler/sim/AsyncCopy.h"

#include <algorithm>
#include <cstring>

namespace halo::sim {

template <uint32_t Bytes, bool HasSize>
void copyAsync(SimThread &thread, const uint64_t *in, uint64_t *, uint32_t site) {
  Block &block = *thread.fiber.block;
  const char *from = reinterpret_cast<const char *>(in[1]);
  uint32_t size = HasSize ? uint32_t(in[2]) : Bytes;
  if (size > Bytes)
    block.fail(thread, "an asynchronous copy of " + std::to_string(Bytes) + " B reads " +
                           std::to_string(size) + " B");
  if (uint64_t(from) % Bytes)
    block.fail(thread, "misaligned: an asynchronous copy of " + std::to_string(Bytes) +
                           " B reads at an address that is " +
                           std::to_string(uint64_t(from) % Bytes) + " B past a multiple of it");
  block.check(thread, from, size, 1, Space::Global, AccessKind::Load, site);
  AsyncCopy copy{reinterpret_cast<char *>(in[0]), Bytes, thread.copyGroups, {}};
  block.beginCopy(thread, copy.to, Bytes, site);
  std::memcpy(copy.data, from, size);
  thread.copies.push_back(copy);
}
template void copyAsync<4, false>(SimThread &, const uint64_t *, uint64_t *, uint32_t);
template void copyAsync<8, false>(SimThread &, const uint64_t *, uint64_t *, uint32_t);
template void copyAsync<16, false>(SimThread &, const uint64_t *, uint64_t *, uint32_t);
template void copyAsync<4, true>(SimThread &, const uint64_t *, uint64_t *, uint32_t);
template void copyAsync<8, true>(SimThread &, const uint64_t *, uint64_t *, uint32_t);
template void copyAsync<16, true>(SimThread &, const uint64_t *, uint64_t *, uint32_t);

/// Lands every copy of a group before `group`. Groups never decrease in the order of issue.
static void land(SimThread &thread, uint64_t group) {
  auto copy = thread.copies.begin();
  for (; copy != thread.copies.end() && copy->group < group; ++copy) {
    std::memcpy(copy->to, copy->data, copy->bytes);
    thread.fiber.block->landCopy(thread, copy->to, copy->bytes);
  }
  thread.copies.erase(thread.copies.begin(), copy);
}

void commitCopies(SimThread &thread, const uint64_t *, uint64_t *, uint32_t) {
  ++thread.copyGroups;
}

void waitCopyGroups(SimThread &thread, const uint64_t *in, uint64_t *, uint32_t) {
  land(thread, thread.copyGroups - std::min<uint64_t>(in[0], thread.copyGroups));
}

void waitAllCopies(SimThread &thread, const uint64_t *, uint64_t *, uint32_t) {
  land(thread, ~0ull);
}

} // namespace halo::sim

#include "compiler/sim/HostCalls.h"

namespace halo::sim {

void barrierAll(SimThread &thread, const uint64_t *in, uint64_t *, uint32_t site) {
  thread.fiber.block->barrier(thread, uint32_t(in[0]), 0, 0, site);
}

void barrierCount(SimThread &thread, const uint64_t *in, uint64_t *, uint32_t site) {
  thread.fiber.block->barrier(thread, uint32_t(in[0]), uint32_t(in[1]), 0, site);
}

template <VoteMode Mode>
void barrierVote(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t site) {
  thread.fiber.block->barrier(thread, uint32_t(in[0]), 0, in[1] & 1, site);
  uint32_t votes = thread.barrierVotes;
  uint32_t threads = thread.ntid[0] * thread.ntid[1] * thread.ntid[2];
  out[0] = Mode == VoteMode::Ballot ? votes : Mode == VoteMode::Any ? votes != 0 : votes == threads;
}
template void barrierVote<VoteMode::Ballot>(SimThread &, const uint64_t *, uint64_t *, uint32_t);
template void barrierVote<VoteMode::Any>(SimThread &, const uint64_t *, uint64_t *, uint32_t);
template void barrierVote<VoteMode::All>(SimThread &, const uint64_t *, uint64_t *, uint32_t);

void clusterArrive(SimThread &thread, const uint64_t *, uint64_t *, uint32_t) {
  thread.fiber.block->arriveAtCluster(thread);
}

void clusterWait(SimThread &thread, const uint64_t *, uint64_t *, uint32_t site) {
  thread.fiber.block->waitForCluster(thread, site);
}

void pause(SimThread &thread, const uint64_t *, uint64_t *, uint32_t site) {
  thread.fiber.block->pause(thread, site);
}

void mapShared(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t) {
  out[0] = thread.fiber.block->mapShared(thread, in[0], uint32_t(in[1]));
}

void meetWarp(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t site) {
  thread.fiber.block->collective(thread, in, out, site);
}

void *checkAccess(SimThread &thread, void *address, uint32_t site) {
  Block &block = *thread.fiber.block;
  const Site &s = block.getProgram().sites[site];
  block.check(thread, address, s.bytes, s.align, s.space, s.kind, site);
  return address;
}

void *checkRange(SimThread &thread, void *address, uint64_t bytes, uint32_t site) {
  Block &block = *thread.fiber.block;
  const Site &s = block.getProgram().sites[site];
  block.check(thread, address, bytes, s.align, s.space, s.kind, site);
  return address;
}

void *checkMasked(SimThread &thread, void *address, uint64_t mask, uint32_t site) {
  Block &block = *thread.fiber.block;
  const Site &s = block.getProgram().sites[site];
  for (uint64_t element = 0; element != 64 && mask >> element; ++element)
    if (mask >> element & 1)
      block.check(thread, static_cast<char *>(address) + element * s.bytes, s.bytes,
                  std::min(s.align, s.bytes), s.space, s.kind, site);
  return address;
}

} // namespace halo::sim

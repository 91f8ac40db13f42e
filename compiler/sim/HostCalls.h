// The functions compiled code calls: they find the block through the thread and hand over.
#pragma once

#include "compiler/sim/WarpOps.h"

namespace halo::sim {

// Barriers; in: the barrier, then its thread count or this thread's predicate.

void barrierAll(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t site);
void barrierCount(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t site);
/// Ballot answers with the number of votes.
template <VoteMode Mode>
void barrierVote(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t site);

// The cluster's barrier, and where another of its blocks has what lies here; in: address, rank.

void clusterArrive(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t site);
void clusterWait(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t site);
void mapShared(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t site);
/// Who sleeps waits for something: others go on first.
void pause(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t site);

/// Every collective.
void meetWarp(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t site);

// Checks, in front of the access. They return the address, so that no pass can move the access up.

void *checkAccess(SimThread &thread, void *address, uint32_t site);
/// `bytes` from the address on: copies and fills.
void *checkRange(SimThread &thread, void *address, uint64_t bytes, uint32_t site);
/// The elements whose bit is set in `mask`.
void *checkMasked(SimThread &thread, void *address, uint64_t mask, uint32_t site);

} // namespace halo::sim

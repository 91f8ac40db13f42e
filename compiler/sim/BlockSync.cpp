// Who waits for whom: barriers, warp collectives, and why a block is stuck.
#include "compiler/sim/Block.h"
#include "compiler/sim/Text.h"

namespace halo::sim {

void Block::barrier(SimThread &thread, uint32_t id, uint32_t count, uint32_t vote, uint32_t site) {
  if (id >= barriers.size())
    fail(thread, "barrier " + std::to_string(id) + " does not exist, there are 16");
  if (count % 32)
    fail(thread, "barrier " + std::to_string(id) + " is for " + std::to_string(count) +
                     " threads, which is not a multiple of 32");
  Barrier &b = barriers[id];
  uint32_t expected = count ? count : uint32_t(threads.size());
  if (b.arrived && b.expected != expected)
    fail(thread, "divergent barrier " + std::to_string(id) + ": for " + std::to_string(expected) +
                     " threads, while others wait there for " + std::to_string(b.expected));
  uint32_t &warpSite = b.warpSites[thread.warpId];
  if (checker && warpSite && warpSite != site + 1)
    fail(thread, "divergent barrier " + std::to_string(id) + program.sites[site].where +
                     ": other lanes of its warp wait at another one" +
                     program.sites[warpSite - 1].where);
  warpSite = site + 1;
  b.expected = expected;
  b.votes += vote;
  if (++b.arrived == expected) {
    completeBarrier(b, thread);
    return;
  }
  thread.state = SimThread::State::AtBarrier;
  thread.barrierId = id;
  thread.site = site;
  b.waiters.push_back(&thread);
  suspend(thread);
}

void Block::completeBarrier(Barrier &b, SimThread &last) {
  ++happened;
  last.barrierVotes = b.votes;
  uint32_t arrivedWarps = 1u << last.warpId;
  for (SimThread *waiter : b.waiters) {
    waiter->barrierVotes = b.votes;
    waiter->state = SimThread::State::Ready;
    arrivedWarps |= 1u << waiter->warpId;
  }
  if (checker)
    checker->syncWarps(arrivedWarps);
  makeReady(b.waiters.data(), b.waiters.size());
  b.waiters.clear();
  b.warpSites.assign(warps.size(), 0);
  b.arrived = b.votes = 0;
}

void Block::collective(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t site) {
  const SimIntrinsic &op = *program.sites[site].op;
  Warp &warp = warps[thread.warpId];
  uint32_t mask = op.maskOperand < 0 ? ~0u : uint32_t(in[op.maskOperand]);
  thread.mask = mask;
  thread.site = site;
  thread.in = in;
  thread.out = out;
  if (!(mask >> thread.laneId & 1))
    fail(thread, std::string(op.name) + program.sites[site].where + " names lanes " + hex(mask) +
                     ", which lack its own lane " + std::to_string(thread.laneId));
  if (checker && (mask & warp.exited))
    fail(thread, explainMissingLane(thread, warp.exited));
  thread.state = SimThread::State::AtCollective;
  warp.waiting |= 1u << thread.laneId;
  if (!completeCollective(thread, &thread))
    suspend(thread);
}

/// Runs the collective that `waiting` is at if it was the last to come, and frees the others; frees
/// `waiting` too unless it is `self`, who still runs.
bool Block::completeCollective(SimThread &waiting, SimThread *self) {
  Warp &warp = warps[waiting.warpId];
  SimThread *lanes = &threads[waiting.warpId * 32];
  const SimIntrinsic *op = program.sites[waiting.site].op;
  size_t numLanes = std::min<size_t>(32, threads.size() - waiting.warpId * 32);
  uint32_t existing = numLanes == 32 ? ~0u : (1u << numLanes) - 1;
  // Whole-warp operations exchange data with every lane: none may be missing.
  uint32_t needed = op->maskOperand < 0 ? ~0u : waiting.mask & existing & ~warp.exited;
  if ((warp.waiting & needed) != needed)
    return false;
  SimThread *others[32];
  size_t numOthers = 0;
  for (uint32_t lane = 0; lane != 32; ++lane) {
    if (!(needed >> lane & 1))
      continue;
    SimThread &t = lanes[lane];
    bool same = checker ? t.site == waiting.site : program.sites[t.site].op == op;
    if (t.mask != waiting.mask || !same)
      return false;
    if (&t != self)
      others[numOthers++] = &t;
  }
  ++happened;
  warp.waiting &= ~needed;
  WarpCall call{*this, lanes, needed};
  op->warp(call);
  if (checker)
    checker->syncLanes(waiting.warpId, needed);
  for (size_t i = 0; i != numOthers; ++i)
    others[i]->state = SimThread::State::Ready;
  if (self)
    self->state = SimThread::State::Ready;
  makeReady(others, numOthers);
  return true;
}

/// What a thread that does not come is doing instead.
static std::string whereabouts(const SimThread &thread, const SimProgram &program) {
  switch (thread.state) {
  case SimThread::State::Done:
    return "has exited";
  case SimThread::State::AtBarrier:
    return "waits at barrier " + std::to_string(thread.barrierId) +
           program.sites[thread.site].where;
  case SimThread::State::AtCollective:
    return "waits at " + std::string(program.sites[thread.site].op->name) + " for lanes " +
           hex(thread.mask) + program.sites[thread.site].where;
  case SimThread::State::AtCluster:
    return "waits for the cluster" + program.sites[thread.site].where;
  case SimThread::State::Paused:
    return "sleeps" + program.sites[thread.site].where;
  case SimThread::State::Ready:
    break;
  }
  return "has not come yet";
}

/// Names one lane that `waiting` misses, out of the suspects.
std::string Block::explainMissingLane(const SimThread &waiting, uint32_t suspects) const {
  const Site &site = program.sites[waiting.site];
  std::string text = "divergent " + std::string(site.op->name) + site.where + " for lanes " +
                     hex(waiting.mask) + ": lane ";
  for (uint32_t lane = 0; lane != 32; ++lane) {
    size_t index = waiting.warpId * 32 + lane;
    if (!(waiting.mask & suspects & 1u << lane))
      continue;
    if (index >= threads.size()) {
      if (site.op->maskOperand >= 0)
        continue;
      return text + std::to_string(lane) + " does not exist in a block of " +
             std::to_string(threads.size()) + " threads";
    }
    const SimThread &t = threads[index];
    bool together = t.state == SimThread::State::AtCollective && t.site == waiting.site &&
                    t.mask == waiting.mask;
    if (!together && &t != &waiting)
      return text + std::to_string(lane) + " " + whereabouts(t, program);
  }
  return text + "none is missing";
}

std::string Block::explainStuck() const {
  for (const SimThread &t : threads)
    if (t.state == SimThread::State::AtCollective)
      return describe(t) + explainMissingLane(t, ~0u);
  for (const SimThread &t : threads) {
    if (t.state != SimThread::State::AtBarrier)
      continue;
    const Barrier &b = barriers[t.barrierId];
    std::string text = describe(t) + "divergent barrier " + std::to_string(t.barrierId) +
                       program.sites[t.site].where + ": " + std::to_string(b.arrived) + " of " +
                       std::to_string(b.expected) + " threads arrived";
    for (const SimThread &other : threads)
      if (other.state != SimThread::State::AtBarrier || other.barrierId != t.barrierId)
        return text + "; thread " + triple(other.tid) + " " + whereabouts(other, program);
    return text;
  }
  return "kernel " + program.name + ": the block is stuck";
}

} // namespace halo::sim

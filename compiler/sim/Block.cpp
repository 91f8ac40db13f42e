#include "compiler/sim/Block.h"
#include "compiler/sim/Text.h"

#include <boost/context/detail/fcontext.hpp>

#include <algorithm>
#include <sys/mman.h>

namespace context = boost::context::detail;

namespace halo::sim {

/// Room for host functions (and signal handlers) below the compiled frame, whose size is known.
constexpr size_t kHostStackBytes = 64 * 1024;
constexpr size_t kPage = 4096;

static size_t roundUp(size_t value, size_t to) { return (value + to - 1) / to * to; }

Block::Block(const SimProgram &program, const HaloSimLaunch &launch, Checker *checker,
             AccessProfile *profile, uint32_t rank)
    : program(program), launch(launch), checker(checker), profile(profile) {
  threads.resize(size_t(launch.blockX) * launch.blockY * launch.blockZ);
  warps.resize((threads.size() + 31) / 32);
  barriers.resize(16);
  ready.reserve(threads.size());
  mainFiber.block = this;
  uint32_t n = uint32_t(threads.size());
  for (uint32_t i = 0; i != n; ++i) {
    SimThread &t = threads[i];
    t.fiber.block = this;
    t.index = i;
    t.tid[0] = i % launch.blockX;
    t.tid[1] = i / launch.blockX % launch.blockY;
    t.tid[2] = i / launch.blockX / launch.blockY;
    uint32_t ntid[] = {launch.blockX, launch.blockY, launch.blockZ};
    uint32_t nctaid[] = {launch.gridX, launch.gridY, launch.gridZ};
    std::copy_n(ntid, 3, t.ntid);
    std::copy_n(nctaid, 3, t.nctaid);
    t.laneId = i % 32;
    t.warpId = i / 32;
    t.warpCount = uint32_t(warps.size());
    t.warpSize = 32;
    uint32_t bit = 1u << t.laneId;
    uint32_t masks[] = {bit, bit - 1, bit | (bit - 1), ~(bit | (bit - 1)), ~(bit - 1)};
    std::copy_n(masks, 5, t.laneMasks);
    t.dynamicSharedBytes = uint32_t(launch.sharedBytes);
    t.clusterRank = rank;
    t.clusterSize = program.cluster;
  }
}

Block::~Block() {
  if (mapping)
    munmap(mapping, mappingBytes);
}

Result<void> Block::allocate() {
  const SharedLayout &layout = program.shared;
  sharedBytes = std::max(layout.staticEnd, layout.dynamicOffset + launch.sharedBytes);
  stackBytes = roundUp(program.frameBytes + kHostStackBytes, kPage);
  stackArea = stackBytes * (program.suspends ? threads.size() : 1);
  size_t sharedArea = roundUp(sharedBytes + 1, kPage);
  // Untouched pages cost nothing, so a stack takes only what its thread uses.
  mappingBytes = sharedArea + stackArea;
  void *p = mmap(nullptr, mappingBytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED)
    return failed("out of memory for " + std::to_string(mappingBytes) + " B of simulated stacks");
  mapping = p;
  shared = static_cast<char *>(p);
  stacks = shared + sharedArea;
  for (SimThread &t : threads)
    t.shared = shared;
  return {};
}

/// Staggered by cache lines (less than a page in all), because equal offsets in page-sized stacks
/// share cache sets.
char *Block::stackTop(size_t stack) const {
  return stacks + (stack + 1) * stackBytes - stack % 16 * 192;
}

/// The first frame of a fiber.
struct FiberEntry {
  static void enter(context::transfer_t transfer) {
    Fiber *from = static_cast<Fiber *>(transfer.data);
    from->context = transfer.fctx;
    from->block->runFiber();
  }
};

void Block::jump(Fiber &from, Fiber &to) {
  context::transfer_t back = context::jump_fcontext(to.context, &from);
  static_cast<Fiber *>(back.data)->context = back.fctx;
}

void Block::runFiber() {
  if (program.suspends) {
    SimThread &thread = *current;
    program.function(&thread, launch.params);
    finish(thread);
  }
  // Nobody waits for anybody: one fiber runs all threads, only to have a stack to abandon.
  while (SimThread *thread = nextReady()) {
    current = thread;
    program.function(thread, launch.params);
    thread->state = SimThread::State::Done;
    ++done;
  }
  Fiber dead{this};
  jump(dead, mainFiber);
}

void Block::startThreads(uint32_t x, uint32_t y, uint32_t z) {
  std::fill(shared, shared + sharedBytes, char(0xff));
  done = 0;
  fault.clear();
  ready.clear();
  atCluster.clear();
  paused.clear();
  std::fill(warps.begin(), warps.end(), Warp());
  for (Barrier &b : barriers) {
    b.arrived = b.votes = 0;
    b.waiters.clear();
    b.warpSites.assign(warps.size(), 0);
  }
  std::vector<SimThread *> all;
  all.reserve(threads.size());
  for (SimThread &t : threads) {
    t.ctaid[0] = x;
    t.ctaid[1] = y;
    t.ctaid[2] = z;
    t.state = SimThread::State::Ready;
    t.copies.clear();
    t.copyGroups = 0;
    t.arrived = false;
    if (program.suspends)
      t.fiber.context = context::make_fcontext(stackTop(t.index), stackBytes - kPage,
                                               FiberEntry::enter);
    all.push_back(&t);
  }
  if (launch.seed) {
    uint64_t block = x + uint64_t(launch.gridX) * (y + uint64_t(launch.gridY) * z);
    random.seed(launch.seed * 0x9e3779b97f4a7c15ull + block);
  }
  makeReady(all.data(), all.size());
}

void Block::start(uint32_t x, uint32_t y, uint32_t z) {
  startThreads(x, y, z);
  if (checker)
    checker->beginBlock(threads.data(), shared, sharedBytes);
}

Result<void> Block::advance() {
  if (program.suspends) {
    current = nextReady();
    jump(mainFiber, current->fiber);
  } else {
    Fiber all{this, context::make_fcontext(stackTop(0), stackBytes - kPage, FiberEntry::enter)};
    jump(mainFiber, all);
  }
  if (!fault.empty())
    return failed(fault);
  if (paused.empty() && done + atCluster.size() != threads.size())
    return failed(explainStuck());
  if (profile && isDone())
    profile->endBlock();
  return {};
}

void Block::passCluster() {
  if (checker)
    checker->syncWarps(~0u);
  for (SimThread *waiter : atCluster)
    waiter->state = SimThread::State::Ready;
  makeReady(atCluster.data(), atCluster.size());
  atCluster.clear();
}

void Block::endPause() {
  for (SimThread *sleeper : paused)
    sleeper->state = SimThread::State::Ready;
  makeReady(paused.data(), paused.size());
  paused.clear();
}

void Block::pause(SimThread &thread, uint32_t site) {
  thread.state = SimThread::State::Paused;
  thread.site = site;
  paused.push_back(&thread);
  suspend(thread);
}

Error Block::explainPause() const {
  const SimThread &thread = *ready.front();
  return failed(describe(thread) + "sleeps again and again" + program.sites[thread.site].where +
                ": what it waits for does not come");
}

void Block::arriveAtCluster(SimThread &thread) {
  ++happened;
  if (thread.arrived)
    fail(thread, "arrives at the cluster's barrier again without having waited there");
  thread.arrived = true;
}

/// Everybody passes when all of the cluster's threads wait or have ended: whoever is still on his
/// way may not have arrived.
void Block::waitForCluster(SimThread &thread, uint32_t site) {
  if (!thread.arrived)
    fail(thread, "waits at the cluster's barrier" + program.sites[site].where +
                     " without having arrived");
  thread.arrived = false;
  thread.state = SimThread::State::AtCluster;
  thread.site = site;
  atCluster.push_back(&thread);
  suspend(thread);
}

uint64_t Block::mapShared(SimThread &thread, uint64_t address, uint32_t rank) {
  if (rank >= cluster.size())
    fail(thread, "maps an address to block " + std::to_string(rank) + " of a cluster of " +
                     std::to_string(cluster.size()));
  return address - uint64_t(shared) + uint64_t(cluster[rank]->shared);
}

/// Bounds and alignment alone: what another block does is not ordered here.
std::optional<std::string> Block::checkCluster(const void *address, uint64_t bytes,
                                               uint32_t align) const {
  for (const Block *block : cluster) {
    uint64_t offset = uint64_t(address) - uint64_t(block->shared);
    if (offset >= block->sharedBytes)
      continue;
    if (bytes > block->sharedBytes - offset)
      return "out of bounds: " + std::to_string(bytes) + " B at byte " + std::to_string(offset) +
             " of the " + std::to_string(block->sharedBytes) + " B of a block of the cluster";
    if (offset % align)
      return "misaligned: byte " + std::to_string(offset) + " of a block of the cluster is no multiple of " +
             std::to_string(align);
    return std::nullopt;
  }
  return "out of bounds: " + hex(uint64_t(address)) + " is in no block of the cluster";
}

/// The first of them will run first, unless the order is shuffled.
void Block::makeReady(SimThread *const *first, size_t count) {
  size_t before = ready.size();
  ready.insert(ready.end(), std::make_reverse_iterator(first + count),
               std::make_reverse_iterator(first));
  if (launch.seed)
    std::shuffle(ready.begin() + before, ready.end(), random);
}

SimThread *Block::nextReady() {
  if (ready.empty())
    return nullptr;
  if (launch.seed)
    std::swap(ready[random() % ready.size()], ready.back());
  SimThread *next = ready.back();
  ready.pop_back();
  return next;
}

void Block::suspend(SimThread &thread) {
  current = nextReady();
  jump(thread.fiber, current ? current->fiber : mainFiber);
}

void Block::finish(SimThread &thread) {
  ++happened;
  thread.state = SimThread::State::Done;
  ++done;
  Warp &warp = warps[thread.warpId];
  warp.exited |= 1u << thread.laneId;
  // The GPU does not wait for lanes that exited; a checked run reports them instead.
  for (uint32_t lane = 0; lane != 32 && !checker && warp.waiting; ++lane)
    if (warp.waiting >> lane & 1)
      completeCollective(threads[thread.warpId * 32 + lane], nullptr);
  suspend(thread);
}

std::string Block::describe(const SimThread &thread) const {
  return "kernel " + program.name + ", block " + triple(thread.ctaid) + ", thread " +
         triple(thread.tid) + ": ";
}

void Block::fail(const SimThread &thread, std::string message) {
  fault = describe(thread) + message;
  message = std::string(); // This frame is never left, so nothing would free it.
  Fiber dead{this};
  jump(dead, mainFiber);
  __builtin_unreachable();
}

void Block::check(SimThread &thread, const void *address, uint64_t bytes, uint32_t align,
                  Space space, AccessKind kind, uint32_t site) {
  const char *p = static_cast<const char *>(address);
  if (checker && space == Space::Cluster) {
    if (auto wrong = checkCluster(address, bytes, align))
      fail(thread, std::move(*wrong));
    return;
  }
  if (!checker || (space == Space::Generic && p >= stacks && p < stacks + stackArea))
    return;
  if (auto wrong = checker->access(thread, address, bytes, align, space, kind, site))
    fail(thread, std::move(*wrong));
  if (profile && reads(kind))
    note(thread, address, bytes, /*load=*/true, site);
  if (profile && !isLoad(kind))
    note(thread, address, bytes, /*load=*/false, site);
}

void Block::note(const SimThread &thread, const void *address, uint64_t bytes, bool load,
                 uint32_t site) {
  uint64_t offset = uint64_t(address) - uint64_t(shared);
  bool isShared = offset < sharedBytes;
  profile->add(thread.index, site, isShared, load, isShared ? offset : uint64_t(address), bytes);
}

void Block::beginCopy(SimThread &thread, const void *to, uint32_t bytes, uint32_t site) {
  if (!checker)
    return;
  if (auto wrong = checker->beginCopy(thread, to, bytes, site))
    fail(thread, std::move(*wrong));
  if (profile)
    note(thread, to, bytes, /*load=*/false, site);
}

void Block::landCopy(SimThread &thread, const void *to, uint32_t bytes) {
  if (checker)
    checker->landCopy(thread, to, bytes);
}

} // namespace halo::sim

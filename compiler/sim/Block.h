// One thread block at run time: its fibers, who waits for what, and who runs next.
//
// A thread runs until it suspends (barrier, warp collective) or ends; the next ready one is resumed
// directly. When nobody is ready and somebody still waits, the block is stuck and the reason is the
// fault. A fault found on a fiber abandons all fibers: compiled code owns nothing.
#pragma once

#include "compiler/sim/AccessProfile.h"
#include "compiler/sim/Checker.h"
#include "compiler/sim/Intrinsics.h"
#include "compiler/sim/SimProgram.h"
#include "runtime/Result.h"

#include <optional>
#include <random>

namespace halo::sim {

class Block;

/// An asynchronous copy between its issue and its wait; the source was read at the issue.
struct AsyncCopy {
  char *to;
  uint32_t bytes;
  uint32_t group; ///< Lands when its group is waited for.
  alignas(16) char data[16];
};

/// A suspended stack: where to resume it, stored by whoever was jumped to.
struct Fiber {
  Block *block = nullptr;
  void *context = nullptr;
};

struct SimThread : ThreadRegisters {
  enum class State : uint8_t { Ready, AtBarrier, AtCollective, AtCluster, Paused, Done };

  Fiber fiber;
  uint32_t index = 0;      ///< Linear in the block.
  State state = State::Ready;
  uint32_t site = 0;       ///< Where it waits.
  uint32_t barrierId = 0;
  uint32_t barrierVotes = 0; ///< Of the barrier it last passed.
  uint32_t mask = 0;
  const uint64_t *in = nullptr;
  uint64_t *out = nullptr;
  std::vector<AsyncCopy> copies;
  uint32_t copyGroups = 0; ///< Committed so far.
  bool arrived = false;    ///< At the cluster's barrier, since it last waited there.
};

/// A warp whose lanes have all arrived.
struct WarpCall {
  Block &block;
  SimThread *lanes; ///< 32 of them, fewer in a short last warp: see `present`.
  uint32_t present; ///< The lanes that take part.
};

class Block {
public:
  Block(const SimProgram &program, const HaloSimLaunch &launch, Checker *checker,
        AccessProfile *profile = nullptr, uint32_t rank = 0);
  ~Block();
  Block(const Block &) = delete;

  /// Maps shared memory and stacks; once, before `run`.
  Result<void> allocate();
  /// The blocks of its cluster by rank, itself among them; they must live as long.
  void join(std::vector<Block *> blocks) { cluster = std::move(blocks); }

  void start(uint32_t x, uint32_t y, uint32_t z);
  /// Runs until all threads have ended, or those that have not wait for the cluster, or wait for
  /// some that pause; a fault otherwise.
  Result<void> advance();
  bool isDone() const { return done == threads.size(); }
  bool canAdvance() const { return !ready.empty(); }
  bool isPausing() const { return !paused.empty(); }
  /// What has happened so far: grows unless threads only look and pause again.
  uint64_t events() const { return happened; }
  /// Lets the threads go on that wait for the cluster, or that pause.
  void passCluster();
  void endPause();
  /// Why nothing has happened any more.
  Error explainPause() const;

  // Called on a fiber.

  void arriveAtCluster(SimThread &thread);
  void waitForCluster(SimThread &thread, uint32_t site);
  /// Lets all others go on before it.
  void pause(SimThread &thread, uint32_t site);
  /// Where the block of that rank has what this one has at a shared address.
  uint64_t mapShared(SimThread &thread, uint64_t address, uint32_t rank);

  /// Waits for `count` threads (0: all) at barrier `id`; `votes` adds to what all then see.
  void barrier(SimThread &thread, uint32_t id, uint32_t count, uint32_t vote, uint32_t site);
  void collective(SimThread &thread, const uint64_t *in, uint64_t *out, uint32_t site);
  /// Ends the run with this message about this thread. The caller's frames are never resumed.
  [[noreturn]] void fail(const SimThread &thread, std::string message);
  /// Checks an access by the thread if this is a checked run.
  void check(SimThread &thread, const void *address, uint64_t bytes, uint32_t align, Space space,
             AccessKind kind, uint32_t site);
  void beginCopy(SimThread &thread, const void *to, uint32_t bytes, uint32_t site);
  void landCopy(SimThread &thread, const void *to, uint32_t bytes);

  const SimProgram &getProgram() const { return program; }
  bool isChecked() const { return checker; }

private:
  struct Barrier {
    uint32_t arrived = 0, expected = 0, votes = 0;
    std::vector<uint32_t> warpSites; ///< 1 + where each warp waits, 0 where it does not.
    std::vector<SimThread *> waiters;
  };
  struct Warp {
    uint32_t waiting = 0, exited = 0;
  };

  void startThreads(uint32_t x, uint32_t y, uint32_t z);
  void makeReady(SimThread *const *first, size_t count);
  SimThread *nextReady();
  void jump(Fiber &from, Fiber &to);
  void runFiber();
  void suspend(SimThread &thread);
  void finish(SimThread &thread);
  void completeBarrier(Barrier &barrier, SimThread &last);
  bool completeCollective(SimThread &waiting, SimThread *self);
  std::string describe(const SimThread &thread) const;
  std::string explainStuck() const;
  std::string explainMissingLane(const SimThread &waiting, uint32_t suspects) const;
  char *stackTop(size_t stack) const;
  void note(const SimThread &thread, const void *address, uint64_t bytes, bool load,
            uint32_t site);

  std::optional<std::string> checkCluster(const void *address, uint64_t bytes, uint32_t align) const;

  friend struct FiberEntry;

  const SimProgram &program;
  const HaloSimLaunch &launch;
  Checker *checker; ///< Null in unchecked runs; not owned.
  AccessProfile *profile; ///< Null where none is wanted, and in unchecked runs; not owned.
  std::vector<SimThread> threads;
  std::vector<Warp> warps;
  std::vector<Barrier> barriers;
  std::vector<SimThread *> ready; ///< Taken from the back.
  std::vector<SimThread *> atCluster, paused;
  uint64_t happened = 0;
  std::vector<Block *> cluster;
  char *shared = nullptr;         ///< In `mapping`, like the stacks.
  uint64_t sharedBytes = 0;
  char *stacks = nullptr; ///< One stack per thread, or one for all where none suspends.
  size_t stackBytes = 0, stackArea = 0;
  void *mapping = nullptr;
  size_t mappingBytes = 0;
  Fiber mainFiber;
  SimThread *current = nullptr;
  size_t done = 0;
  std::mt19937_64 random;
  std::string fault;
};

} // namespace halo::sim

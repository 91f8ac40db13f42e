#include "compiler/sim/Simulator.h"
#include "compiler/sim/Block.h"
#include "compiler/sim/Jit.h"
#include "compiler/sim/Passes.h"

#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace halo::sim {

constexpr uint64_t kMaxSharedBytes = 227 * 1024;
/// Below this many threads in the grid, starting host threads costs more than it saves.
constexpr uint64_t kParallelThreads = 16384;
constexpr unsigned kMaxWorkers = 16;
/// Threads may look and sleep so often while nothing happens.
constexpr uint64_t kMostPauses = 1000;

SimKernel::SimKernel() = default;
SimKernel::~SimKernel() = default;

Result<std::unique_ptr<SimKernel>> SimKernel::create(std::string_view bitcode,
                                                     std::string_view entry, bool checked) {
  std::unique_ptr<SimKernel> kernel(new SimKernel());
  SimProgram &program = kernel->program;
  program.name = std::string(entry);
  program.checked = checked;
  HALO_TRY(jit, Jit::create());
  kernel->jit = std::move(jit);

  auto context = std::make_unique<llvm::LLVMContext>();
  llvm::MemoryBufferRef buffer(llvm::StringRef(bitcode.data(), bitcode.size()), "kernel");
  auto parsed = llvm::parseBitcodeFile(buffer, *context);
  if (!parsed)
    return invalid("not a bitcode module: " + llvm::toString(parsed.takeError()));
  std::unique_ptr<llvm::Module> module = std::move(*parsed);
  std::string broken;
  llvm::raw_string_ostream stream(broken);
  if (llvm::verifyModule(*module, &stream))
    return invalid("the module is broken: " + broken);
  module->setTargetTriple(kernel->jit->triple());
  module->setDataLayout(kernel->jit->dataLayout());

  HALO_TRY(thread, isolateKernel(*module, program));
  HALO_CHECK(placeShared(*thread, program));
  if (checked)
    HALO_CHECK(instrumentAccesses(*thread, program));
  else
    forgetAlignment(*thread);
  HALO_CHECK(lowerIntrinsics(*thread, program));
  HALO_CHECK(expandFloats(*thread, program));
  HALO_CHECK(dropBf16(*thread, program));
  llvm::StripDebugInfo(*module); // The sites have kept what the faults need.
  if (llvm::verifyModule(*module, &stream))
    return failed("kernel " + program.name + ": the simulator's passes broke it: " + broken);
  HALO_CHECK(kernel->jit->compile(std::move(module), std::move(context), program));
  return kernel;
}

Result<void> SimKernel::validate(const HaloSimLaunch &launch) const {
  if (launch.size != sizeof(HaloSimLaunch))
    return invalid("the launch has " + std::to_string(launch.size) + " B, expected " +
                   std::to_string(sizeof(HaloSimLaunch)));
  if (launch.checked && !program.checked)
    return invalid("kernel " + program.name + " was created without checks");
  if (launch.profile && !launch.checked)
    return invalid("kernel " + program.name + ": a profile needs a checked launch");
  uint64_t threads = uint64_t(launch.blockX) * launch.blockY * launch.blockZ;
  if (!threads || threads > program.maxThreads)
    return invalid("kernel " + program.name + ": " + std::to_string(threads) +
                   " threads in a block, expected 1 to " + std::to_string(program.maxThreads));
  if (!launch.gridX || !launch.gridY || !launch.gridZ || launch.gridY > 65535 ||
      launch.gridZ > 65535)
    return invalid("kernel " + program.name + ": grid (" + std::to_string(launch.gridX) + ", " +
                   std::to_string(launch.gridY) + ", " + std::to_string(launch.gridZ) +
                   ") is not 1 or more, and at most 65535 in y and z");
  if (launch.gridX % program.cluster)
    return invalid("kernel " + program.name + ": grid x " + std::to_string(launch.gridX) +
                   " is no multiple of the cluster's " + std::to_string(program.cluster) +
                   " blocks");
  uint64_t shared = program.shared.packedBytes + launch.sharedBytes;
  if (shared > kMaxSharedBytes)
    return invalid("kernel " + program.name + ": shared memory " + std::to_string(shared) +
                   " B exceeds " + std::to_string(kMaxSharedBytes) + " B");
  return {};
}

namespace {

/// Hands out blocks in order and keeps the fault of the first faulty one, whoever finds it.
class Grid {
public:
  explicit Grid(const HaloSimLaunch &launch)
      : launch(launch), blocks(uint64_t(launch.gridX) * launch.gridY * launch.gridZ) {}

  uint64_t size() const { return blocks; }

  /// With the blocks of one cluster, taking one cluster after the other.
  void runBlocks(const std::vector<Block *> &cluster) {
    while (!stopped) {
      uint64_t first = next.fetch_add(cluster.size());
      if (first >= blocks)
        return;
      for (size_t rank = 0; rank != cluster.size(); ++rank) {
        uint64_t i = first + rank, row = i / launch.gridX;
        cluster[rank]->start(uint32_t(i % launch.gridX), uint32_t(row % launch.gridY),
                             uint32_t(row / launch.gridY));
      }
      uint64_t idle = 0, before = 0;
      while (runAll(cluster, first)) {
        auto pausing = [](const Block *block) { return block->isPausing(); };
        bool anyPausing = std::any_of(cluster.begin(), cluster.end(), pausing);
        uint64_t events = 0;
        for (Block *block : cluster) {
          anyPausing ? block->endPause() : block->passCluster();
          events += block->events();
        }
        idle = events == before ? idle + 1 : 0;
        before = events;
        if (idle > kMostPauses)
          return stopPausing(cluster, first);
      }
    }
  }

  void stop(uint64_t block, const Error &error) {
    std::lock_guard<std::mutex> lock(mutex);
    stopped = true;
    if (block < faulty) {
      faulty = block;
      fault = error;
    }
  }

  Result<void> result() const { return stopped ? Result<void>(fault) : Result<void>(); }

private:
  void stopPausing(const std::vector<Block *> &cluster, uint64_t first) {
    for (size_t rank = 0; rank != cluster.size(); ++rank)
      if (cluster[rank]->canAdvance()) // Its sleepers have just been woken.
        return stop(first + rank, cluster[rank]->explainPause());
  }

  /// Each block as far as it goes. False where all have ended or one is faulty.
  bool runAll(const std::vector<Block *> &cluster, uint64_t first) {
    bool waiting = false;
    for (size_t rank = 0; rank != cluster.size(); ++rank) {
      waiting |= !cluster[rank]->isDone() && !cluster[rank]->canAdvance();
      if (!cluster[rank]->canAdvance())
        continue;
      if (Result<void> done = cluster[rank]->advance(); !done) {
        stop(first + rank, done.error());
        return false;
      }
      waiting |= !cluster[rank]->isDone();
    }
    return waiting;
  }

  const HaloSimLaunch &launch;
  uint64_t blocks;
  std::atomic<uint64_t> next{0};
  std::atomic<bool> stopped{false};
  std::mutex mutex;
  uint64_t faulty = ~0ull;
  Error fault;
};

} // namespace

Result<void> SimKernel::run(const HaloSimLaunch &launch, std::string *accesses) const {
  HALO_CHECK(validate(launch));
  Grid grid(launch);
  // A checker follows one block: of a cluster's blocks each has its own.
  std::vector<std::unique_ptr<Checker>> checkers(program.cluster);
  for (std::unique_ptr<Checker> &checker : checkers)
    if (launch.checked)
      checker = std::make_unique<Checker>(program, launch);
  std::unique_ptr<AccessProfile> profile;
  if (launch.profile && accesses)
    profile = std::make_unique<AccessProfile>(program);
  // Checks follow one order of execution, and so must atomics if results are to repeat.
  uint64_t threads = uint64_t(launch.blockX) * launch.blockY * launch.blockZ;
  bool alone = launch.checked || program.hasAtomics || program.hasFences ||
               grid.size() * threads < kParallelThreads;
  uint64_t workers =
      alone ? 1
            : std::min<uint64_t>({std::max(1u, std::thread::hardware_concurrency()), kMaxWorkers,
                                  grid.size()});
  auto work = [&] {
    std::vector<std::unique_ptr<Block>> blocks;
    std::vector<Block *> cluster;
    for (uint32_t rank = 0; rank != program.cluster; ++rank) {
      blocks.push_back(std::make_unique<Block>(program, launch, checkers[rank].get(),
                                               rank ? nullptr : profile.get(), rank));
      if (Result<void> ready = blocks.back()->allocate(); !ready)
        return grid.stop(0, ready.error());
      cluster.push_back(blocks.back().get());
    }
    for (Block *block : cluster)
      block->join(cluster);
    grid.runBlocks(cluster);
  };
  std::vector<std::thread> helpers;
  for (uint64_t i = 1; i < workers; ++i)
    helpers.emplace_back(work);
  work();
  for (std::thread &helper : helpers)
    helper.join();
  if (profile)
    *accesses = profile->json();
  return grid.result();
}

} // namespace halo::sim

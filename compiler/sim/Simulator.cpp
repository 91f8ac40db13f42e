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

  void runBlocks(Block &block) {
    while (!stopped) {
      uint64_t i = next++;
      if (i >= blocks)
        return;
      uint64_t row = i / launch.gridX;
      Result<void> done = block.run(uint32_t(i % launch.gridX), uint32_t(row % launch.gridY),
                                    uint32_t(row / launch.gridY));
      if (!done)
        stop(i, done.error());
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
  std::unique_ptr<Checker> checker;
  if (launch.checked)
    checker = std::make_unique<Checker>(program, launch);
  std::unique_ptr<AccessProfile> profile;
  if (launch.profile && accesses)
    profile = std::make_unique<AccessProfile>(program);
  // Checks follow one order of execution, and so must atomics if results are to repeat.
  uint64_t threads = uint64_t(launch.blockX) * launch.blockY * launch.blockZ;
  bool alone = checker || program.hasAtomics || program.hasFences ||
               grid.size() * threads < kParallelThreads;
  uint64_t workers =
      alone ? 1
            : std::min<uint64_t>({std::max(1u, std::thread::hardware_concurrency()), kMaxWorkers,
                                  grid.size()});
  auto work = [&] {
    Block block(program, launch, checker.get(), profile.get());
    if (Result<void> ready = block.allocate(); !ready)
      return grid.stop(0, ready.error());
    grid.runBlocks(block);
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

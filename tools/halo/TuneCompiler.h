// Compiles candidates on all cores, in order, while the caller takes what is ready.
#pragma once

#include "runtime/KernelCompiler.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace halo::tool {

/// A candidate's artifact, or why there is none.
struct CompiledCandidate {
  size_t index = 0;
  Result<Artifact> artifact = failed("not compiled");
};

/// The destructor waits for the compiles that have begun.
class TuneCompiler {
public:
  TuneCompiler(const Problem &problem, const CompileTarget &target, std::vector<Schedule> schedules,
               unsigned numThreads);
  ~TuneCompiler();

  /// The next finished one, in the order of finishing; none after `milliseconds`, or when no more
  /// will come.
  std::optional<CompiledCandidate> take(int64_t milliseconds);
  bool drained();
  /// No more compiles begin.
  void stop() { stopped = true; }
  size_t numBegun() const { return std::min<size_t>(next, schedules.size()); }

private:
  const Problem problem;
  const CompileTarget target;
  const std::vector<Schedule> schedules;
  std::atomic<size_t> next{0};
  std::atomic<bool> stopped{false};
  std::mutex mutex;
  std::condition_variable ready;
  std::vector<CompiledCandidate> finished;
  size_t numRunning = 0;
  std::vector<std::thread> threads;

  void work();
};

} // namespace halo::tool

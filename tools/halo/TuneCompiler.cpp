#include "tools/halo/TuneCompiler.h"

#include <algorithm>
#include <chrono>

using namespace halo;
using namespace halo::tool;

TuneCompiler::TuneCompiler(const Problem &problem, const CompileTarget &target,
                           std::vector<Schedule> all, unsigned numThreads)
    : problem(problem), target(target), schedules(std::move(all)) {
  numRunning = std::clamp<size_t>(numThreads, 1, std::max<size_t>(1, schedules.size()));
  for (size_t i = 0; i < numRunning; ++i)
    threads.emplace_back([this] { work(); });
}

TuneCompiler::~TuneCompiler() {
  stop();
  for (std::thread &thread : threads)
    thread.join();
}

void TuneCompiler::work() {
  for (;;) {
    size_t index = stopped ? schedules.size() : next++;
    if (index >= schedules.size())
      break;
    CompiledCandidate done;
    done.index = index;
    CompileOptions options;
    options.schedule = schedules[index].print();
    options.cache = false; // Most of them lose; the winner's first compile keeps it.
    Result<CompiledKernel> compiled = compileKernel(target, problem, options);
    done.artifact = compiled ? Result<Artifact>(std::move(compiled->artifact))
                             : Result<Artifact>(compiled.error());
    std::lock_guard<std::mutex> lock(mutex);
    finished.push_back(std::move(done));
    ready.notify_all();
  }
  std::lock_guard<std::mutex> lock(mutex);
  --numRunning;
  ready.notify_all();
}

std::optional<CompiledCandidate> TuneCompiler::take(int64_t milliseconds) {
  std::unique_lock<std::mutex> lock(mutex);
  ready.wait_for(lock, std::chrono::milliseconds(milliseconds),
                 [&] { return !finished.empty() || numRunning == 0; });
  if (finished.empty())
    return std::nullopt;
  CompiledCandidate first = std::move(finished.front());
  finished.erase(finished.begin());
  return first;
}

bool TuneCompiler::drained() {
  std::lock_guard<std::mutex> lock(mutex);
  return finished.empty() && numRunning == 0;
}

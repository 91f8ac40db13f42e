// The worker process of `halo tune` (TuneWorkerCommand.cpp), as its parent sees it. What hangs is
// killed with the process; what crashes is found by its signal.
#pragma once

#include "runtime/KernelCompiler.h"
#include "tools/halo/TuneWire.h"

#include <memory>
#include <string>
#include <sys/types.h>

namespace halo::tool {

/// What the worker says about its device.
struct DeviceFacts {
  std::string name, kind;
  CompileTarget target;
};

/// Not thread-safe. The destructor kills the process and waits for it.
class TuneWorker {
public:
  /// Starts `program` ("" is this program), opens `device` in it and waits for its facts.
  static Result<std::unique_ptr<TuneWorker>> start(const std::string &program,
                                                   const std::string &device);
  ~TuneWorker();
  TuneWorker(const TuneWorker &) = delete;

  const DeviceFacts &facts() const { return device; }
  /// One question and its answer. An answer {"error": ...} is a Failed error and the worker lives;
  /// after a crash or `milliseconds` without an answer it is dead, and the error says how.
  Result<nlohmann::json> ask(const Message &message, int64_t milliseconds);
  bool alive() const { return process > 0; }

private:
  TuneWorker() = default;
  pid_t process = -1;
  int socket = -1;
  DeviceFacts device;

  /// Ends the process and tells how it ended where it already had.
  std::string bury();
};

} // namespace halo::tool

// libhalo_compiler.so, opened when first needed. The only place that knows it is a library.
#pragma once

#include "runtime/CompilerAbi.h"
#include "runtime/Export.h"
#include "runtime/Result.h"

#include <memory>
#include <string>
#include <string_view>

namespace halo {

/// What one request gave.
struct Reply {
  std::string json;
  std::string blob;
};

/// Thread-safe, as the ABI is.
class HALO_API CompilerLibrary {
public:
  /// The process's compiler, opened once: HALO_COMPILER_LIBRARY if set, else the file beside
  /// libhalo_runtime.so. A failure is remembered as well.
  static Result<CompilerLibrary *> get();
  /// Opens one by path. It stays loaded until the process ends: LLVM does not unload cleanly.
  static Result<std::unique_ptr<CompilerLibrary>> open(const std::string &path);
  /// Where get() looks.
  static std::string defaultPath();
  /// The build id of get()'s library: of the one that is open, else read from the file without
  /// loading it. Empty where there is no library, or none that says.
  static std::string currentBuildId();

  std::string_view buildId() const { return buildIdText; }
  /// Runs one request of CompilerAbi.h. A refused request keeps the compiler's sentence.
  Result<Reply> call(const std::string &request);

  Result<HaloSimKernel *> createSim(std::string_view bitcode, const std::string &entry,
                                    bool checked);
  /// The text is empty, or the profile that the launch asks for.
  Result<std::string> runSim(HaloSimKernel *kernel, const HaloSimLaunch &launch);
  void destroySim(HaloSimKernel *kernel);

private:
  CompilerLibrary() = default;
  /// Copies the reply out and gives it back; `status` decides between value and error.
  Result<Reply> finish(int status, HaloReply &reply, const char *what);

  decltype(&haloCompilerCall) callFunction = nullptr;
  decltype(&haloCompilerFree) freeFunction = nullptr;
  decltype(&haloSimCreate) simCreate = nullptr;
  decltype(&haloSimRun) simRun = nullptr;
  decltype(&haloSimDestroy) simDestroy = nullptr;
  std::string buildIdText;
};

} // namespace halo

#include "tools/halo/TargetOptions.h"

#include "runtime/Packs.h"
#include "tools/halo/Suggest.h"

#include <algorithm>

using namespace halo;
using namespace halo::tool;

std::vector<Option> halo::tool::targetOptions() {
  return {
      {"--arch", "ARCH", "the target, as sm_90; by default the GPU's, or sm_90 without one"},
      {"--emit", "STAGE", "halo, gpu, llvm, ptx (default), cubin, sass, or sim for the simulator"},
      {"--schedule", "TEXT", "block_n=64,num_warps=4,...; by default a tuned or the analytic one"},
  };
}

Result<CompileTarget> halo::tool::parseTarget(const Arguments &arguments) {
  static const std::vector<std::string> emits = {"halo",  "gpu",  "llvm", "ptx",
                                                 "cubin", "sass", "sim"};
  std::string arch = arguments.value("--arch"), emit = arguments.value("--emit", "ptx");
  if (std::find(emits.begin(), emits.end(), emit) == emits.end())
    return invalid(unknown("value of --emit", emit, emits));
  CompileTarget target;
  // Asking the driver takes longer than most of what follows.
  if (!arch.empty())
    target.arch = arch;
  else if (Result<std::shared_ptr<Device>> device = openCudaDevice())
    target = targetOf(**device);
  target.emit = emit == "sass" ? "cubin" : emit;
  return target;
}

Option halo::tool::packOption() {
  return {"--pack", "FILE",
          "a kernel pack, or a folder of them, asked before the cache and the compiler", true};
}

Result<void> halo::tool::openPacks(const Arguments &arguments) {
  // The first named is asked first.
  for (const std::string &path : arguments.values("--pack"))
    HALO_CHECK(Packs::get().open(path));
  return {};
}

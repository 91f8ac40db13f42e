#include "tools/halo/Probes.h"

#include "runtime/CompilerLibrary.h"
#include "runtime/Device.h"
#include "runtime/Environment.h"
#include "runtime/Toolkit.h"
#include "tools/halo/Disassembler.h"

#include <fmt/format.h>

#include <cstdlib>
#include <dlfcn.h>
#include <unistd.h>

using namespace halo;
using namespace halo::tool;

Finding halo::tool::probeDriver() {
  Finding finding{"driver", false, "", "install NVIDIA's driver; the simulator works without it"};
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    finding.state = "libcuda.so.1 cannot be opened";
    return finding;
  }
  // Works without a GPU, unlike everything behind cuInit.
  auto getVersion = reinterpret_cast<int (*)(int *)>(dlsym(library, "cuDriverGetVersion"));
  int version = 0;
  if (!getVersion || getVersion(&version) != 0) {
    finding.state = "libcuda.so.1 does not tell its version";
    return finding;
  }
  finding.present = true;
  finding.state =
      fmt::format("libcuda.so.1, up to CUDA {}.{}", version / 1000, version % 1000 / 10);
  finding.mend.clear();
  return finding;
}

std::vector<Finding> halo::tool::probeGpus() {
  std::vector<Finding> findings;
  for (int ordinal = 0;; ++ordinal) {
    Result<std::shared_ptr<Device>> device = openCudaDevice(ordinal);
    if (!device) {
      if (findings.empty())
        findings.push_back({"gpu", false, device.error().message,
                            "use a machine with an NVIDIA GPU, or --device sim"});
      return findings;
    }
    DeviceTraits traits = (*device)->traits();
    findings.push_back({fmt::format("gpu {}", ordinal), true,
                        fmt::format("{}, {}, {} SMs, {} KiB shared memory per block, {} MiB L2",
                                    (*device)->name(), (*device)->arch(), traits.sms,
                                    traits.sharedPerBlock >> 10, traits.l2Bytes >> 20),
                        ""});
  }
}

Finding halo::tool::probeCompiler() {
  Result<CompilerLibrary *> library = CompilerLibrary::get();
  if (library)
    return {"compiler", true,
            fmt::format("{}, build {}", CompilerLibrary::defaultPath(), (*library)->buildId()), ""};
  return {"compiler", false, library.error().message,
          fmt::format("put libhalo_compiler.so beside libhalo_runtime.so, or name it in {}",
                      kCompilerLibrary.name)};
}

Finding halo::tool::probeSimulator() {
  Result<std::shared_ptr<Device>> device = openSimDevice();
  if (device)
    return {"simulator", true, (*device)->name(), ""};
  return {"simulator", false, device.error().message, "it comes with the compiler: see there"};
}

std::vector<Finding> halo::tool::probeToolkit() {
  auto finding = [](const char *what, const std::string &path, const char *mend) {
    bool present = !path.empty() && (path[0] != '/' || access(path.c_str(), R_OK) == 0);
    std::string state = present ? path : path.empty() ? "not found" : path + " cannot be read";
    return Finding{what, present, state, present ? "" : mend};
  };
  return {
      finding("nvJitLink", findNvJitLink(),
              "install the CUDA toolkit's nvJitLink or name it in HALO_NVJITLINK; without it ptxas "
              "assembles, slower"),
      finding("ptxas", findPtxas(),
              "install the CUDA toolkit's ptxas; with nvJitLink it is not needed"),
      finding("disassembler", findDisassembler(),
              "install nvdisasm or name one in HALO_NVDISASM; only --emit sass needs it"),
  };
}

std::vector<Variable> halo::tool::readEnvironment() {
  std::vector<Variable> variables;
  for (const EnvironmentVariable &variable : kEnvironment) {
    // An empty value is a value here: the user sees what he set.
    const char *value = std::getenv(variable.name);
    variables.push_back(
        {variable.name, value ? value : "", variable.keyField, variable.meaning, value != nullptr});
  }
  return variables;
}

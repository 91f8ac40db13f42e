#include "runtime/CompilerLibrary.h"

#include "runtime/Environment.h"
#include "runtime/FileIdentity.h"
#include "runtime/Json.h"

#include <fmt/format.h>

#include <atomic>
#include <dlfcn.h>

namespace halo {

namespace {

constexpr const char *kFileName = "libhalo_compiler.so";
constexpr const char *kWithout = "without the compiler only packs and cached kernels are available";

template <typename Function> bool findSymbol(void *library, const char *name, Function *&function) {
  function = reinterpret_cast<Function *>(dlsym(library, name));
  return function != nullptr;
}

/// The sentence in a reply: {"error": ...}, or the whole text where it is no such object.
std::string errorText(const std::string &text, bool &lacking) {
  auto document = parseJson(text);
  if (!document.is_object())
    return text;
  auto missing = document.find("unavailable");
  lacking = missing != document.end() && missing->is_boolean() && missing->get<bool>();
  if (auto error = document.find("error"); error != document.end() && error->is_string())
    return error->get<std::string>();
  return text;
}

} // namespace

std::string CompilerLibrary::defaultPath() {
  if (std::string path = environment(kCompilerLibrary); !path.empty())
    return path;
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&CompilerLibrary::defaultPath), &info) || !info.dli_fname)
    return kFileName;
  std::string self = info.dli_fname;
  size_t slash = self.rfind('/');
  return slash == std::string::npos ? kFileName : self.substr(0, slash + 1) + kFileName;
}

/// get()'s library, once it is open.
static std::atomic<CompilerLibrary *> current{nullptr};

Result<CompilerLibrary *> CompilerLibrary::get() {
  // Never destroyed: kernels of the simulator may outlive every static object.
  static auto *opened = new Result<std::unique_ptr<CompilerLibrary>>(open(defaultPath()));
  if (!*opened)
    return opened->error();
  current = (*opened)->get();
  return (*opened)->get();
}

std::string CompilerLibrary::currentBuildId() {
  if (CompilerLibrary *library = current)
    return std::string(library->buildId());
  static const std::string path = defaultPath();
  return elfBuildId(path);
}

Result<std::unique_ptr<CompilerLibrary>> CompilerLibrary::open(const std::string &path) {
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *why = dlerror();
    return unavailable(
        fmt::format("the compiler cannot be loaded: {}; {}", why ? why : path, kWithout));
  }
  std::unique_ptr<CompilerLibrary> library(new CompilerLibrary);
  decltype(&haloCompilerAbiVersion) version = nullptr;
  decltype(&haloCompilerBuildId) buildId = nullptr;
  if (!findSymbol(handle, "haloCompilerAbiVersion", version))
    return unavailable(fmt::format("{} is no Halo compiler; {}", path, kWithout));
  if (version() != HALO_COMPILER_ABI_VERSION)
    return unavailable(fmt::format("{} speaks ABI version {} where this runtime speaks {}; {}",
                                   path, version(), HALO_COMPILER_ABI_VERSION, kWithout));
  if (!findSymbol(handle, "haloCompilerBuildId", buildId) ||
      !findSymbol(handle, "haloCompilerCall", library->callFunction) ||
      !findSymbol(handle, "haloCompilerFree", library->freeFunction) ||
      !findSymbol(handle, "haloSimCreate", library->simCreate) ||
      !findSymbol(handle, "haloSimRun", library->simRun) ||
      !findSymbol(handle, "haloSimDestroy", library->simDestroy))
    return unavailable(fmt::format("{} lacks functions of ABI version {}; {}", path,
                                   HALO_COMPILER_ABI_VERSION, kWithout));
  library->buildIdText = buildId();
  return library;
}

Result<Reply> CompilerLibrary::finish(int status, HaloReply &reply, const char *what) {
  Reply copy;
  if (reply.json)
    copy.json = reply.json;
  if (reply.blob)
    copy.blob.assign(reply.blob, reply.blobSize);
  freeFunction(&reply);
  if (status == 0)
    return copy;
  bool lacking = false;
  std::string message = errorText(copy.json, lacking);
  if (message.empty())
    message = fmt::format("{} failed with status {} and no reason", what, status);
  return status == 2 ? invalid(message) : lacking ? unavailable(message) : failed(message);
}

Result<Reply> CompilerLibrary::call(const std::string &request) {
  HaloReply reply{};
  int status = callFunction(request.data(), request.size(), &reply);
  return finish(status, reply, "the compiler");
}

Result<HaloSimKernel *> CompilerLibrary::createSim(std::string_view bitcode,
                                                   const std::string &entry, bool checked) {
  HaloReply reply{};
  HaloSimKernel *kernel = nullptr;
  int status = simCreate(bitcode.data(), bitcode.size(), entry.c_str(), checked, &kernel, &reply);
  HALO_TRY(done, finish(status, reply, "the simulator"));
  (void)done;
  return kernel;
}

Result<std::string> CompilerLibrary::runSim(HaloSimKernel *kernel, const HaloSimLaunch &launch) {
  HaloReply reply{};
  int status = simRun(kernel, &launch, &reply);
  HALO_TRY(done, finish(status, reply, "the simulator"));
  return done.json;
}

void CompilerLibrary::destroySim(HaloSimKernel *kernel) { simDestroy(kernel); }

} // namespace halo

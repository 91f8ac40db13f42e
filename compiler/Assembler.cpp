#include "compiler/Assembler.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <vector>

namespace halo::compiler {

namespace {

/// The five functions we use. Types restated: building needs no CUDA header.
struct NvJitLink {
  using Handle = void *;
  int (*create)(Handle *, uint32_t, const char **) = nullptr;
  int (*destroy)(Handle *) = nullptr;
  int (*addData)(Handle, int, const void *, size_t, const char *) = nullptr;
  int (*complete)(Handle) = nullptr;
  int (*cubinSize)(Handle, size_t *) = nullptr;
  int (*cubin)(Handle, void *) = nullptr;
  int (*errorLogSize)(Handle, size_t *) = nullptr;
  int (*errorLog)(Handle, char *) = nullptr;
  int (*infoLogSize)(Handle, size_t *) = nullptr;
  int (*infoLog)(Handle, char *) = nullptr;
  std::string name;
};
constexpr int kInputPtx = 2; // NVJITLINK_INPUT_PTX

std::string ownFolder() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&ownFolder), &info) || !info.dli_fname)
    return {};
  return llvm::sys::path::parent_path(info.dli_fname).str();
}

std::string variable(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

/// Where the library may lie, best first: named by hand, beside us, the toolkit, NVIDIA's wheels.
std::vector<std::string> libraryPlaces() {
  std::vector<std::string> places;
  if (std::string given = variable("HALO_NVJITLINK"); !given.empty())
    return {given};
  std::vector<std::string> folders = {ownFolder()};
  for (const char *root : {"CUDA_HOME", "CUDA_PATH"})
    if (std::string folder = variable(root); !folder.empty())
      folders.push_back(folder + "/lib64");
  folders.push_back("/usr/local/cuda/lib64");
  for (const std::string &folder : folders)
    for (const char *name : {"libnvJitLink.so.13", "libnvJitLink.so.12", "libnvJitLink.so"})
      places.push_back(folder + "/" + name);
  for (const char *name : {"libnvJitLink.so.13", "libnvJitLink.so.12", "libnvJitLink.so"})
    places.push_back(name);
  return places;
}

const NvJitLink *nvJitLink() {
  static const NvJitLink *found = []() -> const NvJitLink * {
    for (const std::string &place : libraryPlaces()) {
      void *library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
      if (!library)
        continue;
      auto *api = new NvJitLink;
      bool complete = true;
      auto bind = [&](auto &function, const char *name) {
        function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
        complete &= function != nullptr;
      };
      bind(api->create, "nvJitLinkCreate");
      bind(api->destroy, "nvJitLinkDestroy");
      bind(api->addData, "nvJitLinkAddData");
      bind(api->complete, "nvJitLinkComplete");
      bind(api->cubinSize, "nvJitLinkGetLinkedCubinSize");
      bind(api->cubin, "nvJitLinkGetLinkedCubin");
      bind(api->errorLogSize, "nvJitLinkGetErrorLogSize");
      bind(api->errorLog, "nvJitLinkGetErrorLog");
      bind(api->infoLogSize, "nvJitLinkGetInfoLogSize");
      bind(api->infoLog, "nvJitLinkGetInfoLog");
      unsigned major = 0, minor = 0;
      int (*version)(unsigned *, unsigned *) = nullptr;
      bind(version, "nvJitLinkVersion");
      if (complete && version(&major, &minor) == 0) {
        api->name = "nvJitLink " + std::to_string(major) + "." + std::to_string(minor) + " (" +
                    place + ")";
        return api;
      }
      delete api;
      dlclose(library);
    }
    return nullptr;
  }();
  return found;
}

std::string ptxasPath() {
  if (std::string given = variable("HALO_PTXAS"); !given.empty())
    return given;
  std::vector<std::string> folders;
  for (const char *root : {"CUDA_HOME", "CUDA_PATH"})
    if (std::string folder = variable(root); !folder.empty())
      folders.push_back(folder + "/bin");
  folders.push_back("/usr/local/cuda/bin");
  for (const std::string &folder : folders)
    if (std::string path = folder + "/ptxas"; llvm::sys::fs::can_execute(path))
      return path;
  auto onPath = llvm::sys::findProgramByName("ptxas");
  return onPath ? *onPath : "";
}

/// The number before `unit` in the assembler's report, summed over its occurrences; -1 if absent.
int reported(llvm::StringRef log, llvm::StringRef unit) {
  int total = -1;
  for (size_t at = log.find(unit); at != llvm::StringRef::npos; at = log.find(unit, at + 1)) {
    llvm::StringRef before = log.take_front(at).rtrim();
    size_t start = before.find_last_not_of("0123456789");
    int number;
    if (!before.drop_front(start == llvm::StringRef::npos ? 0 : start + 1)
             .getAsInteger(10, number))
      total = std::max(total, 0) + number;
  }
  return total;
}

void readReport(Cubin &cubin) {
  llvm::StringRef log = cubin.log;
  cubin.registers = reported(log, "registers");
  cubin.stackBytes = reported(log, "bytes stack frame");
  int stores = reported(log, "bytes spill stores"), loads = reported(log, "bytes spill loads");
  cubin.spillBytes = stores < 0 || loads < 0 ? -1 : stores + loads;
  cubin.sharedBytes = std::max(0, reported(log, "bytes smem"));
}

Result<Cubin> assembleInProcess(const NvJitLink &api, const std::string &ptx,
                                const std::string &arch) {
  NvJitLink::Handle handle = nullptr;
  std::string archOption = "-arch=" + arch;
  const char *options[] = {archOption.c_str(), "-Xptxas=-v"};
  if (int code = api.create(&handle, 2, options))
    return failed("nvJitLink refuses " + arch + " (code " + std::to_string(code) + "): " +
                  api.name + " is too old or too new for it");
  auto log = [&](auto sizeOf, auto read) {
    size_t size = 0;
    if (sizeOf(handle, &size) || size == 0)
      return std::string();
    std::string text(size, '\0');
    read(handle, text.data());
    text.resize(strnlen(text.c_str(), size));
    return text;
  };
  // Complete has been seen to succeed with an empty cubin after AddData had failed: check both.
  int added = api.addData(handle, kInputPtx, ptx.data(), ptx.size(), "halo.ptx");
  int completed = added ? added : api.complete(handle);
  size_t size = 0;
  if (!completed)
    completed = api.cubinSize(handle, &size);
  Cubin cubin;
  if (!completed) {
    cubin.code.resize(size);
    completed = api.cubin(handle, cubin.code.data());
    cubin.log = log(api.infoLogSize, api.infoLog);
  }
  std::string error = completed ? log(api.errorLogSize, api.errorLog) : "";
  api.destroy(&handle);
  if (completed || size == 0)
    return failed("nvJitLink failed with code " + std::to_string(completed) + ": " +
                  llvm::StringRef(error).split('\n').first.str());
  readReport(cubin);
  return cubin;
}

Result<Cubin> assembleByChild(const std::string &ptxas, const std::string &ptx,
                              const std::string &arch) {
  llvm::SmallString<128> in, out, err;
  auto fail = [](const std::string &what) { return failed(what); };
  int fd;
  if (llvm::sys::fs::createTemporaryFile("halo", "ptx", fd, in) ||
      llvm::sys::fs::createTemporaryFile("halo", "cubin", out) ||
      llvm::sys::fs::createTemporaryFile("halo", "log", err))
    return fail("no temporary file for ptxas can be made");
  llvm::FileRemover removeIn(in), removeOut(out), removeErr(err);
  {
    llvm::raw_fd_ostream stream(fd, /*shouldClose=*/true);
    stream << ptx;
  }
  std::string archOption = "-arch=" + arch;
  llvm::StringRef arguments[] = {ptxas, "-v", "-O3", archOption, in, "-o", out};
  std::optional<llvm::StringRef> redirects[] = {std::nullopt, llvm::StringRef(err),
                                                llvm::StringRef(err)};
  std::string message;
  int code = llvm::sys::ExecuteAndWait(ptxas, arguments, std::nullopt, redirects, 0, 0, &message);
  Cubin cubin;
  if (auto text = llvm::MemoryBuffer::getFile(err))
    cubin.log = (*text)->getBuffer().str();
  if (code)
    return fail("ptxas failed with status " + std::to_string(code) + ": " +
                llvm::StringRef(cubin.log).split('\n').first.str() + message);
  auto bytes = llvm::MemoryBuffer::getFile(out);
  if (!bytes)
    return fail("ptxas left no cubin");
  cubin.code = (*bytes)->getBuffer().str();
  readReport(cubin);
  return cubin;
}

} // namespace

std::string assemblerName() {
  if (variable("HALO_NVJITLINK") != "none")
    if (const NvJitLink *api = nvJitLink())
      return api->name;
  std::string ptxas = ptxasPath();
  return ptxas.empty() || ptxas == "none" ? "" : "ptxas (" + ptxas + ")";
}

Result<Cubin> assemble(const std::string &ptx, const std::string &arch) {
  if (variable("HALO_NVJITLINK") != "none")
    if (const NvJitLink *api = nvJitLink())
      return assembleInProcess(*api, ptx, arch);
  if (std::string ptxas = ptxasPath(); !ptxas.empty() && ptxas != "none")
    return assembleByChild(ptxas, ptx, arch);
  return unavailable("no assembler: neither libnvJitLink (pip install nvidia-nvjitlink, or set "
                     "HALO_NVJITLINK) nor ptxas (set HALO_PTXAS) was found");
}

} // namespace halo::compiler

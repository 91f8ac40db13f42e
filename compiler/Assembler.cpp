#include "compiler/Assembler.h"

#include "runtime/Toolkit.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>
#include <dlfcn.h>
#include <map>
#include <memory>
#include <mutex>

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

/// The library at `path`, opened once and kept; what is wrong with it otherwise.
Result<const NvJitLink *> openNvJitLink(const std::string &path) {
  static std::mutex mutex;
  static auto *opened = new std::map<std::string, std::unique_ptr<NvJitLink>>;
  std::lock_guard<std::mutex> guard(mutex);
  if (auto found = opened->find(path); found != opened->end())
    return found->second.get();
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *why = dlerror();
    return unavailable(std::string("nvJitLink cannot be loaded: ") + (why ? why : path.c_str()) +
                       "; HALO_NVJITLINK=none uses ptxas instead");
  }
  auto api = std::make_unique<NvJitLink>();
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
  if (!complete || version(&major, &minor) != 0)
    return unavailable(path + " is no nvJitLink that Halo knows; HALO_NVJITLINK=none uses ptxas "
                              "instead");
  api->name =
      "nvJitLink " + std::to_string(major) + "." + std::to_string(minor) + " (" + path + ")";
  return opened->emplace(path, std::move(api)).first->second.get();
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
                                const std::string &arch, bool lines) {
  NvJitLink::Handle handle = nullptr;
  std::string archOption = "-arch=" + arch;
  const char *options[] = {archOption.c_str(), "-Xptxas=-v", "-lineinfo"};
  if (int code = api.create(&handle, lines ? 3 : 2, options))
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
                              const std::string &arch, bool lines) {
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
  llvm::SmallVector<llvm::StringRef> arguments = {ptxas, "-v", "-O3", archOption, in, "-o", out};
  if (lines)
    arguments.push_back("-lineinfo");
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
  Assembler found = findAssembler();
  if (found.kind == Assembler::Kind::Ptxas)
    return "ptxas (" + found.path + ")";
  if (found.kind == Assembler::Kind::NvJitLink)
    if (Result<const NvJitLink *> api = openNvJitLink(found.path))
      return (*api)->name;
  return "";
}

Result<Cubin> assemble(const std::string &ptx, const std::string &arch, bool lines) {
  HALO_TRY(found, requireAssembler());
  if (found.kind == Assembler::Kind::Ptxas)
    return assembleByChild(found.path, ptx, arch, lines);
  HALO_TRY(api, openNvJitLink(found.path));
  return assembleInProcess(*api, ptx, arch, lines);
}

} // namespace halo::compiler

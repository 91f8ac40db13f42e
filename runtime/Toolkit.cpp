#include "runtime/Toolkit.h"

#include "runtime/CompilerLibrary.h"
#include "runtime/Environment.h"
#include "runtime/FileIdentity.h"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>
#include <vector>

namespace halo {

namespace {

constexpr const char *kLibraries[] = {"libnvJitLink.so.13", "libnvJitLink.so.12",
                                      "libnvJitLink.so"};

/// `folders` of every toolkit there may be, best first.
std::vector<std::string> toolkitFolders(std::initializer_list<const char *> folders) {
  std::vector<std::string> found;
  for (const std::string &root :
       {environment(kCudaHome), environment(kCudaPath), std::string("/usr/local/cuda")})
    for (const char *folder : folders)
      if (!root.empty())
        found.push_back(root + "/" + folder);
  return found;
}

/// Where the dynamic loader finds a library by its name alone. The one search that loads: the
/// library stays, for the compiler to use.
std::string askLoader() {
  for (const char *name : kLibraries) {
    void *library = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    link_map *map = nullptr;
    if (library && dlinfo(library, RTLD_DI_LINKMAP, &map) == 0 && map && map->l_name)
      return map->l_name;
  }
  return "";
}

} // namespace

std::string findNvJitLink() {
  if (std::string given = environment(kNvJitLink); !given.empty())
    return given == "none" ? "" : given;
  std::vector<std::string> folders = toolkitFolders({"lib64", "lib"});
  std::string compiler = CompilerLibrary::defaultPath();
  if (size_t slash = compiler.rfind('/'); slash != std::string::npos)
    folders.insert(folders.begin(), compiler.substr(0, slash));
  for (const std::string &folder : folders)
    for (const char *name : kLibraries)
      if (std::string path = folder + "/" + name; access(path.c_str(), R_OK) == 0)
        return path;
  static const std::string loaders = askLoader();
  return loaders;
}

std::string findPtxas() {
  if (std::string given = environment(kPtxas); !given.empty())
    return given == "none" ? "" : given;
  std::vector<std::string> folders = toolkitFolders({"bin"});
  std::string path = environment(kPath);
  for (size_t begin = 0; begin < path.size();) {
    size_t end = path.find(':', begin);
    end = end == std::string::npos ? path.size() : end;
    if (end > begin)
      folders.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  for (const std::string &folder : folders)
    if (std::string program = folder + "/ptxas"; access(program.c_str(), X_OK) == 0)
      return program;
  return "";
}

Assembler findAssembler() {
  if (std::string library = findNvJitLink(); !library.empty())
    return {Assembler::Kind::NvJitLink, library};
  if (std::string program = findPtxas(); !program.empty())
    return {Assembler::Kind::Ptxas, program};
  return {};
}

Result<Assembler> requireAssembler() {
  Assembler found = findAssembler();
  if (found.kind == Assembler::Kind::None)
    return unavailable("no assembler: neither libnvJitLink (pip install nvidia-nvjitlink, or set "
                       "HALO_NVJITLINK) nor ptxas (set HALO_PTXAS) was found");
  return found;
}

Result<std::string> assemblerIdentity() {
  HALO_TRY(found, requireAssembler());
  HALO_TRY(identity, fileIdentity(found.path));
  return (found.kind == Assembler::Kind::NvJitLink ? "nvjitlink " : "ptxas ") + identity;
}

} // namespace halo

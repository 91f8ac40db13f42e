#include "compiler/BuildId.h"

#include <cstdint>
#include <cstring>
#include <elf.h>
#include <link.h>
#include <string>

namespace halo::compiler {

/// The build id of the loaded object that contains `us`, empty if another.
static std::string readNotes(const dl_phdr_info &object, uintptr_t us) {
  bool ours = false;
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const auto &segment = object.dlpi_phdr[i];
    uintptr_t begin = object.dlpi_addr + segment.p_vaddr;
    ours |= segment.p_type == PT_LOAD && us >= begin && us < begin + segment.p_memsz;
  }
  for (int i = 0; ours && i < object.dlpi_phnum; ++i) {
    const auto &segment = object.dlpi_phdr[i];
    if (segment.p_type != PT_NOTE)
      continue;
    auto *at = reinterpret_cast<const char *>(object.dlpi_addr + segment.p_vaddr);
    for (const char *end = at + segment.p_memsz; at + sizeof(ElfW(Nhdr)) <= end;) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof note);
      const char *name = at + sizeof note, *bytes = name + (note.n_namesz + 3) / 4 * 4;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && !std::memcmp(name, "GNU", 4)) {
        std::string id;
        for (unsigned k = 0; k < note.n_descsz; ++k) {
          static const char digits[] = "0123456789abcdef";
          id += digits[uint8_t(bytes[k]) >> 4];
          id += digits[bytes[k] & 15];
        }
        return id;
      }
      at = bytes + (note.n_descsz + 3) / 4 * 4;
    }
  }
  return {};
}

const char *buildId() {
  static const std::string id = [] {
    std::string found;
    auto visit = [](dl_phdr_info *object, size_t, void *out) {
      auto &found = *static_cast<std::string *>(out);
      found = readNotes(*object, reinterpret_cast<uintptr_t>(&buildId));
      return found.empty() ? 0 : 1;
    };
    dl_iterate_phdr(visit, &found);
    return found.empty() ? std::string("unknown") : found;
  }();
  return id.c_str();
}

} // namespace halo::compiler

#include "tools/halo/inspect/CubinFile.h"

#include "runtime/Target.h"

#include <fmt/format.h>

#include <cstring>
#include <elf.h>
#include <optional>

using namespace halo;
using namespace halo::tool;

static constexpr uint16_t kCudaMachine = 190;
static constexpr int kReservesInFile =
    90; ///< From sm_90 on a function's shared memory has its reserve.
static constexpr uint8_t kNewFlags = 8; ///< ABI version: the architecture is in the second byte.
// Attributes of .nv.info: a format byte, the attribute, then a value or the size of what follows.
static constexpr uint8_t kSized = 4;
static constexpr uint8_t kMaxThreads = 0x05, kFrameSize = 0x11, kRegisterCount = 0x2f;

namespace {
class Reader {
public:
  explicit Reader(std::string_view bytes) : bytes(bytes) {}
  template <typename T> std::optional<T> at(uint64_t offset) const {
    if (offset > bytes.size() || sizeof(T) > bytes.size() - offset)
      return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
  }
  std::string_view part(uint64_t offset, uint64_t size) const {
    return offset > bytes.size() || size > bytes.size() - offset ? std::string_view()
                                                                 : bytes.substr(offset, size);
  }

private:
  std::string_view bytes;
};
} // namespace

/// The attributes of one section of notes.
static void readInfo(std::string_view info, CubinFile &file) {
  Reader reader(info);
  for (uint64_t at = 0; at + 4 <= info.size();) {
    uint8_t format = uint8_t(info[at]), attribute = uint8_t(info[at + 1]);
    uint16_t size = *reader.at<uint16_t>(at + 2);
    at += 4;
    if (format != kSized)
      continue;
    // {symbol, value}, or three sizes of a block.
    if (attribute == kRegisterCount || attribute == kFrameSize) {
      int &field = attribute == kRegisterCount ? file.registers : file.stackBytes;
      if (auto value = reader.at<uint32_t>(at + 4); value && field < 0)
        field = int(*value);
    } else if (attribute == kMaxThreads) {
      auto x = reader.at<uint32_t>(at), y = reader.at<uint32_t>(at + 4),
           z = reader.at<uint32_t>(at + 8);
      if (x && y && z)
        file.threads = int(*x * *y * *z);
    }
    at += size;
  }
}

Result<CubinFile> halo::tool::readCubin(std::string_view bytes) {
  Reader reader(bytes);
  auto header = reader.at<Elf64_Ehdr>(0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_machine != kCudaMachine)
    return invalid(fmt::format("{} B that are no cubin", bytes.size()));
  auto section = [&](uint64_t index) {
    return reader.at<Elf64_Shdr>(header->e_shoff + index * sizeof(Elf64_Shdr));
  };
  auto names = section(header->e_shstrndx);
  if (!names)
    return invalid(fmt::format("the cubin is cut short: {} B, and its sections begin at {}",
                               bytes.size(), header->e_shoff));
  CubinFile file;
  bool newFlags = header->e_ident[EI_ABIVERSION] >= kNewFlags;
  int arch = int(newFlags ? header->e_flags >> 8 & 0xff : header->e_flags & 0xff);
  file.arch = fmt::format("sm_{}", arch);
  std::string_view strings = reader.part(names->sh_offset, names->sh_size);
  for (uint64_t i = 0; i < header->e_shnum; ++i) {
    auto here = section(i);
    if (!here || here->sh_name >= strings.size())
      continue;
    std::string_view name = strings.substr(here->sh_name);
    name = name.substr(0, name.find('\0'));
    auto starts = [&](std::string_view what) { return name.substr(0, what.size()) == what; };
    if (starts(".text.") && file.entry.empty()) {
      file.entry = std::string(name.substr(6));
      file.codeBytes = int64_t(here->sh_size);
    } else if (starts(".nv.shared.") && name != ".nv.shared.reserved.0") {
      int64_t bytes = int64_t(here->sh_size);
      file.sharedBytes += bytes - (arch >= kReservesInFile && bytes >= kReservedSharedPerBlock
                                       ? kReservedSharedPerBlock
                                       : 0);
    } else if (name == ".nv.info" || starts(".nv.info.")) {
      readInfo(reader.part(here->sh_offset, here->sh_size), file);
    }
  }
  if (file.entry.empty())
    return invalid("the cubin has no function");
  return file;
}

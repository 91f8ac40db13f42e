#include "runtime/PackLayout.h"

#include <fmt/format.h>

#include <array>

namespace halo {

namespace {

constexpr uint32_t kLocalHeader = 0x04034b50, kDirectoryEntry = 0x02014b50, kEndRecord = 0x06054b50;
constexpr int kZipVersion = 10;            ///< The oldest: stored entries.
constexpr int kDate = 1 << 5 | 1;          ///< 1 January 1980, midnight.
constexpr int kPaddingField = 0x4c48;      ///< An extra field of our own, full of zeros.
constexpr uint64_t kFieldHeader = 4;
constexpr uint64_t kMaxBytes = 0xffffffff; ///< Of offsets and sizes without zip64.
constexpr size_t kMaxEntries = 0xffff, kMaxName = 1000;

void put(std::string &to, uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i)
    to += char(number >> (8 * i));
}

uint64_t paddingOf(const PackLayout &layout, size_t entry) {
  return layout.contents[entry] - layout.headers[entry] - kPackHeaderSize -
         layout.entries[entry].name.size();
}

/// The fields that a local header and a directory entry share.
void putCommon(std::string &to, const PackEntry &entry, uint32_t crc, uint64_t padding) {
  put(to, kZipVersion, 2);
  put(to, 0, 2); // Flags.
  put(to, 0, 2); // Stored.
  put(to, 0, 2); // Time.
  put(to, kDate, 2);
  put(to, crc, 4);
  put(to, entry.size, 4);
  put(to, entry.size, 4);
  put(to, entry.name.size(), 2);
  put(to, padding, 2);
}

constexpr std::array<uint32_t, 256> makeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = value & 1 ? value >> 1 ^ 0xedb88320 : value >> 1;
    table[i] = value;
  }
  return table;
}

} // namespace

uint32_t crc32(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = makeCrcTable();
  uint32_t crc = 0xffffffff;
  for (char byte : bytes)
    crc = kTable[(crc ^ uint8_t(byte)) & 0xff] ^ crc >> 8;
  return ~crc;
}

Result<PackLayout> layoutPack(std::vector<PackEntry> entries) {
  if (entries.size() > kMaxEntries)
    return invalid(fmt::format("a pack of {} entries where at most {} fit", entries.size(),
                               kMaxEntries));
  PackLayout layout;
  layout.entries = std::move(entries);
  uint64_t at = 0, directory = 0;
  for (const PackEntry &entry : layout.entries) {
    if (entry.name.empty() || entry.name.size() > kMaxName)
      return invalid(fmt::format("a pack's entry has a name of {} bytes where 1 to {} are expected",
                                 entry.name.size(), kMaxName));
    layout.headers.push_back(at);
    uint64_t content = at + kPackHeaderSize + entry.name.size();
    if (entry.page)
      content = (content + kFieldHeader + kPackPage - 1) / kPackPage * kPackPage;
    layout.contents.push_back(content);
    // Checked at each step, so that no sum can wrap.
    if (entry.size > kMaxBytes || content + entry.size > kMaxBytes)
      return invalid(fmt::format("a pack of more than {} bytes: entry '{}' of {} bytes does not fit",
                                 kMaxBytes, entry.name, entry.size));
    at = content + entry.size;
    directory += 46 + entry.name.size();
  }
  layout.directory = at;
  layout.size = at + directory + kPackEndSize + kPackCommentSize;
  if (layout.size > kMaxBytes)
    return invalid(
        fmt::format("a pack of {} bytes where at most {} fit", layout.size, kMaxBytes));
  return layout;
}

std::string packHeader(const PackLayout &layout, size_t entry, uint32_t crc) {
  uint64_t padding = paddingOf(layout, entry);
  std::string text;
  put(text, kLocalHeader, 4);
  putCommon(text, layout.entries[entry], crc, padding);
  text += layout.entries[entry].name;
  if (padding) {
    put(text, kPaddingField, 2);
    put(text, padding - kFieldHeader, 2);
    text.append(padding - kFieldHeader, '\0');
  }
  return text;
}

std::string packTail(const PackLayout &layout, const std::vector<uint32_t> &crcs,
                     std::string_view manifestDigest) {
  std::string text;
  for (size_t i = 0; i < layout.entries.size(); ++i) {
    put(text, kDirectoryEntry, 4);
    put(text, kZipVersion, 2); // Made by.
    putCommon(text, layout.entries[i], crcs[i], 0);
    put(text, 0, 2); // No comment.
    put(text, 0, 2); // Disk.
    put(text, 0, 2); // Attributes.
    put(text, 0, 4);
    put(text, layout.headers[i], 4);
    text += layout.entries[i].name;
  }
  uint64_t directoryBytes = text.size();
  put(text, kEndRecord, 4);
  put(text, 0, 2); // Disks.
  put(text, 0, 2);
  put(text, layout.entries.size(), 2);
  put(text, layout.entries.size(), 2);
  put(text, directoryBytes, 4);
  put(text, layout.directory, 4);
  put(text, kPackCommentSize, 2);
  text += kPackComment;
  text += manifestDigest;
  text += kPackCommentFile;
  return text;
}

} // namespace halo

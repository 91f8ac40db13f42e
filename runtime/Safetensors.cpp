// The file: 8 bytes little-endian header length N, N bytes of JSON, then the data.
//
//   {"x": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}, "__metadata__": {...}}
//
// Offsets count from the end of the header. Nothing in the header is believed: memory is only
// allocated for ranges that were found to lie inside the file.
#include "runtime/Safetensors.h"

#include "runtime/Json.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <tuple>
#include <sys/stat.h>
#include <unistd.h>

namespace halo {

using nlohmann::json;

namespace {

/// The format's own limit for headers.
constexpr uint64_t kMaxHeader = 100'000'000;
constexpr size_t kPrefix = 8; ///< Bytes of the header's length.
constexpr const char *kMetadata = "__metadata__";

struct CloseFile {
  void operator()(FILE *file) const { std::fclose(file); }
};
using File = std::unique_ptr<FILE, CloseFile>;

std::string_view fileName(DType type) {
  switch (type) {
  case DType::F32:
    return "F32";
  case DType::F16:
    return "F16";
  case DType::BF16:
    return "BF16";
  case DType::I32:
    return "I32";
  case DType::I64:
    return "I64";
  }
  return "?";
}

/// Bytes of a tensor, or nothing where the product does not fit. Zeros do not hide an overflow of
/// the other sizes, which strides would meet.
std::optional<uint64_t> byteCount(DType dtype, const std::vector<int64_t> &shape) {
  int64_t product = int64_t(size(dtype));
  bool empty = false;
  for (int64_t size : shape) {
    if (size < 0)
      return std::nullopt;
    empty |= size == 0;
    if (size > 0 && __builtin_mul_overflow(product, size, &product))
      return std::nullopt;
  }
  return empty ? 0 : uint64_t(product);
}

struct Entry {
  std::string name;
  HostTensor tensor;
  uint64_t begin = 0, end = 0;
};

Result<Entry> readEntry(const std::string &where, const std::string &name, const json &object,
                        uint64_t dataSize) {
  std::string who = fmt::format("{}: tensor '{}'", where, name);
  JsonFields fields(object, who);
  Entry entry;
  entry.name = name;
  std::string dtype = fields.text("dtype");
  json shape = fields.array("shape");
  json offsets = fields.array("data_offsets");
  HALO_CHECK(fields.done());

  bool known = false;
  for (DType type : {DType::F32, DType::F16, DType::BF16, DType::I32, DType::I64})
    if (fileName(type) == dtype) {
      entry.tensor.dtype = type;
      known = true;
    }
  if (!known)
    return invalid(
        fmt::format("{} has dtype {} where F32, F16, BF16, I32 or I64 is expected", who, dtype));

  auto isSize = [](const json &number) {
    return number.is_number_unsigned() && number.get<uint64_t>() <= uint64_t(INT64_MAX);
  };
  for (const json &size : shape) {
    if (!isSize(size))
      return invalid(fmt::format("{} has the size {}, which is no count", who, size.dump()));
    entry.tensor.shape.push_back(size.get<int64_t>());
  }
  if (offsets.size() != 2 || !isSize(offsets[0]) || !isSize(offsets[1]))
    return invalid(
        fmt::format("{} has data_offsets {} where [begin, end] is expected", who, offsets.dump()));
  entry.begin = offsets[0].get<uint64_t>();
  entry.end = offsets[1].get<uint64_t>();
  if (entry.begin > entry.end)
    return invalid(
        fmt::format("{} begins at byte {}, after its end {}", who, entry.begin, entry.end));
  if (entry.end > dataSize)
    return invalid(fmt::format("{} ends at byte {} of {} bytes of data", who, entry.end, dataSize));
  std::optional<uint64_t> bytes = byteCount(entry.tensor.dtype, entry.tensor.shape);
  if (!bytes)
    return invalid(fmt::format("{} has a shape {} whose size overflows", who, shape.dump()));
  if (*bytes != entry.end - entry.begin)
    return invalid(fmt::format("{} has shape {} of {} bytes in a range of {}", who, shape.dump(),
                               *bytes, entry.end - entry.begin));
  return entry;
}

Result<json> parseHeader(const std::string &path, std::string_view text) {
  std::string twice;
  json header = parseJson(text, &twice);
  if (!twice.empty())
    return invalid(fmt::format("{}: the name '{}' is given twice", path, twice));
  if (header.is_discarded())
    return invalid(fmt::format("{}: the header is no JSON", path));
  if (!header.is_object())
    return invalid(fmt::format("{}: the header is no JSON object", path));
  return header;
}

/// By their places in the file, so that they are read in one go.
using Entries = std::map<std::tuple<uint64_t, uint64_t, std::string>, HostTensor>;

/// The ranges must tile the data exactly: no overlaps, no holes.
Result<void> checkTiling(const std::string &path, const Entries &entries, uint64_t dataSize) {
  uint64_t at = 0;
  for (const auto &[range, tensor] : entries) {
    const auto &[begin, end, name] = range;
    if (begin != at)
      return invalid(fmt::format(
          "{}: tensor '{}' begins at byte {} {} {}", path, name, begin,
          begin < at ? "inside the tensor that ends at" : "and leaves a hole after byte", at));
    at = end;
  }
  if (at != dataSize)
    return invalid(
        fmt::format("{}: the tensors end at byte {} of {} bytes of data", path, at, dataSize));
  return {};
}

std::string systemError() { return std::strerror(errno); }

/// The length of the header, from the first eight bytes of a file.
Result<uint64_t> headerSizeOf(const std::string &path, const char *prefix, uint64_t prefixSize,
                              uint64_t fileSize) {
  if (prefixSize < kPrefix)
    return invalid(
        fmt::format("{}: {} bytes are too few for a header length of 8", path, fileSize));
  uint64_t size = 0;
  for (size_t i = kPrefix; i-- > 0;)
    size = size << 8 | uint8_t(prefix[i]);
  if (size > fileSize - kPrefix || size > kMaxHeader)
    return invalid(fmt::format("{}: the header claims {} bytes of a file of {}", path, size,
                               fileSize));
  return size;
}

/// The tensors of a header in the order of their bytes, which are not read yet.
Result<Entries> readEntries(const std::string &path, std::string_view text,
                                       uint64_t dataSize) {
  HALO_TRY(header, parseHeader(path, text));
  Entries entries;
  for (auto &[name, object] : header.items()) {
    if (name == kMetadata)
      continue;
    HALO_TRY(entry, readEntry(path, name, object, dataSize));
    entries[{entry.begin, entry.end, entry.name}] = std::move(entry.tensor);
  }
  HALO_CHECK(checkTiling(path, entries, dataSize));
  return entries;
}

} // namespace

int64_t HostTensor::elements() const {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

Result<TensorMap> readSafetensors(const std::string &path) {
  // Before opening: opening a pipe would wait for its writer.
  struct stat status;
  if (stat(path.c_str(), &status) != 0)
    return invalid(fmt::format("{}: {}", path, systemError()));
  if (!S_ISREG(status.st_mode))
    return invalid(fmt::format("{}: is no regular file", path));
  File file(std::fopen(path.c_str(), "rb"));
  if (!file)
    return invalid(fmt::format("{}: {}", path, systemError()));
  uint64_t fileSize = uint64_t(status.st_size);

  char prefix[kPrefix];
  size_t prefixSize = std::fread(prefix, 1, sizeof(prefix), file.get());
  HALO_TRY(headerSize, headerSizeOf(path, prefix, prefixSize, fileSize));
  std::string text(headerSize, '\0');
  if (headerSize && std::fread(text.data(), headerSize, 1, file.get()) != 1)
    return failed(fmt::format("{}: the header cannot be read", path));
  HALO_TRY(entries, readEntries(path, text, fileSize - kPrefix - headerSize));

  TensorMap tensors;
  for (auto &[range, tensor] : entries) {
    const auto &[begin, end, name] = range;
    tensor.bytes.resize(end - begin);
    if (!tensor.bytes.empty() &&
        std::fread(tensor.bytes.data(), tensor.bytes.size(), 1, file.get()) != 1)
      return failed(fmt::format("{}: tensor '{}' cannot be read", path, name));
    tensors.emplace(name, std::move(tensor));
  }
  return tensors;
}

Result<TensorMap> parseSafetensors(const std::string &path, std::string_view bytes) {
  HALO_TRY(headerSize, headerSizeOf(path, bytes.data(), bytes.size(), bytes.size()));
  std::string_view data = bytes.substr(kPrefix + headerSize);
  HALO_TRY(entries, readEntries(path, bytes.substr(kPrefix, headerSize), data.size()));
  TensorMap tensors;
  for (auto &[range, tensor] : entries) {
    const auto &[begin, end, name] = range;
    std::string_view own = data.substr(begin, end - begin);
    tensor.bytes.assign(own.begin(), own.end());
    tensors.emplace(name, std::move(tensor));
  }
  return tensors;
}

namespace {

using NamedTensor = TensorMap::value_type;

/// Wide types first, then by name: every tensor is aligned to its element, and equal maps make
/// equal files.
std::vector<const NamedTensor *> fileOrder(const TensorMap &tensors) {
  std::vector<const NamedTensor *> order;
  for (size_t width : {8, 4, 2, 1})
    for (const NamedTensor &named : tensors)
      if (size(named.second.dtype) == width)
        order.push_back(&named);
  return order;
}

/// Length and JSON, padded with spaces so that the data is 8-byte aligned.
Result<std::string> printHeader(const std::string &path,
                                const std::vector<const NamedTensor *> &order) {
  json header = json::object();
  uint64_t at = 0;
  for (const NamedTensor *named : order) {
    const auto &[name, tensor] = *named;
    std::optional<uint64_t> bytes = byteCount(tensor.dtype, tensor.shape);
    if (!bytes || *bytes != tensor.bytes.size())
      return invalid(fmt::format("{}: tensor '{}' of shape {} has {} bytes", path, name,
                                 json(tensor.shape).dump(), tensor.bytes.size()));
    if (name == kMetadata)
      return invalid(fmt::format("{}: a tensor cannot be named {}", path, kMetadata));
    header[name] = {{"dtype", fileName(tensor.dtype)},
                    {"shape", tensor.shape},
                    {"data_offsets", {at, at + *bytes}}};
    at += *bytes;
  }
  std::string text = printJson(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string prefix(8, '\0');
  for (int i = 0; i < 8; ++i)
    prefix[i] = char(uint64_t(text.size()) >> (8 * i));
  return prefix + text;
}

bool writeAll(FILE *file, const void *data, size_t bytes) {
  return bytes == 0 || std::fwrite(data, bytes, 1, file) == 1;
}

} // namespace

Result<std::string> printSafetensors(const std::string &path, const TensorMap &tensors) {
  std::vector<const NamedTensor *> order = fileOrder(tensors);
  HALO_TRY(text, printHeader(path, order));
  for (const NamedTensor *named : order)
    text.append(named->second.bytes.begin(), named->second.bytes.end());
  return std::move(text);
}

Result<void> writeSafetensors(const std::string &path, const TensorMap &tensors) {
  std::vector<const NamedTensor *> order = fileOrder(tensors);
  HALO_TRY(header, printHeader(path, order));
  // A rename would replace a device node or a folder's entry by a file.
  struct stat status;
  if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    return invalid(fmt::format("{}: is no regular file", path));

  static std::atomic<unsigned> counter{0};
  std::string temporary = fmt::format("{}.{}.{}.tmp", path, getpid(), counter++);
  File file(std::fopen(temporary.c_str(), "wbx"));
  if (!file)
    return failed(fmt::format("{}: {}", temporary, systemError()));
  bool written = writeAll(file.get(), header.data(), header.size());
  for (const NamedTensor *named : order)
    written =
        written && writeAll(file.get(), named->second.bytes.data(), named->second.bytes.size());
  // fclose reports what a full disk refused late.
  written = std::fclose(file.release()) == 0 && written;
  if (written && std::rename(temporary.c_str(), path.c_str()) == 0)
    return {};
  std::string why = systemError();
  std::remove(temporary.c_str());
  return failed(fmt::format("{}: {}", path, why));
}

} // namespace halo

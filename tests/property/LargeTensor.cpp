#include "tests/property/LargeTensor.h"

#include "tests/property/Random.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace halo::property {

/// Odd and prime: no power-of-two tile sees the same numbers twice in step.
static constexpr int64_t kPeriod = 1048573;
static constexpr size_t kChunk = size_t(64) << 20;

Result<LargeTensor> LargeTensor::create(std::shared_ptr<Device> device, const Operand &operand,
                                        const std::vector<int64_t> &shape, const ViewSpec &view) {
  LargeTensor tensor;
  tensor.device = device;
  tensor.name = operand.name;
  tensor.dtype = operand.dtype;
  tensor.shape = shape;
  tensor.view = view;
  int64_t last = view.offset;
  for (size_t i = 0; i < shape.size(); ++i)
    last += view.strides[i] * std::max<int64_t>(shape[i] - 1, 0);
  auto buffer = DeviceBuffer::allocate(device, size_t(last + 1) * size(operand.dtype));
  if (!buffer)
    return unavailable(buffer.error().message);
  tensor.buffer = std::move(*buffer);
  return tensor;
}

Result<void> LargeTensor::fillRandom(uint64_t seed, double scale) {
  Random random(seed);
  size_t total = buffer.bytes();
  int64_t period = std::min(kPeriod, int64_t(total / size(dtype)));
  table.resize(size_t(period) * size(dtype));
  for (int64_t i = 0; i < period; ++i)
    storeFromF64(table.data(), dtype, i, random.normal() * scale);
  char *data = static_cast<char *>(buffer.data());
  HALO_CHECK(device->upload(data, table.data(), table.size()));
  // Whole periods double until the buffer is full.
  for (size_t filled = table.size(); filled < total;) {
    size_t bytes = std::min(filled, total - filled);
    HALO_CHECK(device->copy(data + filled, data, bytes));
    filled += bytes;
  }
  return {};
}

Result<void> LargeTensor::poison() { return device->fill(buffer.data(), 0xff, buffer.bytes()); }

TensorRef LargeTensor::ref() const {
  char *start = static_cast<char *>(buffer.data()) + view.offset * int64_t(size(dtype));
  return {start, dtype, shape, view.strides};
}

int64_t LargeTensor::at(const std::vector<int64_t> &index) const {
  int64_t place = view.offset;
  for (size_t i = 0; i < index.size(); ++i)
    place += index[i] * view.strides[i];
  return place;
}

double LargeTensor::value(const std::vector<int64_t> &index) const {
  int64_t period = int64_t(table.size() / size(dtype));
  return loadAsF64(table.data(), dtype, at(index) % period);
}

Result<void> LargeTensor::read(std::vector<int64_t> index, size_t dimension, int64_t count,
                               HostTensor &into, int64_t place) const {
  size_t element = size(dtype);
  const char *data = static_cast<const char *>(buffer.data());
  unsigned char *to = into.bytes.data() + size_t(place) * element;
  if (view.strides[dimension] == 1)
    return device->download(to, data + size_t(at(index)) * element, size_t(count) * element);
  for (int64_t i = 0; i < count; ++i, ++index[dimension], to += element)
    HALO_CHECK(device->download(to, data + size_t(at(index)) * element, element));
  return {};
}

bool LargeTensor::contiguous() const {
  return view.offset == 0 && view.strides == TensorRef::contiguous(nullptr, dtype, shape).strides;
}

Result<void> LargeTensor::checkWritten() const {
  std::vector<unsigned char> chunk(std::min(kChunk, buffer.bytes()));
  const char *data = static_cast<const char *>(buffer.data());
  size_t element = size(dtype);
  unsigned char poisoned[8];
  std::memset(poisoned, 0xff, sizeof(poisoned));
  for (size_t done = 0; done < buffer.bytes();) {
    size_t bytes = std::min(chunk.size(), buffer.bytes() - done);
    HALO_CHECK(device->download(chunk.data(), data + done, bytes));
    for (size_t i = 0; i < bytes; i += element)
      if (std::memcmp(&chunk[i], poisoned, element) == 0)
        return failed(fmt::format("{} was not written at element {} of its memory", name,
                                  (done + i) / element));
    done += bytes;
  }
  return {};
}

} // namespace halo::property

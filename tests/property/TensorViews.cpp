#include "tests/property/TensorViews.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace halo::property {

static constexpr unsigned char kInputPattern = 0xff, kOutputPattern = 0xa5, kPoison = 0xff;

ViewSpec contiguousView(const std::vector<int64_t> &shape) {
  return {TensorRef::contiguous(nullptr, DType::F32, shape).strides, 0};
}

static int64_t elementsOf(const std::vector<int64_t> &shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

/// Calls visit(index in row-major order, byte in the image) for every element.
template <typename Visit> void PlacedTensor::eachElement(Visit visit) const {
  int64_t count = elementsOf(shape), element = int64_t(size(dtype));
  std::vector<int64_t> index(shape.size(), 0);
  int64_t at = view.offset;
  for (int64_t i = 0; i < count; ++i) {
    visit(i, int64_t(guard) + at * element);
    for (size_t d = shape.size(); d-- > 0;) {
      at += view.strides[d];
      if (++index[d] < shape[d])
        break;
      at -= view.strides[d] * shape[d];
      index[d] = 0;
    }
  }
}

Result<void> PlacedTensor::place(std::shared_ptr<Device> on, DType type,
                                 const std::vector<int64_t> &sizes, const ViewSpec &spec,
                                 int64_t guardBytes, unsigned char pattern) {
  if (spec.strides.size() != sizes.size())
    return invalid(fmt::format("a view has {} strides where its tensor has rank {}",
                               spec.strides.size(), sizes.size()));
  device = std::move(on);
  dtype = type;
  shape = sizes;
  view = spec;
  guard = size_t(guardBytes);
  int64_t low = view.offset, high = view.offset;
  for (size_t i = 0; i < shape.size(); ++i)
    (view.strides[i] < 0 ? low : high) += view.strides[i] * std::max<int64_t>(shape[i] - 1, 0);
  if (low < 0)
    return invalid(fmt::format("a view starts {} elements before its buffer", -low));
  bool any = elementsOf(shape) > 0;
  size_t bytes = size_t(any ? high + 1 : view.offset) * size(dtype);
  image.assign(bytes + 2 * guard, pattern);
  HALO_TRY(memory, DeviceBuffer::allocate(device, image.size()));
  buffer = std::move(memory);
  return {};
}

Result<PlacedTensor> PlacedTensor::input(std::shared_ptr<Device> device, const HostTensor &values,
                                         const ViewSpec &view, int64_t guard) {
  PlacedTensor tensor;
  HALO_CHECK(tensor.place(device, values.dtype, values.shape, view, guard, kInputPattern));
  size_t element = size(values.dtype);
  tensor.eachElement([&](int64_t i, int64_t byte) {
    std::memcpy(&tensor.image[size_t(byte)], &values.bytes[size_t(i) * element], element);
  });
  HALO_CHECK(device->upload(tensor.buffer.data(), tensor.image.data(), tensor.image.size()));
  return tensor;
}

Result<PlacedTensor> PlacedTensor::output(std::shared_ptr<Device> device, DType dtype,
                                          const std::vector<int64_t> &shape, const ViewSpec &view,
                                          int64_t guard) {
  PlacedTensor tensor;
  HALO_CHECK(tensor.place(device, dtype, shape, view, guard, kOutputPattern));
  tensor.writable = true;
  tensor.eachElement([&](int64_t, int64_t byte) {
    std::memset(&tensor.image[size_t(byte)], kPoison, size(dtype));
  });
  HALO_CHECK(device->upload(tensor.buffer.data(), tensor.image.data(), tensor.image.size()));
  return tensor;
}

void PlacedTensor::expectWrite() {
  writable = true;
  eachElement(
      [&](int64_t, int64_t byte) { std::memset(&image[size_t(byte)], kPoison, size(dtype)); });
}

TensorRef PlacedTensor::ref() const {
  char *start = static_cast<char *>(buffer.data()) + guard;
  return {start + view.offset * int64_t(size(dtype)), dtype, shape, view.strides};
}

HostTensor PlacedTensor::read() const {
  HostTensor values{dtype, shape, {}};
  size_t element = size(dtype);
  values.bytes.resize(size_t(elementsOf(shape)) * element);
  eachElement([&](int64_t i, int64_t byte) {
    std::memcpy(&values.bytes[size_t(i) * element], &image[size_t(byte)], element);
  });
  return values;
}

std::string PlacedTensor::describe(size_t byte) const {
  if (byte < guard)
    return fmt::format("{} bytes before the buffer", guard - byte);
  if (byte >= image.size() - guard)
    return fmt::format("{} bytes behind the last element", byte - (image.size() - guard));
  return fmt::format("in element {} of its memory{}", (byte - guard) / size(dtype),
                     writable ? ", which is a gap" : "");
}

Result<void> PlacedTensor::verify(const std::string &name) {
  std::vector<unsigned char> now(image.size()), rest;
  HALO_CHECK(device->download(now.data(), buffer.data(), now.size()));
  rest = now;
  if (writable)
    eachElement(
        [&](int64_t, int64_t byte) { std::memset(&rest[size_t(byte)], kPoison, size(dtype)); });
  auto [changed, was] = std::mismatch(rest.begin(), rest.end(), image.begin());
  if (changed != rest.end())
    return failed(fmt::format("the kernel wrote outside {}: the byte {} is {:#04x}, expected "
                              "{:#04x}",
                              name, describe(size_t(changed - rest.begin())), *changed, *was));
  image = std::move(now);
  return {};
}

/// Rows of a tensor as a [outer, sizes[dimension], inner] array of bytes.
static std::pair<int64_t, int64_t> around(const HostTensor &tensor, size_t dimension) {
  int64_t outer = 1, inner = int64_t(size(tensor.dtype));
  for (size_t i = 0; i < tensor.shape.size(); ++i)
    (i < dimension ? outer : inner) *= i == dimension ? 1 : tensor.shape[i];
  return {outer, inner};
}

HostTensor slice(const HostTensor &tensor, size_t dimension, int64_t begin, int64_t count) {
  auto [outer, inner] = around(tensor, dimension);
  HostTensor result{tensor.dtype, tensor.shape, {}};
  result.shape[dimension] = count;
  for (int64_t i = 0; i < outer; ++i) {
    auto from = tensor.bytes.begin() + (i * tensor.shape[dimension] + begin) * inner;
    result.bytes.insert(result.bytes.end(), from, from + count * inner);
  }
  return result;
}

HostTensor join(const HostTensor &first, const HostTensor &second, size_t dimension) {
  auto [outer, inner] = around(first, dimension);
  HostTensor result{first.dtype, first.shape, {}};
  result.shape[dimension] += second.shape[dimension];
  for (int64_t i = 0; i < outer; ++i)
    for (const HostTensor *tensor : {&first, &second}) {
      int64_t bytes = tensor->shape[dimension] * inner;
      auto from = tensor->bytes.begin() + i * bytes;
      result.bytes.insert(result.bytes.end(), from, from + bytes);
    }
  return result;
}

} // namespace halo::property

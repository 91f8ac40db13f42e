// A tensor as a launch sees it: where it lies, not whose it is. Nothing here allocates.
#pragma once

#include "runtime/DType.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string_view>
#include <vector>

namespace halo {

/// Sizes or strides, outermost first. Of a list that is longer than any operand's it keeps the
/// length, which every kernel refuses, and the first values.
class Dims {
public:
  static constexpr size_t kCapacity = 4;
  using value_type = int64_t;
  using const_iterator = const int64_t *;

  Dims() = default;
  Dims(std::initializer_list<int64_t> list) : Dims(std::data(list), list.size()) {}
  Dims(const std::vector<int64_t> &list) : Dims(list.data(), list.size()) {}
  Dims(const int64_t *list, size_t count) : count(count) { std::copy_n(list, held(), values); }

  size_t size() const { return count; }
  int64_t &operator[](size_t i) { return values[i]; }
  const int64_t &operator[](size_t i) const { return values[i]; }
  const int64_t *begin() const { return values; }
  const int64_t *end() const { return values + held(); }
  operator std::vector<int64_t>() const { return {begin(), end()}; }
  friend bool operator==(const Dims &a, const Dims &b) {
    return a.count == b.count && std::equal(a.begin(), a.end(), b.begin());
  }
  friend bool operator!=(const Dims &a, const Dims &b) { return !(a == b); }

private:
  size_t held() const { return std::min(count, kCapacity); }

  size_t count = 0;
  int64_t values[kCapacity] = {};
};

/// A strided tensor somewhere in memory; nothing is owned. Strides count elements.
struct TensorRef {
  void *data = nullptr;
  DType dtype = DType::F32;
  Dims shape;
  Dims strides;

  /// Row-major, contiguous.
  static TensorRef contiguous(void *data, DType dtype, const Dims &shape) {
    TensorRef tensor{data, dtype, shape, shape};
    int64_t stride = 1;
    for (size_t i = std::min(shape.size(), Dims::kCapacity); i-- > 0;) {
      tensor.strides[i] = stride;
      // An empty dimension has no strides to speak of; 1 keeps the outer ones sensible.
      stride *= std::max<int64_t>(shape[i], 1);
    }
    return tensor;
  }
};

/// An operand's name and its tensor.
struct Argument {
  std::string_view name;
  TensorRef tensor;
};

/// A look at consecutive values that live elsewhere: a vector's, an array's, or those of a braced
/// list, which lives as long as the call it is written in.
template <typename T> class Span {
public:
  Span(std::initializer_list<T> list) : Span(std::data(list), list.size()) {}
  Span(const std::vector<T> &list) : Span(list.data(), list.size()) {}
  template <size_t N> Span(const T (&list)[N]) : Span(list, N) {}
  Span(const T *data, size_t count) : first(data), count(count) {}

  size_t size() const { return count; }
  const T &operator[](size_t i) const { return first[i]; }
  const T *begin() const { return first; }
  const T *end() const { return first + count; }

private:
  const T *first;
  size_t count;
};

} // namespace halo

// Tensors written by hand, for the oracle's tests.
#pragma once

#include "runtime/Safetensors.h"

namespace halo::test {

inline HostTensor tensor(DType dtype, std::vector<int64_t> shape,
                         const std::vector<double> &values) {
  HostTensor result;
  result.dtype = dtype;
  result.shape = std::move(shape);
  result.bytes.resize(values.size() * size(dtype));
  for (size_t i = 0; i < values.size(); ++i)
    storeFromF64(result.bytes.data(), dtype, int64_t(i), values[i]);
  return result;
}

inline HostTensor f32(std::vector<int64_t> shape, const std::vector<double> &values) {
  return tensor(DType::F32, std::move(shape), values);
}

inline std::vector<double> values(const HostTensor &tensor) {
  std::vector<double> result;
  for (int64_t i = 0, end = int64_t(tensor.bytes.size() / size(tensor.dtype)); i < end; ++i)
    result.push_back(loadAsF64(tensor.bytes.data(), tensor.dtype, i));
  return result;
}

} // namespace halo::test

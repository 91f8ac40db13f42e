// Safetensors, from memory.
#include "runtime/Safetensors.h"
#include "tests/fuzz/Fuzz.h"

using namespace halo;

static HostTensor tensor(DType type, std::vector<int64_t> shape) {
  HostTensor made{type, std::move(shape), {}};
  made.bytes.resize(size_t(made.elements()) * size(type), 1);
  return made;
}

std::vector<std::string> fuzz::seeds() {
  std::vector<std::string> made;
  for (const TensorMap &tensors :
       {TensorMap(), TensorMap{{"x", tensor(DType::BF16, {2, 3})}},
        TensorMap{{"x", tensor(DType::F32, {1, 4, 5})}, {"n", tensor(DType::I64, {})},
                  {"e", tensor(DType::F16, {0, 7})}, {"i", tensor(DType::I32, {9})}}})
    if (Result<std::string> text = printSafetensors("seed", tensors))
      made.push_back(*text);
  return made;
}

std::string fuzz::feed(std::string_view input) {
  Result<TensorMap> tensors = parseSafetensors("input", input);
  if (!tensors)
    return tensors.error().message;
  // What was read can be written, and is read as the same.
  Result<std::string> text = printSafetensors("copy", *tensors);
  if (!text)
    __builtin_trap();
  Result<TensorMap> again = parseSafetensors("copy", *text);
  if (!again || again->size() != tensors->size())
    __builtin_trap();
  for (const auto &[name, tensor] : *tensors)
    if (again->at(name).bytes != tensor.bytes || again->at(name).shape != tensor.shape)
      __builtin_trap();
  return "read";
}

// A kernel and its tensors, to bind and to spoil; for the tests of launches.
#pragma once

#include "runtime/Device.h"

#include "tests/unit/runtime/TestSupport.h"

#include <cstring>

namespace halo::test {

alignas(256) inline unsigned char memory[1 << 16];

inline Operand view(const char *name, Layout layout, bool output, int64_t streams = 1,
             int64_t channels = 0) {
  return {name, OperandKind::View, DType::BF16, output, layout, streams, 0, 1, channels};
}

/// A short convolution with every kind of operand: D = 64, K = 4, 16 channels share a filter.
class LaunchTest : public ::testing::Test {
protected:
  LaunchTest() {
    info.kernel = "conv";
    info.entry = "conv";
    info.layout = Layout::BLD;
    info.operands = {
        view("x", Layout::BLD, false),
        {"weight", OperandKind::Taps, DType::F32, false, Layout::BLD, 1, 4, 16, 0},
        {"bias", OperandKind::Channel, DType::F32, false, Layout::BLD, 1, 0, 1, 0},
        {"final_state", OperandKind::State, DType::BF16, true, Layout::BLD, 1, 4, 1, 0},
        view("y", Layout::BLD, true)};
    info.threads = 128;
    info.stepL = 8;
    info.halo = 3;
    info.tiles = {{0, 0, 32}};
    arguments = {{"x", TensorRef::contiguous(memory, DType::BF16, {2, 10, 64})},
                 {"weight", TensorRef::contiguous(memory, DType::F32, {4, 4})},
                 {"bias", TensorRef::contiguous(memory, DType::F32, {64})},
                 {"final_state", TensorRef::contiguous(memory, DType::BF16, {2, 64, 3})},
                 {"y", TensorRef::contiguous(memory, DType::BF16, {2, 10, 64})}};
  }

  TensorRef &tensor(const char *name) {
    for (Argument &argument : arguments)
      if (argument.name == name)
        return argument.tensor;
    std::abort();
  }
  Argument tensorArgument(const char *name) { return {name, tensor(name)}; }
  void reshape(const char *name, const Dims &shape) {
    TensorRef &t = tensor(name);
    t = TensorRef::contiguous(t.data, t.dtype, shape);
  }
  void resize(int64_t b, int64_t d, int64_t l) {
    reshape("x", {b, l, d});
    reshape("y", {b, l, d});
    reshape("weight", {d / 16, 4});
    reshape("bias", {d});
    reshape("final_state", {b, d, 3});
  }
  Result<BoundLaunch> bind() { return halo::bind(info, arguments, DeviceTraits()); }

  KernelInfo info;
  std::vector<Argument> arguments;
};

inline int64_t wide(const BoundLaunch &launch, int slot) {
  int64_t value;
  std::memcpy(&value, launch.params()[slot], sizeof(value));
  return value;
}

inline int32_t narrow(const BoundLaunch &launch, int slot) {
  int32_t value;
  std::memcpy(&value, launch.params()[slot], sizeof(value));
  return value;
}

} // namespace halo::test

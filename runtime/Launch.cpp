#include "runtime/Launch.h"

#include "runtime/LaunchRules.h"
#include "runtime/TuningRecords.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace halo {

TensorRef TensorRef::contiguous(void *data, DType dtype, std::vector<int64_t> shape) {
  TensorRef tensor{data, dtype, std::move(shape), {}};
  tensor.strides.resize(tensor.shape.size());
  int64_t stride = 1;
  for (size_t i = tensor.shape.size(); i-- > 0;) {
    tensor.strides[i] = stride;
    // An empty dimension has no strides to speak of; 1 keeps the outer ones sensible.
    stride *= std::max<int64_t>(tensor.shape[i], 1);
  }
  return tensor;
}

std::vector<int64_t> outputShape(const Operand &output, const Shape &shape) {
  int64_t channels = output.channels ? output.channels : output.streams * shape.d;
  switch (output.kind) {
  case OperandKind::View:
    if (output.layout == Layout::BDL)
      return {shape.b, channels, shape.l};
    return {shape.b, shape.l, channels};
  case OperandKind::Taps:
    return {output.streams * shape.d / output.group, output.taps};
  case OperandKind::Channel:
    return {channels};
  case OperandKind::State:
    return {shape.b, channels, output.taps - 1};
  }
  return {};
}

int alignmentOf(const std::vector<Operand> &operands, const std::vector<Argument> &arguments) {
  for (const Argument &argument : arguments)
    for (const Operand &operand : operands)
      if (operand.name == argument.name && operand.kind == OperandKind::View &&
          // Another rank is bind's to refuse; it has no 16-byte accesses.
          (argument.tensor.shape.size() != 3 || argument.tensor.strides.size() != 3 ||
           !misalignment(operand, argument.tensor).empty()))
        return 1;
  return 16;
}

/// Lays out the flat parameter list of KernelInfo.h: one 8-byte slot per parameter, of which an
/// i32 uses the first four.
class LaunchBuilder {
public:
  void tensor(const Operand &operand, const TensorRef &tensor) {
    add(tensor.data);
    bool channelsLast = operand.kind == OperandKind::View && operand.layout == Layout::BLD;
    if (channelsLast)
      for (size_t i : {0, 2, 1})
        add(tensor.strides[i]);
    else
      for (int64_t stride : tensor.strides)
        add(stride);
  }
  void size(int64_t value) { add(int32_t(value)); }

  BoundLaunch finish() {
    launch.pointers.reserve(launch.slots.size());
    for (uint64_t &slot : launch.slots)
      launch.pointers.push_back(&slot);
    return std::move(launch);
  }

  BoundLaunch launch;

private:
  template <typename T> void add(T value) {
    uint64_t slot = 0;
    static_assert(sizeof(T) <= sizeof(slot));
    std::memcpy(&slot, &value, sizeof(T));
    launch.slots.push_back(slot);
  }
};

namespace {

constexpr int64_t kMaxBlocks = INT32_MAX;
/// The most stages a schedule may have.
constexpr int64_t kPrefetchSteps = 8;

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

struct Grid {
  int64_t blockL = 0, tilesL = 0, tilesN = 0, blocks = 0;
};

/// The grid of one launch. Where block_l is free it grows until the blocks fit into a grid.
Result<Grid> chooseGrid(const KernelInfo &info, const Shape &shape, const DeviceTraits &device,
                        const std::vector<TunedBlockL> *tuned) {
  Grid grid;
  int64_t step = info.stepL;
  if (info.blockL % step)
    return invalid(fmt::format("kernel {}: block_l = {} is no multiple of its step {}", info.kernel,
                               info.blockL, step));
  grid.blockL = info.blockL;
  if (!grid.blockL && tuned)
    grid.blockL = tunedBlockL(*tuned, step, shape);
  if (!grid.blockL)
    grid.blockL = chooseBlockL(info, shape, device);
  int64_t stripes = 0;
  if (shape.d > 0 && shape.b > 0) {
    grid.tilesN = info.tileCount(shape.d);
    stripes = shape.b * grid.tilesN;
  }
  if (stripes > kMaxBlocks)
    return invalid(fmt::format("kernel {}: B = {} times {} channel tiles are {} blocks, above the "
                               "limit {}",
                               info.kernel, shape.b, grid.tilesN, stripes, kMaxBlocks));
  if (!info.blockL) {
    if (stripes > 0 && shape.l > 0) {
      int64_t least = ceilDiv(shape.l, kMaxBlocks / stripes);
      grid.blockL = std::max(grid.blockL, ceilDiv(least, step) * step);
    }
    grid.blockL = std::min(grid.blockL, INT32_MAX / step * step); // An i32 parameter.
  }
  // conv_c7: without positions there is still a state to write.
  grid.tilesL = std::max<int64_t>(ceilDiv(shape.l, grid.blockL), info.storesState() ? 1 : 0);
  if (stripes > 0 && grid.tilesL > kMaxBlocks / stripes)
    return invalid(fmt::format("kernel {}: block_l = {} makes {} times {} blocks, above the limit "
                               "{}",
                               info.kernel, grid.blockL, grid.tilesL, stripes, kMaxBlocks));
  // Kernels count positions in i32, up to the end of the last tile and a few steps of prefetch.
  int64_t reach = grid.tilesL * grid.blockL + kPrefetchSteps * step;
  if (reach > INT32_MAX)
    return invalid(fmt::format("kernel {}: L = {} in tiles of block_l = {} reaches position {}, "
                               "above the limit {}",
                               info.kernel, shape.l, grid.blockL, reach, INT32_MAX));
  grid.blocks = stripes * grid.tilesL;
  return grid;
}

} // namespace

Result<BoundLaunch> bind(const KernelInfo &info, const std::vector<Argument> &arguments,
                         const DeviceTraits &device, const std::vector<TunedBlockL> *tuned) {
  HALO_TRY(checked, checkArguments(info, arguments));
  if (info.sharedBytes > device.sharedPerBlock)
    return invalid(fmt::format("kernel {}: shared memory {} B exceeds {} B on this device",
                               info.kernel, info.sharedBytes, device.sharedPerBlock));
  HALO_TRY(grid, chooseGrid(info, checked.shape, device, tuned));

  LaunchBuilder builder;
  builder.launch.shape = checked.shape;
  builder.launch.blockL = grid.blockL;
  builder.launch.blocks = uint64_t(grid.blocks);
  for (size_t i = 0; i < info.operands.size(); ++i)
    builder.tensor(info.operands[i], *checked.tensors[i]);
  builder.size(checked.shape.b);
  builder.size(checked.shape.d);
  builder.size(checked.shape.l);
  builder.size(grid.blockL);
  builder.size(grid.tilesL);
  builder.size(grid.tilesN);
  return builder.finish();
}

} // namespace halo

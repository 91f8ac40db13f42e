#include "runtime/Launch.h"

#include "runtime/LaunchBuilder.h"
#include "runtime/LaunchRules.h"
#include "runtime/TuningRecords.h"

#include <algorithm>
#include <cstring>

namespace halo {

Dims outputShape(const Operand &output, const Shape &shape) {
  int64_t channels = output.channels ? output.channels : output.streams * shape.d;
  switch (output.kind) {
  case OperandKind::View:
    if (output.layout == Layout::BDL)
      return {shape.b, channels, shape.l};
    if (output.layout == Layout::BD)
      return {shape.b, channels};
    if (output.layout == Layout::DL)
      return {channels, shape.l};
    return {shape.b, shape.l, channels};
  case OperandKind::Taps:
    return {output.streams * shape.d / output.group, output.taps};
  case OperandKind::Channel:
    return {channels};
  case OperandKind::State:
    return {shape.stateRows(), channels, output.taps - 1};
  case OperandKind::Modes:
    return {shape.d, output.modes};
  case OperandKind::ModalState:
    return {shape.stateRows(), shape.d, output.modes};
  case OperandKind::Indices:
    if (output.form == IndexForm::Positions)
      return {shape.b, shape.l};
    // As many sequences as there are is the caller's to say; where nobody does, one.
    return {output.form == IndexForm::Rows ? shape.b : shape.n < 0 ? 2 : shape.n + 1};
  }
  return {};
}

int alignmentOf(const std::vector<Operand> &operands, Span<Argument> arguments) {
  for (const Argument &argument : arguments)
    for (const Operand &operand : operands)
      if (operand.name == argument.name &&
          // Another rank is bind's to refuse; it has no 16-byte accesses.
          (argument.tensor.shape.size() != rankOf(operand) ||
           argument.tensor.strides.size() != rankOf(operand) ||
           !checkAligned(operand, argument.tensor, nullptr)))
        return 1;
  return 16;
}

Result<void> checkParameterCount(const KernelInfo &info) {
  if (size_t count = info.parameterCount(); count > kMaxParameters)
    return invalid(fmt::format("kernel {} takes {} parameters, above the limit {}", info.kernel,
                               count, kMaxParameters));
  return {};
}

LaunchPlan::LaunchPlan(const KernelInfo &info, const DeviceTraits &device)
    : info(info), device(device), requiredChannels(info.requiredChannels()),
      storesState(info.storesState()), maxBlockL(INT32_MAX / info.stepL * info.stepL) {
  // Inputs come before outputs.
  for (size_t o = 0; o < info.operands.size(); ++o)
    for (size_t i = 0; i < o && info.operands[o].output; ++i)
      if (info.operands[i].name == info.operands[o].name)
        updates.push_back({i, o});
}

BoundLaunch &BoundLaunch::operator=(const BoundLaunch &other) {
  blocks = other.blocks;
  shape = other.shape;
  blockL = other.blockL;
  count = other.count;
  std::copy_n(other.slots, count, slots);
  for (size_t i = 0; i < count; ++i)
    pointers[i] = &slots[i];
  return *this;
}

bool LaunchBuilder::match(Span<Argument> arguments) {
  return matchNames(plan->info, arguments, tensors, why);
}

bool LaunchBuilder::match(Span<TensorRef> list) {
  const KernelInfo &info = plan->info;
  if (list.size() != info.operands.size())
    return refuse(why, "kernel {} is given {} tensors where it has {} operands", info.kernel,
                  list.size(), info.operands.size());
  for (size_t i = 0; i < list.size(); ++i)
    tensors[i] = &list[i];
  return true;
}

bool LaunchBuilder::check() { return checkTensors(*plan, tensors, shape, why); }

bool LaunchBuilder::checkAlignment(Error *reason) {
  const std::vector<Operand> &operands = plan->info.operands;
  for (size_t i = 0; i < operands.size(); ++i)
    if (!checkAligned(operands[i], *tensors[i], reason))
      return false;
  return knownAligned = true;
}

bool LaunchBuilder::aligned() { return checkAlignment(nullptr); }

namespace {

constexpr int64_t kMaxBlocks = INT32_MAX;
/// The most stages a schedule may have.
constexpr int64_t kPrefetchSteps = 8;

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

} // namespace

/// The grid of one launch. Where block_l is free it grows until the blocks fit into a grid.
bool LaunchBuilder::chooseGrid(Grid &grid) {
  const KernelInfo &info = plan->info;
  int64_t step = info.stepL;
  if (info.blockL && info.blockL % step)
    return refuse(why, "kernel {}: block_l = {} is no multiple of its step {}", info.kernel,
                  info.blockL, step);
  // A recurrence walks a whole sequence; a step has one position, and walks rows.
  bool whole = info.carries && !info.walksRows();
  grid.blockL = whole ? std::max<int64_t>(1, ceilDiv(shape.l, step)) * step : info.blockL;
  if (!grid.blockL && tuned.size())
    grid.blockL = tunedBlockL(tuned, step, shape);
  if (!grid.blockL)
    grid.blockL = chooseBlockL(info, shape, plan->device);
  // What blocks walk along, and what there is of it beside them.
  int64_t walked = info.walksRows() ? shape.b : shape.l, stripes = 0;
  grid.tilesN = 0;
  if (shape.d > 0 && shape.b > 0) {
    grid.tilesN = info.tileCount(shape.d);
    stripes = (info.walksRows() ? 1 : shape.b) * grid.tilesN * info.cluster;
  }
  if (stripes > kMaxBlocks)
    return refuse(why, "kernel {}: B = {} times {} channel tiles are {} blocks, above the limit {}",
                  info.kernel, shape.b, grid.tilesN, stripes, kMaxBlocks);
  // conv_c7: without positions there is still a state to write.
  int64_t fewest = plan->storesState && !info.walksRows() ? 1 : 0;
  grid.tilesL = std::max(ceilDiv(walked, grid.blockL), fewest);
  // Both factors are below 2^31.
  if (!info.blockL && !whole &&
      (stripes * grid.tilesL > kMaxBlocks || grid.blockL > plan->maxBlockL)) {
    if (stripes > 0) {
      int64_t least = ceilDiv(walked, kMaxBlocks / stripes);
      grid.blockL = std::max(grid.blockL, ceilDiv(least, step) * step);
    }
    grid.blockL = std::min(grid.blockL, plan->maxBlockL); // An i32 parameter.
    grid.tilesL = std::max(ceilDiv(walked, grid.blockL), fewest);
  }
  grid.blocks = stripes * grid.tilesL;
  if (grid.blocks > kMaxBlocks)
    return refuse(why, "kernel {}: block_l = {} makes {} times {} blocks, above the limit {}",
                  info.kernel, grid.blockL, grid.tilesL, stripes, kMaxBlocks);
  // Kernels count positions in i32, up to the end of the last tile and a few steps of prefetch.
  int64_t reach = grid.tilesL * grid.blockL + kPrefetchSteps * step;
  if (reach > INT32_MAX)
    return refuse(why,
                  "kernel {}: L = {} in tiles of block_l = {} reaches position {}, above the "
                  "limit {}",
                  info.kernel, shape.l, grid.blockL, reach, INT32_MAX);
  return true;
}

namespace {

/// Writes the flat parameter list of KernelInfo.h: one 8-byte slot per parameter, of which an i32
/// uses the first four.
struct ParameterWriter {
  uint64_t *slot;
  void **pointer;

  template <typename T> void add(T value) {
    static_assert(sizeof(T) <= sizeof(*slot));
    std::memcpy(slot, &value, sizeof(T));
    *pointer++ = slot++;
  }
  void tensor(const Operand &operand, const TensorRef &tensor) {
    add(tensor.data);
    if (operand.kind == OperandKind::View && operand.layout == Layout::BLD) {
      for (size_t i : {0, 2, 1})
        add(tensor.strides[i]);
      return;
    }
    bool view = operand.kind == OperandKind::View;
    if (view && operand.layout == Layout::DL)
      add(int64_t(0)); // One row.
    for (int64_t stride : tensor.strides)
      add(stride);
    if (operand.longer)
      add(tensor.shape[2]);
    if (view && operand.layout == Layout::BD)
      add(int64_t(0)); // One position.
    if (operand.kind == OperandKind::Indices && operand.form == IndexForm::Rows)
      add(int64_t(0)); // One dimension.
    if (operand.kind == OperandKind::Indices && operand.form == IndexForm::Bounds)
      add(tensor.shape[0] - 1);
  }
};

} // namespace

bool LaunchBuilder::build(BoundLaunch &into) {
  const KernelInfo &info = plan->info;
  if (info.sharedBytes > plan->device.sharedPerBlock)
    return refuse(why, "kernel {}: shared memory {} B exceeds {} B on this device", info.kernel,
                  info.sharedBytes, plan->device.sharedPerBlock);
  if (info.align == 16 && !knownAligned && !checkAlignment(&why))
    return false;
  Grid grid;
  if (!chooseGrid(grid))
    return false;
  into.shape = shape;
  into.blockL = grid.blockL;
  into.blocks = uint64_t(grid.blocks);
  ParameterWriter writer{into.slots, into.pointers};
  for (size_t i = 0; i < info.operands.size(); ++i)
    writer.tensor(info.operands[i], *tensors[i]);
  for (int64_t size : {shape.b, shape.d, shape.l, grid.blockL, grid.tilesL, grid.tilesN})
    writer.add(int32_t(size));
  into.count = size_t(writer.slot - into.slots);
  return true;
}

template <typename T>
static Result<BoundLaunch> bindAny(const KernelInfo &info, Span<T> arguments,
                                   const DeviceTraits &device, Span<TunedBlockL> tuned) {
  HALO_CHECK(checkParameterCount(info));
  LaunchPlan plan(info, device);
  BoundLaunch bound;
  HALO_CHECK(LaunchBuilder(plan, tuned).bind(arguments, bound));
  return bound;
}

Result<BoundLaunch> bind(const KernelInfo &info, Span<Argument> arguments,
                         const DeviceTraits &device, Span<TunedBlockL> tuned) {
  return bindAny(info, arguments, device, tuned);
}

Result<BoundLaunch> bind(const KernelInfo &info, Span<TensorRef> tensors,
                         const DeviceTraits &device) {
  return bindAny(info, tensors, device, {});
}

} // namespace halo

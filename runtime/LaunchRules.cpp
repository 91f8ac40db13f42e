#include "runtime/LaunchRules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

namespace halo {

namespace {

bool hasElements(const TensorRef &tensor) {
  return std::find(tensor.shape.begin(), tensor.shape.end(), 0) == tensor.shape.end();
}

/// Puts the arguments into the operands' order: every operand once, nothing else. Where a state is
/// an input and an output, the first argument of its name is the input.
Result<std::vector<const TensorRef *>> matchOperands(const KernelInfo &info,
                                                     const std::vector<Argument> &arguments) {
  std::vector<const TensorRef *> tensors(info.operands.size());
  for (const Argument &argument : arguments) {
    const TensorRef **slot = nullptr;
    bool known = false;
    // Inputs come before outputs, so the first free place is the input's.
    for (size_t i = 0; i < tensors.size() && !slot; ++i)
      if (info.operands[i].name == argument.name) {
        known = true;
        slot = tensors[i] ? nullptr : &tensors[i];
      }
    if (!known) {
      std::vector<std::string> names;
      for (const Operand &o : info.operands)
        names.push_back(o.name);
      return invalid(fmt::format("operand {} is unknown to kernel {}, which has {}", argument.name,
                                 info.kernel, fmt::join(names, ", ")));
    }
    if (!slot)
      return invalid(fmt::format("operand {} is given too often", argument.name));
    *slot = &argument.tensor;
  }
  for (size_t i = 0; i < tensors.size(); ++i)
    if (!tensors[i])
      return invalid(fmt::format("{} {} of kernel {} is missing",
                                 info.operands[i].output ? "output" : "operand",
                                 info.operands[i].name, info.kernel));
  return tensors;
}

/// What holds for one tensor on its own, before its sizes mean anything.
Result<void> checkForm(const Operand &operand, const TensorRef &tensor) {
  if (tensor.dtype != operand.dtype)
    return invalid(fmt::format("operand {} has dtype {} where the kernel was made for {}",
                               operand.name, name(tensor.dtype), name(operand.dtype)));
  size_t rank = rankOf(operand);
  if (tensor.shape.size() != rank)
    return invalid(fmt::format("operand {} has rank {} where a {} has rank {}", operand.name,
                               tensor.shape.size(), name(operand.kind), rank));
  if (tensor.strides.size() != rank)
    return invalid(fmt::format("operand {} has {} sizes and {} strides", operand.name, rank,
                               tensor.strides.size()));
  for (int64_t size : tensor.shape)
    if (size < 0)
      return invalid(fmt::format("operand {} has the negative size {} in {}", operand.name, size,
                                 printSizes(tensor.shape)));
  return {};
}

/// No two elements of an output may share memory. Sorted by stride, each must step over all that
/// the smaller ones reach; orders that interleave without touching are refused too.
Result<void> checkNoAlias(const Operand &operand, const TensorRef &tensor) {
  std::vector<std::pair<uint64_t, int64_t>> dims;
  for (size_t i = 0; i < tensor.shape.size(); ++i)
    if (tensor.shape[i] > 1) {
      int64_t stride = tensor.strides[i];
      dims.push_back({stride < 0 ? 0 - uint64_t(stride) : uint64_t(stride), tensor.shape[i]});
    }
  std::sort(dims.begin(), dims.end());
  unsigned __int128 reach = 0;
  for (auto [stride, size] : dims) {
    if (stride <= reach)
      return invalid(fmt::format("operand {} is written, and with sizes {} and strides {} several "
                                 "of its elements share memory",
                                 operand.name, printSizes(tensor.shape),
                                 printSizes(tensor.strides)));
    reach += static_cast<unsigned __int128>(stride) * uint64_t(size - 1);
  }
  return {};
}

Result<void> checkMemory(const Operand &operand, const TensorRef &tensor) {
  if (!hasElements(tensor))
    return {};
  if (!tensor.data)
    return invalid(fmt::format("operand {} has a null pointer for its {} elements", operand.name,
                               printSizes(tensor.shape)));
  size_t element = size(operand.dtype);
  if (size_t rest = reinterpret_cast<uintptr_t>(tensor.data) % element)
    return invalid(fmt::format("operand {} starts {} bytes past a multiple of its element size {}",
                               operand.name, rest, element));
  return operand.output ? checkNoAlias(operand, tensor) : Result<void>();
}

/// The bytes a tensor's elements lie within: [first, second).
std::pair<uintptr_t, uintptr_t> extentOf(const TensorRef &tensor) {
  auto low = reinterpret_cast<uintptr_t>(tensor.data), high = low + size(tensor.dtype);
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    int64_t reach = tensor.strides[i] * (tensor.shape[i] - 1) * int64_t(size(tensor.dtype));
    (reach < 0 ? low : high) += uintptr_t(reach);
  }
  return {low, high};
}

/// A state that is read and written: a step reads all of a channel's samples before it writes any,
/// so it may update in place; elsewhere one block writes while others still read.
Result<void> checkInPlace(const KernelInfo &info, const std::vector<const TensorRef *> &tensors) {
  for (size_t i = 0; i < tensors.size(); ++i)
    for (size_t o = i + 1; o < tensors.size(); ++o) {
      if ((info.operands[i].kind != OperandKind::State &&
           info.operands[i].kind != OperandKind::ModalState) || !info.operands[o].output ||
          info.operands[i].name != info.operands[o].name)
        continue;
      const TensorRef &in = *tensors[i], &out = *tensors[o];
      if (!hasElements(in))
        continue;
      auto [inLow, inHigh] = extentOf(in);
      auto [outLow, outHigh] = extentOf(out);
      if (inHigh <= outLow || outHigh <= inLow)
        continue;
      if (info.layout != Layout::BD)
        return invalid(fmt::format("output {} overlaps its input, but only a step updates a state "
                                   "in place: kernel {} needs memory of its own for it",
                                   info.operands[o].name, info.kernel));
      if (in.data != out.data || in.strides != out.strides)
        return invalid(fmt::format("output {} overlaps its input without being the same tensor: "
                                   "strides {} and {}, {} bytes apart",
                                   info.operands[o].name, printSizes(in.strides),
                                   printSizes(out.strides),
                                   outLow > inLow ? outLow - inLow : inLow - outLow));
    }
  return {};
}

/// A size, and the operand that said it first.
struct Agreed {
  const char *letter;
  int64_t value = -1;
  std::string_view from = {};

  Result<void> agree(const Operand &operand, int64_t said) {
    if (value < 0) {
      value = said;
      from = operand.name;
      if (said > INT32_MAX)
        return invalid(fmt::format("operand {} has {} = {}, above the limit {}", operand.name,
                                   letter, said, INT32_MAX));
      return {};
    }
    if (said != value)
      return invalid(fmt::format("operand {} has {} = {} where operand {} has {} = {}",
                                 operand.name, letter, said, from, letter, value));
    return {};
  }
};

/// B, D and L as all views say them.
Result<Shape> checkViews(const KernelInfo &info, const std::vector<const TensorRef *> &tensors) {
  Agreed b{"B"}, d{"D"}, l{"L"};
  int64_t required = info.requiredChannels();
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Operand &operand = info.operands[i];
    if (operand.kind != OperandKind::View)
      continue;
    const std::vector<int64_t> &shape = tensors[i]->shape;
    bool batched = operand.layout != Layout::DL, bld = operand.layout == Layout::BLD;
    int64_t channels = shape[!batched ? 0 : bld ? 2 : 1];
    int64_t positions = operand.layout == Layout::BD ? 1 : bld ? shape[1] : shape.back();
    HALO_CHECK(b.agree(operand, batched ? shape[0] : 1));
    if (operand.channels) {
      if (channels != operand.channels)
        return invalid(fmt::format("operand {} has {} channels where its part has {}", operand.name,
                                   channels, operand.channels));
    } else {
      if (channels % operand.streams)
        return invalid(fmt::format("operand {} has {} channels, no multiple of its {} streams",
                                   operand.name, channels, operand.streams));
      HALO_CHECK(d.agree(operand, channels / operand.streams));
      if (operand.heads && d.value % operand.heads)
        return invalid(fmt::format("operand {} has D = {}, no multiple of the {} heads of "
                                   "column_split:{}",
                                   operand.name, d.value, operand.heads, operand.heads));
    }
    HALO_CHECK(l.agree(operand, positions));
  }
  if (b.value < 0)
    return invalid(fmt::format("kernel {} has no view to take its sizes from", info.kernel));
  if (d.value < 0)
    d.value = required;
  else if (required && d.value != required)
    return invalid(fmt::format("operand {} has D = {} where the parts of kernel {} cover {}",
                               d.from, d.value, info.kernel, required));
  return Shape{b.value, d.value, l.value};
}

/// Rows of taps: one for `group` consecutive channels.
Result<void> checkRows(const Operand &operand, const TensorRef &tensor, int64_t channels) {
  int64_t rows = tensor.shape[0], group = operand.group;
  if (group > 1 && channels % group)
    return invalid(fmt::format("conv_c1: operand {} has {} channels per filter, and {} channels "
                               "are no multiple of it",
                               operand.name, group, channels));
  if (rows == channels / group)
    return {};
  if (group > 1)
    return invalid(fmt::format("conv_c1: operand {} has {} rows of {} channels each where {} "
                               "channels take {}",
                               operand.name, rows, group, channels, channels / group));
  return invalid(fmt::format("conv_c2: operand {} has {} rows where D takes {}", operand.name, rows,
                             channels));
}

/// Operands that are no views, against the sizes of the views.
Result<void> checkConstants(const Operand &operand, const TensorRef &tensor, const Shape &shape) {
  if (operand.kind == OperandKind::View)
    return {};
  std::vector<int64_t> expected = outputShape(operand, shape);
  if (operand.kind == OperandKind::Taps) {
    HALO_CHECK(checkRows(operand, tensor, operand.streams * shape.d));
    if (tensor.shape[1] != operand.taps)
      return invalid(fmt::format("conv_c2: operand {} has {} taps where the kernel was made for "
                                 "K = {}",
                                 operand.name, tensor.shape[1], operand.taps));
  }
  if (tensor.shape == expected)
    return {};
  const char *form = operand.kind == OperandKind::State        ? "[B, C, K-1]"
                     : operand.kind == OperandKind::Modes      ? "[D, S]"
                     : operand.kind == OperandKind::ModalState ? "[B, D, S]"
                                                               : "[D]";
  return invalid(fmt::format("conv_c2: operand {} has shape {} where {} = {} is expected",
                             operand.name, printSizes(tensor.shape), form,
                             printSizes(expected)));
}

} // namespace

size_t rankOf(const Operand &operand) {
  switch (operand.kind) {
  case OperandKind::View:
    return operand.layout == Layout::BD || operand.layout == Layout::DL ? 2 : 3;
  case OperandKind::State:
  case OperandKind::ModalState:
    return 3;
  case OperandKind::Taps:
  case OperandKind::Modes:
    return 2;
  case OperandKind::Channel:
    return 1;
  }
  return 0;
}

std::string printSizes(const std::vector<int64_t> &sizes) {
  return fmt::format("[{}]", fmt::join(sizes, ", "));
}

/// Views whose contiguous dimension is L.
static bool positionsLast(const Operand &operand) {
  return operand.layout == Layout::BDL || operand.layout == Layout::DL;
}

std::string misalignment(const Operand &operand, const TensorRef &tensor) {
  if (operand.kind == OperandKind::State || !hasElements(tensor))
    return "";
  int64_t group = 16 / int64_t(size(tensor.dtype));
  if (uintptr_t rest = reinterpret_cast<uintptr_t>(tensor.data) % 16)
    return fmt::format("operand {} starts {} bytes past a multiple of 16", operand.name, rest);
  if (operand.kind != OperandKind::View) {
    // Taps and channels are read several at a time: they must be contiguous.
    int64_t expected = 1;
    for (size_t i = tensor.shape.size(); i-- > 0; expected *= tensor.shape[i])
      if (tensor.shape[i] > 1 && tensor.strides[i] != expected)
        return fmt::format("operand {} has stride {} in dimension {} where 16-byte accesses need {}",
                           operand.name, tensor.strides[i], i, expected);
    return "";
  }
  size_t contiguous = tensor.shape.size() - 1; // L of [B, C, L], C of [B, L, C] and [B, C].
  if (tensor.strides[contiguous] != 1)
    return fmt::format("operand {} has stride {} along {} where 16-byte accesses need 1",
                       operand.name, tensor.strides[contiguous],
                       positionsLast(operand) ? "L" : "C");
  if (tensor.shape[contiguous] % group)
    return fmt::format("operand {} has {} = {} where 16-byte accesses need a multiple of {}",
                       operand.name, positionsLast(operand) ? "L" : "C",
                       tensor.shape[contiguous], group);
  int64_t d = tensor.shape[contiguous] / operand.streams;
  if (operand.layout == Layout::BLD && operand.heads && d / operand.heads % group)
    return fmt::format("operand {} has heads of {} channels where 16-byte accesses need a multiple "
                       "of {}",
                       operand.name, d / operand.heads, group);
  for (size_t i = 0; i < contiguous; ++i)
    if (tensor.shape[i] > 1 && tensor.strides[i] % group)
      return fmt::format("operand {} has stride {} in dimension {} where 16-byte accesses need a "
                         "multiple of {}",
                         operand.name, tensor.strides[i], i, group);
  return "";
}

Result<CheckedArguments> checkArguments(const KernelInfo &info,
                                        const std::vector<Argument> &arguments) {
  CheckedArguments checked;
  HALO_TRY(tensors, matchOperands(info, arguments));
  for (size_t i = 0; i < tensors.size(); ++i)
    HALO_CHECK(checkForm(info.operands[i], *tensors[i]));
  HALO_TRY(shape, checkViews(info, tensors));
  for (size_t i = 0; i < tensors.size(); ++i) {
    HALO_CHECK(checkConstants(info.operands[i], *tensors[i], shape));
    HALO_CHECK(checkMemory(info.operands[i], *tensors[i]));
  }
  HALO_CHECK(checkInPlace(info, tensors));
  if (info.align == 16)
    for (size_t i = 0; i < tensors.size(); ++i)
      if (std::string why = misalignment(info.operands[i], *tensors[i]); !why.empty())
        return invalid(why);
  checked.tensors = std::move(tensors);
  checked.shape = shape;
  return checked;
}

} // namespace halo

#include "runtime/LaunchRules.h"

#include "runtime/Join.h"

#include <algorithm>
#include <utility>

namespace halo {

namespace {

bool hasElements(const TensorRef &tensor) {
  return std::find(tensor.shape.begin(), tensor.shape.end(), 0) == tensor.shape.end();
}

/// What holds for one tensor on its own, before its sizes mean anything.
bool checkForm(const Operand &operand, const TensorRef &tensor, Error &why) {
  if (tensor.dtype != operand.dtype)
    return refuse(why, "operand {} has dtype {} where the kernel was made for {}", operand.name,
                  name(tensor.dtype), name(operand.dtype));
  size_t expected = rankOf(operand);
  if (tensor.shape.size() != expected)
    return refuse(why, "operand {} has rank {} where a {} has rank {}", operand.name,
                  tensor.shape.size(), name(operand.kind), expected);
  if (tensor.strides.size() != expected)
    return refuse(why, "operand {} has {} sizes and {} strides", operand.name, expected,
                  tensor.strides.size());
  for (int64_t size : tensor.shape)
    if (size < 0)
      return refuse(why, "operand {} has the negative size {} in {}", operand.name, size,
                    printSizes(tensor.shape));
  return true;
}

/// Whether each stride steps over the whole of the next dimension: the usual order of a tensor.
bool nests(const TensorRef &tensor) {
  int64_t inner = 1;
  for (size_t i = tensor.shape.size(); i-- > 0;)
    if (tensor.strides[i] < inner ||
        __builtin_mul_overflow(tensor.strides[i], tensor.shape[i], &inner))
      return false;
  return true;
}

/// No two elements of an output may share memory. Sorted by stride, each must step over all that
/// the smaller ones reach; orders that interleave without touching are refused too.
[[gnu::noinline]] bool checkNoAlias(const Operand &operand, const TensorRef &tensor, Error &why) {
  struct Dimension {
    uint64_t stride, steps;
  } sorted[Dims::kCapacity];
  size_t count = 0;
  for (size_t i = 0; i < tensor.shape.size(); ++i)
    if (tensor.shape[i] > 1) {
      int64_t stride = tensor.strides[i];
      Dimension next = {stride < 0 ? 0 - uint64_t(stride) : uint64_t(stride),
                        uint64_t(tensor.shape[i]) - 1};
      size_t place = count++;
      for (; place > 0 && sorted[place - 1].stride > next.stride; --place)
        sorted[place] = sorted[place - 1];
      sorted[place] = next;
    }
  unsigned __int128 reach = 0;
  for (size_t i = 0; i < count; ++i) {
    if (sorted[i].stride <= reach)
      return refuse(why,
                    "operand {} is written, and with sizes {} and strides {} several of its "
                    "elements share memory",
                    operand.name, printSizes(tensor.shape), printSizes(tensor.strides));
    reach += static_cast<unsigned __int128>(sorted[i].stride) * sorted[i].steps;
  }
  return true;
}

/// A tensor without elements may lie anywhere; that it has none is looked at last, being rare.
bool checkMemory(const Operand &operand, const TensorRef &tensor, Error &why) {
  if (!tensor.data)
    return !hasElements(tensor) || refuse(why, "operand {} has a null pointer for its {} elements",
                                          operand.name, printSizes(tensor.shape));
  size_t element = size(operand.dtype);
  if (size_t rest = reinterpret_cast<uintptr_t>(tensor.data) & (element - 1))
    return !hasElements(tensor) ||
           refuse(why, "operand {} starts {} bytes past a multiple of its element size {}",
                  operand.name, rest, element);
  return !operand.output || nests(tensor) || !hasElements(tensor) ||
         checkNoAlias(operand, tensor, why);
}

/// The bytes a tensor's elements lie within: [first, second).
std::pair<__int128, __int128> extentOf(const TensorRef &tensor) {
  __int128 low = reinterpret_cast<uintptr_t>(tensor.data), high = low + size(tensor.dtype);
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    __int128 reach = __int128(tensor.strides[i]) * (tensor.shape[i] - 1) * size(tensor.dtype);
    (reach < 0 ? low : high) += reach;
  }
  return {low, high};
}

/// A state that is read and written: a step reads all of a channel's samples before it writes any, and
/// so does who keeps a state, so they may update in place; elsewhere one block writes while others
/// still read.
bool checkInPlace(const KernelInfo &info, const Operand &operand, const TensorRef &in,
                  const TensorRef &out, Error &why) {
  bool step = info.layout == Layout::BD || operand.kept();
  bool same = in.data == out.data && in.strides == out.strides && in.shape == out.shape;
  if ((step && same) || !hasElements(in))
    return true;
  if (in.shape != out.shape)
    return refuse(why, "update_c2: output {} has shape {} where its input has {}", operand.name,
                  printSizes(out.shape), printSizes(in.shape));
  auto [inLow, inHigh] = extentOf(in);
  auto [outLow, outHigh] = extentOf(out);
  if (inHigh <= outLow || outHigh <= inLow)
    return true;
  if (!step)
    return refuse(why,
                  "output {} overlaps its input, but only a step updates a state in place: kernel "
                  "{} needs memory of its own for it",
                  operand.name, info.kernel);
  auto from = reinterpret_cast<uintptr_t>(in.data), to = reinterpret_cast<uintptr_t>(out.data);
  return refuse(why,
                "output {} overlaps its input without being the same tensor: strides {} and {}, {} "
                "bytes apart",
                operand.name, printSizes(in.strides), printSizes(out.strides),
                to > from ? to - from : from - to);
}

/// A size, and the operand that said it first.
struct Agreed {
  const char *letter;
  int64_t value = -1;
  const Operand *from = nullptr;

  bool agree(const Operand &operand, int64_t said, Error &why) {
    if (said == value)
      return true;
    if (from)
      return refuse(why, "operand {} has {} = {} where operand {} has {} = {}", operand.name,
                    letter, said, from->name, letter, value);
    value = said;
    from = &operand;
    return said <= INT32_MAX || refuse(why, "operand {} has {} = {}, above the limit {}",
                                       operand.name, letter, said, INT32_MAX);
  }
};

/// Sequences that lie one after another in one row: how many there are.
bool checkBounds(const Operand &operand, const TensorRef &tensor, const Operand &view,
                 Shape &sizes, Error &why) {
  sizes.n = tensor.shape[0] - 1;
  if (sizes.n < 0)
    return refuse(why, "conv_c2: operand {} has 0 numbers where N sequences take N + 1",
                  operand.name);
  if (sizes.n > INT32_MAX)
    return refuse(why, "operand {} has N = {}, above the limit {}", operand.name, sizes.n,
                  INT32_MAX);
  if (sizes.b != 1)
    return refuse(why, "conv_c2: operand {} says where sequences of one row begin, and {} has B = {}",
                  operand.name, view.name, sizes.b);
  return sizes.n > 0 || sizes.l == 0 ||
         refuse(why, "conv_c2: operand {} has N = 0 sequences where L = {} positions take at least 1",
                operand.name, sizes.l);
}

/// B, D and L as all views say them.
bool checkViews(const LaunchPlan &plan, const TensorRef *const *tensors, Shape &sizes, Error &why) {
  const KernelInfo &info = plan.info;
  Agreed b{"B"}, d{"D"}, l{"L"};
  size_t bounds = info.operands.size();
  for (size_t i = 0; i < info.operands.size(); ++i) {
    const Operand &operand = info.operands[i];
    if (operand.kind == OperandKind::Indices && operand.form == IndexForm::Bounds)
      bounds = i;
    if (operand.kind != OperandKind::View)
      continue;
    const Dims &shape = tensors[i]->shape;
    bool batched = operand.layout != Layout::DL, bld = operand.layout == Layout::BLD;
    int64_t channels = shape[!batched ? 0 : bld ? 2 : 1];
    int64_t positions = operand.layout == Layout::BD ? 1 : shape[batched && !bld ? 2 : 1];
    if (!b.agree(operand, batched ? shape[0] : 1, why))
      return false;
    if (operand.channels) {
      if (channels != operand.channels)
        return refuse(why, "operand {} has {} channels where its part has {}", operand.name,
                      channels, operand.channels);
    } else {
      if (operand.streams > 1) {
        if (channels % operand.streams)
          return refuse(why, "operand {} has {} channels, no multiple of its {} streams",
                        operand.name, channels, operand.streams);
        channels /= operand.streams;
      }
      if (!d.agree(operand, channels, why))
        return false;
      if (operand.heads && channels % operand.heads)
        return refuse(why, "operand {} has D = {}, no multiple of the {} heads of column_split:{}",
                      operand.name, channels, operand.heads, operand.heads);
    }
    if (!l.agree(operand, positions, why))
      return false;
  }
  if (!b.from)
    return refuse(why, "kernel {} has no view to take its sizes from", info.kernel);
  if (!d.from)
    d.value = plan.requiredChannels;
  else if (plan.requiredChannels && d.value != plan.requiredChannels)
    return refuse(why, "operand {} has D = {} where the parts of kernel {} cover {}", d.from->name,
                  d.value, info.kernel, plan.requiredChannels);
  sizes = {b.value, d.value, l.value};
  return bounds == info.operands.size() ||
         checkBounds(info.operands[bounds], *tensors[bounds], *b.from, sizes, why);
}

/// Rows of taps: one for `group` consecutive channels.
bool checkTaps(const Operand &operand, const TensorRef &tensor, int64_t channels, Error &why) {
  int64_t rows = tensor.shape[0], group = operand.group;
  if (group == 1) {
    if (rows != channels)
      return refuse(why, "conv_c2: operand {} has {} rows where D takes {}", operand.name, rows,
                    channels);
  } else if (channels % group) {
    return refuse(why,
                  "conv_c1: operand {} has {} channels per filter, and {} channels are no "
                  "multiple of it",
                  operand.name, group, channels);
  } else if (rows != channels / group) {
    return refuse(why,
                  "conv_c1: operand {} has {} rows of {} channels each where {} channels take {}",
                  operand.name, rows, group, channels, channels / group);
  }
  if (tensor.shape[1] != operand.taps)
    return refuse(why, "conv_c2: operand {} has {} taps where the kernel was made for K = {}",
                  operand.name, tensor.shape[1], operand.taps);
  return true;
}

const char *formOf(const Operand &operand, bool packed) {
  switch (operand.kind) {
  case OperandKind::State:
    return packed ? "[N, C, K-1]" : "[B, C, K-1]";
  case OperandKind::Modes:
    return "[D, S]";
  case OperandKind::ModalState:
    return packed ? "[N, D, S]" : "[B, D, S]";
  case OperandKind::Indices:
    return operand.form == IndexForm::Rows        ? "[B]"
           : operand.form == IndexForm::Positions ? "[B, L]"
                                                  : "[N + 1]";
  default:
    return "[D]";
  }
}

/// A state with sizes of its own: any number of slots, any length of at least K - 1.
bool checkKept(const Operand &operand, const TensorRef &tensor, const Shape &shape, Error &why) {
  const Dims &sizes = tensor.shape;
  int64_t channels = operand.streams * shape.d, least = operand.taps - 1;
  if ((operand.slots.empty() && sizes[0] != shape.b) || sizes[1] != channels)
    return refuse(why, "conv_c2: operand {} has shape {} where [{}, {}, N] is expected",
                  operand.name, printSizes(sizes),
                  operand.slots.empty() ? fmt::format("{}", shape.b) : "slots", channels);
  if (operand.longer ? sizes[2] < least : sizes[2] != least)
    return refuse(why, "update_c1: operand {} holds {} samples where K = {} takes {}{}",
                  operand.name, sizes[2], operand.taps, operand.longer ? "at least " : "", least);
  for (size_t i : {0, 2})
    if (sizes[i] > INT32_MAX)
      return refuse(why, "operand {} has the size {}, above the limit {}", operand.name, sizes[i],
                    INT32_MAX);
  return true;
}

/// Operands that are no views, against the sizes of the views.
bool checkConstants(const Operand &operand, const TensorRef &tensor, const Shape &shape,
                    Error &why) {
  if (operand.kind == OperandKind::View)
    return true;
  if (operand.longer || !operand.slots.empty())
    return checkKept(operand, tensor, shape, why);
  if (operand.kind == OperandKind::Taps)
    return checkTaps(operand, tensor, operand.streams * shape.d, why);
  Dims expected = outputShape(operand, shape);
  return tensor.shape == expected ||
         refuse(why, "conv_c2: operand {} has shape {} where {} = {} is expected", operand.name,
                printSizes(tensor.shape),
                formOf(operand, shape.n >= 0),
                printSizes(expected));
}

} // namespace

std::string printSizes(const Dims &sizes) { return fmt::format("[{}]", join(sizes, ", ")); }

bool matchNames(const KernelInfo &info, Span<Argument> arguments, const TensorRef **tensors,
                Error &why) {
  const std::vector<Operand> &operands = info.operands;
  std::fill_n(tensors, operands.size(), nullptr);
  for (const Argument &argument : arguments) {
    // Inputs come before outputs, so the first free place of a name is the input's.
    int places = 0;
    bool placed = false;
    for (size_t i = 0; i < operands.size() && !placed; ++i)
      if (operands[i].name == argument.name) {
        ++places;
        placed = !tensors[i];
        if (placed)
          tensors[i] = &argument.tensor;
      }
    if (!places) {
      std::vector<std::string> names;
      for (const Operand &operand : operands)
        names.push_back(operand.name);
      return refuse(why, "operand {} is unknown to kernel {}, which has {}", argument.name,
                    info.kernel, join(names, ", "));
    }
    if (!placed)
      return refuse(why, "operand {} is given {}", argument.name,
                    places > 1 ? "more than twice" : "twice");
  }
  for (size_t i = 0; i < operands.size(); ++i)
    if (!tensors[i])
      return refuse(why, "{} {} of kernel {} is missing", operands[i].output ? "output" : "operand",
                    operands[i].name, info.kernel);
  return true;
}

bool checkTensors(const LaunchPlan &plan, const TensorRef *const *tensors, Shape &shape,
                  Error &why) {
  const std::vector<Operand> &operands = plan.info.operands;
  for (size_t i = 0; i < operands.size(); ++i)
    if (!checkForm(operands[i], *tensors[i], why))
      return false;
  if (!checkViews(plan, tensors, shape, why))
    return false;
  for (size_t i = 0; i < operands.size(); ++i)
    if (!checkConstants(operands[i], *tensors[i], shape, why) ||
        !checkMemory(operands[i], *tensors[i], why))
      return false;
  for (const LaunchPlan::Update &state : plan.updates)
    if (!checkInPlace(plan.info, operands[state.output], *tensors[state.input],
                      *tensors[state.output], why))
      return false;
  return true;
}

/// The rule itself, dimension by dimension.
static bool checkEveryStride(const Operand &operand, const TensorRef &tensor, Error *why) {
  if (!hasElements(tensor))
    return true;
  if (uintptr_t rest = reinterpret_cast<uintptr_t>(tensor.data) % 16)
    return refuse(why, "operand {} starts {} bytes past a multiple of 16", operand.name, rest);
  if (operand.kind != OperandKind::View) {
    // What is read several elements at a time must be contiguous.
    int64_t expected = 1;
    for (size_t i = tensor.shape.size(); i-- > 0; expected *= tensor.shape[i])
      if (tensor.shape[i] > 1 && tensor.strides[i] != expected)
        return refuse(why,
                      "operand {} has stride {} in dimension {} where 16-byte accesses need {}",
                      operand.name, tensor.strides[i], i, expected);
    return true;
  }
  int64_t group = 16 / int64_t(size(tensor.dtype));
  // L of [B, C, L] and [C, L], C of [B, L, C] and [B, C].
  size_t contiguous = tensor.shape.size() - 1;
  bool positionsLast = operand.layout == Layout::BDL || operand.layout == Layout::DL;
  const char *letter = positionsLast ? "L" : "C";
  if (tensor.strides[contiguous] != 1)
    return refuse(why, "operand {} has stride {} along {} where 16-byte accesses need 1",
                  operand.name, tensor.strides[contiguous], letter);
  if (tensor.shape[contiguous] % group)
    return refuse(why, "operand {} has {} = {} where 16-byte accesses need a multiple of {}",
                  operand.name, letter, tensor.shape[contiguous], group);
  int64_t d = tensor.shape[contiguous] / operand.streams;
  if (operand.layout == Layout::BLD && operand.heads && d / operand.heads % group)
    return refuse(why,
                  "operand {} has heads of {} channels where 16-byte accesses need a multiple of {}",
                  operand.name, d / operand.heads, group);
  for (size_t i = 0; i < contiguous; ++i)
    if (tensor.shape[i] > 1 && tensor.strides[i] % group)
      return refuse(why,
                    "operand {} has stride {} in dimension {} where 16-byte accesses need a "
                    "multiple of {}",
                    operand.name, tensor.strides[i], i, group);
  return true;
}

bool checkAligned(const Operand &operand, const TensorRef &tensor, Error *why) {
  if (operand.kind == OperandKind::State || operand.kind == OperandKind::Indices)
    return true;
  // The usual tensor first: whole 16-byte groups in every stride but the innermost.
  uint64_t bits = reinterpret_cast<uintptr_t>(tensor.data);
  size_t last = tensor.shape.size() - 1;
  if (operand.kind == OperandKind::View) {
    // In [B, C] and [C, L] the one outer stride is also the last of them.
    uint64_t elements = uint64_t(tensor.shape[last] | tensor.strides[0] | tensor.strides[last - 1]);
    if (((bits | elements * size(tensor.dtype)) & 15) == 0 && tensor.strides[last] == 1 &&
        !operand.heads)
      return true;
  } else if ((bits & 15) == 0 && tensor.strides[last] == 1 &&
             (last == 0 || (last == 1 && tensor.strides[0] == tensor.shape[1]))) {
    return true;
  }
  return checkEveryStride(operand, tensor, why);
}

} // namespace halo

// Sizes and strides.
#include "tests/property/Draw.h"

#include <algorithm>
#include <numeric>

namespace halo::property {

static int64_t roundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

static Shape drawSizes(Random &random, const DrawOptions &options, const Problem &problem,
                       int64_t group16) {
  int64_t taps = numberOf(problem, "K", 1), group = numberOf(problem, "group", 1);
  bool bld = paramOf(problem, "layout", "bdl") == "bld";
  Shape shape;
  shape.b = random.percent(4) ? 0 : random.of<int64_t>({1, 1, 2, 2, 3, 4});
  shape.d = random.of<int64_t>({1, 3, 15, 37, 64, 96, 130, 256, random.between(1, 300)});
  int64_t period = std::lcm(group, problem.align == 16 && (bld || isFlat(problem)) ? group16 : 1);
  if (std::string streams = paramOf(problem, "streams", ""); streams.find(':') != std::string::npos)
    period = std::lcm(period, std::stoll(streams.substr(streams.find(':') + 1)) *
                                  (problem.align == 16 && (bld || isFlat(problem)) ? group16 : 1));
  shape.d = roundUp(shape.d, period);
  if (std::vector<Part> parts = partsOf(problem); !parts.empty()) {
    shape.d = 0;
    for (const Part &part : parts)
      shape.d += part.channels;
  }
  shape.l = random.of<int64_t>(
      {0, 1, 2, taps - 2, taps - 1, taps, taps + 1, 7, 33, 100, random.between(1, 100),
       random.between(255, options.length), random.between(255, options.length),
       random.between(255, options.length), random.between(255, options.length)});
  shape.l = std::max<int64_t>(shape.l, 0);
  // A recurrence costs as much as some 16 taps.
  double most =
      options.work / double(isModal(problem) ? 16 : taps) / double(std::max<int64_t>(shape.d, 1));
  if (double(shape.b * shape.l) > most)
    shape.b = 1;
  shape.l = std::min(shape.l, std::max(int64_t(most), 2 * taps));
  if (isUpdate(problem))
    shape.l = random.of<int64_t>({0, 1, 1, 2, 3, 5, 12});
  if (problem.align == 16 && !bld)
    shape.l = roundUp(shape.l, group16);
  if (isFlat(problem))
    shape.l = 1;
  if (hasBounds(problem)) {
    shape.b = 1;
    shape.n = random.of<int64_t>({1, 2, 3, 5, 9, 20});
    if (shape.l == 0 && random.percent(50))
      shape.n = 0;
  }
  return shape;
}

/// Strides of a tensor whose dimensions nest in `order` (outermost first), with `extra(i)` elements
/// behind each row and `inner` between neighbours.
template <typename Extra>
static std::vector<int64_t> nest(const std::vector<int64_t> &sizes,
                                 const std::vector<size_t> &order, int64_t inner, Extra extra) {
  std::vector<int64_t> strides(sizes.size());
  int64_t stride = inner;
  for (size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = stride;
    stride *= std::max<int64_t>(sizes[order[i]], 1) + extra(order[i]);
  }
  return strides;
}

/// Any strides: gaps, a strided last dimension, dimensions in any order, backwards, repeated.
static ViewSpec drawAnyView(Random &random, const std::vector<int64_t> &sizes, bool output) {
  std::vector<size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), size_t(0));
  if (random.percent(25))
    for (size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[size_t(random.below(int64_t(i)))]);
  int64_t inner = random.percent(25) ? random.between(2, 3) : 1;
  bool gaps = random.percent(50);
  ViewSpec view;
  view.strides =
      nest(sizes, order, inner, [&](size_t) { return gaps ? random.between(0, 5) : int64_t(0); });
  view.offset = random.percent(50) ? 1 : 0;
  if (random.percent(10)) {
    size_t dimension = size_t(random.below(int64_t(sizes.size())));
    view.offset += view.strides[dimension] * std::max<int64_t>(sizes[dimension] - 1, 0);
    view.strides[dimension] *= -1;
  }
  if (!output && random.percent(8))
    view.strides[size_t(random.below(int64_t(sizes.size())))] = 0;
  return view;
}

/// Strides that an aligned kernel takes: whole 16-byte groups in views, contiguous weights.
static ViewSpec drawAlignedView(Random &random, const Operand &operand,
                                const std::vector<int64_t> &sizes) {
  int64_t group16 = 16 / int64_t(size(operand.dtype));
  if (operand.kind != OperandKind::View)
    return {TensorRef::contiguous(nullptr, operand.dtype, sizes).strides,
            random.percent(50) ? group16 : 0};
  std::vector<size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), size_t(0));
  if (order.size() == 3 && random.percent(20))
    std::swap(order[0], order[1]);
  bool gaps = random.percent(60);
  ViewSpec view;
  view.strides = nest(sizes, order, 1, [&](size_t dimension) {
    int64_t extra = gaps ? random.between(0, 3) : 0;
    return dimension + 1 == sizes.size() ? extra * group16 : extra;
  });
  view.offset = random.percent(50) ? group16 : 0;
  return view;
}

void drawShape(Random &random, const DrawOptions &options, Case &into) {
  const Problem &problem = into.problem;
  int64_t group16 = 16 / int64_t(size(*parseDType(paramOf(problem, "T", "f32"))));
  into.shape = drawSizes(random, options, problem, group16);
  into.seed = random.next();
  into.guard = options.simulated && random.percent(50) ? 0 : 256 * random.between(1, 3);
  into.views.clear();
  into.spareSlots = isUpdate(problem) ? random.between(0, 3) : 0;
  into.spareSamples = isUpdate(problem) ? random.of<int64_t>({0, 0, 1, 2, 7}) : 0;
  std::vector<Operand> operands = operandsOf(problem);
  // A view is drawn for a name: what is read and written under it must not repeat memory.
  auto isWritten = [&](const Operand &operand) {
    return std::any_of(operands.begin(), operands.end(), [&](const Operand &other) {
      return other.output && other.name == operand.name;
    });
  };
  // Two rows that read one number would have one slot.
  auto isIndex = [](const Operand &operand) { return operand.kind == OperandKind::Indices; };
  for (const Operand &operand : operands) {
    if (random.percent(40) || into.views.count(operand.name))
      continue;
    std::vector<int64_t> sizes = sizesOf(into, operand);
    into.views[operand.name] = operand.kind != OperandKind::State && problem.align == 16
                                   ? drawAlignedView(random, operand, sizes)
                                   : drawAnyView(random, sizes, isWritten(operand) ||
                                                                    isIndex(operand));
  }
  into.checks.clear();
  // Few kernels have both states, which continuing a sequence needs.
  for (const char *check : kChecks)
    if (random.percent(check == kChunks || check == kInPlace || check == kPrefill || check == kAlone
                           ? 60
                           : 20))
      into.checks.insert(check);
  // Rings and slots are no sequence that a prefill, or another row, continues.
  if (isUpdate(problem) || problem.with.count("fir_position"))
    into.checks = {kRepeat};
}

} // namespace halo::property

// What must hold between two launches of one kernel. The second launch is always contiguous: bits
// depend on strides as little as on the rest.
#include "tests/oracle/Compare.h"
#include "tests/oracle/Oracle.h"
#include "tests/property/Checks.h"

#include "tests/property/Random.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace halo::property {

namespace {

class Invariances {
public:
  Invariances(const Case &drawn, const FirstLaunch &first)
      : drawn(drawn), first(first), random(mixSeed(drawn.seed, 1)) {
    // A state under one name is the same tensor in and out.
    for (const Operand &operand : first.kernel.info().operands)
      operands[operand.name] = operand;
  }

  Result<void> prefix();
  Result<void> batch();
  Result<void> special();
  Result<void> chunks();
  Result<void> repeat();
  Result<void> inPlace();
  Result<void> prefill();
  Result<void> alone();
  Result<void> calls();

private:
  const Case &drawn;
  const FirstLaunch &first;
  Random random;
  std::map<std::string, Operand> operands;

  Result<TensorMap> again(TensorMap inputs, Shape shape, int64_t blockL = 0) {
    return launch(first.device, first.kernel, inputs, shape, {{}, drawn.guard, blockL});
  }
  /// What a call of these sizes launches of the invariant problem, with contiguous tensors.
  Result<TensorMap> call(TensorMap inputs, Shape shape);
  /// The tensors of one row of the batch.
  TensorMap alone(TensorMap tensors, int64_t row) const {
    for (auto &[name, tensor] : tensors)
      if (hasBatch(name))
        tensor = slice(tensor, 0, row, 1);
    return tensors;
  }
  /// The dimension of an operand along which positions run; -1 for operands without one.
  int positionsOf(const std::string &name) const {
    const Operand &operand = operands.at(name);
    if (operand.kind == OperandKind::Indices && operand.form == IndexForm::Positions)
      return 1;
    if (operand.kind != OperandKind::View || operand.layout == Layout::BD)
      return -1;
    return operand.layout == Layout::BDL ? 2 : 1;
  }
  bool hasBatch(const std::string &name) const {
    const Operand &operand = operands.at(name);
    OperandKind kind = operand.kind;
    return kind == OperandKind::View || kind == OperandKind::State ||
           kind == OperandKind::ModalState ||
           (kind == OperandKind::Indices && operand.form == IndexForm::Positions);
  }
  /// Positions [begin, begin + count) of every view; the rest as it is.
  TensorMap cut(const TensorMap &tensors, int64_t begin, int64_t count) const {
    TensorMap result = tensors;
    for (auto &[name, tensor] : result)
      if (int dimension = positionsOf(name); dimension >= 0)
        tensor = slice(tensor, size_t(dimension), begin, count);
    // Sequences that are over, or have not begun, are empty.
    if (auto bounds = result.find("cu_seqlens"); bounds != result.end())
      for (int64_t i = 0; i < bounds->second.elements(); ++i) {
        HostTensor &tensor = bounds->second;
        int64_t bound = int64_t(loadAsF64(tensor.bytes.data(), tensor.dtype, i)) - begin;
        storeFromF64(tensor.bytes.data(), tensor.dtype, i,
                     double(std::clamp<int64_t>(bound, 0, count)));
      }
    return result;
  }
  /// A length in [0, L] that the kernel takes: whole 16-byte groups where it is an aligned bdl one.
  int64_t drawLength() {
    int64_t length = random.between(0, drawn.shape.l);
    const KernelInfo &info = first.kernel.info();
    if (info.align == 16 && info.layout == Layout::BDL)
      length -= length % (16 / int64_t(size(info.operands[0].dtype)));
    return length;
  }
  bool toeplitz() const {
    return first.kernel.info().schedule.find("fir=toeplitz") != std::string::npos;
  }
  int64_t drawBlockL() { return first.kernel.info().stepL * random.between(1, 5); }
  /// Of an element of a tensor with a batch: row and memory channel.
  std::pair<int64_t, int64_t> placeOf(const std::string &name, const HostTensor &tensor,
                                      int64_t index) const {
    int64_t inner = tensor.shape.size() == 3 ? tensor.shape[2] : 1;
    int64_t third = index % inner, second = index / inner % tensor.shape[1];
    return {index / inner / tensor.shape[1], positionsOf(name) == 1 ? third : second};
  }
  /// The same bits; of a recurrence, whose states are rounded where a launch ends, the law's
  /// bounds.
  Result<void> checkContinued(const std::string &what, const HostTensor &got,
                              const HostTensor &want) const {
    return isModal(drawn.problem) ? checkClose(what, got, want, classOf(drawn.problem))
                                  : checkBits(what, got, want);
  }
  /// Bounds of the channels of output `name` that memory channel c of `planted` belongs to.
  std::pair<int64_t, int64_t> reachedBy(const std::string &name, const std::string &planted,
                                        int64_t c) const;
  TensorMap forgiven(TensorMap outputs, const TensorMap &expected, const std::string &planted,
                     int64_t b, int64_t c) const;
  Result<void> contained(const TensorMap &before, const TensorMap &after, const std::string &name,
                         int64_t b, int64_t c);
};

Result<void> Invariances::prefix() {
  int64_t length = drawLength(), blockL = drawBlockL();
  Shape shape = drawn.shape;
  shape.l = length;
  HALO_TRY(outputs, again(cut(first.inputs, 0, length), shape, blockL));
  TensorMap want = cut(first.outputs, 0, length);
  for (const auto &[name, got] : outputs)
    if (positionsOf(name) >= 0)
      HALO_CHECK(checkBits(fmt::format("conv_c5: {} of the first {} of {} positions, block_l {},",
                                       name, length, drawn.shape.l, blockL),
                           got, want[name]));
  return {};
}

Result<void> Invariances::batch() {
  if (drawn.shape.b == 0 || hasBounds(drawn.problem)) // One row.
    return {};
  int64_t row = random.below(drawn.shape.b);
  Shape shape = drawn.shape;
  shape.b = 1;
  HALO_TRY(outputs, again(alone(first.inputs, row), shape));
  TensorMap want = alone(first.outputs, row);
  for (const auto &[name, got] : outputs)
    HALO_CHECK(
        checkBits(fmt::format("conv_c5: {} of batch row {} alone", name, row), got, want[name]));
  return {};
}

Result<TensorMap> Invariances::call(TensorMap inputs, Shape shape) {
  Problem problem = drawn.problem;
  problem.invariant = true;
  std::vector<Argument> arguments;
  for (const Operand &operand : first.kernel.info().operands)
    arguments.push_back(
        {operand.name, TensorRef::contiguous(nullptr, operand.dtype, outputShape(operand, shape))});
  if (problem.align == 16)
    problem.align = alignmentOf(first.kernel.info().operands, arguments);
  HALO_TRY(kernel, Kernel::compile(first.device, problem, {"", shape}));
  return launch(first.device, kernel, inputs, shape, {{}, drawn.guard, 0});
}

/// Of one row, any number of positions, in a call of its own.
Result<void> Invariances::calls() {
  if (drawn.shape.b == 0 || hasBounds(drawn.problem)) // One row of sequences that end where they do.
    return {};
  int64_t row = random.below(drawn.shape.b);
  Shape shape = drawn.shape;
  shape.b = 1;
  shape.l = isStep(drawn.problem) ? 1 : random.between(0, drawn.shape.l);
  HALO_TRY(whole, call(first.inputs, drawn.shape));
  HALO_TRY(part, call(cut(alone(first.inputs, row), 0, shape.l), shape));
  TensorMap want = cut(alone(whole, row), 0, shape.l);
  for (const auto &[name, got] : part)
    if (positionsOf(name) >= 0 || isStep(drawn.problem))
      HALO_CHECK(checkBits(
          fmt::format("conv_c5: {} of row {} alone, of {} of {} positions in a call of its "
                      "own,",
                      name, row, shape.l, drawn.shape.l),
          got, want[name]));
  return {};
}

Result<void> Invariances::repeat() {
  HALO_TRY(outputs, again(first.inputs, drawn.shape));
  for (const auto &[name, got] : outputs)
    HALO_CHECK(checkBits(fmt::format("{} of a second run", name), got, first.outputs.at(name)));
  return {};
}

Result<void> Invariances::chunks() {
  // By seq_idx a state does not say whose it is: the row that it continues has to begin with it.
  if (isStep(drawn.problem) || drawn.problem.with.count("seq_idx"))
    return {};
  // Every state, as the input and the output of that name.
  static const std::pair<const char *, const char *> kStates[] = {{"initial_state", "final_state"},
                                                                  {"proj_state", "proj_state"},
                                                                  {"fir_state", "fir_state"},
                                                                  {"modal_state", "modal_state"}};
  int states = 0;
  for (auto [in, out] : kStates) {
    if (first.inputs.count(in) != first.outputs.count(out))
      return {};
    states += int(first.inputs.count(in));
  }
  if (!states)
    return {};
  int64_t length = drawLength();
  Shape shape = drawn.shape;
  shape.l = length;
  HALO_TRY(head, again(cut(first.inputs, 0, length), shape));
  TensorMap rest = cut(first.inputs, length, drawn.shape.l - length);
  for (auto [in, out] : kStates)
    if (rest.count(in))
      rest[in] = head[out];
  shape.l = drawn.shape.l - length;
  HALO_TRY(tail, again(rest, shape));
  for (const auto &[name, want] : first.outputs) {
    int dimension = positionsOf(name);
    HostTensor got = dimension < 0 ? tail[name] : join(head[name], tail[name], size_t(dimension));
    std::string what =
        fmt::format("conv_c4: {} of {} and then {} positions", name, length, shape.l);
    // Toeplitz blocks lie on multiples of 16 from the start: a chunk of another length adds up the
    // same terms in another order.
    HALO_CHECK(toeplitz() && name == "y" ? checkClose(what, got, want, classOf(drawn.problem))
                                         : checkContinued(what, got, want));
  }
  return {};
}

Result<void> Invariances::inPlace() {
  if (!isStep(drawn.problem))
    return {};
  TensorMap inputs = first.inputs;
  HALO_TRY(outputs, launch(first.device, first.kernel, inputs, drawn.shape,
                           {{}, drawn.guard, 0, /*inPlace=*/true}));
  for (const auto &[name, got] : outputs)
    HALO_CHECK(checkBits(name + " of a step in place", got, first.outputs.at(name)));
  return {};
}

/// -0 and 0 are one value: a prefill may start its sum with another zero.
static HostTensor withoutSigns(HostTensor tensor) {
  for (int64_t i = 0, end = tensor.elements(); i < end; ++i)
    if (loadAsF64(tensor.bytes.data(), tensor.dtype, i) == 0)
      storeFromF64(tensor.bytes.data(), tensor.dtype, i, 0);
  return tensor;
}

Result<void> Invariances::prefill() {
  if (!isStep(drawn.problem))
    return {};
  Problem problem = drawn.problem;
  problem.kernel = problem.kernel.substr(0, problem.kernel.find("_step"));
  problem.params["layout"] = "bld";
  problem.params["states"] = "true";
  problem.with.insert({"proj_state", isModal(problem) ? "modal_state" : "fir_state"});
  // A step adds up one term after another, as the direct strategy does.
  HALO_TRY(kernel, Kernel::compile(first.device, problem, {"fir=direct", drawn.shape}));
  TensorMap inputs = first.inputs;
  HostTensor &z = inputs["z"];
  z.shape = {z.shape[0], 1, z.shape[1]};
  HALO_TRY(outputs, launch(first.device, kernel, inputs, drawn.shape, {{}, drawn.guard, 0}));
  outputs["y"].shape.erase(outputs["y"].shape.begin() + 1);
  for (const auto &[name, got] : first.outputs)
    HALO_CHECK(checkContinued("hyena_c1: " + name + " of a step, against a prefill,",
                              withoutSigns(got), withoutSigns(outputs[name])));
  return {};
}

/// One sequence of several, by the kernel for one, in the same schedule.
Result<void> Invariances::alone() {
  const KernelInfo &info = first.kernel.info();
  if (!hasBounds(drawn.problem) || drawn.shape.n == 0 ||
      (info.align == 16 && info.layout == Layout::BDL)) // Any length is to be taken.
    return {};
  int64_t n = random.below(drawn.shape.n);
  const HostTensor &bounds = first.inputs.at("cu_seqlens");
  auto bound = [&](int64_t i) { return int64_t(loadAsF64(bounds.bytes.data(), DType::I32, i)); };
  int64_t begin = bound(n), count = bound(n + 1) - begin;
  auto own = [&](const TensorMap &tensors) {
    TensorMap result = cut(tensors, begin, count);
    for (auto &[name, tensor] : result)
      if (OperandKind kind = operands.at(name).kind;
          kind == OperandKind::State || kind == OperandKind::ModalState)
        tensor = slice(tensor, 0, n, 1);
    return result;
  };
  Problem problem = drawn.problem;
  problem.with.erase("cu_seqlens");
  Shape shape = {1, drawn.shape.d, count};
  // Which a packed kernel always is, so that its schedule does not say it.
  std::string schedule = info.schedule + ",fir=direct";
  HALO_TRY(kernel, Kernel::compile(first.device, problem, {schedule, shape}));
  TensorMap inputs = own(first.inputs);
  HALO_TRY(outputs, launch(first.device, kernel, inputs, shape, {{}, drawn.guard, 0}));
  TensorMap want = own(first.outputs);
  for (const auto &[name, got] : outputs)
    HALO_CHECK(checkBits(fmt::format("{} of sequence {} alone", name, n), got, want[name]));
  return {};
}

/// One NaN or infinity in the input, a state or the residual of one channel: the others do not
/// change.
Result<void> Invariances::special() {
  std::vector<std::string> places;
  for (const char *name : {"x", "z", "initial_state", "proj_state", "fir_state", "residual"})
    if (auto found = first.inputs.find(name);
        found != first.inputs.end() && found->second.elements() > 0)
      places.push_back(name);
  if (places.empty())
    return {};
  std::string name = random.of(places);
  TensorMap inputs = first.inputs;
  HostTensor &tensor = inputs[name];
  int64_t at = random.below(tensor.elements());
  constexpr double infinity = std::numeric_limits<double>::infinity();
  double planted = random.of<double>({infinity - infinity, infinity, -infinity});
  storeFromF64(tensor.bytes.data(), tensor.dtype, at, planted);
  auto [b, d] = placeOf(name, tensor, at);

  HALO_TRY(outputs, again(inputs, drawn.shape));
  // What an infinity becomes in a recurrence is nobody's promise; inside a Toeplitz block it may
  // reach other positions of its own sequence.
  TensorMap judged = outputs;
  if (isModal(drawn.problem) || toeplitz()) {
    HALO_TRY(expected, oracle(drawn.problem.kernel, inputs, drawn.problem.params));
    judged = forgiven(outputs, expected, name, b, d);
  }
  if (auto right = checkOracle(drawn.problem, inputs, judged); !right)
    return failed(fmt::format("conv_c6: with {} in {} at batch {} channel {}: {}", planted, name, b,
                              d, right.error().message));
  auto kept = contained(first.outputs, outputs, name, b, d);
  if (!kept)
    return failed(fmt::format("conv_c6: {} in {} at batch {} channel {} leaks: {}", planted, name,
                              b, d, kept.error().message));
  return {};
}

std::pair<int64_t, int64_t> Invariances::reachedBy(const std::string &name,
                                                   const std::string &planted, int64_t c) const {
  const Operand &source = operands.at(planted);
  int64_t d = channelOf(drawn.problem, source, c, drawn.shape.d);
  int64_t begin = 0, head = 0, channel = d;
  for (const Part &part : partsOf(drawn.problem)) {
    if (part.name == name) {
      head = part.head;
      channel = d - begin;
    }
    begin += part.channels;
  }
  if (operands.at(name).streams > 1)
    channel = source.streams > 1 ? c : -1;
  if (channel < 0)
    return {0, 0};
  int64_t first = head ? channel / head * head : channel;
  return {first, first + (head ? head : 1)};
}

/// The outputs with the oracle's numbers where the law leaves room: in the planted sequence a
/// Toeplitz block or a recurrence may have a NaN where the direct sum has a number, or the other
/// way round. Numbers that both have are judged.
TensorMap Invariances::forgiven(TensorMap outputs, const TensorMap &expected,
                                const std::string &planted, int64_t b, int64_t c) const {
  for (auto &[name, got] : outputs) {
    auto want = expected.find(name);
    if (want == expected.end() || want->second.shape != got.shape)
      continue;
    auto [first, last] = reachedBy(name, planted, c);
    for (int64_t i = 0, end = got.elements(); i < end; ++i) {
      auto [row, own] = placeOf(name, got, i);
      double right = loadAsF64(want->second.bytes.data(), want->second.dtype, i);
      bool numbers =
          std::isfinite(right) && std::isfinite(loadAsF64(got.bytes.data(), got.dtype, i));
      if (row == b && own >= first && own < last && !numbers)
        storeFromF64(got.bytes.data(), got.dtype, i, right);
    }
  }
  return outputs;
}

/// Outside the channel (or its normalised head) that memory channel c of `planted` belongs to, in
/// row b, the bits are as before; of outputs with streams, outside that memory channel.
Result<void> Invariances::contained(const TensorMap &before, const TensorMap &after,
                                    const std::string &planted, int64_t b, int64_t c) {
  for (const auto &[name, got] : after) {
    HostTensor want = before.at(name);
    auto [first, last] = reachedBy(name, planted, c);
    size_t element = size(got.dtype);
    for (int64_t i = 0, end = got.elements(); i < end; ++i) {
      auto [row, own] = placeOf(name, got, i);
      // Which sequences of the channel have it is the oracle's to say.
      if ((row == b || hasBounds(drawn.problem)) && own >= first && own < last)
        std::copy_n(&got.bytes[size_t(i) * element], element, &want.bytes[size_t(i) * element]);
    }
    HALO_CHECK(checkBits(name, got, want));
  }
  return {};
}

} // namespace

Result<void> checkInvariances(const Case &drawn, const FirstLaunch &first) {
  Invariances invariances(drawn, first);
  if (drawn.checks.count(kPrefix))
    HALO_CHECK(invariances.prefix());
  if (drawn.checks.count(kBatch))
    HALO_CHECK(invariances.batch());
  if (drawn.checks.count(kSpecial))
    HALO_CHECK(invariances.special());
  if (drawn.checks.count(kChunks))
    HALO_CHECK(invariances.chunks());
  if (drawn.checks.count(kRepeat))
    HALO_CHECK(invariances.repeat());
  if (drawn.checks.count(kInPlace))
    HALO_CHECK(invariances.inPlace());
  if (drawn.checks.count(kPrefill))
    HALO_CHECK(invariances.prefill());
  if (drawn.checks.count(kAlone))
    HALO_CHECK(invariances.alone());
  if (drawn.checks.count(kCalls))
    HALO_CHECK(invariances.calls());
  return {};
}

} // namespace halo::property

#include "tests/property/Case.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

namespace halo::property {

std::vector<std::string> splitText(const std::string &text, char separator) {
  std::vector<std::string> pieces;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(separator, begin), text.size());
    pieces.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return pieces;
}

static std::string trim(const std::string &text) {
  size_t first = text.find_first_not_of(" \n"), last = text.find_last_not_of(" \n");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

template <typename T> static Result<T> parseNumber(const std::string &text) {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return invalid(fmt::format("'{}' is no number", text));
  return value;
}

static Result<std::vector<int64_t>> parseNumbers(const std::string &text, char separator) {
  std::vector<int64_t> numbers;
  for (const std::string &piece : splitText(text, separator)) {
    HALO_TRY(number, parseNumber<int64_t>(piece));
    numbers.push_back(number);
  }
  return numbers;
}

/// "x:4224/128/1+8"
static Result<void> parseView(const std::string &text, Case &into) {
  size_t colon = text.find(':'), plus = text.find('+');
  if (colon == std::string::npos || plus == std::string::npos || plus < colon)
    return invalid(fmt::format("'{}' is no view: NAME:STRIDE/STRIDE+OFFSET is expected", text));
  ViewSpec view;
  HALO_TRY(strides, parseNumbers(text.substr(colon + 1, plus - colon - 1), '/'));
  HALO_TRY(offset, parseNumber<int64_t>(text.substr(plus + 1)));
  view.strides = strides;
  view.offset = offset;
  into.views[text.substr(0, colon)] = view;
  return {};
}

static Result<void> parseField(const std::string &name, const std::string &value, Case &into) {
  if (name == "schedule") {
    into.schedule = value;
  } else if (name == "shape") {
    HALO_TRY(sizes, parseNumbers(value, ','));
    if (sizes.size() != 3 && sizes.size() != 4)
      return invalid(fmt::format("shape has {} sizes where B,D,L or B,D,L,N is expected",
                                 sizes.size()));
    into.shape = {sizes[0], sizes[1], sizes[2]};
    if (sizes.size() == 4)
      into.shape.n = sizes[3];
  } else if (name == "spare") {
    HALO_TRY(sizes, parseNumbers(value, ','));
    if (sizes.size() != 2)
      return invalid(fmt::format("spare has {} sizes where SLOTS,SAMPLES is expected",
                                 sizes.size()));
    into.spareSlots = sizes[0];
    into.spareSamples = sizes[1];
  } else if (name == "views") {
    for (const std::string &view : splitText(value, ','))
      HALO_CHECK(parseView(view, into));
  } else if (name == "guard") {
    HALO_TRY(guard, parseNumber<int64_t>(value));
    if (guard < 0 || guard % 256)
      return invalid(fmt::format("guard is {} where a multiple of 256 is expected", guard));
    into.guard = guard;
  } else if (name == "order") {
    HALO_TRY(order, parseNumber<uint64_t>(value));
    into.order = order;
  } else if (name == "seed") {
    HALO_TRY(seed, parseNumber<uint64_t>(value));
    into.seed = seed;
  } else if (name == "checks") {
    for (const std::string &check : splitText(value, ','))
      into.checks.insert(check);
  } else {
    return invalid(fmt::format("a case has no field '{}'", name));
  }
  return {};
}

std::string Case::print() const {
  std::string text = problem.print();
  if (!schedule.empty())
    text += " ; schedule=" + schedule;
  text += fmt::format(" ; shape={},{},{}", shape.b, shape.d, shape.l);
  if (shape.n >= 0)
    text += fmt::format(",{}", shape.n);
  if (spareSlots || spareSamples)
    text += fmt::format(" ; spare={},{}", spareSlots, spareSamples);
  std::vector<std::string> placed;
  for (const auto &[name, view] : views)
    placed.push_back(fmt::format("{}:{}+{}", name, fmt::join(view.strides, "/"), view.offset));
  if (!placed.empty())
    text += fmt::format(" ; views={}", fmt::join(placed, ","));
  if (guard)
    text += fmt::format(" ; guard={}", guard);
  if (order)
    text += fmt::format(" ; order={}", order);
  text += fmt::format(" ; seed={}", seed);
  if (!checks.empty())
    text += fmt::format(" ; checks={}", fmt::join(checks, ","));
  return text;
}

Result<Case> Case::parse(const std::string &text) {
  Case result;
  std::vector<std::string> fields = splitText(text, ';');
  HALO_TRY(problem, Problem::parse(fields[0]));
  result.problem = problem;
  for (size_t i = 1; i < fields.size(); ++i) {
    std::string field = trim(fields[i]);
    size_t equals = field.find('=');
    if (equals == std::string::npos)
      return invalid(fmt::format("'{}' is not name=value", field));
    HALO_CHECK(parseField(field.substr(0, equals), field.substr(equals + 1), result));
  }
  return result;
}

std::string paramOf(const Problem &problem, const std::string &name, const std::string &fallback) {
  auto found = problem.params.find(name);
  return found == problem.params.end() ? fallback : found->second;
}

int64_t numberOf(const Problem &problem, const std::string &name, int64_t fallback) {
  auto number = parseNumber<int64_t>(paramOf(problem, name, ""));
  return number ? *number : fallback;
}

std::vector<Part> partsOf(const Problem &problem) {
  std::vector<Part> parts;
  std::string split = paramOf(problem, "split", ""), norm = paramOf(problem, "l2norm", "");
  if (split.empty())
    return parts;
  auto number = [](const std::string &piece) {
    auto value = parseNumber<int64_t>(piece.substr(piece.find(':') + 1));
    return value ? *value : 0;
  };
  for (const std::string &piece : splitText(split, ','))
    parts.push_back({piece.substr(0, piece.find(':')), number(piece), 0});
  for (const std::string &piece : splitText(norm, ','))
    for (Part &part : parts)
      if (part.name == piece.substr(0, piece.find(':')))
        part.head = number(piece);
  return parts;
}

bool hasBounds(const Problem &problem) { return problem.with.count("cu_seqlens") > 0; }

bool isPacked(const Problem &problem) {
  return hasBounds(problem) || problem.with.count("seq_idx") > 0;
}

/// What says where sequences begin, where it is there.
static void addIndices(const Problem &problem, std::vector<Operand> &operands) {
  for (auto [name, form] : {std::pair("cu_seqlens", IndexForm::Bounds),
                            std::pair("seq_idx", IndexForm::Positions)})
    if (problem.with.count(name)) {
      Operand operand;
      operand.name = name;
      operand.kind = OperandKind::Indices;
      operand.dtype = DType::I32;
      operand.form = form;
      operands.push_back(operand);
    }
}

std::vector<int64_t> sizesOf(const Case &drawn, const Operand &operand) {
  std::vector<int64_t> sizes = outputShape(operand, drawn.shape);
  if (!operand.slots.empty())
    sizes[0] += drawn.spareSlots;
  if (operand.longer)
    sizes[2] += drawn.spareSamples;
  return sizes;
}

bool isUpdate(const Problem &problem) { return problem.kernel == "causal_conv1d_update"; }

bool isFlat(const Problem &problem) {
  return isStep(problem) || (isUpdate(problem) && paramOf(problem, "layout", "bd") == "bd");
}

bool isStep(const Problem &problem) {
  return problem.kernel == "hcs_step" || problem.kernel == "hcm_step" ||
         problem.kernel == "hcl_step";
}

bool isModal(const Problem &problem) {
  return problem.kernel == "hcl" || problem.kernel == "hcl_step";
}

bool isGatedPair(const Problem &problem) {
  return problem.kernel == "hcs" || problem.kernel == "hcm" ||
         problem.kernel == "b2b_causal_conv1d" || isModal(problem) || isStep(problem);
}

int64_t channelOf(const Problem &problem, const Operand &operand, int64_t c, int64_t d) {
  if (operand.streams == 1)
    return c;
  std::string streams = paramOf(problem, "streams", "interleave");
  if (streams == "interleave")
    return c / operand.streams;
  if (streams == "split")
    return c % d;
  auto heads = parseNumber<int64_t>(streams.substr(streams.find(':') + 1));
  int64_t width = d / *heads;
  return c / (operand.streams * width) * width + c % width;
}

/// Kernels around one gated pair of convolutions: three streams, two states.
static std::vector<Operand> gatedPairOperands(const Problem &problem, DType t, DType w,
                                              Layout layout) {
  bool step = isStep(problem), b2b = problem.kernel == "b2b_causal_conv1d";
  int64_t taps = numberOf(problem, "K", 1), projTaps = numberOf(problem, "Kp", 3);
  std::vector<Operand> operands;
  auto add = [&](const std::string &name, OperandKind kind, DType type, int64_t streams,
                 int64_t k = 0, bool output = false) {
    Operand operand;
    operand.name = name;
    operand.kind = kind;
    operand.dtype = type;
    operand.layout = step ? Layout::BD : layout;
    operand.streams = streams;
    operand.taps = k;
    operand.output = output;
    operand.modes = numberOf(problem, "S", 1);
    if (name == "fir_state" && problem.with.count("fir_position"))
      operand.ring = "fir_position";
    operands.push_back(operand);
  };
  // What the second convolution carries: samples, or states.
  bool modal = isModal(problem);
  const char *carried = modal ? "modal_state" : "fir_state";
  auto addCarried = [&](bool output) {
    add(carried, modal ? OperandKind::ModalState : OperandKind::State, modal ? DType::F32 : t, 1,
        taps, output);
  };
  add(b2b ? "x" : "z", OperandKind::View, t, 3);
  add(b2b ? "w_proj" : "proj_weight", OperandKind::Taps, w, 3, projTaps);
  if (modal) {
    add("log_poles", OperandKind::Modes, DType::F32, 1);
    add("residues", OperandKind::Modes, DType::F32, 1);
  } else {
    add(b2b ? "w_mixer" : "filter", OperandKind::Taps, w, 1, taps);
    operands.back().group = numberOf(problem, "group", 1);
  }
  if (problem.with.count("skip"))
    add("skip", OperandKind::Channel, w, 1);
  if (step || problem.with.count("proj_state"))
    add("proj_state", OperandKind::State, t, 3, projTaps);
  if (step || problem.with.count(carried))
    addCarried(false);
  addIndices(problem, operands);
  if (problem.with.count("fir_position"))
    add("fir_position", OperandKind::Indices, DType::I32, 1);
  add("y", OperandKind::View, t, 1, 0, true);
  if (step || paramOf(problem, "states", "false") == "true") {
    add("proj_state", OperandKind::State, t, 3, projTaps, true);
    addCarried(true);
  }
  return operands;
}

static std::vector<Operand> updateOperands(const Problem &problem, DType t, DType w) {
  auto make = [&](const char *name, OperandKind kind, DType type) {
    Operand operand;
    operand.name = name;
    operand.kind = kind;
    operand.dtype = type;
    operand.layout = isFlat(problem) ? Layout::BD : Layout::BDL;
    operand.taps = numberOf(problem, "K", 1);
    operand.group = numberOf(problem, "group", 1);
    return operand;
  };
  Operand state = make("conv_state", OperandKind::State, t);
  state.longer = true;
  const char *ring = "cache_seqlens", *slots = "conv_state_indices";
  state.ring = problem.with.count(ring) ? ring : "";
  state.slots = problem.with.count(slots) ? slots : "";
  std::vector<Operand> operands = {make("x", OperandKind::View, t), state,
                                   make("weight", OperandKind::Taps, w)};
  if (problem.with.count("bias"))
    operands.push_back(make("bias", OperandKind::Channel, w));
  for (const char *index : {ring, slots})
    if (problem.with.count(index))
      operands.push_back(make(index, OperandKind::Indices, DType::I32));
  state.output = true;
  operands.push_back(make("y", OperandKind::View, t));
  operands.back().output = true;
  operands.push_back(state);
  return operands;
}

std::vector<Operand> operandsOf(const Problem &problem) {
  DType t = parseDType(paramOf(problem, "T", "f32")).value_or(DType::F32);
  DType w = parseDType(paramOf(problem, "W", std::string(name(t)))).value_or(t);
  Layout layout = paramOf(problem, "layout", "bdl") == "bdl" ? Layout::BDL : Layout::BLD;
  if (isUpdate(problem))
    return updateOperands(problem, t, w);
  if (isGatedPair(problem))
    return gatedPairOperands(problem, t, w, layout);
  int64_t taps = numberOf(problem, "K", 1), group = numberOf(problem, "group", 1);
  auto make = [&](const std::string &name, OperandKind kind, DType type) {
    Operand operand;
    operand.name = name;
    operand.kind = kind;
    operand.dtype = type;
    operand.layout = layout;
    operand.taps = taps;
    operand.group = group;
    return operand;
  };
  std::vector<Operand> operands = {make("x", OperandKind::View, t),
                                   make("weight", OperandKind::Taps, w)};
  if (problem.with.count("bias"))
    operands.push_back(make("bias", OperandKind::Channel, w));
  if (problem.with.count("initial_state"))
    operands.push_back(make("initial_state", OperandKind::State, t));
  addIndices(problem, operands);
  if (problem.with.count("residual"))
    operands.push_back(make("residual", OperandKind::View, t));
  size_t inputs = operands.size();
  std::vector<Part> parts = partsOf(problem);
  if (parts.empty())
    operands.push_back(make("y", OperandKind::View, t));
  for (const Part &part : parts) {
    operands.push_back(make(part.name, OperandKind::View, t));
    operands.back().layout = Layout::BLD;
    operands.back().channels = part.channels;
  }
  if (paramOf(problem, "final_state", "false") == "true")
    operands.push_back(make("final_state", OperandKind::State, t));
  for (size_t i = inputs; i < operands.size(); ++i)
    operands[i].output = true;
  return operands;
}

} // namespace halo::property

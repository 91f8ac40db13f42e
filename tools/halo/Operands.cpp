#include "tools/halo/Operands.h"

#include "runtime/Launch.h"
#include "tools/halo/Arguments.h"

#include <algorithm>

using namespace halo;
using namespace halo::tool;

namespace {
struct Constants {
  const std::map<std::string, std::string> &params;

  std::string text(const std::string &symbol) const {
    auto found = params.find(symbol);
    return found == params.end() ? symbol : found->second;
  }
  int64_t number(const std::string &symbol, int64_t fallback) const {
    return parseNumber(text(symbol)).value_or(fallback);
  }
};
} // namespace

/// A variable list of outputs takes its names and widths from the first param of kind `parts`.
static void addParts(std::vector<Operand> &operands, const Operand &pattern,
                     const Description &kernel, const Constants &constants) {
  auto isParts = [](const ParamSpec &spec) { return spec.kind == "parts"; };
  auto param = std::find_if(kernel.params.begin(), kernel.params.end(), isParts);
  if (param == kernel.params.end())
    return;
  for (const std::string &piece : splitList(constants.text(param->name))) {
    size_t colon = std::min(piece.find(':'), piece.size());
    Operand part = pattern;
    part.name = piece.substr(0, colon);
    if (colon < piece.size())
      part.channels = parseNumber(piece.substr(colon + 1)).value_or(0);
    operands.push_back(part);
  }
}

static OperandKind kindOf(const std::string &text) {
  for (OperandKind kind : {OperandKind::Taps, OperandKind::Channel, OperandKind::State,
                           OperandKind::Modes, OperandKind::ModalState, OperandKind::Indices})
    if (text == name(kind))
      return kind;
  return OperandKind::View;
}

/// 4 of "column_split:4", else 0.
static int64_t headsOf(const std::string &order) {
  size_t colon = order.find(':');
  return colon == std::string::npos ? 0 : parseNumber(order.substr(colon + 1)).value_or(0);
}

/// Whether the indices of this name are there: "" never are.
static bool isPresent(const Description &kernel, const std::set<std::string> &with,
                      const std::string &name) {
  const OperandSpec *spec = kernel.operand(name);
  return spec && (!spec->optional || with.count(name) > 0);
}

static IndexForm indexFormOf(const std::string &text) {
  for (IndexForm form : {IndexForm::Positions, IndexForm::Bounds})
    if (text == name(form))
      return form;
  return IndexForm::Rows;
}

static Layout layoutFor(const std::string &text) {
  for (Layout layout : {Layout::BDL, Layout::BD, Layout::DL})
    if (text == name(layout))
      return layout;
  return Layout::BLD;
}

std::vector<Operand> halo::tool::operandsOf(const Description &kernel,
                                            const std::map<std::string, std::string> &params,
                                            const std::set<std::string> &with) {
  Constants constants{params};
  std::vector<Operand> operands;
  for (const OperandSpec &spec : kernel.operands) {
    if (spec.optional && !spec.output && !with.count(spec.name))
      continue;
    if (spec.optional && spec.output && constants.text(spec.flag) != "true")
      continue;
    Operand operand;
    operand.name = spec.name;
    operand.kind = kindOf(spec.kind);
    operand.dtype = parseDType(constants.text(spec.dtype)).value_or(DType::F32);
    operand.output = spec.output;
    operand.layout = layoutFor(constants.text(spec.layout));
    operand.streams = constants.number(spec.streams, 1);
    operand.heads = headsOf(constants.text(spec.streamOrder));
    operand.taps = constants.number(spec.taps, 0);
    operand.group = std::max<int64_t>(constants.number(spec.group, 1), 1);
    operand.modes = constants.number(spec.modes, 0);
    operand.form = indexFormOf(spec.form);
    operand.longer = spec.longer;
    operand.ring = isPresent(kernel, with, spec.ring) ? spec.ring : "";
    operand.slots = isPresent(kernel, with, spec.slots) ? spec.slots : "";
    if (spec.variadic)
      addParts(operands, operand, kernel, constants);
    else
      operands.push_back(operand);
  }
  return operands;
}

int halo::tool::alignmentFor(const std::vector<Operand> &operands, const Shape &shape) {
  // Device memory is aligned far beyond 16 bytes, which a null base stands for here. An empty
  // tensor would agree to anything: the widths of its rows count all the same.
  Shape filled = {std::max<int64_t>(shape.b, 1), shape.d, shape.l ? shape.l : 16};
  std::vector<Argument> arguments;
  for (const Operand &operand : operands)
    arguments.push_back({operand.name, TensorRef::contiguous(nullptr, operand.dtype,
                                                             outputShape(operand, filled))});
  return alignmentOf(operands, arguments);
}

// The ops inside a kernel: text forms and verifiers. A rule of the law carries its label.
#include "dialect/HaloParsing.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace halo::ir;

/// The declared operand `name` of the op's kernel, if it has the type `T` and direction asked for.
template <typename T>
static FailureOr<T> operandOf(Operation *op, FlatSymbolRefAttr name, bool output,
                              StringRef kind) {
  auto kernel = op->getParentOfType<KernelOp>();
  auto decl = kernel.lookupOperand(name.getValue(), output);
  if (!decl)
    decl = kernel.lookupOperand(name.getValue(), !output);
  if (!decl)
    return op->emitOpError() << "operand '" << name.getValue() << "' is not declared";
  auto type = dyn_cast<T>(decl.getType());
  if (!type)
    return op->emitOpError() << "operand '" << name.getValue() << "' is a " << decl.getType()
                             << ", expected a " << kind;
  if (decl.getOutput() != output)
    return op->emitOpError() << "operand '" << name.getValue() << "' is an "
                             << (output ? "input, expected an output" : "output, expected an input");
  return type;
}

static ParseResult parseElementAttr(OpAsmParser &parser, Attribute &type) {
  return parseElement(parser, type);
}
static void printElementAttr(OpAsmPrinter &printer, Operation *, Attribute type) {
  printElement(printer, type);
}

/// `[100, 28]` or the name of a parts or heads parameter.
static ParseResult parseNumbersOrParam(OpAsmParser &parser, Attribute &numbers) {
  SmallVector<int64_t> values;
  auto one = [&] { return parser.parseInteger(values.emplace_back()); };
  if (succeeded(parser.parseOptionalLSquare())) {
    if (failed(parser.parseOptionalRSquare()) &&
        (parser.parseCommaSeparatedList(one) || parser.parseRSquare()))
      return failure();
    numbers = parser.getBuilder().getDenseI64ArrayAttr(values);
    return success();
  }
  StringRef name;
  if (parser.parseKeyword(&name))
    return failure();
  numbers = ParamRefAttr::get(parser.getContext(), name);
  return success();
}
static void printNumbersOrParam(OpAsmPrinter &printer, Operation *, Attribute numbers) {
  if (auto ref = dyn_cast<ParamRefAttr>(numbers)) {
    printer << ref.getName();
    return;
  }
  printer << '[';
  llvm::interleaveComma(cast<DenseI64ArrayAttr>(numbers).asArrayRef(), printer.getStream());
  printer << ']';
}

/// A keyword of an enumeration, or the name of a parameter that will hold one.
template <typename EnumAttr, typename Symbolize>
static ParseResult parseChoice(OpAsmParser &parser, Attribute &choice, Symbolize symbolize) {
  StringRef name;
  if (parser.parseKeyword(&name))
    return failure();
  auto known = symbolize(name);
  choice = known ? Attribute(EnumAttr::get(parser.getContext(), *known))
                 : Attribute(ParamRefAttr::get(parser.getContext(), name));
  return success();
}

static ParseResult parsePrecision(OpAsmParser &parser, Attribute &precision) {
  return parseChoice<PrecisionAttr>(parser, precision,
                                    [](StringRef name) { return symbolizePrecision(name); });
}

static void printPrecision(OpAsmPrinter &printer, Attribute precision) {
  if (auto known = dyn_cast<PrecisionAttr>(precision))
    printer << stringifyPrecision(known.getValue());
  else
    printer << cast<ParamRefAttr>(precision).getName();
}
static void printPrecision(OpAsmPrinter &printer, Operation *, Attribute precision) {
  printPrecision(printer, precision);
}

#define GET_OP_CLASSES
#include "dialect/HaloOps.cpp.inc"

/// `interleave`, `split`, `column_split:8` as `column_split, 8`, or a parameter's name.
static ParseResult parseStreams(OpAsmParser &parser, Attribute &streams) {
  StringRef name;
  if (parser.parseKeyword(&name))
    return failure();
  auto kind = symbolizeStreamKind(name);
  if (!kind) {
    streams = ParamRefAttr::get(parser.getContext(), name);
    return success();
  }
  int64_t heads = 0;
  if (*kind == StreamKind::ColumnSplit && (parser.parseComma() || parser.parseInteger(heads)))
    return failure();
  streams = StreamsAttr::get(parser.getContext(), *kind, heads);
  return success();
}
static void printStreams(OpAsmPrinter &printer, Attribute streams) {
  if (auto ref = dyn_cast<ParamRefAttr>(streams)) {
    printer << ref.getName();
    return;
  }
  auto known = cast<StreamsAttr>(streams);
  printer << stringifyStreamKind(known.getKind());
  if (known.getKind() == StreamKind::ColumnSplit)
    printer << ", " << known.getHeads();
}

static LogicalResult verifyStreams(Operation *op, Attribute streams, Attribute count) {
  auto number = knownCount(count);
  if (!streams && number && *number != 1)
    return op->emitOpError() << "operand has " << *number << " streams: say how they are laid out";
  if (auto known = dyn_cast_or_null<StreamsAttr>(streams))
    if (known.getKind() == StreamKind::ColumnSplit && known.getHeads() < 1)
      return op->emitOpError() << "column_split heads " << known.getHeads() << " is less than 1";
  return success();
}

//===-- load -----------------------------------------------------------------------------------===

ParseResult LoadOp::parse(OpAsmParser &parser, OperationState &state) {
  StringAttr view, init;
  if (parser.parseSymbolName(view))
    return failure();
  state.addAttribute(getViewAttrName(state.name), FlatSymbolRefAttr::get(view));
  if (succeeded(parser.parseOptionalKeyword("streams"))) {
    Attribute streams;
    if (parser.parseLParen() || parseStreams(parser, streams) || parser.parseRParen())
      return failure();
    state.addAttribute(getStreamsAttrName(state.name), streams);
  }
  if (succeeded(parser.parseOptionalKeyword("init"))) {
    if (parser.parseLParen() || parser.parseSymbolName(init) || parser.parseRParen())
      return failure();
    state.addAttribute(getInitAttrName(state.name), FlatSymbolRefAttr::get(init));
  }
  if (succeeded(parser.parseOptionalKeyword("packed"))) {
    SmallVector<Attribute> names;
    auto one = [&]() -> ParseResult {
      StringAttr name;
      if (parser.parseSymbolName(name))
        return failure();
      names.push_back(FlatSymbolRefAttr::get(name));
      return success();
    };
    if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, one))
      return failure();
    state.addAttribute(getPackedAttrName(state.name), parser.getBuilder().getArrayAttr(names));
  }
  state.addTypes(SmallVector<Type>(std::max<size_t>(1, parser.getNumResults()),
                                   parser.getBuilder().getF32Type()));
  return parser.parseOptionalAttrDict(state.attributes);
}

void LoadOp::print(OpAsmPrinter &printer) {
  printer << " " << getViewAttr();
  if (getStreams()) {
    printer << " streams(";
    printStreams(printer, *getStreams());
    printer << ")";
  }
  if (getInitAttr())
    printer << " init(" << getInitAttr() << ")";
  if (getPacked()) {
    printer << " packed(";
    llvm::interleaveComma(*getPacked(), printer);
    printer << ")";
  }
  printer.printOptionalAttrDict((*this)->getAttrs(), {"view", "streams", "init", "packed"});
}

LogicalResult LoadOp::verify() {
  auto view = operandOf<ViewType>(*this, getViewAttr(), false, "view");
  if (failed(view))
    return failure();
  auto streams = knownCount(view->getStreams());
  if (streams && *streams != getNumResults())
    return emitOpError() << "operand '" << getView() << "' has " << *streams
                         << " streams, but the load yields " << getNumResults();
  if (getInitAttr()) {
    auto state = operandOf<StateType>(*this, getInitAttr(), false, "state");
    if (failed(state))
      return failure();
    auto stateStreams = knownCount(state->getStreams());
    if (streams && stateStreams && *streams != *stateStreams)
      return emitOpError() << "state '" << *getInit() << "' has " << *stateStreams
                           << " streams, but the view has " << *streams;
  }
  if (getPacked())
    for (auto name : getPacked()->getAsRange<FlatSymbolRefAttr>()) {
      auto indices = operandOf<IndicesType>(*this, name, false, "indices");
      if (failed(indices))
        return failure();
      if (indices->getForm() == IndexForm::Rows)
        return emitOpError() << "operand '" << name.getValue()
                             << "' has a number per row, expected bounds or positions";
    }
  return verifyStreams(*this, getStreams().value_or(Attribute()), view->getStreams());
}

//===-- fir ------------------------------------------------------------------------------------===

ParseResult FirOp::parse(OpAsmParser &parser, OperationState &state) {
  OpAsmParser::UnresolvedOperand input;
  StringAttr weight;
  Type f32 = parser.getBuilder().getF32Type();
  if (parser.parseOperand(input) || parser.parseComma() || parser.parseSymbolName(weight) ||
      parser.resolveOperand(input, f32, state.operands))
    return failure();
  state.addAttribute(getWeightAttrName(state.name), FlatSymbolRefAttr::get(weight));
  if (succeeded(parser.parseOptionalKeyword("taps"))) {
    Attribute order;
    if (parser.parseLParen() ||
        parseChoice<TapOrderAttr>(parser, order,
                                  [](StringRef name) { return symbolizeTapOrder(name); }) ||
        parser.parseRParen())
      return failure();
    state.addAttribute(getOrderAttrName(state.name), order);
  }
  if (succeeded(parser.parseOptionalKeyword("precision"))) {
    Attribute precision;
    if (parser.parseLParen() || parsePrecision(parser, precision) || parser.parseRParen())
      return failure();
    state.addAttribute(getPrecisionAttrName(state.name), precision);
  }
  if (succeeded(parser.parseOptionalKeyword("stream"))) {
    int64_t stream;
    Attribute streams;
    if (parser.parseLParen() || parser.parseInteger(stream) || parser.parseComma() ||
        parseStreams(parser, streams) || parser.parseRParen())
      return failure();
    state.addAttribute(getStreamAttrName(state.name),
                       parser.getBuilder().getI64IntegerAttr(stream));
    state.addAttribute(getStreamsAttrName(state.name), streams);
  }
  if (succeeded(parser.parseOptionalKeyword("plus"))) {
    OpAsmParser::UnresolvedOperand addend;
    if (parser.parseLParen() || parser.parseOperand(addend) || parser.parseRParen() ||
        parser.resolveOperand(addend, f32, state.operands))
      return failure();
  }
  state.addTypes(f32);
  return parser.parseOptionalAttrDict(state.attributes);
}

void FirOp::print(OpAsmPrinter &printer) {
  printer << " " << getInput() << ", " << getWeightAttr();
  if (auto order = getOrder()) {
    printer << " taps(";
    if (auto known = dyn_cast<TapOrderAttr>(*order))
      printer << stringifyTapOrder(known.getValue());
    else
      printer << cast<ParamRefAttr>(*order).getName();
    printer << ")";
  }
  if (getPrecision()) {
    printer << " precision(";
    printPrecision(printer, *getPrecision());
    printer << ")";
  }
  if (getStream()) {
    printer << " stream(" << *getStream() << ", ";
    printStreams(printer, *getStreams());
    printer << ")";
  }
  if (getAddend())
    printer << " plus(" << getAddend() << ")";
  printer.printOptionalAttrDict((*this)->getAttrs(), {"weight", "order", "precision", "stream", "streams"});
}

LogicalResult FirOp::verify() {
  auto taps = operandOf<TapsType>(*this, getWeightAttr(), false, "taps");
  if (failed(taps))
    return failure();
  if (getStream().has_value() != getStreams().has_value())
    return emitOpError() << "stream and streams go together";
  auto streams = knownCount(taps->getStreams());
  auto stream = getStreamAttr() ? getStreamAttr().getInt() : 0;
  if (streams && (stream < 0 || stream >= *streams))
    return emitOpError() << "stream " << stream << " of operand '" << getWeight()
                         << "', which has " << *streams;
  return verifyStreams(*this, getStreams().value_or(Attribute()), taps->getStreams());
}

//===-- modal ----------------------------------------------------------------------------------===

/// The number of modes, a name while it is a parameter, that both operands agree on.
static FailureOr<Attribute> verifyModes(Operation *op, FlatSymbolRefAttr logPoles,
                                        FlatSymbolRefAttr residues) {
  auto poles = operandOf<ModesType>(op, logPoles, false, "modes");
  if (failed(poles))
    return failure();
  auto weights = operandOf<ModesType>(op, residues, false, "modes");
  if (failed(weights))
    return failure();
  auto count = knownCount(poles->getModes()), other = knownCount(weights->getModes());
  if (count && other && *count != *other)
    return op->emitOpError() << "operand '" << residues.getValue() << "' has " << *other
                             << " modes, but '" << logPoles.getValue() << "' has " << *count;
  return poles->getModes();
}

LogicalResult ModalOp::verify() {
  auto modes = verifyModes(*this, getLogPolesAttr(), getResiduesAttr());
  if (failed(modes))
    return failure();
  if (!getInitAttr())
    return success();
  auto state = operandOf<ModalStateType>(*this, getInitAttr(), false, "modal_state");
  if (failed(state))
    return failure();
  auto count = knownCount(*modes), kept = knownCount(state->getModes());
  if (count && kept && *count != *kept)
    return emitOpError() << "state '" << *getInit() << "' has " << *kept << " modes, but '"
                         << getLogPoles() << "' has " << *count;
  return success();
}

LogicalResult ModalFilterOp::verify() {
  return verifyModes(*this, getLogPolesAttr(), getResiduesAttr());
}

//===-- choose ---------------------------------------------------------------------------------===

ParseResult ChooseOp::parse(OpAsmParser &parser, OperationState &state) {
  StringRef param;
  if (parser.parseKeyword(&param))
    return failure();
  SmallVector<Attribute> cases;
  SmallVector<OpAsmParser::UnresolvedOperand> values;
  auto one = [&]() -> ParseResult {
    StringRef name;
    if (parser.parseKeyword(&name) || parser.parseEqual() ||
        parser.parseOperand(values.emplace_back()))
      return failure();
    cases.push_back(parser.getBuilder().getStringAttr(name));
    return success();
  };
  Type f32 = parser.getBuilder().getF32Type();
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Braces, one) ||
      parser.resolveOperands(values, f32, state.operands))
    return failure();
  state.addAttribute(getParamAttrName(state.name), parser.getBuilder().getStringAttr(param));
  state.addAttribute(getCasesAttrName(state.name), parser.getBuilder().getArrayAttr(cases));
  state.addTypes(f32);
  return parser.parseOptionalAttrDict(state.attributes);
}

void ChooseOp::print(OpAsmPrinter &printer) {
  printer << " " << getParam() << " {";
  llvm::interleaveComma(llvm::zip(getCases().getAsRange<StringAttr>(), getValues()), printer,
                        [&](auto pair) {
                          printer << std::get<0>(pair).getValue() << " = " << std::get<1>(pair);
                        });
  printer << "}";
  printer.printOptionalAttrDict((*this)->getAttrs(), {"param", "cases"});
}

LogicalResult ChooseOp::verify() {
  if (getCases().size() != getValues().size())
    return emitOpError() << getCases().size() << " cases but " << getValues().size() << " values";
  auto kernel = (*this)->getParentOfType<KernelOp>();
  SmallVector<StringRef> expected;
  if (auto param = kernel.lookupParam(getParam())) {
    if (param.getKind() == ParamKind::Enum)
      for (StringAttr value : param.getValues())
        expected.push_back(value.getValue());
    else if (param.getKind() == ParamKind::Flag)
      expected = {"true", "false"};
    else
      return emitOpError() << "parameter '" << getParam() << "' is of kind "
                           << stringifyParamKind(param.getKind()) << ", expected enum or flag";
  } else if (auto decl = kernel.lookupOperand(getParam())) {
    expected = {"present", "absent"};
  } else {
    return emitOpError() << "'" << getParam() << "' is neither a parameter nor an operand";
  }
  for (auto name : getCases().getAsRange<StringAttr>())
    if (!llvm::is_contained(expected, name.getValue()))
      return emitOpError() << "case '" << name.getValue() << "' is not one of the "
                           << expected.size() << " cases of '" << getParam() << "'";
  for (StringRef name : expected)
    if (!llvm::is_contained(llvm::map_to_vector(getCases().getAsRange<StringAttr>(),
                                                [](StringAttr a) { return a.getValue(); }),
                            name))
      return emitOpError() << "has " << getCases().size() << " of the " << expected.size()
                           << " cases of '" << getParam() << "': '" << name << "' is missing";
  return success();
}

//===-- stores ---------------------------------------------------------------------------------===

LogicalResult StoreOp::verify() {
  auto view = operandOf<ViewType>(*this, getViewAttr(), true, "view");
  if (failed(view))
    return failure();
  if (auto streams = knownCount(view->getStreams()); streams && *streams != 1)
    return emitOpError() << "operand '" << getView() << "' has " << *streams
                         << " streams, expected 1";
  return success();
}

LogicalResult SplitStoreOp::verify() {
  for (auto part : getParts()) {
    auto name = dyn_cast<FlatSymbolRefAttr>(part);
    if (!name)
      return emitOpError() << "part " << part << " is not an operand's name";
    if (failed(operandOf<ViewType>(*this, name, true, "view")))
      return failure();
  }
  auto widths = dyn_cast<DenseI64ArrayAttr>(getWidths());
  if (!widths)
    return success();
  if (widths.size() != int64_t(getParts().size()))
    return emitOpError() << widths.size() << " widths for " << getParts().size() << " parts";
  for (auto [part, width] : llvm::zip(getParts(), widths.asArrayRef()))
    if (width < 1)
      return emitOpError() << "part " << part << ": width " << width << " is less than 1";
  auto heads = dyn_cast_or_null<DenseI64ArrayAttr>(getHeads().value_or(Attribute()));
  if (!heads)
    return success();
  if (heads.size() != widths.size())
    return emitOpError() << heads.size() << " heads for " << widths.size() << " parts";
  for (auto [part, width, head] :
       llvm::zip(getParts(), widths.asArrayRef(), heads.asArrayRef()))
    if (head < 0 || (head > 0 && width % head))
      return emitOpError() << "part " << part << ": width " << width
                           << " is not a multiple of head " << head;
  return success();
}

ParseResult StoreStateOp::parse(OpAsmParser &parser, OperationState &state) {
  SmallVector<OpAsmParser::UnresolvedOperand> inputs;
  StringAttr name;
  Type f32 = parser.getBuilder().getF32Type();
  do {
    OpAsmParser::UnresolvedOperand input;
    OptionalParseResult more = parser.parseOptionalOperand(input);
    if (!more.has_value())
      break;
    if (failed(*more))
      return failure();
    inputs.push_back(input);
  } while (succeeded(parser.parseOptionalComma()));
  if (parser.parseSymbolName(name) || parser.resolveOperands(inputs, f32, state.operands))
    return failure();
  state.addAttribute(getStateAttrName(state.name), FlatSymbolRefAttr::get(name));
  if (succeeded(parser.parseOptionalKeyword("streams"))) {
    Attribute streams;
    if (parser.parseLParen() || parseStreams(parser, streams) || parser.parseRParen())
      return failure();
    state.addAttribute(getStreamsAttrName(state.name), streams);
  }
  return parser.parseOptionalAttrDict(state.attributes);
}

void StoreStateOp::print(OpAsmPrinter &printer) {
  printer << " ";
  for (Value input : getInputs())
    printer << input << ", ";
  printer << getStateAttr();
  if (getStreams()) {
    printer << " streams(";
    printStreams(printer, *getStreams());
    printer << ")";
  }
  printer.printOptionalAttrDict((*this)->getAttrs(), {"state", "streams"});
}

/// A modal state takes the states of the recurrence whose result is given.
static LogicalResult verifyModalState(StoreStateOp op, ModalStateType state) {
  auto modal = op.getInputs().size() == 1 ? op.getInputs()[0].getDefiningOp<ModalOp>() : ModalOp();
  if (!modal)
    return op.emitOpError() << "stores " << op.getInputs().size() << " signals to modal state '"
                            << op.getState() << "', expected the result of 1 halo.modal";
  if (op.getStreams())
    return op.emitOpError() << "modal state '" << op.getState() << "' has no streams";
  auto decl = op->getParentOfType<KernelOp>().lookupOperand(modal.getLogPoles(), false);
  auto poles = decl ? dyn_cast<ModesType>(decl.getType()) : ModesType();
  auto kept = knownCount(state.getModes()), made = poles ? knownCount(poles.getModes()) : kept;
  if (kept && made && *kept != *made)
    return op.emitOpError() << "state '" << op.getState() << "' has " << *kept << " modes, but '"
                            << modal.getLogPoles() << "' has " << *made;
  return success();
}

LogicalResult StoreStateOp::verify() {
  auto decl = (*this)->getParentOfType<KernelOp>().lookupOperand(getState(), true);
  if (decl && isa<ModalStateType>(decl.getType()))
    return verifyModalState(*this, cast<ModalStateType>(decl.getType()));
  auto state = operandOf<StateType>(*this, getStateAttr(), true, "state");
  if (failed(state))
    return failure();
  if (getInputs().empty())
    return emitOpError() << "stores 0 signals, expected at least 1";
  if (auto streams = knownCount(state->getStreams()); streams && *streams != int64_t(getInputs().size()))
    return emitOpError() << "stores " << getInputs().size() << " signals to '" << getState()
                         << "', which has " << *streams << " streams";
  return verifyStreams(*this, getStreams().value_or(Attribute()), state->getStreams());
}

//===-- channel, resume, round -----------------------------------------------------------------===

LogicalResult ChannelOp::verify() {
  return operandOf<ChannelType>(*this, getOperandAttr(), false, "channel");
}

LogicalResult ResumeOp::verify() {
  auto state = operandOf<StateType>(*this, getStateAttr(), false, "state");
  if (failed(state))
    return failure();
  if (auto streams = knownCount(state->getStreams()); streams && *streams != 1)
    return emitOpError() << "state '" << getState() << "' has " << *streams
                         << " streams, expected 1";
  return success();
}

LogicalResult RoundOp::verify() {
  auto ref = dyn_cast<ParamRefAttr>(getType());
  if (!ref)
    return success();
  auto param = (*this)->getParentOfType<KernelOp>().lookupParam(ref.getName());
  if (!param || param.getKind() != ParamKind::Type)
    return emitOpError() << "'" << ref.getName() << "' is not a type parameter";
  return success();
}

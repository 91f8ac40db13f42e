// halo.kernel: its signature's text form and its rules.
#include "dialect/HaloParsing.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace halo::ir;

OperandDeclAttr KernelOp::lookupOperand(StringRef name) {
  OperandDeclAttr input = lookupOperand(name, /*output=*/false);
  return input ? input : lookupOperand(name, /*output=*/true);
}

OperandDeclAttr KernelOp::lookupOperand(StringRef name, bool output) {
  for (auto decl : getOperandDecls().getAsRange<OperandDeclAttr>())
    if (decl.getName() == name && decl.getOutput() == output)
      return decl;
  return {};
}

ParamDeclAttr KernelOp::lookupParam(StringRef name) {
  for (auto decl : getParams().getAsRange<ParamDeclAttr>())
    if (decl.getName() == name)
      return decl;
  return {};
}

/// `4`, `true`, `bf16`, `silu`: a parameter's default, kept as text.
static ParseResult parseDefault(OpAsmParser &parser, std::string &text) {
  int64_t number = 0;
  OptionalParseResult isNumber = parser.parseOptionalInteger(number);
  if (isNumber.has_value()) {
    text = std::to_string(number);
    return *isNumber;
  }
  Type type;
  OptionalParseResult isType = parser.parseOptionalType(type);
  if (isType.has_value()) {
    llvm::raw_string_ostream(text) << type;
    return *isType;
  }
  return parser.parseKeywordOrString(&text);
}

static ParseResult parseParam(OpAsmParser &parser, SmallVectorImpl<Attribute> &params) {
  StringRef name, kindName;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword(&name) || parser.parseColon() || parser.parseKeyword(&kindName))
    return failure();
  auto kind = symbolizeParamKind(kindName);
  if (!kind)
    return parser.emitError(loc) << "parameter '" << name << "': unknown kind '" << kindName
                                 << "', expected int, type, enum, flag, parts, heads or length";
  SmallVector<StringAttr> values;
  if (*kind == ParamKind::Enum) {
    auto one = [&]() {
      StringRef value;
      if (parser.parseKeyword(&value))
        return failure();
      values.push_back(parser.getBuilder().getStringAttr(value));
      return success();
    };
    if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater, one))
      return failure();
  }
  std::string defaultText;
  if (succeeded(parser.parseOptionalEqual()) && parseDefault(parser, defaultText))
    return failure();
  params.push_back(ParamDeclAttr::get(parser.getContext(), name, *kind,
                                      parser.getBuilder().getStringAttr(defaultText), values));
  return success();
}

/// `@x : optional view<T, layout>`, `@s : optional(flag) state<T, K>`; the type's `!halo.` prefix
/// is left out.
static ParseResult parseOperandDecl(OpAsmParser &parser, bool output,
                                    SmallVectorImpl<Attribute> &decls) {
  StringAttr name;
  if (parser.parseSymbolName(name) || parser.parseColon())
    return failure();
  bool optional = succeeded(parser.parseOptionalKeyword("optional"));
  StringAttr flag;
  if (optional && succeeded(parser.parseOptionalLParen())) {
    StringRef flagName;
    if (parser.parseKeyword(&flagName) || parser.parseRParen())
      return failure();
    flag = parser.getBuilder().getStringAttr(flagName);
  }
  bool variadic = succeeded(parser.parseOptionalKeyword("variadic"));
  SMLoc loc = parser.getCurrentLocation();
  StringRef mnemonic;
  if (parser.parseKeyword(&mnemonic))
    return failure();
  Type type = llvm::StringSwitch<function_ref<Type()>>(mnemonic)
                  .Case("view", [&] { return ViewType::parse(parser); })
                  .Case("taps", [&] { return TapsType::parse(parser); })
                  .Case("channel", [&] { return ChannelType::parse(parser); })
                  .Case("state", [&] { return StateType::parse(parser); })
                  .Case("modes", [&] { return ModesType::parse(parser); })
                  .Case("modal_state", [&] { return ModalStateType::parse(parser); })
                  .Case("indices", [&] { return IndicesType::parse(parser); })
                  .Default([&] {
                    parser.emitError(loc) << "operand '" << name.getValue() << "': unknown kind '"
                                          << mnemonic
                                          << "', expected view, taps, channel, state, modes, "
                                             "modal_state or indices";
                    return Type();
                  })();
  if (!type)
    return failure();
  decls.push_back(OperandDeclAttr::get(parser.getContext(), name.getValue(), type, output, optional,
                                       variadic, flag));
  return success();
}

ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &state) {
  Builder &builder = parser.getBuilder();
  StringAttr name;
  if (parser.parseSymbolName(name, SymbolTable::getSymbolAttrName(), state.attributes))
    return failure();
  SmallVector<Attribute> params, operands;
  if (succeeded(parser.parseOptionalKeyword("params")) &&
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren,
                                     [&] { return parseParam(parser, params); }))
    return failure();
  for (bool output : {false, true})
    if (succeeded(parser.parseOptionalKeyword(output ? "outs" : "ins")) &&
        parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, [&] {
          return parseOperandDecl(parser, output, operands);
        }))
      return failure();
  if (succeeded(parser.parseOptionalKeyword("schedule"))) {
    ScheduleAttr schedule;
    if (parser.parseLParen() || parser.parseAttribute(schedule) || parser.parseRParen())
      return failure();
    state.addAttribute(getScheduleAttrName(state.name), schedule);
  }
  state.addAttribute(getParamsAttrName(state.name), builder.getArrayAttr(params));
  state.addAttribute(getOperandDeclsAttrName(state.name), builder.getArrayAttr(operands));
  if (parser.parseOptionalAttrDictWithKeyword(state.attributes))
    return failure();
  Region *body = state.addRegion();
  if (parser.parseRegion(*body))
    return failure();
  if (body->empty())
    body->emplaceBlock();
  return success();
}

static void printParam(OpAsmPrinter &printer, ParamDeclAttr param) {
  printer << param.getName() << " : " << stringifyParamKind(param.getKind());
  if (!param.getValues().empty()) {
    printer << '<';
    llvm::interleaveComma(param.getValues(), printer.getStream(),
                          [&](StringAttr value) { printer << value.getValue(); });
    printer << '>';
  }
  if (StringRef text = param.getDefaultText(); !text.empty()) {
    bool plain = llvm::all_of(text, [](char c) { return llvm::isAlnum(c) || c == '_'; });
    printer << " = ";
    plain ? printer << text : printer << '"' << text << '"';
  }
}

static void printOperandDecl(OpAsmPrinter &printer, OperandDeclAttr decl) {
  printer.printSymbolName(decl.getName());
  printer << " : ";
  if (decl.getOptional()) {
    printer << "optional";
    if (decl.getFlag())
      printer << '(' << decl.getFlag().getValue() << ')';
    printer << ' ';
  }
  printer << (decl.getVariadic() ? "variadic " : "");
  llvm::TypeSwitch<Type>(decl.getType())
      .Case<ViewType, TapsType, ChannelType, StateType, ModesType, ModalStateType, IndicesType>(
          [&](auto type) {
        printer << decltype(type)::getMnemonic();
        type.print(printer);
      });
}

void KernelOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  if (!getParams().empty()) {
    printer << " params(";
    llvm::interleaveComma(getParams().getAsRange<ParamDeclAttr>(), printer.getStream(),
                          [&](ParamDeclAttr param) { printParam(printer, param); });
    printer << ")";
  }
  for (bool output : {false, true}) {
    auto decls = llvm::make_filter_range(
        getOperandDecls().getAsRange<OperandDeclAttr>(),
        [&](OperandDeclAttr decl) { return decl.getOutput() == output; });
    if (decls.empty())
      continue;
    printer.printNewline();
    printer << "    " << (output ? "outs(" : "ins(");
    llvm::interleaveComma(decls, printer.getStream(),
                          [&](OperandDeclAttr decl) { printOperandDecl(printer, decl); });
    printer << ")";
  }
  if (auto schedule = getScheduleAttr()) {
    printer.printNewline();
    printer << "    schedule(" << schedule << ")";
  }
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(),
      {getSymNameAttrName(), getParamsAttrName(), getOperandDeclsAttrName(), getScheduleAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

/// Every parameter a type names must be declared, with a fitting kind.
static LogicalResult verifyParamRefs(KernelOp kernel, OperandDeclAttr decl) {
  auto check = [&](Attribute piece, ParamKind kind) -> LogicalResult {
    auto ref = dyn_cast<ParamRefAttr>(piece);
    if (!ref)
      return success();
    auto param = kernel.lookupParam(ref.getName());
    if (!param)
      return kernel.emitOpError() << "operand '" << decl.getName() << "' names parameter '"
                                  << ref.getName() << "', which is not declared";
    if (param.getKind() != kind)
      return kernel.emitOpError() << "operand '" << decl.getName() << "': parameter '"
                                  << ref.getName() << "' is of kind "
                                  << stringifyParamKind(param.getKind()) << ", expected "
                                  << stringifyParamKind(kind);
    return success();
  };
  auto all = [&](std::initializer_list<std::pair<Attribute, ParamKind>> pieces) {
    for (auto [piece, kind] : pieces)
      if (failed(check(piece, kind)))
        return failure();
    return success();
  };
  return llvm::TypeSwitch<Type, LogicalResult>(decl.getType())
      .Case([&](ViewType type) {
        return all({{type.getElement(), ParamKind::Type},
                    {type.getLayout(), ParamKind::Enum},
                    {type.getStreams(), ParamKind::Int}});
      })
      .Case([&](TapsType type) {
        return all({{type.getElement(), ParamKind::Type},
                    {type.getTaps(), ParamKind::Int},
                    {type.getGroup(), ParamKind::Int},
                    {type.getStreams(), ParamKind::Int}});
      })
      .Case([&](ChannelType type) { return all({{type.getElement(), ParamKind::Type}}); })
      .Case([&](StateType type) {
        return all({{type.getElement(), ParamKind::Type},
                    {type.getTaps(), ParamKind::Int},
                    {type.getStreams(), ParamKind::Int}});
      })
      .Case<ModesType, ModalStateType>(
          [&](auto type) { return all({{type.getModes(), ParamKind::Int}}); })
      .Case([](IndicesType) { return success(); })
      .Default([&](Type type) {
        return kernel.emitOpError() << "operand '" << decl.getName() << "' has type " << type
                                    << ", expected view, taps, channel, state, modes, "
                                       "modal_state or indices";
      });
}

/// The indices that say where a state is kept, and that one launch sees both sides of it.
static LogicalResult verifyKeeping(KernelOp kernel, OperandDeclAttr decl, StateType state) {
  for (FlatSymbolRefAttr name : {state.getRing(), state.getSlots()}) {
    if (!name)
      continue;
    auto index = kernel.lookupOperand(name.getValue(), /*output=*/false);
    auto type = index ? dyn_cast<IndicesType>(index.getType()) : IndicesType();
    if (!type || type.getForm() != IndexForm::Rows)
      return kernel.emitOpError() << "state '" << decl.getName() << "' is kept by '"
                                  << name.getValue()
                                  << "', which is not an input of indices<rows>";
  }
  if (state.isKept() && !kernel.lookupOperand(decl.getName(), !decl.getOutput()))
    return kernel.emitOpError() << "update_c2: state '" << decl.getName()
                                << "' is updated in place, but it is no "
                                << (decl.getOutput() ? "input" : "output");
  return success();
}

LogicalResult KernelOp::verify() {
  llvm::StringSet<> params, operands[2];
  for (auto param : getParams().getAsRange<ParamDeclAttr>()) {
    if (!params.insert(param.getName()).second)
      return emitOpError() << "parameter '" << param.getName() << "' is declared twice";
    if (lookupParam(param.getDefaultText()) && !params.contains(param.getDefaultText().getValue()))
      return emitOpError() << "parameter '" << param.getName() << "': its default '"
                           << param.getDefaultText().getValue()
                           << "' is a parameter declared after it";
    if (param.getKind() == ParamKind::Enum && !param.getDefaultText().empty() &&
        !llvm::is_contained(param.getValues(), param.getDefaultText()))
      return emitOpError() << "parameter '" << param.getName() << "': default '"
                           << param.getDefaultText().getValue() << "' is not one of its "
                           << param.getValues().size() << " values";
  }
  bool anyOutput = false;
  for (auto decl : getOperandDecls().getAsRange<OperandDeclAttr>()) {
    if (!operands[decl.getOutput()].insert(decl.getName()).second)
      return emitOpError() << "operand '" << decl.getName() << "' is declared twice";
    if (operands[!decl.getOutput()].contains(decl.getName()) &&
        !isa<StateType, ModalStateType>(decl.getType()))
      return emitOpError() << "operand '" << decl.getName()
                           << "' is an input and an output: only states may be both";
    if (auto input = lookupOperand(decl.getName(), false);
        decl.getOutput() && input && input.getType() != decl.getType())
      return emitOpError() << "state '" << decl.getName() << "' is read as " << input.getType()
                           << " and written as " << decl.getType();
    if (decl.getFlag() && !decl.getOutput())
      return emitOpError() << "operand '" << decl.getName() << "' names flag '"
                           << decl.getFlag().getValue()
                           << "', but inputs are present when they are given";
    if (decl.getOutput() && isa<IndicesType>(decl.getType()))
      return emitOpError() << "operand '" << decl.getName()
                           << "' is an output of indices: they are only read";
    if (decl.getVariadic() && !decl.getOutput())
      return emitOpError() << "operand '" << decl.getName() << "': only outputs are variadic";
    if (decl.getOutput() && decl.getOptional()) {
      auto flag = lookupParam(decl.flagName());
      if ((!flag || flag.getKind() != ParamKind::Flag) && decl.getFlag())
        return emitOpError() << "optional output '" << decl.getName() << "' names '"
                             << decl.flagName() << "', which is not a flag parameter";
      if (!flag || flag.getKind() != ParamKind::Flag)
        return emitOpError() << "optional output '" << decl.getName()
                             << "' needs a flag parameter of its name";
    }
    if (auto state = dyn_cast<StateType>(decl.getType());
        state && failed(verifyKeeping(*this, decl, state)))
      return failure();
    anyOutput |= decl.getOutput();
    if (failed(verifyParamRefs(*this, decl)))
      return failure();
  }
  if (!anyOutput)
    return emitOpError() << "declares no output";
  return success();
}

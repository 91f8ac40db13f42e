// Types: how their symbolic pieces are written, and what they may hold.
#include "dialect/HaloParsing.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace halo::ir;

std::optional<int64_t> halo::ir::knownCount(Attribute count) {
  if (auto number = dyn_cast_or_null<IntegerAttr>(count))
    return number.getInt();
  return std::nullopt;
}

Type halo::ir::knownElement(Attribute element) {
  if (auto type = dyn_cast_or_null<TypeAttr>(element))
    return type.getValue();
  return {};
}

bool halo::ir::isStorageType(Type type) { return type.isF32() || type.isF16() || type.isBF16(); }

ParseResult halo::ir::parseElement(AsmParser &parser, Attribute &element) {
  Type type;
  SMLoc loc = parser.getCurrentLocation();
  OptionalParseResult known = parser.parseOptionalType(type);
  if (known.has_value()) {
    if (failed(*known))
      return failure();
    if (!isStorageType(type))
      return parser.emitError(loc) << "element type " << type << " is not f32, f16 or bf16";
    element = TypeAttr::get(type);
    return success();
  }
  StringRef name;
  if (parser.parseKeyword(&name))
    return failure();
  element = ParamRefAttr::get(parser.getContext(), name);
  return success();
}

void halo::ir::printElement(AsmPrinter &printer, Attribute element) {
  if (Type type = knownElement(element))
    printer << type;
  else
    printer << cast<ParamRefAttr>(element).getName();
}

ParseResult halo::ir::parseCount(AsmParser &parser, Attribute &count) {
  int64_t number;
  OptionalParseResult known = parser.parseOptionalInteger(number);
  if (known.has_value()) {
    if (failed(*known))
      return failure();
    count = parser.getBuilder().getI64IntegerAttr(number);
    return success();
  }
  StringRef name;
  if (parser.parseKeyword(&name))
    return failure();
  count = ParamRefAttr::get(parser.getContext(), name);
  return success();
}

void halo::ir::printCount(AsmPrinter &printer, Attribute count) {
  if (auto number = knownCount(count))
    printer << *number;
  else
    printer << cast<ParamRefAttr>(count).getName();
}

ParseResult halo::ir::parseTrailingCount(AsmParser &parser, Attribute &count) {
  if (succeeded(parser.parseOptionalComma()))
    return parseCount(parser, count);
  count = parser.getBuilder().getI64IntegerAttr(1);
  return success();
}

void halo::ir::printTrailingCount(AsmPrinter &printer, Attribute count) {
  if (knownCount(count) == 1)
    return;
  printer << ", ";
  printCount(printer, count);
}

ParseResult halo::ir::parseGroupAndStreams(AsmParser &parser, Attribute &group,
                                           Attribute &streams) {
  if (parseTrailingCount(parser, group))
    return failure();
  return parseTrailingCount(parser, streams);
}

void halo::ir::printGroupAndStreams(AsmPrinter &printer, Attribute group, Attribute streams) {
  if (knownCount(group) == 1 && knownCount(streams) == 1)
    return;
  printer << ", ";
  printCount(printer, group);
  printTrailingCount(printer, streams);
}

ParseResult halo::ir::parseKeeping(AsmParser &parser, UnitAttr &longer, FlatSymbolRefAttr &ring,
                                   FlatSymbolRefAttr &slots) {
  if (succeeded(parser.parseOptionalKeyword("longer")))
    longer = UnitAttr::get(parser.getContext());
  auto index = [&](StringRef word, FlatSymbolRefAttr &operand) -> ParseResult {
    StringAttr name;
    if (failed(parser.parseOptionalKeyword(word)))
      return success();
    if (parser.parseLParen() || parser.parseSymbolName(name) || parser.parseRParen())
      return failure();
    operand = FlatSymbolRefAttr::get(name);
    return success();
  };
  return failure(failed(index("ring", ring)) || failed(index("slots", slots)));
}

void halo::ir::printKeeping(AsmPrinter &printer, UnitAttr longer, FlatSymbolRefAttr ring,
                            FlatSymbolRefAttr slots) {
  if (longer)
    printer << " longer";
  if (ring)
    printer << " ring(" << ring << ")";
  if (slots)
    printer << " slots(" << slots << ")";
}

ParseResult halo::ir::parseLayout(AsmParser &parser, Attribute &layout) {
  StringRef name;
  if (parser.parseKeyword(&name))
    return failure();
  if (auto kind = symbolizeLayoutKind(name))
    layout = LayoutKindAttr::get(parser.getContext(), *kind);
  else
    layout = ParamRefAttr::get(parser.getContext(), name);
  return success();
}

void halo::ir::printLayout(AsmPrinter &printer, Attribute layout) {
  if (auto known = dyn_cast<LayoutKindAttr>(layout))
    printer << stringifyLayoutKind(known.getValue());
  else
    printer << cast<ParamRefAttr>(layout).getName();
}

#define GET_TYPEDEF_CLASSES
#include "dialect/HaloTypes.cpp.inc"

void HaloDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialect/HaloTypes.cpp.inc"
      >();
}

using EmitError = function_ref<InFlightDiagnostic()>;

static LogicalResult verifyCount(EmitError emitError, StringRef what, Attribute count) {
  auto number = knownCount(count);
  if (number && *number < 1)
    return emitError() << what << " " << *number << " is less than 1";
  return success();
}

LogicalResult ViewType::verify(EmitError emitError, Attribute element, Attribute layout,
                               Attribute streams) {
  return verifyCount(emitError, "streams", streams);
}

LogicalResult TapsType::verify(EmitError emitError, Attribute element, Attribute taps,
                               Attribute group, Attribute streams) {
  if (failed(verifyCount(emitError, "conv_c3: tap count", taps)) ||
      failed(verifyCount(emitError, "conv_c1: channels per filter", group)) ||
      failed(verifyCount(emitError, "streams", streams)))
    return failure();
  auto shared = knownCount(group), several = knownCount(streams);
  if (shared && several && *shared > 1 && *several > 1)
    return emitError() << "taps of " << *several << " streams cannot share rows, got group "
                       << *shared;
  return success();
}

LogicalResult ChannelType::verify(EmitError, Attribute) { return success(); }

LogicalResult StateType::verify(EmitError emitError, Attribute element, Attribute taps,
                                Attribute streams, UnitAttr longer, FlatSymbolRefAttr ring,
                                FlatSymbolRefAttr slots) {
  if (failed(verifyCount(emitError, "conv_c3: tap count", taps)))
    return failure();
  return verifyCount(emitError, "streams", streams);
}

LogicalResult ModesType::verify(EmitError emitError, Attribute modes) {
  return verifyCount(emitError, "modes", modes);
}

LogicalResult IndicesType::verify(EmitError, IndexForm) { return success(); }

LogicalResult ModalStateType::verify(EmitError emitError, Attribute modes) {
  return verifyCount(emitError, "modes", modes);
}

// How the symbolic pieces of types and ops are written: a value, or the name of a parameter.
#pragma once

#include "dialect/HaloDialect.h"

namespace halo::ir {

/// `bf16` or a type parameter's name.
mlir::ParseResult parseElement(mlir::AsmParser &parser, mlir::Attribute &element);
void printElement(mlir::AsmPrinter &printer, mlir::Attribute element);
/// `4` or an integer parameter's name.
mlir::ParseResult parseCount(mlir::AsmParser &parser, mlir::Attribute &count);
void printCount(mlir::AsmPrinter &printer, mlir::Attribute count);
/// `, count`, absent where it is 1.
mlir::ParseResult parseTrailingCount(mlir::AsmParser &parser, mlir::Attribute &count);
void printTrailingCount(mlir::AsmPrinter &printer, mlir::Attribute count);
/// `, group, streams`: the trailing ones are absent where they are 1.
mlir::ParseResult parseGroupAndStreams(mlir::AsmParser &parser, mlir::Attribute &group,
                                       mlir::Attribute &streams);
void printGroupAndStreams(mlir::AsmPrinter &printer, mlir::Attribute group,
                          mlir::Attribute streams);
/// ` longer ring(@at) slots(@index)`, each of which may be absent.
mlir::ParseResult parseKeeping(mlir::AsmParser &parser, mlir::UnitAttr &longer,
                               mlir::FlatSymbolRefAttr &ring, mlir::FlatSymbolRefAttr &slots);
void printKeeping(mlir::AsmPrinter &printer, mlir::UnitAttr longer, mlir::FlatSymbolRefAttr ring,
                  mlir::FlatSymbolRefAttr slots);
/// `bdl`, `bld`, `bd` or an enumeration parameter's name.
mlir::ParseResult parseLayout(mlir::AsmParser &parser, mlir::Attribute &layout);
void printLayout(mlir::AsmPrinter &printer, mlir::Attribute layout);

} // namespace halo::ir

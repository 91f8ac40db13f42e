// The halo dialect: types, attributes, ops. See HaloOps.td for what each op means.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/HaloDialect.h.inc"
#include "dialect/HaloEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/HaloAttrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialect/HaloTypes.h.inc"
#define GET_OP_CLASSES
#include "dialect/HaloOps.h.inc"

namespace halo::ir {

/// The number in a count attribute, or nothing while it is still a parameter.
std::optional<int64_t> knownCount(mlir::Attribute count);
/// The storage type in an element attribute, or null while it is still a parameter.
mlir::Type knownElement(mlir::Attribute element);
/// f32, f16 or bf16.
bool isStorageType(mlir::Type type);

} // namespace halo::ir

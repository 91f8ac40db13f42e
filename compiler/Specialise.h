// Specialise: bind a kernel's parameters. Nothing after it sees a symbol.
#pragma once

#include "dialect/HaloDialect.h"

#include "llvm/ADT/StringMap.h"

#include <map>
#include <set>
#include <string>

namespace halo::compiler {

/// What a request says of a kernel: the texts of --set (types included) and the present operands.
struct Bindings {
  std::map<std::string, std::string> params;
  std::set<std::string> with;
};

/// Binds every parameter in place: defaults are filled in (an enumeration's first value, a flag's
/// false, another parameter named as default), absent optional operands are erased with what only
/// they need, variadic outputs become the parts of the split, `choose` becomes the chosen value.
/// On success `bindings` holds the value of every parameter. Errors are diagnostics on the kernel.
mlir::LogicalResult specialise(ir::KernelOp kernel, Bindings &bindings);

} // namespace halo::compiler

// What compiled code may link to: our host functions and the C library's mathematics, nothing else
// of this process.
#pragma once

#include "llvm/ADT/StringRef.h"

#include <vector>

namespace halo::sim {

/// The address behind a symbol, or null.
const void *findHostSymbol(llvm::StringRef name);

/// What the code generator may call on its own, whatever the module declares.
std::vector<llvm::StringRef> runtimeSymbols();

} // namespace halo::sim

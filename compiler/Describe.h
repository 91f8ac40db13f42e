// Reading kernel texts: parsing with diagnostics kept as text, and listing a kernel's signature.
#pragma once

#include "dialect/HaloDialect.h"
#include "runtime/KernelInfo.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"

#include <string>
#include <vector>

namespace halo::compiler {

/// Collects errors while it lives, instead of printing them.
class Diagnostics {
public:
  explicit Diagnostics(mlir::MLIRContext &context);
  /// The first error as one sentence, with its place in the text where that is a user's file.
  std::string text() const;

private:
  std::string first;
  mlir::ScopedDiagnosticHandler handler;
};

/// The verified module of a text; null after an error.
mlir::OwningOpRef<mlir::ModuleOp> parseKernelText(mlir::MLIRContext &context,
                                                  const std::string &text,
                                                  const std::string &name);

/// The text's one kernel; null, with an error, where there are none or several.
ir::KernelOp onlyKernel(mlir::ModuleOp module, Diagnostics &diagnostics);

/// The operands of a specialised kernel, for the runtime.
std::vector<Operand> operandsOf(ir::KernelOp kernel);

/// The JSON of the verb `describe`: see runtime/CompilerAbi.h.
std::string describe(ir::KernelOp kernel, const std::string &text);

/// The first sentence of a text's leading comment.
std::string summaryOf(const std::string &text);

} // namespace halo::compiler

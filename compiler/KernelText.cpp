// Where a kernel's text comes from, and the context it is read into.
#include "compiler/Builtins.h"
#include "compiler/Compile.h"
#include "compiler/Passes.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;

namespace halo::compiler {

std::vector<std::string> builtinKernels() {
  std::vector<std::string> names;
  for (int i = 0; i < kNumBuiltins; ++i)
    names.emplace_back(kBuiltins[i].name);
  return names;
}

Result<std::string> kernelText(const std::string &kernel) {
  if (llvm::StringRef(kernel).ends_with(".mlir")) {
    auto file = llvm::MemoryBuffer::getFile(kernel, /*IsText=*/true);
    if (!file)
      return invalid("kernel file '" + kernel + "' cannot be read: " + file.getError().message());
    return (*file)->getBuffer().str();
  }
  std::string known;
  for (int i = 0; i < kNumBuiltins; ++i) {
    if (kBuiltins[i].name == kernel)
      return std::string(kBuiltins[i].text);
    known += (known.empty() ? "" : ", ") + std::string(kBuiltins[i].name);
  }
  return invalid("unknown kernel '" + kernel + "', expected one of " + known +
                 ", or a path that ends in .mlir");
}

static thread_local std::unique_ptr<MLIRContext> contextOfThread;

MLIRContext &threadContext() {
  static DialectRegistry *registry = [] {
    auto *registry = new DialectRegistry;
    registerDialects(*registry);
    return registry;
  }();
  if (!contextOfThread)
    contextOfThread = std::make_unique<MLIRContext>(*registry, MLIRContext::Threading::DISABLED);
  contextOfThread->loadAllAvailableDialects();
  return *contextOfThread;
}

void abandonThreadContext() { (void)contextOfThread.release(); }

} // namespace halo::compiler

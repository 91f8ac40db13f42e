// A kernel from a text, for tests: parsed, verified, and alive as long as this.
#pragma once

#include "compiler/Compile.h"
#include "compiler/Describe.h"
#include "compiler/Specialise.h"

#include "mlir/IR/Verifier.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace halo::compiler::test {

class KernelText {
public:
  explicit KernelText(const std::string &text) : diagnostics(threadContext()) {
    module = parseKernelText(threadContext(), text, "test");
    if (module)
      kernel = onlyKernel(*module, diagnostics);
  }

  /// Binds the parameters; the kernel must verify afterwards.
  bool bind(std::map<std::string, std::string> params = {}, std::set<std::string> with = {}) {
    bindings = {std::move(params), std::move(with)};
    return kernel && succeeded(specialise(kernel, bindings)) && succeeded(mlir::verify(*module));
  }

  /// The kernel as text, in the form a user would write.
  std::string print() {
    std::string text;
    llvm::raw_string_ostream(text) << *module;
    return text;
  }
  /// The signal of the n-th op of this type, in program order.
  template <typename Op> mlir::Value signal(unsigned n = 0) {
    for (auto op : kernel.getBody().front().getOps<Op>())
      if (n-- == 0)
        return op->getResult(0);
    return {};
  }
  std::string error() const { return diagnostics.text(); }

  mlir::OwningOpRef<mlir::ModuleOp> module;
  ir::KernelOp kernel;
  Bindings bindings;

private:
  Diagnostics diagnostics;
};

/// Random numbers with a seed that a failure shows; HALO_TEST_SEED repeats it.
class Random {
public:
  Random() {
    const char *given = std::getenv("HALO_TEST_SEED");
    seed = given ? std::strtoull(given, nullptr, 10) : std::random_device()();
    engine.seed(seed);
  }
  std::string trace() const { return "HALO_TEST_SEED=" + std::to_string(seed); }
  /// In [low, high].
  int64_t in(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(engine);
  }

private:
  uint64_t seed;
  std::mt19937_64 engine;
};

} // namespace halo::compiler::test

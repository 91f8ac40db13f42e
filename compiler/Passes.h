// Halo's passes, each one file named after it, and the pipeline from a scheduled kernel to the
// LLVM dialect.
#pragma once

#include "mlir/Pass/Pass.h"

#include <memory>
#include <string>

namespace mlir {
class OpPassManager;
class DialectRegistry;
} // namespace mlir

namespace halo::compiler {

/// `halo-specialise{params=K=4;T=bf16 with=bias}`: binds the parameters of every kernel.
std::unique_ptr<mlir::Pass> createSpecialisePass();
/// `halo-infer-halo`: writes each signal's halo on its op, `{halo = 3}`.
std::unique_ptr<mlir::Pass> createInferHaloPass();
/// `halo-lower-direct{shared-limit=232448}`: a scheduled kernel becomes a gpu.func.
std::unique_ptr<mlir::Pass> createLowerDirectPass(int64_t sharedLimit = 232448);

/// From gpu.func to the LLVM dialect, inside gpu.module.
void addGpuToLlvm(mlir::OpPassManager &passes);
/// Every dialect and conversion interface the passes need.
void registerDialects(mlir::DialectRegistry &registry);
/// For halo-opt.
void registerPasses();

} // namespace halo::compiler

// The warp's collective instructions, one thin layer over NVVM's ops.
#pragma once

#include "mlir/IR/Builders.h"

#include <array>

namespace halo::compiler {

/// 1, 2 or 4 8x8 matrices of 2-byte elements from shared memory. Lane l gives the address of row l % 8
/// of matrix l / 8 (lanes beyond the last matrix give any) and gets, of each matrix, elements
/// 2 * (l % 4) and the next of row l / 4, as i32; `transposed`, of column l / 4.
llvm::SmallVector<mlir::Value, 4> loadMatrices(mlir::OpBuilder &b, mlir::Location loc,
                                               mlir::Value pointer, int count = 4,
                                               bool transposed = false);

/// c + a b, 16 x 16 times 16 x 8, accumulated in f32. With g = lane / 4 and q = lane % 4, registers
/// hold: a (row g, columns 2q, 2q+1), (g+8, 2q), (g, 2q+8), (g+8, 2q+8); b (rows 2q, 2q+1, column
/// g), (rows 2q+8, ...); c (row g, columns 2q, 2q+1), (row g+8, ...).
std::array<mlir::Value, 4> multiply(mlir::OpBuilder &b, mlir::Location loc, mlir::Type element,
                                    std::array<mlir::Value, 4> a, std::array<mlir::Value, 2> b2,
                                    std::array<mlir::Value, 4> c);

} // namespace halo::compiler

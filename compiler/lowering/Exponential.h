// Exponentials that are right to about one unit in the last place, from plain f32 arithmetic: the
// GPU's ex2.approx loses the bits that a slow pole lives by (expm1(-1e-6) would have 4 % error),
// and nothing here links a library.
//
//   lp * k = n * ln 2 + f, n whole, |f| <= ln 2 / 2;  m = expm1(f) by its series
//   exp = 2^n * m + 2^n        expm1 = 2^n * m + (2^n - 1)
//
// The product is taken exactly, as a rounded part and its error. It is clamped into [-87, 88],
// where exp is a normal number.
#pragma once

#include "compiler/lowering/Emitter.h"

namespace halo::compiler {

/// exp(lp * k) and expm1(lp * k), both operands f32 of one type (a scalar or the thread's lanes).
mlir::Value emitExp(Emitter &emitter, mlir::Value lp, mlir::Value k);
mlir::Value emitExpm1(Emitter &emitter, mlir::Value lp, mlir::Value k);

} // namespace halo::compiler

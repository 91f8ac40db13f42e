#include "compiler/lowering/Exponential.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace halo;
using namespace halo::compiler;

namespace {

/// exp(x) = scale * m + scale, scale = 2^n.
struct Reduced {
  Value m, scale;
};

Reduced reduce(Emitter &e, Value lp, Value k) {
  OpBuilder &b = e.b;
  Type type = lp.getType(), integer = e.signalType(b.getI32Type());
  auto real = [&](double value) {
    return e.splat(arith::ConstantOp::create(b, e.loc, b.getF32FloatAttr(float(value))));
  };
  Value product = arith::MulFOp::create(b, e.loc, lp, k);
  Value error = e.fma(lp, k, arith::NegFOp::create(b, e.loc, product));
  // Clamped by selection, as MLIR's minimum is a library call; a NaN stays one. Beyond the clamp
  // the error says nothing, and may be no number.
  auto below = [&](Value y, Value z) -> Value {
    return arith::CmpFOp::create(b, e.loc, arith::CmpFPredicate::OLT, y, z);
  };
  auto choose = [&](Value condition, Value y, Value z) -> Value {
    return arith::SelectOp::create(b, e.loc, condition, y, z);
  };
  Value low = below(product, real(-87)), high = below(real(88), product);
  Value x = choose(low, real(-87), choose(high, real(88), product));
  error = choose(low, real(0), choose(high, real(0), error));

  // ln 2 in two parts: n times the first is exact to its last bit in the multiply-add.
  // To the nearest whole number: beyond 1.5 * 2^23 f32 has no others.
  Value n = arith::SubFOp::create(b, e.loc, e.fma(x, real(1.4426950408889634), real(0x1.8p23)),
                                  real(0x1.8p23));
  Value f = e.fma(n, real(-0x1.62e430p-1), x);
  f = e.fma(n, real(0x1.05c610p-29), f);
  f = arith::AddFOp::create(b, e.loc, f, error);

  // expm1(f) = f + f * (f/2! + f^2/3! + ... + f^7/8!): the next term is below 1e-9 of f.
  Value series = real(1.0 / 40320);
  for (double factorial : {5040.0, 720.0, 120.0, 24.0, 6.0, 2.0})
    series = e.fma(series, f, real(1 / factorial));
  Value m = e.fma(arith::MulFOp::create(b, e.loc, series, f), f, f);

  Value exponent = arith::FPToSIOp::create(b, e.loc, integer, n);
  auto whole = [&](int64_t value) { return e.splat(e.num(value)); };
  Value bits = arith::ShLIOp::create(
      b, e.loc, arith::AddIOp::create(b, e.loc, exponent, whole(127)), whole(23));
  return {m, arith::BitcastOp::create(b, e.loc, type, bits)};
}

} // namespace

Value compiler::emitExp(Emitter &e, Value lp, Value k) {
  Reduced r = reduce(e, lp, k);
  return e.fma(r.m, r.scale, r.scale);
}

Value compiler::emitExpm1(Emitter &e, Value lp, Value k) {
  Reduced r = reduce(e, lp, k);
  Value one = e.splat(arith::ConstantOp::create(e.b, e.loc, e.b.getF32FloatAttr(1)));
  return e.fma(r.m, r.scale, arith::SubFOp::create(e.b, e.loc, r.scale, one));
}

// Scalar arithmetic of the intrinsics. Approximations answer with the host's accurate value; the
// .ftz forms flush denormal operands and results to zero of the same sign, as the GPU does.
#pragma once

#include "compiler/sim/Block.h"

#include <cmath>

namespace halo::sim {

inline float flush(float x) {
  return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x;
}

template <float (*Fn)(float)> float flushed1(float x) { return flush(Fn(flush(x))); }
template <float (*Fn)(float, float)> float flushed2(float x, float y) {
  return flush(Fn(flush(x), flush(y)));
}
template <float (*Fn)(float, float, float)> float flushed3(float x, float y, float z) {
  return flush(Fn(flush(x), flush(y), flush(z)));
}

float exp2Of(float x);
float log2Of(float x);
float sinOf(float x);
float cosOf(float x);
float sqrtOf(float x);
float reciprocal(float x);
float reciprocalSqrt(float x);
float absOf(float x);
float saturate(float x);
float add(float x, float y);
float multiply(float x, float y);
float divide(float x, float y);
float smaller(float x, float y);
float larger(float x, float y);
float fusedMultiplyAdd(float x, float y, float z);

/// prmt: picks four bytes out of y:x by the nibbles of the selector.
uint32_t permuteBytes(uint32_t x, uint32_t y, uint32_t selector);
int32_t highProduct(int32_t x, int32_t y);
uint32_t highProductUnsigned(uint32_t x, uint32_t y);

// Slot functions, for types that are not the C ABI's.

void toBf16(SimThread &, const uint64_t *in, uint64_t *out, uint32_t);
void toF16(SimThread &, const uint64_t *in, uint64_t *out, uint32_t);
/// Two floats to one packed pair: the first is the upper half.
void toBf16Pair(SimThread &, const uint64_t *in, uint64_t *out, uint32_t);
void toF16Pair(SimThread &, const uint64_t *in, uint64_t *out, uint32_t);
void doubleToBf16Slot(SimThread &, const uint64_t *in, uint64_t *out, uint32_t);
void doubleToF16Slot(SimThread &, const uint64_t *in, uint64_t *out, uint32_t);
void fmaBf16Slot(SimThread &, const uint64_t *in, uint64_t *out, uint32_t);
void fmaF16Slot(SimThread &, const uint64_t *in, uint64_t *out, uint32_t);

} // namespace halo::sim

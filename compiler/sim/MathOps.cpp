#include "compiler/sim/MathOps.h"
#include "compiler/sim/SoftFloat.h"

#include <cstring>

namespace halo::sim {

float exp2Of(float x) { return std::exp2(x); }
float log2Of(float x) { return std::log2(x); }
float sinOf(float x) { return std::sin(x); }
float cosOf(float x) { return std::cos(x); }
float sqrtOf(float x) { return std::sqrt(x); }
float reciprocal(float x) { return 1.0f / x; }
float reciprocalSqrt(float x) { return float(1.0 / std::sqrt(double(x))); }
float absOf(float x) { return std::fabs(x); }
float saturate(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; } // NaN gives 0.
float add(float x, float y) { return x + y; }
float multiply(float x, float y) { return x * y; }
float divide(float x, float y) { return x / y; }
float smaller(float x, float y) { return std::fmin(x, y); }
float larger(float x, float y) { return std::fmax(x, y); }
float fusedMultiplyAdd(float x, float y, float z) { return std::fma(x, y, z); }

uint32_t permuteBytes(uint32_t x, uint32_t y, uint32_t selector) {
  uint64_t bytes = uint64_t(y) << 32 | x;
  uint32_t result = 0;
  for (unsigned i = 0; i != 4; ++i) {
    unsigned select = selector >> 4 * i & 15;
    uint32_t byte = bytes >> 8 * (select & 7) & 0xff;
    if (select & 8) // Only the sign, repeated.
      byte = byte & 0x80 ? 0xff : 0;
    result |= byte << 8 * i;
  }
  return result;
}

int32_t highProduct(int32_t x, int32_t y) { return int32_t(int64_t(x) * y >> 32); }
uint32_t highProductUnsigned(uint32_t x, uint32_t y) { return uint32_t(uint64_t(x) * y >> 32); }

static float floatIn(uint64_t slot) {
  uint32_t bits = uint32_t(slot);
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

static double doubleIn(uint64_t slot) {
  double value;
  std::memcpy(&value, &slot, sizeof value);
  return value;
}

void toBf16(SimThread &, const uint64_t *in, uint64_t *out, uint32_t) {
  out[0] = floatToBf16(floatIn(in[0]));
}
void toF16(SimThread &, const uint64_t *in, uint64_t *out, uint32_t) {
  out[0] = floatToF16(floatIn(in[0]));
}
void toBf16Pair(SimThread &, const uint64_t *in, uint64_t *out, uint32_t) {
  out[0] = uint32_t(floatToBf16(floatIn(in[0]))) << 16 | floatToBf16(floatIn(in[1]));
}
void toF16Pair(SimThread &, const uint64_t *in, uint64_t *out, uint32_t) {
  out[0] = uint32_t(floatToF16(floatIn(in[0]))) << 16 | floatToF16(floatIn(in[1]));
}
void doubleToBf16Slot(SimThread &, const uint64_t *in, uint64_t *out, uint32_t) {
  out[0] = doubleToBf16(doubleIn(in[0]));
}
void doubleToF16Slot(SimThread &, const uint64_t *in, uint64_t *out, uint32_t) {
  out[0] = doubleToF16(doubleIn(in[0]));
}
void fmaBf16Slot(SimThread &, const uint64_t *in, uint64_t *out, uint32_t) {
  out[0] = fmaBf16(uint16_t(in[0]), uint16_t(in[1]), uint16_t(in[2]));
}
void fmaF16Slot(SimThread &, const uint64_t *in, uint64_t *out, uint32_t) {
  out[0] = fmaF16(uint16_t(in[0]), uint16_t(in[1]), uint16_t(in[2]));
}

} // namespace halo::sim

#include "compiler/sim/SoftFloat.h"

#include <cmath>
#include <cstring>

namespace halo::sim {

template <typename To, typename From> static To bitCast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

uint16_t floatToBf16(float value) {
  uint32_t bits = bitCast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float bf16ToFloat(uint16_t bits) { return bitCast<float>(uint32_t(bits) << 16); }

uint16_t floatToF16(float value) {
  uint32_t bits = bitCast<uint32_t>(value);
  uint32_t sign = bits >> 16 & 0x8000;
  uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) // The payload's upper bits, quiet.
    return uint16_t(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  if (magnitude >= 0x477ff000) // 65520 and above round to infinity.
    return uint16_t(sign | 0x7c00);
  if (magnitude < 0x38800000) {
    // A denormal f16 is a multiple of 2^-24; adding 0.5 aligns the float's last bit to that.
    float aligned = bitCast<float>(magnitude) + 0.5f;
    return uint16_t(sign | (bitCast<uint32_t>(aligned) - 0x3f000000));
  }
  uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return uint16_t(sign | ((rounded - 0x38000000) >> 13));
}

float f16ToFloat(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000) << 16;
  uint32_t exponent = bits >> 10 & 31, mantissa = bits & 0x3ff;
  if (exponent == 31) // NaNs become quiet, as the host's instruction does.
    return bitCast<float>(sign | 0x7f800000 | mantissa << 13 | (mantissa ? 0x400000 : 0));
  if (exponent == 0) {
    float value = float(mantissa) * 0x1p-24f;
    return sign ? -value : value;
  }
  return bitCast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

/// To float, but an inexact result gets an odd last bit: rounding it again is then rounding once.
static float roundToOdd(double value) {
  float nearest = float(value);
  if (double(nearest) == value || std::isnan(value))
    return nearest;
  uint32_t bits = bitCast<uint32_t>(nearest);
  if (std::fabs(double(nearest)) > std::fabs(value))
    --bits; // Towards zero.
  return bitCast<float>(bits | 1);
}

uint16_t doubleToBf16(double value) { return floatToBf16(roundToOdd(value)); }
uint16_t doubleToF16(double value) { return floatToF16(roundToOdd(value)); }

/// a * b + c to odd; the product must be exact in double.
static double fmaToOdd(double a, double b, double c) {
  double product = a * b;
  double sum = product + c;
  // The rounding error of the sum, exactly.
  double part = sum - product;
  double error = (product - (sum - part)) + (c - part);
  uint64_t bits = bitCast<uint64_t>(sum);
  if (!(error != 0) || !std::isfinite(sum) || (bits & 1))
    return sum;
  // The true sum lies between `sum` (even) and its neighbour on the side of the error (odd).
  bool away = (error > 0) == (sum > 0);
  return bitCast<double>(away ? bits + 1 : bits - 1);
}

uint16_t fmaBf16(uint16_t a, uint16_t b, uint16_t c) {
  return doubleToBf16(fmaToOdd(bf16ToFloat(a), bf16ToFloat(b), bf16ToFloat(c)));
}
uint16_t fmaF16(uint16_t a, uint16_t b, uint16_t c) {
  return doubleToF16(fmaToOdd(f16ToFloat(a), f16ToFloat(b), f16ToFloat(c)));
}

} // namespace halo::sim

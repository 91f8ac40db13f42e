// The two 16-bit formats, sign | exponent | fraction:
//
//          exponent  fraction  smallest normal  overflow to infinity at
//   f16    5         10        2^-14            65520
//   bf16   8         7         2^-126           about 3.396e38
//
// Rounding works on the f64's bits, so it depends on no rounding mode of the machine, and goes
// there in one step: f64 -> f32 -> f16 would round twice.
#include "runtime/DType.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace halo {

namespace {

struct SmallFloat {
  int exponentBits, fractionBits;
  int minExponent() const { return 2 - (1 << (exponentBits - 1)); }
  uint64_t infinity() const { return ((1ull << exponentBits) - 1) << fractionBits; }
  uint64_t sign() const { return 1ull << (exponentBits + fractionBits); }
};

constexpr SmallFloat kF16{5, 10};
constexpr SmallFloat kBF16{8, 7};

constexpr int kF64Fraction = 52;
constexpr int kF64Bias = 1023;

template <typename T> T loadBits(const void *data, int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const char *>(data) + index * int64_t(sizeof(T)), sizeof(T));
  return value;
}

template <typename T> void storeBits(void *data, int64_t index, T value) {
  std::memcpy(static_cast<char *>(data) + index * int64_t(sizeof(T)), &value, sizeof(T));
}

uint16_t encode(double value, SmallFloat format) {
  uint64_t bits = loadBits<uint64_t>(&value, 0);
  uint64_t sign = bits >> 63 ? format.sign() : 0;
  uint64_t fraction = bits & ((1ull << kF64Fraction) - 1);
  int exponent = int(bits >> kF64Fraction & 0x7ff);
  if (exponent == 0x7ff) {
    uint64_t quiet = fraction ? 1ull << (format.fractionBits - 1) : 0;
    return uint16_t(sign | format.infinity() | quiet);
  }
  if (exponent == 0) // Zero, or an f64 denormal: far below half of the smallest bf16.
    return uint16_t(sign);
  exponent -= kF64Bias;
  uint64_t significand = fraction | 1ull << kF64Fraction;
  int shift = kF64Fraction - format.fractionBits;
  if (exponent < format.minExponent()) {
    shift += format.minExponent() - exponent;
    exponent = format.minExponent();
  }
  if (shift > kF64Fraction + 2)
    return uint16_t(sign);
  uint64_t kept = significand >> shift;
  uint64_t rest = significand & ((1ull << shift) - 1);
  uint64_t half = 1ull << (shift - 1);
  if (rest > half || (rest == half && (kept & 1)))
    ++kept;
  // Adding lets a carry out of the fraction raise the exponent, up to infinity.
  uint64_t magnitude = (uint64_t(exponent - format.minExponent()) << format.fractionBits) + kept;
  if (magnitude > format.infinity())
    magnitude = format.infinity();
  return uint16_t(sign | magnitude);
}

double decode(uint16_t bits, SmallFloat format) {
  bool negative = bits & format.sign();
  uint64_t fraction = bits & ((1ull << format.fractionBits) - 1);
  int exponent = int((bits & format.infinity()) >> format.fractionBits);
  double value;
  if (exponent == (1 << format.exponentBits) - 1)
    value = fraction ? std::numeric_limits<double>::quiet_NaN()
                     : std::numeric_limits<double>::infinity();
  else if (exponent == 0)
    value = std::ldexp(double(fraction), format.minExponent() - format.fractionBits);
  else {
    uint64_t wide = uint64_t(exponent - 1 + format.minExponent() + kF64Bias) << kF64Fraction |
                    fraction << (kF64Fraction - format.fractionBits);
    value = loadBits<double>(&wide, 0);
  }
  return negative ? -value : value;
}

/// Integers have no NaN and no infinity: NaN becomes 0, and what is too large saturates.
template <typename T> T toInteger(double value) {
  if (std::isnan(value))
    return 0;
  double rounded = std::nearbyint(value);
  if (rounded <= double(std::numeric_limits<T>::min()))
    return std::numeric_limits<T>::min();
  if (rounded >= double(std::numeric_limits<T>::max()))
    return std::numeric_limits<T>::max();
  return T(rounded);
}

} // namespace

std::string_view name(DType type) {
  switch (type) {
  case DType::F32:
    return "f32";
  case DType::F16:
    return "f16";
  case DType::BF16:
    return "bf16";
  case DType::I32:
    return "i32";
  case DType::I64:
    return "i64";
  }
  return "?";
}

std::optional<DType> parseDType(std::string_view text) {
  for (DType type : {DType::F32, DType::F16, DType::BF16, DType::I32, DType::I64})
    if (name(type) == text)
      return type;
  return std::nullopt;
}

double loadAsF64(const void *data, DType type, int64_t index) {
  switch (type) {
  case DType::F32:
    return loadBits<float>(data, index);
  case DType::F16:
    return decode(loadBits<uint16_t>(data, index), kF16);
  case DType::BF16:
    return decode(loadBits<uint16_t>(data, index), kBF16);
  case DType::I32:
    return loadBits<int32_t>(data, index);
  case DType::I64:
    return double(loadBits<int64_t>(data, index));
  }
  return 0;
}

void storeFromF64(void *data, DType type, int64_t index, double value) {
  switch (type) {
  case DType::F32:
    return storeBits(data, index, float(value));
  case DType::F16:
    return storeBits(data, index, encode(value, kF16));
  case DType::BF16:
    return storeBits(data, index, encode(value, kBF16));
  case DType::I32:
    return storeBits(data, index, toInteger<int32_t>(value));
  case DType::I64:
    return storeBits(data, index, toInteger<int64_t>(value));
  }
}

double roundTo(DType type, double value) {
  unsigned char storage[8] = {};
  storeFromF64(storage, type, 0, value);
  return loadAsF64(storage, type, 0);
}

} // namespace halo

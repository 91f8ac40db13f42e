#include "runtime/DType.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace halo {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

uint16_t bitsOf(DType type, double value) {
  uint16_t bits = 0;
  storeFromF64(&bits, type, 0, value);
  return bits;
}

TEST(DTypeTest, NamesRoundTrip) {
  for (DType type : {DType::F32, DType::F16, DType::BF16, DType::I32, DType::I64})
    EXPECT_EQ(parseDType(name(type)), type);
  EXPECT_EQ(parseDType("f64"), std::nullopt);
  EXPECT_EQ(parseDType(""), std::nullopt);
  EXPECT_EQ(size(DType::BF16), 2u);
  EXPECT_EQ(size(DType::I64), 8u);
  EXPECT_TRUE(isFloat(DType::BF16));
  EXPECT_FALSE(isFloat(DType::I32));
}

TEST(DTypeTest, EveryBitPatternRoundTrips) {
  for (DType type : {DType::F16, DType::BF16})
    for (uint32_t pattern = 0; pattern <= 0xffff; ++pattern) {
      uint16_t bits = uint16_t(pattern);
      double value = loadAsF64(&bits, type, 0);
      uint16_t back = bitsOf(type, value);
      if (std::isnan(value))
        EXPECT_TRUE(std::isnan(loadAsF64(&back, type, 0))) << name(type) << " " << pattern;
      else
        ASSERT_EQ(back, bits) << name(type) << " " << pattern;
    }
}

// Between each pair of finite neighbours: the tie goes to the even one, either side of it to the
// nearer.
TEST(DTypeTest, RoundsToNearestEven) {
  for (DType type : {DType::F16, DType::BF16}) {
    uint16_t last = type == DType::F16 ? 0x7bff : 0x7f7f;
    for (uint16_t low = 0; low < last; ++low) {
      uint16_t high = uint16_t(low + 1);
      double a = loadAsF64(&low, type, 0), b = loadAsF64(&high, type, 0);
      double middle = (a + b) / 2; // Exact in f64.
      uint16_t even = low & 1 ? high : low;
      ASSERT_EQ(bitsOf(type, middle), even) << name(type) << " " << low;
      ASSERT_EQ(bitsOf(type, std::nextafter(middle, 0.0)), low) << name(type) << " " << low;
      ASSERT_EQ(bitsOf(type, std::nextafter(middle, kInf)), high) << name(type) << " " << low;
      ASSERT_EQ(bitsOf(type, -middle), even | 0x8000) << name(type) << " " << low;
    }
  }
}

TEST(DTypeTest, DoesNotRoundTwice) {
  // f32 would round this down to the tie 1 + 2^-11, and f16 then to 1.
  double justAbove = 1 + std::ldexp(1.0, -11) + std::ldexp(1.0, -40);
  EXPECT_EQ(roundTo(DType::F16, justAbove), 1 + std::ldexp(1.0, -10));
}

TEST(DTypeTest, BF16IsTheUpperHalfOfF32) {
  for (uint32_t pattern = 0; pattern <= 0xffff; ++pattern) {
    uint16_t bits = uint16_t(pattern);
    uint32_t wide = pattern << 16;
    float value;
    std::memcpy(&value, &wide, sizeof(value));
    if (!std::isnan(value))
      ASSERT_EQ(loadAsF64(&bits, DType::BF16, 0), double(value));
  }
}

TEST(DTypeTest, SpecialValues) {
  for (DType type : {DType::F32, DType::F16, DType::BF16}) {
    EXPECT_TRUE(std::isnan(roundTo(type, kNaN)));
    EXPECT_EQ(roundTo(type, kInf), kInf);
    EXPECT_EQ(roundTo(type, 1e300), kInf);
    EXPECT_EQ(roundTo(type, -1e300), -kInf);
    EXPECT_TRUE(std::signbit(roundTo(type, -0.0)));
    EXPECT_EQ(roundTo(type, 5e-324), 0.0);
  }
  EXPECT_EQ(roundTo(DType::F16, 65519.99), 65504.0);
  EXPECT_EQ(roundTo(DType::F16, 65520.0), kInf);
  // A NaN whose payload lies below the kept bits stays a NaN.
  uint64_t payload = 0x7ff0000000000001;
  double signalling;
  std::memcpy(&signalling, &payload, sizeof(signalling));
  EXPECT_TRUE(std::isnan(roundTo(DType::BF16, signalling)));
}

TEST(DTypeTest, IntegersSaturateAndIndexByElement) {
  int32_t data[3] = {};
  storeFromF64(data, DType::I32, 1, 2.5);
  storeFromF64(data, DType::I32, 2, 1e20);
  EXPECT_EQ(data[0], 0);
  EXPECT_EQ(data[1], 2);
  EXPECT_EQ(data[2], std::numeric_limits<int32_t>::max());
  storeFromF64(data, DType::I32, 0, kNaN);
  EXPECT_EQ(data[0], 0);
  int64_t wide = 0;
  storeFromF64(&wide, DType::I64, 0, -1e30);
  EXPECT_EQ(wide, std::numeric_limits<int64_t>::min());
}

} // namespace
} // namespace halo

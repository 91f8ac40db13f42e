// bf16 and f16 by kernels and by the soft functions, against rounding worked out in double.
#include "compiler/sim/SoftFloat.h"
#include "tests/unit/sim/SimHarness.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

namespace halo::sim {
namespace {

uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
float floatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// Every float that lies at, just beside or halfway between two bf16 or f16 values, all NaN and
/// denormal corners, and noise.
std::vector<float> interestingFloats() {
  std::vector<float> values;
  for (uint32_t upper = 0; upper != 0x10000; ++upper)
    for (uint32_t lower : {0x0000u, 0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu})
      values.push_back(floatOf(upper << 16 | lower));
  for (uint32_t upper = 0x3300; upper != 0x4800; ++upper) // The exponents of f16.
    for (uint32_t lower = 0x0fff; lower < 0x10000; lower += 0x1000)
      for (uint32_t beside : {0u, 1u, 2u})
        values.push_back(floatOf(upper << 16 | ((lower + beside) & 0xffff)));
  std::mt19937 random(7);
  for (int i = 0; i != 100000; ++i)
    values.push_back(floatOf(uint32_t(random())));
  while (values.size() % 8192)
    values.push_back(0.0f);
  return values;
}

/// Rounds to a format with `precision` significant bits and the least exponent `least`, by
/// arithmetic in double: scale so that one is the last place, round to even, scale back.
double roundTo(double value, int precision, int least, double largest) {
  if (value == 0.0 || std::isinf(value))
    return value;
  int exponent = std::max(std::ilogb(value), least);
  double place = std::ldexp(1.0, exponent - precision + 1);
  double rounded = std::nearbyint(value / place) * place;
  return std::fabs(rounded) > largest ? std::copysign(INFINITY, value) : rounded;
}
double roundToBf16(double v) { return roundTo(v, 8, -126, 0x1.fep127); }
double roundToF16(double v) { return roundTo(v, 11, -14, 65504.0); }

void expectBf16(float value, uint16_t bits) {
  float back = floatOf(uint32_t(bits) << 16);
  if (std::isnan(value)) {
    ASSERT_TRUE(std::isnan(back) && (bits & 0x40)) << std::hex << bitsOf(value) << " " << bits;
    ASSERT_EQ(bits & 0x803f, bitsOf(value) >> 16 & 0x803f); // The rest of it is kept.
    return;
  }
  ASSERT_EQ(double(back), roundToBf16(value)) << std::hex << bitsOf(value) << " " << bits;
  ASSERT_EQ(std::signbit(back), std::signbit(value));
}

void expectF16(float value, uint16_t bits) {
  float back = f16ToFloat(bits);
  if (std::isnan(value)) {
    ASSERT_TRUE((bits & 0x7e00) == 0x7e00) << std::hex << bitsOf(value) << " " << bits;
    return;
  }
  ASSERT_EQ(double(back), roundToF16(value)) << std::hex << bitsOf(value) << " " << bits;
  ASSERT_EQ(std::signbit(back), std::signbit(value));
}

TEST(SimRounding, WorkedTable) {
  EXPECT_EQ(floatToBf16(floatOf(0x3f808000)), 0x3f80);
  EXPECT_EQ(floatToBf16(floatOf(0x3f818000)), 0x3f82);
  EXPECT_EQ(floatToBf16(floatOf(0x00018000)), 0x0002);
  EXPECT_EQ(floatToBf16(floatOf(0x7f800001)), 0x7fc0);
  EXPECT_EQ(floatToBf16(floatOf(0x7f7fffff)), 0x7f80);
}

TEST(SimRounding, SoftFunctions) {
  for (float v : interestingFloats()) {
    expectBf16(v, floatToBf16(v));
    expectF16(v, floatToF16(v));
  }
  for (uint32_t bits = 0; bits != 0x10000; ++bits) {
    float value = f16ToFloat(uint16_t(bits));
    if (!std::isnan(value)) {
      ASSERT_EQ(floatToF16(value), bits);
      ASSERT_EQ(doubleToF16(value), bits);
    }
  }
}

// Through float these would round twice: just above a tie of the short format.
TEST(SimRounding, RoundsDoublesOnce) {
  EXPECT_EQ(doubleToBf16(1.0 + 0x1p-8 + 0x1p-40), 0x3f81);
  EXPECT_EQ(doubleToBf16(-1.0 - 0x1p-8 + 0x1p-40), 0xbf80);
  EXPECT_EQ(doubleToF16(1.0 + 0x1p-11 + 0x1p-40), 0x3c01);
  EXPECT_EQ(doubleToF16(0x1p-300), 0x0000);
  EXPECT_EQ(doubleToF16(1e300), 0x7c00);
}

TEST(SimRounding, FusesOnce) {
  uint16_t one = 0x3f80, tiny = floatToBf16(0x1p-100f), step = floatToBf16(0x1p-8f);
  // 1 * 2^-8 + 1 is a tie; a little more must round up, a little less down.
  EXPECT_EQ(fmaBf16(one, step, one), 0x3f80);
  EXPECT_EQ(fmaBf16(floatToBf16(1.0f + 0x1p-7f), step, one), 0x3f81);
  EXPECT_EQ(fmaBf16(tiny, one, one), one);
  std::mt19937 random(3);
  for (int i = 0; i != 200000; ++i) {
    uint16_t a = uint16_t(random()), b = uint16_t(random()), c = uint16_t(random());
    long double exact = (long double)f16ToFloat(a) * f16ToFloat(b) + f16ToFloat(c);
    // f16 products and sums fit the 64 bits of a long double.
    if (std::isnan(exact) || std::isinf(exact) || sizeof(long double) == 8)
      continue;
    int exponent = std::max(exact == 0 ? -14 : std::ilogb(exact), -14);
    long double place = std::ldexp(1.0L, exponent - 10);
    long double rounded = std::nearbyint(exact / place) * place;
    double expected = std::fabs(rounded) > 65504 ? std::copysign(INFINITY, double(exact))
                                                 : double(rounded);
    ASSERT_EQ(double(f16ToFloat(fmaF16(a, b, c))), expected) << a << " " << b << " " << c;
  }
}

/// Rounds all values in kernels of that element type, by single elements or vectors of 8.
std::vector<uint16_t> convertInKernel(const std::vector<float> &in, const char *type, bool vector) {
  std::string t = type, element = vector ? "<8 x float>" : "float";
  std::string narrow = vector ? "<8 x " + t + ">" : t;
  TestKernel kernel("define ptx_kernel void @k(ptr addrspace(1) %in, ptr addrspace(1) %out) {\n"
                    "%b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()\n"
                    "%t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n"
                    "%o = mul i32 %b, 1024\n"
                    "%i = add i32 %o, %t\n"
                    "%p = getelementptr " + element + ", ptr addrspace(1) %in, i32 %i\n"
                    "%q = getelementptr " + narrow + ", ptr addrspace(1) %out, i32 %i\n"
                    "%v = load " + element + ", ptr addrspace(1) %p, align 4\n"
                    "%n = fptrunc " + element + " %v to " + narrow + "\n"
                    "store " + narrow + " %n, ptr addrspace(1) %q, align 2\n"
                    "ret void\n}",
                    false);
  EXPECT_TRUE(kernel.ok()) << kernel.error();
  std::vector<float> copy = in;
  std::vector<uint16_t> out(in.size());
  Launch launch;
  launch.checked = false;
  launch.block = 1024;
  launch.grid = uint32_t(in.size() / 1024 / (vector ? 8 : 1));
  EXPECT_EQ(kernel.with(copy).with(out).run(launch), "");
  return out;
}

TEST(SimRounding, KernelsRoundLikeTheSoftFunctions) {
  std::vector<float> in = interestingFloats();
  for (bool vector : {false, true}) {
    std::vector<uint16_t> bf16 = convertInKernel(in, "bfloat", vector);
    std::vector<uint16_t> f16 = convertInKernel(in, "half", vector);
    for (size_t i = 0; i != in.size(); ++i) {
      ASSERT_EQ(bf16[i], floatToBf16(in[i])) << std::hex << bitsOf(in[i]);
      ASSERT_EQ(f16[i], floatToF16(in[i])) << std::hex << bitsOf(in[i]);
    }
  }
}

// bfloat arithmetic is that of float, rounded; and extending is exact, with denormals.
TEST(SimRounding, Bf16Arithmetic) {
  for (bool vector : {false, true}) {
    std::string t = vector ? "<8 x bfloat>" : "bfloat", w = vector ? "<8 x float>" : "float";
    TestKernel kernel("define ptx_kernel void @k(ptr addrspace(1) %in, ptr addrspace(1) %out,\n"
                      "                          ptr addrspace(1) %wide) {\n"
                      "%t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n"
                      "%p = getelementptr " + t + ", ptr addrspace(1) %in, i32 %t\n"
                      "%q = getelementptr " + t + ", ptr addrspace(1) %out, i32 %t\n"
                      "%r = getelementptr " + w + ", ptr addrspace(1) %wide, i32 %t\n"
                      "%x = load " + t + ", ptr addrspace(1) %p, align 2\n"
                      "%y = fmul " + t + " %x, %x\n"
                      "%z = fadd " + t + " %y, %x\n"
                      "%m = fneg " + t + " %z\n"
                      "store " + t + " %m, ptr addrspace(1) %q, align 2\n"
                      "%e = fpext " + t + " %x to " + w + "\n"
                      "store " + w + " %e, ptr addrspace(1) %r, align 4\n"
                      "ret void\n}",
                      true);
    ASSERT_TRUE(kernel.ok()) << kernel.error();
    std::vector<uint16_t> in(1024), out(1024);
    std::vector<float> wide(1024);
    for (size_t i = 0; i != in.size(); ++i)
      in[i] = uint16_t(i * 61);
    Launch launch;
    launch.block = vector ? 128 : 1024;
    ASSERT_EQ(kernel.with(in).with(out).with(wide).run(launch), "");
    for (size_t i = 0; i != in.size(); ++i) {
      float x = bf16ToFloat(in[i]);
      ASSERT_EQ(bitsOf(wide[i]), uint32_t(in[i]) << 16);
      float z = bf16ToFloat(floatToBf16(x * x)) + x;
      if (std::isnan(z))
        ASSERT_TRUE(std::isnan(bf16ToFloat(out[i])));
      else
        ASSERT_EQ(out[i], floatToBf16(-z)) << i;
    }
  }
}

// bfloats that only move, through everything that moves them, keep every bit: NaNs included.
TEST(SimRounding, Bf16MovesUnchanged) {
  for (bool checked : {false, true}) {
    TestKernel kernel(R"(
      define ptx_kernel void @k(ptr addrspace(1) %in, ptr addrspace(1) %out) {
        %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
        %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
        %o = mul i32 %b, 1024
        %i = add i32 %o, %t
        %p = getelementptr <8 x bfloat>, ptr addrspace(1) %in, i32 %i
        %q = getelementptr <8 x bfloat>, ptr addrspace(1) %out, i32 %i
        %m = call <8 x bfloat> @llvm.masked.load.v8bf16.p1(ptr addrspace(1) align 2 %p, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false>, <8 x bfloat> splat (bfloat 1.0))
        %last = getelementptr bfloat, ptr addrspace(1) %p, i32 7
        %v = load bfloat, ptr addrspace(1) %last, align 2
        %even = trunc i32 %t to i1
        %k = or i32 7, %b
        %k7 = and i32 %k, 7
        br i1 %even, label %a, label %c
      a:
        %x = insertelement <8 x bfloat> %m, bfloat %v, i32 7
        br label %join
      c:
        %y = shufflevector <8 x bfloat> %m, <8 x bfloat> poison,
                           <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 6>
        %z = insertelement <8 x bfloat> %y, bfloat %v, i32 %k7
        br label %join
      join:
        %w = phi <8 x bfloat> [ %x, %a ], [ %z, %c ]
        %s = phi bfloat [ %v, %a ], [ 1.0, %c ]
        %n0 = insertvalue [2 x <8 x bfloat>] poison, <8 x bfloat> %w, 1
        %n1 = freeze [2 x <8 x bfloat>] %n0
        %n2 = extractvalue [2 x <8 x bfloat>] %n1, 1
        %e = extractelement <8 x bfloat> %n2, i32 0
        %odd = xor i1 %even, true
        %f = select i1 %odd, bfloat %e, bfloat %s
        %i16 = bitcast bfloat %f to i16
        store <8 x bfloat> %n2, ptr addrspace(1) %q, align 2
        store bfloat %e, ptr addrspace(1) %q, align 2
        ret void
      })",
                      checked);
    ASSERT_TRUE(kernel.ok()) << kernel.error();
    std::vector<uint16_t> in(65536), out(65536);
    for (size_t i = 0; i != in.size(); ++i)
      in[i] = uint16_t(i);
    Launch launch;
    launch.checked = checked;
    launch.grid = 8;
    launch.block = 1024;
    ASSERT_EQ(kernel.with(in).with(out).run(launch), "");
    ASSERT_EQ(in, out);
  }
}

} // namespace
} // namespace halo::sim

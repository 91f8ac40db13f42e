// D = A x B + C by mma and ldmatrix, against a product on the host.
#include "compiler/sim/SoftFloat.h"
#include "tests/unit/sim/SimHarness.h"

#include <gtest/gtest.h>

namespace halo::sim {
namespace {

/// A (16 x 16, row-major) and B (16 x 8, row-major) go through shared memory; ldmatrix.x4 feeds A
/// and the transposing x2 feeds B. `convert` and `type` choose bf16 or f16 registers.
std::string kernelText(bool bf16) {
  std::string a, b;
  for (int i = 0; i != 4; ++i)
    a += "%ra" + std::to_string(i) + " = extractvalue { i32, i32, i32, i32 } %A, " +
         std::to_string(i) + "\n";
  for (int i = 0; i != 2; ++i)
    b += "%rb" + std::to_string(i) + " = extractvalue { i32, i32 } %B, " + std::to_string(i) + "\n";
  std::string registers = a + b, type = "i32", suffix = "", name = "bf16";
  if (!bf16) {
    for (const char *r : {"a0", "a1", "a2", "a3", "b0", "b1"})
      registers += std::string("%h") + r + " = bitcast i32 %r" + r + " to <2 x half>\n";
    type = "<2 x half>";
    name = "f32.f32";
  }
  std::string operands;
  for (const char *r : {"a0", "a1", "a2", "a3", "b0", "b1"})
    operands += type + (bf16 ? " %r" : " %h") + r + ", ";
  return R"(
    @a = internal addrspace(3) global [256 x i16] undef, align 16
    @b = internal addrspace(3) global [128 x i16] undef, align 16
    define ptx_kernel void @k(ptr addrspace(1) %ga, ptr addrspace(1) %gb, ptr addrspace(1) %gc) {
      %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %ia = getelementptr <8 x i16>, ptr addrspace(1) %ga, i32 %t
      %va = load <8 x i16>, ptr addrspace(1) %ia, align 16
      %sa = getelementptr <8 x i16>, ptr addrspace(3) @a, i32 %t
      store <8 x i16> %va, ptr addrspace(3) %sa, align 16
      %ib = getelementptr <4 x i16>, ptr addrspace(1) %gb, i32 %t
      %vb = load <4 x i16>, ptr addrspace(1) %ib, align 8
      %sb = getelementptr <4 x i16>, ptr addrspace(3) @b, i32 %t
      store <4 x i16> %vb, ptr addrspace(3) %sb, align 8
      call void @llvm.nvvm.bar.warp.sync(i32 -1)
      ; A: lane l addresses row l % 16, columns 8 * (l / 16) on.
      %row = and i32 %t, 15
      %half = lshr i32 %t, 4
      %r16 = shl i32 %row, 4
      %h8 = shl i32 %half, 3
      %ea = add i32 %r16, %h8
      %pa = getelementptr i16, ptr addrspace(3) @a, i32 %ea
      %A = call { i32, i32, i32, i32 }
           @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3(ptr addrspace(3) %pa)
      ; B: lane l addresses row l % 16.
      %r8 = shl i32 %row, 3
      %pb = getelementptr i16, ptr addrspace(3) @b, i32 %r8
      %B = call { i32, i32 }
           @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x2.trans.b16.p3(ptr addrspace(3) %pb)
      )" + registers + R"(
      %g = lshr i32 %t, 2
      %j = and i32 %t, 3
      %g8 = shl i32 %g, 3
      %j2 = shl i32 %j, 1
      %ec = add i32 %g8, %j2
      %p0 = getelementptr float, ptr addrspace(1) %gc, i32 %ec
      %p1 = getelementptr float, ptr addrspace(1) %p0, i32 1
      %p2 = getelementptr float, ptr addrspace(1) %p0, i32 64
      %p3 = getelementptr float, ptr addrspace(1) %p0, i32 65
      %c0 = load float, ptr addrspace(1) %p0
      %c1 = load float, ptr addrspace(1) %p1
      %c2 = load float, ptr addrspace(1) %p2
      %c3 = load float, ptr addrspace(1) %p3
      %D = call { float, float, float, float } @llvm.nvvm.mma.m16n8k16.row.col.)" +
         name + "(" + operands + R"(float %c0, float %c1, float %c2, float %c3)
      %d0 = extractvalue { float, float, float, float } %D, 0
      %d1 = extractvalue { float, float, float, float } %D, 1
      %d2 = extractvalue { float, float, float, float } %D, 2
      %d3 = extractvalue { float, float, float, float } %D, 3
      store float %d0, ptr addrspace(1) %p0
      store float %d1, ptr addrspace(1) %p1
      store float %d2, ptr addrspace(1) %p2
      store float %d3, ptr addrspace(1) %p3
      ret void
    })";
}

void multiply(bool bf16, bool checked) {
  TestKernel kernel(kernelText(bf16), checked);
  ASSERT_TRUE(kernel.ok()) << kernel.error();
  auto encode = [&](float v) { return bf16 ? floatToBf16(v) : floatToF16(v); };
  auto value = [](unsigned i) { return float(int(i * 2654435761u >> 20 & 63) - 31) / 8.0f; };
  std::vector<uint16_t> a(256), b(128);
  std::vector<float> c(128), expected(128);
  for (unsigned i = 0; i != 256; ++i)
    a[i] = encode(value(i));
  for (unsigned i = 0; i != 128; ++i) {
    b[i] = encode(value(i + 1000));
    c[i] = value(i + 5000);
  }
  for (unsigned m = 0; m != 16; ++m)
    for (unsigned n = 0; n != 8; ++n) {
      // These products and sums are exact in float.
      float sum = c[m * 8 + n];
      for (unsigned k = 0; k != 16; ++k)
        sum += value(m * 16 + k) * value(k * 8 + n + 1000);
      expected[m * 8 + n] = sum;
    }
  Launch launch;
  launch.checked = checked;
  launch.seed = 3;
  ASSERT_EQ(kernel.with(a).with(b).with(c).run(launch), "");
  EXPECT_EQ(c, expected);
}

TEST(SimMatrix, MultipliesBf16) { multiply(true, false); }
TEST(SimMatrix, MultipliesBf16Checked) { multiply(true, true); }
TEST(SimMatrix, MultipliesF16) { multiply(false, false); }
TEST(SimMatrix, MultipliesF16Checked) { multiply(false, true); }

// ldmatrix and stmatrix are inverses, and two transpositions are none.
TEST(SimMatrix, LoadsAndStoresMatrices) {
  TestKernel kernel(R"(
    @from = internal addrspace(3) global [256 x i16] undef, align 16
    @to = internal addrspace(3) global [256 x i16] undef, align 16
    define ptx_kernel void @k(ptr addrspace(1) %in, ptr addrspace(1) %out) {
      %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %i = getelementptr <8 x i16>, ptr addrspace(1) %in, i32 %t
      %v = load <8 x i16>, ptr addrspace(1) %i, align 16
      %s = getelementptr <8 x i16>, ptr addrspace(3) @from, i32 %t
      %d = getelementptr <8 x i16>, ptr addrspace(3) @to, i32 %t
      store <8 x i16> %v, ptr addrspace(3) %s, align 16
      call void @llvm.nvvm.bar.warp.sync(i32 -1)
      %A = call { i32, i32, i32, i32 }
           @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.trans.b16.p3(ptr addrspace(3) %s)
      %a0 = extractvalue { i32, i32, i32, i32 } %A, 0
      %a1 = extractvalue { i32, i32, i32, i32 } %A, 1
      %a2 = extractvalue { i32, i32, i32, i32 } %A, 2
      %a3 = extractvalue { i32, i32, i32, i32 } %A, 3
      call void @llvm.nvvm.stmatrix.sync.aligned.m8n8.x4.trans.b16.p3(ptr addrspace(3) %d,
                                                      i32 %a0, i32 %a1, i32 %a2, i32 %a3)
      %w = load <8 x i16>, ptr addrspace(3) %d, align 16
      %o = getelementptr <8 x i16>, ptr addrspace(1) %out, i32 %t
      store <8 x i16> %w, ptr addrspace(1) %o, align 16
      ret void
    })",
                    true);
  ASSERT_TRUE(kernel.ok()) << kernel.error();
  std::vector<uint16_t> in(256), out(256);
  for (unsigned i = 0; i != 256; ++i)
    in[i] = uint16_t(i * 257);
  ASSERT_EQ(kernel.with(in).with(out).run(Launch()), "");
  EXPECT_EQ(in, out);
}

} // namespace
} // namespace halo::sim

// Right kernels, in every mode: plain, checked and shuffled runs give one result.
#include "tests/unit/sim/SimHarness.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>

namespace halo::sim {
namespace {

/// Runs `body` for unchecked and checked kernels and a few thread orders.
template <typename Fn> void inEveryMode(const std::string &text, Fn body) {
  for (bool checked : {false, true}) {
    TestKernel kernel(text, checked);
    ASSERT_TRUE(kernel.ok()) << kernel.error();
    for (uint64_t seed : {0, 1, 2}) {
      SCOPED_TRACE("checked " + std::to_string(checked) + ", seed " + std::to_string(seed));
      Launch launch;
      launch.checked = checked;
      launch.seed = seed;
      body(kernel, launch);
    }
  }
}

TEST(SimCompute, AddsVectors) {
  const char *text = R"(
    define ptx_kernel void @k(ptr addrspace(1) %x, ptr addrspace(1) %y, ptr addrspace(1) %z) {
      %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
      %n = call i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
      %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %o = mul i32 %b, %n
      %i = add i32 %o, %t
      %px = getelementptr float, ptr addrspace(1) %x, i32 %i
      %py = getelementptr float, ptr addrspace(1) %y, i32 %i
      %pz = getelementptr float, ptr addrspace(1) %z, i32 %i
      %vx = load float, ptr addrspace(1) %px
      %vy = load float, ptr addrspace(1) %py
      %s = fadd float %vx, %vy
      store float %s, ptr addrspace(1) %pz
      ret void
    })";
  inEveryMode(text, [](TestKernel &kernel, Launch launch) {
    launch.grid = 200; // Enough for several host threads.
    launch.block = 128;
    std::vector<float> x(25600), y(25600), z(25600);
    std::iota(x.begin(), x.end(), 0.0f);
    std::iota(y.begin(), y.end(), 0.5f);
    ASSERT_EQ(kernel.with(x).with(y).with(z).run(launch), "");
    for (size_t i = 0; i != z.size(); ++i)
      ASSERT_EQ(z[i], x[i] + y[i]) << i;
  });
}

TEST(SimCompute, ReversesThroughSharedMemory) {
  const char *text = R"(
    @fixed = internal addrspace(3) global [96 x i32] undef, align 4
    @dynamic = external addrspace(3) global [0 x i8], align 16
    define ptx_kernel void @k(ptr addrspace(1) %out) {
      %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %r = sub i32 95, %t
      %p = getelementptr i32, ptr addrspace(3) @fixed, i32 %t
      store i32 %t, ptr addrspace(3) %p
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      %q = getelementptr [96 x i32], ptr addrspace(3) @fixed, i32 0, i32 %r
      %v = load i32, ptr addrspace(3) %q
      %d = getelementptr i32, ptr addrspace(3) @dynamic, i32 %t
      store i32 %v, ptr addrspace(3) %d
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      %e = getelementptr i32, ptr addrspace(3) @dynamic, i32 %r
      %w = load i32, ptr addrspace(3) %e
      %sum = add i32 %v, %w
      %o = getelementptr i32, ptr addrspace(1) %out, i32 %t
      store i32 %sum, ptr addrspace(1) %o
      ret void
    })";
  inEveryMode(text, [](TestKernel &kernel, Launch launch) {
    launch.block = 96;
    launch.sharedBytes = 96 * 4;
    std::vector<int> out(96);
    ASSERT_EQ(kernel.with(out).run(launch), "");
    for (int i = 0; i != 96; ++i)
      ASSERT_EQ(out[i], 95) << i;
  });
}

TEST(SimCompute, ReducesByShuffles) {
  const char *text = R"(
    define float @step(float %v, i32 %lanes) {
      %o = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %v, i32 %lanes, i32 31)
      %s = fadd float %v, %o
      ret float %s
    }
    define ptx_kernel void @k(ptr addrspace(1) %in, ptr addrspace(1) %out) {
      %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %p = getelementptr float, ptr addrspace(1) %in, i32 %t
      %v = load float, ptr addrspace(1) %p
      %a = call float @step(float %v, i32 16)
      %b = call float @step(float %a, i32 8)
      %c = call float @step(float %b, i32 4)
      %d = call float @step(float %c, i32 2)
      %e = call float @step(float %d, i32 1)
      %up = call { float, i1 } @llvm.nvvm.shfl.sync.up.f32p(i32 -1, float %v, i32 3, i32 0)
      %got = extractvalue { float, i1 } %up, 0
      %valid = extractvalue { float, i1 } %up, 1
      %u = select i1 %valid, float %got, float -1.0
      %q = getelementptr { float, float }, ptr addrspace(1) %out, i32 %t
      store float %e, ptr addrspace(1) %q
      %q1 = getelementptr float, ptr addrspace(1) %q, i32 1
      store float %u, ptr addrspace(1) %q1
      ret void
    })";
  inEveryMode(text, [](TestKernel &kernel, Launch launch) {
    launch.block = 64;
    std::vector<float> in(64), out(128);
    std::iota(in.begin(), in.end(), 0.0f);
    ASSERT_EQ(kernel.with(in).with(out).run(launch), "");
    for (int i = 0; i != 64; ++i) {
      ASSERT_EQ(out[2 * i], i < 32 ? 496.0f : 1520.0f) << i;
      ASSERT_EQ(out[2 * i + 1], i % 32 < 3 ? -1.0f : float(i - 3)) << i;
    }
  });
}

TEST(SimCompute, VotesAndReduces) {
  const char *text = R"(
    define ptx_kernel void @k(ptr addrspace(1) %out) {
      %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %odd = trunc i32 %t to i1
      %ballot = call i32 @llvm.nvvm.vote.ballot.sync(i32 -1, i1 %odd)
      %sum = call i32 @llvm.nvvm.redux.sync.add(i32 %t, i32 -1)
      %count = call i32 @llvm.nvvm.barrier.cta.red.popc.aligned.all(i32 0, i1 %odd)
      %a = xor i32 %ballot, %sum
      %b = mul i32 %a, %count
      %o = getelementptr i32, ptr addrspace(1) %out, i32 %t
      store i32 %b, ptr addrspace(1) %o
      ret void
    })";
  inEveryMode(text, [](TestKernel &kernel, Launch launch) {
    launch.block = 64;
    std::vector<uint32_t> out(64);
    ASSERT_EQ(kernel.with(out).run(launch), "");
    for (uint32_t i = 0; i != 64; ++i)
      ASSERT_EQ(out[i], (0xaaaaaaaau ^ (i < 32 ? 496u : 1520u)) * 32) << i;
  });
}

// Two stages in flight; a short copy fills the rest with zeros.
TEST(SimCompute, CopiesAsynchronously) {
  const char *text = R"(
    @tile = internal addrspace(3) global [64 x <4 x i32>] undef, align 16
    define ptx_kernel void @k(ptr addrspace(1) %in, ptr addrspace(1) %out) {
      %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %u = add i32 %t, 32
      %s0 = getelementptr <4 x i32>, ptr addrspace(3) @tile, i32 %t
      %s1 = getelementptr <4 x i32>, ptr addrspace(3) @tile, i32 %u
      %g0 = getelementptr <4 x i32>, ptr addrspace(1) %in, i32 %t
      %g1 = getelementptr <4 x i32>, ptr addrspace(1) %in, i32 %u
      call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %s0, ptr addrspace(1) %g0)
      call void @llvm.nvvm.cp.async.commit.group()
      call void @llvm.nvvm.cp.async.ca.shared.global.16.s(ptr addrspace(3) %s1,
                                                          ptr addrspace(1) %g1, i32 8)
      call void @llvm.nvvm.cp.async.commit.group()
      call void @llvm.nvvm.cp.async.wait.group(i32 1)
      %v0 = load <4 x i32>, ptr addrspace(3) %s0, align 16
      call void @llvm.nvvm.cp.async.wait.group(i32 0)
      %v1 = load <4 x i32>, ptr addrspace(3) %s1, align 16
      %o0 = getelementptr <4 x i32>, ptr addrspace(1) %out, i32 %t
      %o1 = getelementptr <4 x i32>, ptr addrspace(1) %out, i32 %u
      store <4 x i32> %v0, ptr addrspace(1) %o0, align 16
      store <4 x i32> %v1, ptr addrspace(1) %o1, align 16
      ret void
    })";
  inEveryMode(text, [](TestKernel &kernel, Launch launch) {
    std::vector<int> in(256), out(256);
    std::iota(in.begin(), in.end(), 1);
    ASSERT_EQ(kernel.with(in).with(out).run(launch), "");
    for (int i = 0; i != 256; ++i)
      ASSERT_EQ(out[i], i >= 128 && i % 4 >= 2 ? 0 : in[i]) << i;
  });
}

// Unchecked, a copy that is never waited for leaves the poison.
TEST(SimCompute, LandsCopiesOnlyAtTheWait) {
  TestKernel kernel(R"(
    @tile = internal addrspace(3) global [32 x i32] undef, align 16
    define ptx_kernel void @k(ptr addrspace(1) %in, ptr addrspace(1) %out) {
      %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %s = getelementptr i32, ptr addrspace(3) @tile, i32 %t
      %g = getelementptr i32, ptr addrspace(1) %in, i32 %t
      call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3) %s, ptr addrspace(1) %g)
      %v = load i32, ptr addrspace(3) %s
      %o = getelementptr i32, ptr addrspace(1) %out, i32 %t
      store i32 %v, ptr addrspace(1) %o
      ret void
    })",
                    false);
  std::vector<int> in(32, 7), out(32);
  Launch launch;
  launch.checked = false;
  ASSERT_EQ(kernel.with(in).with(out).run(launch), "");
  for (int v : out)
    ASSERT_EQ(v, -1);
}

TEST(SimCompute, Mathematics) {
  const char *text = R"(
    define ptx_kernel void @k(ptr addrspace(1) %in, ptr addrspace(1) %out) {
      %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %p = getelementptr float, ptr addrspace(1) %in, i32 %t
      %x = load float, ptr addrspace(1) %p
      %e = call float @llvm.nvvm.ex2.approx.ftz.f32(float %x)
      %r = call float @llvm.nvvm.rcp.approx.ftz.f(float %e)
      %q = call float @llvm.nvvm.rsqrt.approx.ftz.f(float %e)
      %h = call float @llvm.tanh.f32(float %x)
      %f = call float @llvm.nvvm.fma.rn.f(float %e, float %q, float %h)
      %g = call contract float @llvm.fmuladd.f32(float %r, float %x, float %f)
      %o = getelementptr float, ptr addrspace(1) %out, i32 %t
      store float %g, ptr addrspace(1) %o
      ret void
    })";
  inEveryMode(text, [](TestKernel &kernel, Launch launch) {
    std::vector<float> in(32), out(32);
    for (int i = 0; i != 32; ++i)
      in[i] = 0.37f * float(i) - 5.0f;
    ASSERT_EQ(kernel.with(in).with(out).run(launch), "");
    for (int i = 0; i != 32; ++i) {
      float e = std::exp2(in[i]), q = float(1.0 / std::sqrt(double(e)));
      float f = std::fma(e, q, std::tanh(in[i]));
      ASSERT_EQ(out[i], std::fma(1.0f / e, in[i], f)) << i;
    }
  });
}

// A product and its sum fuse where both may contract, and only there.
TEST(SimCompute, ContractsAsTheGpuDoes) {
  const char *text = R"(
    define ptx_kernel void @k(ptr addrspace(1) %io) {
      %x = load float, ptr addrspace(1) %io
      %p = fmul contract float %x, %x
      %fused = fsub contract float %p, 1.0
      %q = fmul float %x, %x
      %apart = fsub float %q, 1.0
      store float %fused, ptr addrspace(1) %io
      %n = getelementptr float, ptr addrspace(1) %io, i32 1
      store float %apart, ptr addrspace(1) %n
      ret void
    })";
  inEveryMode(text, [](TestKernel &kernel, Launch launch) {
    launch.block = 1;
    float x = 1.0f + 0x1p-20f;
    std::vector<float> io = {x, 0.0f};
    ASSERT_EQ(kernel.with(io).run(launch), "");
    EXPECT_EQ(io[0], 0x1p-19f + 0x1p-40f);
    EXPECT_EQ(io[1], 0x1p-19f);
  });
}

// Lanes that do not exist are nobody's concern: 48 threads are one and a half warps.
TEST(SimCompute, ShufflesInAShortWarp) {
  const char *text = R"(
    define ptx_kernel void @k(ptr addrspace(1) %out) {
      %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %v = call i32 @llvm.nvvm.shfl.sync.idx.i32(i32 -1, i32 %t, i32 5, i32 31)
      %p = getelementptr i32, ptr addrspace(1) %out, i32 %t
      store i32 %v, ptr addrspace(1) %p
      ret void
    })";
  inEveryMode(text, [](TestKernel &kernel, Launch launch) {
    launch.block = 48;
    std::vector<int> out(48);
    ASSERT_EQ(kernel.with(out).run(launch), "");
    for (int i = 0; i != 48; ++i)
      ASSERT_EQ(out[i], i < 32 ? 5 : 37);
  });
}

// The GPU does not wait for lanes that exited; only a checked run objects.
TEST(SimCompute, ShufflesWithoutExitedLanes) {
  TestKernel kernel(R"(
    define ptx_kernel void @k(ptr addrspace(1) %out) {
      %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %stay = icmp ult i32 %t, 16
      br i1 %stay, label %then, label %end
    then:
      %v = call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 -1, i32 %t, i32 1, i32 31)
      %p = getelementptr i32, ptr addrspace(1) %out, i32 %t
      store i32 %v, ptr addrspace(1) %p
      br label %end
    end:
      ret void
    })",
                    false);
  for (uint64_t seed = 0; seed != 4; ++seed) {
    Launch launch;
    launch.checked = false;
    launch.seed = seed;
    std::vector<int> out(16);
    ASSERT_EQ(kernel.with(out).run(launch), "");
    for (int i = 0; i != 16; ++i)
      ASSERT_EQ(out[i], i ^ 1);
  }
}

// Stacks are as large as the compiled frame needs, and blocks run on several host threads.
TEST(SimCompute, KeepsLargeLocalArrays) {
  const char *text = R"(
    @tile = internal addrspace(3) global [128 x i32] undef, align 4
    define ptx_kernel void @k(ptr addrspace(1) %out) {
      %local = alloca [65536 x i32]
      %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
      %b128 = mul i32 %b, 128
      %g = add i32 %b128, %t
      %far = mul i32 %t, 511
      %l = getelementptr i32, ptr %local, i32 %far
      store i32 %g, ptr %l
      %s = getelementptr i32, ptr addrspace(3) @tile, i32 %t
      store volatile i32 %far, ptr addrspace(3) %s
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      %again = load volatile i32, ptr addrspace(3) %s
      %m = getelementptr i32, ptr %local, i32 %again
      %v = load i32, ptr %m
      %p = getelementptr i32, ptr addrspace(1) %out, i32 %g
      store i32 %v, ptr addrspace(1) %p
      ret void
    })";
  inEveryMode(text, [](TestKernel &kernel, Launch launch) {
    launch.block = 128;
    launch.grid = 256;
    std::vector<int> out(128 * 256), expected(128 * 256);
    std::iota(expected.begin(), expected.end(), 0);
    ASSERT_EQ(kernel.with(out).run(launch), "");
    ASSERT_EQ(out, expected);
  });
}

// Atomics add up whatever the order, and do not race with each other.
TEST(SimCompute, AddsAtomically) {
  const char *text = R"(
    @sum = internal addrspace(3) global i32 undef, align 4
    define ptx_kernel void @k(ptr addrspace(1) %out) {
      %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %first = icmp eq i32 %t, 0
      br i1 %first, label %then, label %start
    then:
      store i32 0, ptr addrspace(3) @sum
      br label %start
    start:
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      %old = atomicrmw add ptr addrspace(3) @sum, i32 %t monotonic
      call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
      %v = load i32, ptr addrspace(3) @sum
      %old2 = atomicrmw add ptr addrspace(1) %out, i32 %v monotonic
      ret void
    })";
  inEveryMode(text, [](TestKernel &kernel, Launch launch) {
    launch.block = 64;
    launch.grid = 3;
    std::vector<int> out(1);
    ASSERT_EQ(kernel.with(out).run(launch), "");
    ASSERT_EQ(out[0], 2016 * 64 * 3);
  });
}

} // namespace
} // namespace halo::sim

// What cannot be simulated is refused by name, before anything runs.
#include "tests/unit/sim/SimHarness.h"

#include <gtest/gtest.h>

namespace halo::sim {
namespace {

std::string refusal(const std::string &body, const std::string &before = "") {
  return TestKernel(before + "define ptx_kernel void @k(ptr addrspace(1) %p) {\n" + body +
                        "\nret void\n}",
                    false)
      .error();
}

TEST(SimRefusal, UnknownIntrinsic) {
  EXPECT_EQ(refusal("call void @llvm.nvvm.fence.sc.cluster()"),
            "kernel k uses llvm.nvvm.fence.sc.cluster, which is not simulated");
}

TEST(SimRefusal, UnknownTypeOfAnOverloadedIntrinsic) {
  EXPECT_EQ(refusal("%x = call half @llvm.nvvm.ex2.approx.f16(half 1.0)"),
            "kernel k uses llvm.nvvm.ex2.approx.f16, which is not simulated");
}

TEST(SimRefusal, InlineAssembly) {
  EXPECT_EQ(refusal("call void asm sideeffect \"bar.sync 0;\", \"\"()"),
            "kernel k uses inline assembly \"bar.sync 0;\", which is not simulated");
}

TEST(SimRefusal, UndefinedFunction) {
  EXPECT_EQ(refusal("call void @elsewhere()", "declare void @elsewhere()\n"),
            "kernel k uses elsewhere, which is not simulated");
}

TEST(SimRefusal, InitialisedSharedMemory) {
  EXPECT_EQ(refusal("store i32 1, ptr addrspace(3) @s",
                    "@s = internal addrspace(3) global i32 7\n"),
            "kernel k: shared array @s has an initial value, which a GPU cannot give it");
}

TEST(SimRefusal, MissingKernel) {
  EXPECT_EQ(TestKernel("define ptx_kernel void @other() {\nret void\n}", false).error(),
            "the module defines no kernel \"k\"");
}

TEST(SimRefusal, TooManyThreads) {
  TestKernel kernel("define ptx_kernel void @k() \"nvvm.maxntid\"=\"128\" {\nret void\n}", false);
  Launch launch;
  launch.checked = false;
  launch.block = 129;
  EXPECT_EQ(kernel.run(launch), "kernel k: 129 threads in a block, expected 1 to 128");
}

TEST(SimRefusal, TooMuchSharedMemory) {
  TestKernel kernel("define ptx_kernel void @k() {\nret void\n}", false);
  Launch launch;
  launch.checked = false;
  launch.sharedBytes = 232449;
  EXPECT_EQ(kernel.run(launch), "kernel k: shared memory 232449 B exceeds 232448 B");
}

TEST(SimRefusal, ChecksThatWereNotAskedFor) {
  TestKernel kernel("define ptx_kernel void @k() {\nret void\n}", false);
  EXPECT_EQ(kernel.run(Launch()), "kernel k was created without checks");
}

} // namespace
} // namespace halo::sim

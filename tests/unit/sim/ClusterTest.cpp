// Blocks that form a cluster: their barrier, each other's shared memory, sleepers, and the faults of these.
#include "tests/unit/sim/SimHarness.h"

#include <gtest/gtest.h>

namespace halo::sim {
namespace {

/// A kernel of one warp a block, in clusters of 4, with 8 bytes of shared memory per thread.
std::string clustered(const std::string &body, const char *size = "4,1,1") {
  return R"(
    @tile = internal addrspace(3) global [32 x i64] undef, align 16
    define ptx_kernel void @k(ptr addrspace(1) %out) #0 {
      %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
      %rank = call i32 @llvm.nvvm.read.ptx.sreg.cluster.ctarank()
      %size = call i32 @llvm.nvvm.read.ptx.sreg.cluster.nctarank()
      %after = add i32 %rank, 1
      %next = urem i32 %after, %size
      %first = mul i32 %b, 32
      %g = add i32 %first, %t
      %pout = getelementptr i32, ptr addrspace(1) %out, i32 %g
      %mine = getelementptr i64, ptr addrspace(3) @tile, i32 %t
    )" + body + R"(
      ret void
    }
    attributes #0 = { "nvvm.cluster_dim"=")" + size + "\" }";
}

const char *const kNeighbours = R"(
      store i32 %g, ptr addrspace(3) %mine
      call void @llvm.nvvm.barrier.cluster.arrive.aligned()
      call void @llvm.nvvm.barrier.cluster.wait.aligned()
      %theirs = call ptr addrspace(7) @llvm.nvvm.mapa.shared.cluster(ptr addrspace(3) %mine, i32 %next)
      %v = load i32, ptr addrspace(7) %theirs
      store i32 %v, ptr addrspace(1) %pout
      call void @llvm.nvvm.barrier.cluster.arrive.relaxed.aligned()
      call void @llvm.nvvm.barrier.cluster.wait.aligned())";

/// A number goes round the cluster, by messages into the next one's shared memory: each adds 10.
const char *const kMessages = R"(
      %slot = call ptr addrspace(7) @llvm.nvvm.mapa.shared.cluster(ptr addrspace(3) %mine, i32 %next)
      store i64 0, ptr addrspace(3) %mine
      call void @llvm.nvvm.barrier.cluster.arrive.aligned()
      call void @llvm.nvvm.barrier.cluster.wait.aligned()
      %begins = icmp eq i32 %rank, 0
      br i1 %begins, label %have, label %look
    look:
      %message = load atomic i64, ptr addrspace(3) %mine syncscope("cluster") monotonic, align 8
      %tag = lshr i64 %message, 32
      %come = icmp eq i64 %tag, 1
      br i1 %come, label %have, label %sleep
    sleep:
      call void @llvm.nvvm.nanosleep(i32 0)
      br label %look
    have:
      %got = phi i64 [ 0, %0 ], [ %message, %look ]
      %number = trunc i64 %got to i32
      %more = add i32 %number, 10
      store i32 %more, ptr addrspace(1) %pout
      %wide = zext i32 %more to i64
      %tagged = or i64 %wide, 4294967296
      store atomic i64 %tagged, ptr addrspace(7) %slot syncscope("cluster") monotonic, align 8
      call void @llvm.nvvm.barrier.cluster.arrive.aligned()
      call void @llvm.nvvm.barrier.cluster.wait.aligned())";

std::string run(const std::string &text, std::vector<int> &out, bool checked = true,
                uint64_t seed = 0) {
  TestKernel kernel(text, checked);
  EXPECT_TRUE(kernel.ok()) << kernel.error();
  Launch launch;
  launch.grid = 8;
  launch.checked = checked;
  launch.seed = seed;
  return kernel.with(out).run(launch);
}

TEST(SimCluster, BlocksReadEachOther) {
  for (bool checked : {true, false})
    for (uint64_t seed : {0, 1, 2}) {
      std::vector<int> out(256, -1);
      ASSERT_EQ(run(clustered(kNeighbours), out, checked, seed), "");
      for (int i = 0; i != 256; ++i) {
        int block = i / 32, next = block / 4 * 4 + (block + 1) % 4;
        ASSERT_EQ(out[i], next * 32 + i % 32) << i;
      }
    }
}

TEST(SimCluster, MessagesGoRound) {
  for (bool checked : {true, false})
    for (uint64_t seed : {0, 1, 2}) {
      std::vector<int> out(256, -1);
      ASSERT_EQ(run(clustered(kMessages), out, checked, seed), "");
      for (int i = 0; i != 256; ++i)
        ASSERT_EQ(out[i], 10 * (i / 32 % 4 + 1)) << i;
    }
}

std::string faultOf(const std::string &body) {
  std::vector<int> out(256);
  return run(clustered(body), out);
}

TEST(SimCluster, FaultsHaveOneSentence) {
  EXPECT_EQ(faultOf("call void @llvm.nvvm.barrier.cluster.wait.aligned()"),
            "kernel k, block (0, 0, 0), thread (0, 0, 0): waits at the cluster's barrier without "
            "having arrived");
  EXPECT_EQ(faultOf("call void @llvm.nvvm.barrier.cluster.arrive.aligned()\n"
                    "call void @llvm.nvvm.barrier.cluster.arrive.aligned()"),
            "kernel k, block (0, 0, 0), thread (0, 0, 0): arrives at the cluster's barrier again "
            "without having waited there");
  EXPECT_EQ(faultOf("%p = call ptr addrspace(7) @llvm.nvvm.mapa.shared.cluster("
                    "ptr addrspace(3) %mine, i32 4)\nstore i32 1, ptr addrspace(7) %p"),
            "kernel k, block (0, 0, 0), thread (0, 0, 0): maps an address to block 4 of a cluster "
            "of 4");
  std::string outside = faultOf(R"(
      %far = getelementptr i64, ptr addrspace(3) %mine, i32 100000
      %p = call ptr addrspace(7) @llvm.nvvm.mapa.shared.cluster(ptr addrspace(3) %far, i32 0)
      store i32 1, ptr addrspace(7) %p)");
  EXPECT_NE(outside.find("out of bounds"), std::string::npos) << outside;
  std::string crooked = faultOf(R"(
      %odd = getelementptr i8, ptr addrspace(3) %mine, i32 2
      %p = call ptr addrspace(7) @llvm.nvvm.mapa.shared.cluster(ptr addrspace(3) %odd, i32 0)
      store i32 1, ptr addrspace(7) %p)");
  EXPECT_NE(crooked.find("misaligned"), std::string::npos) << crooked;
}

TEST(SimCluster, AWaitForNothingEnds) {
  std::string fault = faultOf(R"(
      br label %look
    look:
      call void @llvm.nvvm.nanosleep(i32 0)
      br label %look
    never:)");
  EXPECT_EQ(fault, "kernel k, block (0, 0, 0), thread (0, 0, 0): sleeps again and again: what it waits "
                   "for does not come");
}

TEST(SimCluster, RefusesOtherShapes) {
  std::vector<int> out(256);
  TestKernel wide(clustered("", "9,1,1"), true), high(clustered("", "2,2,1"), true);
  EXPECT_EQ(wide.error(), "kernel k has clusters of 9,1,1 blocks, expected up to 8,1,1");
  EXPECT_EQ(high.error(), "kernel k has clusters of 2,2,1 blocks, expected up to 8,1,1");
  TestKernel kernel(clustered(""), true);
  Launch launch;
  launch.grid = 6;
  EXPECT_EQ(kernel.with(out).run(launch),
            "kernel k: grid x 6 is no multiple of the cluster's 4 blocks");
}

} // namespace
} // namespace halo::sim

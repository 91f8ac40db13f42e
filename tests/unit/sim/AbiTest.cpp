// The C functions of runtime/CompilerAbi.h.
#include "runtime/CompilerAbi.h"
#include "tests/unit/sim/SimHarness.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

namespace halo::sim {
namespace {

const char *const kStoreIndex = R"(
  define ptx_kernel void @k(ptr addrspace(1) %out, i32 %offset) {
    %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
    %v = add i32 %t, %offset
    %p = getelementptr i32, ptr addrspace(1) %out, i32 %t
    store i32 %v, ptr addrspace(1) %p
    ret void
  })";

HaloSimLaunch launchOf(void **params) {
  HaloSimLaunch launch = {};
  launch.size = sizeof launch;
  launch.gridX = launch.gridY = launch.gridZ = 1;
  launch.blockX = 8;
  launch.blockY = 2;
  launch.blockZ = 1;
  launch.params = params;
  return launch;
}

TEST(SimAbi, CreatesRunsAndDestroys) {
  std::string bitcode = assemble(kStoreIndex);
  HaloSimKernel *kernel = nullptr;
  HaloReply reply = {};
  ASSERT_EQ(haloSimCreate(bitcode.data(), bitcode.size(), "k", 0, &kernel, &reply), 0);
  // Two threads share the kernel.
  auto body = [&](int offset) {
    for (int round = 0; round != 100; ++round) {
      std::vector<int> out(8, -1);
      int *pointer = out.data();
      void *params[] = {&pointer, &offset};
      HaloSimLaunch launch = launchOf(params);
      launch.blockY = 1;
      HaloReply answer = {};
      ASSERT_EQ(haloSimRun(kernel, &launch, &answer), 0);
      for (int i = 0; i != 8; ++i)
        ASSERT_EQ(out[i], i + offset);
    }
  };
  std::thread other(body, 100);
  body(7);
  other.join();
  haloSimDestroy(kernel);
}

TEST(SimAbi, AnswersFaultsAndSurvives) {
  std::string bitcode = assemble(kStoreIndex);
  HaloSimKernel *kernel = nullptr;
  HaloReply reply = {};
  ASSERT_EQ(haloSimCreate(bitcode.data(), bitcode.size(), "k", 1, &kernel, &reply), 0);
  std::vector<int> out(8);
  int *pointer = out.data(), offset = 0;
  void *params[] = {&pointer, &offset};
  HaloSimRegion region = {pointer, 28};
  HaloSimLaunch launch = launchOf(params);
  launch.blockY = 1;
  launch.checked = 1;
  launch.regions = &region;
  launch.numRegions = 1;
  EXPECT_EQ(haloSimRun(kernel, &launch, &reply), 1);
  EXPECT_STREQ(reply.json, "kernel k, block (0, 0, 0), thread (7, 0, 0): out of bounds: stores 4 B "
                           "at byte 28 of region 0, which has 28 B");
  std::free(reply.json);
  region.bytes = 32;
  EXPECT_EQ(haloSimRun(kernel, &launch, &reply), 0);
  haloSimDestroy(kernel);
}

TEST(SimAbi, NumbersThreadsInThreeDimensions) {
  std::string text = "define ptx_kernel void @k(ptr addrspace(1) %out) {\n";
  // Horner's rule over z, y and x of the grid and then of the block.
  const char *const names[][2] = {{"nctaid.z", "ctaid.z"}, {"nctaid.y", "ctaid.y"},
                                  {"nctaid.x", "ctaid.x"}, {"ntid.z", "tid.z"},
                                  {"ntid.y", "tid.y"},     {"ntid.x", "tid.x"}};
  std::string last = "0";
  for (auto &[size, index] : names) {
    std::string n = index;
    text += "%s" + n + " = call i32 @llvm.nvvm.read.ptx.sreg." + size + "()\n" +
            "%i" + n + " = call i32 @llvm.nvvm.read.ptx.sreg." + n + "()\n" +
            "%m" + n + " = mul i32 " + last + ", %s" + n + "\n" +
            "%a" + n + " = add i32 %m" + n + ", %i" + n + "\n";
    last = "%a" + n;
  }
  text += "%p = getelementptr i32, ptr addrspace(1) %out, i32 " + last + "\n" +
          "store i32 " + last + ", ptr addrspace(1) %p\nret void\n}";
  std::string bitcode = assemble(text);
  HaloSimKernel *kernel = nullptr;
  HaloReply reply = {};
  ASSERT_EQ(haloSimCreate(bitcode.data(), bitcode.size(), "k", 0, &kernel, &reply), 0);
  std::vector<int> out(2 * 3 * 4 * 5 * 6 * 7, -1);
  int *pointer = out.data();
  void *params[] = {&pointer};
  HaloSimLaunch launch = launchOf(params);
  launch.gridX = 2;
  launch.gridY = 3;
  launch.gridZ = 4;
  launch.blockX = 5;
  launch.blockY = 6;
  launch.blockZ = 7;
  EXPECT_EQ(haloSimRun(kernel, &launch, &reply), 0);
  for (size_t i = 0; i != out.size(); ++i)
    ASSERT_EQ(out[i], int(i));
  haloSimDestroy(kernel);
}

TEST(SimAbi, AnswersBadBitcode) {
  HaloSimKernel *kernel = nullptr;
  HaloReply reply = {};
  EXPECT_EQ(haloSimCreate("not bitcode", 11, "k", 0, &kernel, &reply), 2);
  EXPECT_EQ(kernel, nullptr);
  EXPECT_EQ(std::string(reply.json).rfind("not a bitcode module", 0), 0u) << reply.json;
  std::free(reply.json);
}

} // namespace
} // namespace halo::sim

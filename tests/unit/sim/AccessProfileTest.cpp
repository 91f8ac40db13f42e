// What accesses cost: the table of AccessProfile.h, and a kernel that has such accesses.
#include "compiler/sim/AccessProfile.h"

#include "tests/unit/sim/SimHarness.h"

#include "llvm/Support/JSON.h"

#include <gtest/gtest.h>

namespace halo::sim {
namespace {

/// Lane i at byte `step` * i.
WarpAccess strided(uint64_t step, uint32_t bytes, unsigned lanes = 32) {
  WarpAccess access;
  for (unsigned i = 0; i < lanes; ++i)
    access[i] = {step * i, bytes};
  return access;
}

TEST(AccessProfileTest, TheTableOfWavefronts) {
  struct Row {
    uint64_t step;
    uint32_t bytes;
    uint64_t units, ideal;
  };
  for (const Row &row :
       {Row{4, 4, 1, 1}, Row{0, 4, 1, 1}, Row{8, 4, 2, 1}, Row{128, 4, 32, 1}, Row{132, 4, 1, 1},
        Row{2, 2, 1, 1}, Row{8, 8, 2, 2}, Row{16, 8, 4, 2}, Row{16, 16, 4, 4}, Row{128, 16, 32, 4},
        Row{144, 16, 4, 4}}) {
    RequestCost cost = sharedCost(strided(row.step, row.bytes));
    EXPECT_EQ(cost.units, row.units) << row.bytes << " B, step " << row.step;
    EXPECT_EQ(cost.ideal, row.ideal) << row.bytes << " B, step " << row.step;
  }
  RequestCost half = sharedCost(strided(16, 16, 8));
  EXPECT_EQ(half.units, 1u);
  EXPECT_EQ(half.ideal, 1u);
}

TEST(AccessProfileTest, SectorsOfGlobalMemory) {
  EXPECT_EQ(globalCost(strided(16, 16)).units, 16u);
  EXPECT_EQ(globalCost(strided(16, 16)).ideal, 16u);
  EXPECT_EQ(globalCost(strided(64, 2)).units, 32u);
  EXPECT_EQ(globalCost(strided(64, 2)).ideal, 2u);
  EXPECT_EQ(globalCost(strided(0, 4)).units, 1u);
}

TEST(AccessProfileTest, AKernelsAccessesByPlace) {
  // Every lane stores to its word, then reads the one of another row of 32 columns: one bank.
  const char *text = R"(
@tile = internal addrspace(3) global [1024 x float] undef, align 16
define ptx_kernel void @k(ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %row = shl i32 %tid, 5
  %a = getelementptr float, ptr addrspace(3) @tile, i32 %row
  store float 1.0, ptr addrspace(3) %a, align 4
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %b = load float, ptr addrspace(3) %a, align 4
  %o = getelementptr float, ptr addrspace(1) %out, i32 %tid
  store float %b, ptr addrspace(1) %o, align 4
  ret void
}
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
)";
  auto kernel = SimKernel::create(assemble(text), "k", /*checked=*/true);
  ASSERT_TRUE(kernel) << kernel.error().message;
  alignas(32) float out[32] = {}; // Sectors are of 32 bytes.
  void *pointer = out;
  void *params[] = {&pointer};
  HaloSimRegion region = {out, sizeof out};
  HaloSimLaunch launch = {};
  launch.size = sizeof launch;
  launch.gridX = launch.gridY = launch.gridZ = launch.blockY = launch.blockZ = 1;
  launch.blockX = 32;
  launch.params = params;
  launch.checked = launch.profile = 1;
  launch.regions = &region;
  launch.numRegions = 1;
  std::string accesses;
  auto done = (*kernel)->run(launch, &accesses);
  ASSERT_TRUE(done) << done.error().message;
  auto parsed = llvm::json::parse(accesses);
  ASSERT_TRUE(bool(parsed)) << accesses;
  const llvm::json::Array &rows = *parsed->getAsObject()->getArray("accesses");
  ASSERT_EQ(rows.size(), 3u) << accesses;
  for (const llvm::json::Value &value : rows) {
    const llvm::json::Object &row = *value.getAsObject();
    bool shared = row.getString("space") == "shared";
    EXPECT_EQ(row.getInteger("requests"), 1);
    EXPECT_EQ(row.getInteger("bytes"), 128);
    EXPECT_EQ(row.getInteger("units"), shared ? 32 : 4) << accesses;
    EXPECT_EQ(row.getInteger("ideal"), shared ? 1 : 4) << accesses;
  }

  launch.checked = 0;
  auto refused = (*kernel)->run(launch, &accesses);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("profile"), std::string::npos);
}

} // namespace
} // namespace halo::sim

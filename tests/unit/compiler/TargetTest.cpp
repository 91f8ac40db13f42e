#include "runtime/Target.h"

#include <gtest/gtest.h>

namespace halo::compiler {
namespace {

TEST(TargetTest, KnowsTheArchitectures) {
  struct Row {
    const char *arch;
    int minPtx;
    int64_t shared;
    int threads, blocks, cluster = 1;
  };
  // CUDA C++ programming guide, technical specifications per compute capability: shared memory per
  // block is 163, 99, 163, 99 and 227 KiB.
  for (const Row &row :
       {Row{"sm_80", 70, 163 * 1024, 2048, 32}, Row{"sm_86", 71, 99 * 1024, 1536, 16},
        Row{"sm_87", 74, 163 * 1024, 1536, 16}, Row{"sm_89", 78, 99 * 1024, 1536, 24},
        Row{"sm_90", 78, 227 * 1024, 2048, 32, 8}, Row{"sm_100", 86, 227 * 1024, 2048, 32, 8},
        Row{"sm_103", 88, 227 * 1024, 2048, 32, 8}, Row{"sm_120", 87, 99 * 1024, 1536, 24, 8},
        Row{"sm_121", 88, 99 * 1024, 1536, 24, 8}}) {
    auto target = findTarget(row.arch);
    ASSERT_TRUE(target) << row.arch;
    EXPECT_EQ(target->arch, row.arch);
    EXPECT_EQ(target->minPtx, row.minPtx) << row.arch;
    EXPECT_EQ(target->sharedPerBlock, row.shared) << row.arch;
    EXPECT_EQ(target->maxThreadsPerSm, row.threads) << row.arch;
    EXPECT_EQ(target->maxBlocksPerSm, row.blocks) << row.arch;
    // One block and what is reserved for it fill an SM exactly.
    EXPECT_EQ(target->sharedPerSm, row.shared + kReservedSharedPerBlock) << row.arch;
    EXPECT_EQ(target->registersPerSm, 65536) << row.arch;
    EXPECT_EQ(target->maxCluster, row.cluster) << row.arch;
  }
}

TEST(TargetTest, RefusesOthersByName) {
  for (const char *arch : {"", "sm_9", "sm_900", "SM_90", "gfx90a", "compute_90"}) {
    auto target = findTarget(arch);
    ASSERT_FALSE(target) << arch;
    EXPECT_EQ(target.error().code, ErrorCode::Invalid);
    EXPECT_EQ(target.error().message,
              "unknown architecture '" + std::string(arch) +
                  "', expected one of sm_80, sm_86, sm_87, sm_89, sm_90, sm_100, sm_103, sm_120, "
                  "sm_121");
  }
}

} // namespace
} // namespace halo::compiler

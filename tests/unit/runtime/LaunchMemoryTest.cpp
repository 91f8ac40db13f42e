// What a launch asks of memory and of the grid: pointers, strides, alignment, limits.
#include "tests/unit/runtime/LaunchFixture.h"

#include <set>

namespace halo {
namespace {

using namespace test;

TEST_F(LaunchTest, NullPointers) {
  tensor("bias").data = nullptr;
  expectRefused(bind(), "bias", "null", "[64]");
}

TEST_F(LaunchTest, ElementAlignment) {
  tensor("bias").data = memory + 2;
  expectRefused(bind(), "bias", "2 bytes", "element size 4");
  tensor("bias").data = memory + 4;
  HALO_ASSERT_OK(bind());
}

TEST_F(LaunchTest, NegativeSizes) {
  tensor("x").shape[1] = -1;
  expectRefused(bind(), "x", "negative", "-1");
}

TEST_F(LaunchTest, OutputsDoNotAlias) {
  tensor("y").strides = {0, 64, 1};
  expectRefused(bind(), "y", "strides [0, 64, 1]", "share memory");
  tensor("y").strides = {640, 63, 1};
  expectRefused(bind(), "y", "share memory");
  tensor("y").strides = {INT64_MIN, 64, 1};
  HALO_ASSERT_OK(bind());
  tensor("y").strides = {-640, 64, 1};
  HALO_ASSERT_OK(bind());
  // Inputs may: a broadcast is no error.
  tensor("x").strides = {0, 0, 1};
  HALO_ASSERT_OK(bind());
  // A dimension of one is never stepped along.
  resize(1, 64, 10);
  tensor("y").strides[0] = 0;
  HALO_ASSERT_OK(bind());
}

TEST_F(LaunchTest, SizesFitInto32Bits) {
  int64_t large = int64_t(INT32_MAX) + 1;
  resize(2, 64, large);
  expectRefused(bind(), "x", "L = 2147483648", "2147483647");
  resize(2, large, 10);
  expectRefused(bind(), "x", "D = 2147483648", "2147483647");
  resize(large, 64, 10);
  expectRefused(bind(), "x", "B = 2147483648", "2147483647");
}

TEST_F(LaunchTest, ElementsMayExceed32Bits) {
  resize(2, 1 << 20, 1 << 20);
  HALO_ASSERT_OK(bind());
}

TEST_F(LaunchTest, BlockLIsAMultipleOfItsStep) {
  info.blockL = 12;
  expectRefused(bind(), "block_l = 12", "step 8");
}

TEST_F(LaunchTest, GridsFit) {
  // A free block_l grows until the grid fits.
  resize(1 << 12, 1 << 14, 1 << 20); // 2^21 stripes.
  auto bound = bind();
  HALO_ASSERT_OK(bound);
  EXPECT_LE(bound->blocks, uint64_t(INT32_MAX));
  EXPECT_EQ(bound->blockL % 8, 0);
  EXPECT_GE(uint64_t(narrow(*bound, 17 + 4)) * uint64_t(bound->blockL), 1u << 20);
  // A fixed one is refused.
  info.blockL = 8;
  expectRefused(bind(), "block_l = 8", "2147483647");
  info.blockL = 0;
  resize(1 << 20, 1 << 20, 1);
  expectRefused(bind(), "B = 1048576", "2147483647");
}

// Kernels count positions in i32, some steps past the end included.
TEST_F(LaunchTest, RowsEndWhereInt32Does) {
  info.stepL = 1000;
  resize(1, 64, INT32_MAX - 20000);
  auto bound = bind();
  HALO_ASSERT_OK(bound);
  EXPECT_GT(bound->blockL, 0);
  resize(1, 64, INT32_MAX);
  expectRefused(bind(), "L = 2147483647", "above the limit 2147483647");
}

TEST_F(LaunchTest, SharedMemoryFits) {
  info.sharedBytes = 1 << 20;
  expectRefused(bind(), "1048576", "232448");
}

TEST_F(LaunchTest, AlignedKernelsRefuseUnalignedViews) {
  info.align = 16;
  HALO_ASSERT_OK(bind());
  EXPECT_EQ(alignmentOf(info.operands, arguments), 16);
  auto refuse = [&](const char *part, const char *other) {
    EXPECT_EQ(alignmentOf(info.operands, arguments), 1);
    expectRefused(bind(), part, other);
    resize(2, 64, 10);
    tensor("x").data = memory;
    info.align = 1;
    HALO_ASSERT_OK(bind());
    info.align = 16;
  };
  tensor("x").data = memory + 2;
  refuse("2 bytes", "16");
  tensor("x").strides = {1280, 128, 2};
  refuse("stride 2 along C", "need 1");
  tensor("y").strides = {64 * 20, 68, 1};
  refuse("operand y has stride 68", "multiple of 8");
  info.operands[1].group = 1;
  resize(2, 68, 10);
  reshape("weight", {68, 4});
  EXPECT_EQ(alignmentOf(info.operands, arguments), 1);
  expectRefused(bind(), "C = 68", "multiple of 8");
}

// The quick answers for usual tensors say what the rules say: here, against every element.
TEST_F(LaunchTest, RandomViewsAgainstTheirElements) {
  test::Random random;
  SCOPED_TRACE(random.trace());
  info.operands = {view("y", Layout::BLD, true)};
  int aligned = 0, accepted = 0, overlapping = 0;
  for (int i = 0; i < 20000; ++i) {
    Dims shape = {random.below(4), random.below(4), 4 * random.below(3) + random.below(2) * 4};
    Dims strides = TensorRef::contiguous(nullptr, DType::BF16, shape).strides;
    for (size_t d = 0; d < 3; ++d)
      if (random.below(3) == 0)
        strides[d] = random.coin() ? 8 * random.below(5) : random.below(40) - 8;
    TensorRef y{memory + 4096 + 2 * random.below(2) * random.below(9), DType::BF16, shape, strides};
    bool groups = strides[2] == 1 && shape[2] % 8 == 0;
    std::set<int64_t> seen;
    int64_t elements = 0;
    for (int64_t b = 0; b < shape[0]; ++b)
      for (int64_t t = 0; t < shape[1]; ++t)
        for (int64_t c = 0; c < shape[2]; ++c, ++elements) {
          int64_t place = b * strides[0] + t * strides[1] + c * strides[2];
          seen.insert(place);
          groups &= c || (reinterpret_cast<intptr_t>(y.data) + 2 * place) % 16 == 0;
        }
    EXPECT_EQ(alignmentOf(info.operands, {{"y", y}}), groups || !elements ? 16 : 1)
        << testing::PrintToString(shape) << testing::PrintToString(strides);
    auto bound = halo::bind(info, {y}, DeviceTraits());
    bool overlaps = int64_t(seen.size()) < elements;
    if (overlaps)
      expectRefused(bound, "operand y", "share memory");
    aligned += groups && elements;
    accepted += bool(bound) && elements;
    overlapping += overlaps;
  }
  // All three kinds were met.
  EXPECT_GT(aligned, 200);
  EXPECT_GT(accepted, 2000);
  EXPECT_GT(overlapping, 2000);
}

TEST_F(LaunchTest, AlignmentAlongLInChannelFirstViews) {
  std::vector<Operand> operands = {view("x", Layout::BDL, false)};
  auto alignment = [&](const Dims &shape, const Dims &strides) {
    TensorRef x{memory, DType::BF16, shape, strides};
    return alignmentOf(operands, {{"x", x}});
  };
  EXPECT_EQ(alignment({2, 3, 16}, {48, 16, 1}), 16);
  EXPECT_EQ(alignment({2, 3, 10}, {48, 16, 1}), 1);
  EXPECT_EQ(alignment({2, 3, 16}, {49, 16, 1}), 1);
  EXPECT_EQ(alignment({1, 3, 16}, {49, 16, 1}), 16) << "one batch row: its stride is not taken";
  EXPECT_EQ(alignment({0, 3, 10}, {30, 10, 1}), 16) << "no elements";
  operands[0].dtype = DType::F32;
  TensorRef wide{memory, DType::F32, {1, 2, 4}, {8, 4, 1}};
  EXPECT_EQ(alignmentOf(operands, {{"x", wide}}), 16);
}

TEST_F(LaunchTest, OutputShapes) {
  Shape shape{2, 64, 10};
  EXPECT_EQ(outputShape(view("y", Layout::BDL, true, 3), shape), Dims({2, 192, 10}));
  EXPECT_EQ(outputShape(view("q", Layout::BLD, true, 1, 48), shape), Dims({2, 10, 48}));
  EXPECT_EQ(outputShape(info.operands[3], shape), Dims({2, 64, 3}));
  EXPECT_EQ(outputShape(info.operands[1], shape), Dims({4, 4}));
  EXPECT_EQ(outputShape(info.operands[2], shape), Dims({64}));
}

} // namespace
} // namespace halo

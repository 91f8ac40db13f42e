// What a launch asks of operands and sizes. Tests are named after the law's labels where a rule has one.
#include "tests/unit/runtime/LaunchFixture.h"

namespace halo {
namespace {

using namespace test;

TEST_F(LaunchTest, HeadsOfAnAlignedViewAreWholeAccesses) {
  info.operands[0].heads = 8;
  EXPECT_EQ(alignmentOf(info.operands, arguments), 16);
  info.operands[0].heads = 16;
  EXPECT_EQ(alignmentOf(info.operands, arguments), 1);
}

TEST_F(LaunchTest, LaysOutTheParameters) {
  info.blockL = 8;
  auto bound = bind();
  HALO_ASSERT_OK(bound);
  BoundLaunch launch = std::move(*bound); // The parameters survive a move.
  EXPECT_EQ(wide(launch, 0), reinterpret_cast<int64_t>(&memory[0]));
  // x: strides of B, of channels, of L, although L comes before the channels in memory.
  EXPECT_EQ(wide(launch, 1), 640);
  EXPECT_EQ(wide(launch, 2), 1);
  EXPECT_EQ(wide(launch, 3), 64);
  EXPECT_EQ(wide(launch, 5), 4); // weight
  EXPECT_EQ(wide(launch, 6), 1);
  EXPECT_EQ(wide(launch, 8), 1);    // bias
  EXPECT_EQ(wide(launch, 10), 192); // final_state
  EXPECT_EQ(wide(launch, 11), 3);
  EXPECT_EQ(wide(launch, 12), 1);
  const int sizes = 17;
  EXPECT_EQ(narrow(launch, sizes + 0), 2);  // B
  EXPECT_EQ(narrow(launch, sizes + 1), 64); // D
  EXPECT_EQ(narrow(launch, sizes + 2), 10); // L
  EXPECT_EQ(narrow(launch, sizes + 3), 8);  // block_l
  EXPECT_EQ(narrow(launch, sizes + 4), 2);  // tiles_l
  EXPECT_EQ(narrow(launch, sizes + 5), 2);  // tiles_n
  EXPECT_EQ(launch.blocks, 8u);
  EXPECT_EQ(launch.shape.l, 10);
}

TEST_F(LaunchTest, ChannelFirstViewsKeepTheirOrder) {
  info.operands = {view("x", Layout::BDL, false), view("y", Layout::BDL, true)};
  arguments = {{"y", TensorRef::contiguous(memory, DType::BF16, {2, 64, 10})},
               {"x", TensorRef::contiguous(memory, DType::BF16, {2, 64, 10})}};
  auto bound = bind();
  HALO_ASSERT_OK(bound);
  EXPECT_EQ(wide(*bound, 1), 640);
  EXPECT_EQ(wide(*bound, 2), 10);
  EXPECT_EQ(wide(*bound, 3), 1);
  EXPECT_EQ(bound->shape.d, 64);
}

// [D, L]: one row in the batch, whose stride nobody needs.
TEST_F(LaunchTest, ViewsWithoutABatch) {
  info.layout = Layout::BDL;
  info.operands = {view("h", Layout::DL, true)};
  arguments = {{"h", TensorRef::contiguous(memory, DType::BF16, {64, 10})}};
  auto bound = bind();
  HALO_ASSERT_OK(bound);
  EXPECT_EQ(wide(*bound, 1), 0);
  EXPECT_EQ(wide(*bound, 2), 10);
  EXPECT_EQ(wide(*bound, 3), 1);
  EXPECT_EQ(bound->shape.b, 1);
  EXPECT_EQ(bound->shape.d, 64);
  EXPECT_EQ(bound->shape.l, 10);
  EXPECT_EQ(outputShape(info.operands[0], {1, 64, 10}), Dims({64, 10}));
  reshape("h", {64, 10, 1});
  expectRefused(bind(), "operand h has rank 3", "rank 2");
}

TEST_F(LaunchTest, OperandsAreGivenOnce) {
  arguments.push_back(arguments[1]);
  expectRefused(bind(), "weight is given twice");
  arguments.pop_back();
  arguments.push_back({"residual", arguments[0].tensor});
  expectRefused(bind(), "residual", "unknown", "x, weight, bias, final_state, y");
  arguments.pop_back();
  arguments.erase(arguments.begin() + 2);
  expectRefused(bind(), "bias", "missing");
}

TEST_F(LaunchTest, OfAStateTheInputIsNamedFirst) {
  info.operands.insert(info.operands.begin() + 1, {"final_state", OperandKind::State, DType::BF16,
                                                   false, Layout::BLD, 1, 4, 1, 0});
  expectRefused(bind(), "output final_state", "missing");
  arguments.insert(arguments.begin(), tensorArgument("final_state"));
  arguments[0].tensor.data = memory + 1024;
  auto bound = bind();
  HALO_ASSERT_OK(bound);
  EXPECT_EQ(wide(*bound, 4), reinterpret_cast<int64_t>(memory + 1024));
  EXPECT_EQ(wide(*bound, 13), reinterpret_cast<int64_t>(memory));
}

TEST_F(LaunchTest, PositionsSayTheSameAsNames) {
  std::vector<TensorRef> tensors;
  for (const Argument &argument : arguments)
    tensors.push_back(argument.tensor);
  auto named = bind(), positional = halo::bind(info, tensors, DeviceTraits());
  HALO_ASSERT_OK(named);
  HALO_ASSERT_OK(positional);
  EXPECT_EQ(positional->blocks, named->blocks);
  for (int slot = 0; slot < 17; ++slot)
    EXPECT_EQ(wide(*positional, slot), wide(*named, slot)) << slot;
  for (int slot = 17; slot < 23; ++slot)
    EXPECT_EQ(narrow(*positional, slot), narrow(*named, slot)) << slot;
  std::swap(tensors[0], tensors[1]);
  expectRefused(halo::bind(info, tensors, DeviceTraits()), "operand x has dtype f32");
  tensors.pop_back();
  expectRefused(halo::bind(info, tensors, DeviceTraits()), "4 tensors", "5 operands");
}

TEST_F(LaunchTest, CopiesOfALaunchAreTheirOwn) {
  auto bound = bind();
  HALO_ASSERT_OK(bound);
  BoundLaunch copy = *bound;
  *static_cast<int64_t *>(bound->params()[0]) = 0;
  EXPECT_EQ(wide(copy, 0), reinterpret_cast<int64_t>(&memory[0]));
}

TEST_F(LaunchTest, ParametersAreLimited) {
  for (int i = 0; i < 57; ++i)
    info.operands.push_back(view(("part" + std::to_string(i)).c_str(), Layout::BLD, true));
  EXPECT_EQ(info.parameterCount(), 251u);
  HALO_ASSERT_OK(checkParameterCount(info));
  info.operands.push_back(view("last", Layout::BLD, true));
  info.operands.push_back(view("more", Layout::BLD, true));
  expectRefused(checkParameterCount(info), "conv", "259 parameters", "256");
  expectRefused(bind(), "259 parameters");
  expectRefused(openNullDevice()->load({info, ""}), "259 parameters");
}

TEST_F(LaunchTest, DTypesMatch) {
  tensor("x").dtype = DType::F16;
  expectRefused(bind(), "x", "f16", "bf16");
}

TEST_F(LaunchTest, RanksMatch) {
  reshape("x", {20, 64});
  expectRefused(bind(), "x", "rank 2", "rank 3");
  reshape("x", {1, 1, 2, 2, 10, 64});
  expectRefused(bind(), "x", "rank 6", "rank 3");
  resize(2, 64, 10);
  tensor("weight").strides = {4};
  expectRefused(bind(), "weight", "2 sizes", "1 strides");
}

TEST_F(LaunchTest, ViewsAgree) {
  reshape("y", {2, 11, 64});
  expectRefused(bind(), "y", "L = 11", "x", "L = 10");
  reshape("y", {3, 10, 64});
  expectRefused(bind(), "y", "B = 3", "x", "B = 2");
  reshape("y", {2, 10, 65});
  expectRefused(bind(), "y", "D = 65", "x", "D = 64");
}

TEST_F(LaunchTest, StreamsDivideTheChannels) {
  info.operands[0].streams = 3;
  expectRefused(bind(), "x", "64 channels", "3 streams");
  reshape("x", {2, 10, 192});
  HALO_ASSERT_OK(bind());
}

TEST_F(LaunchTest, ConvC1GroupDividesTheChannels) {
  resize(2, 72, 10);
  expectRefused(bind(), "conv_c1", "weight", "16", "72");
  resize(2, 64, 10);
  reshape("weight", {5, 4});
  expectRefused(bind(), "conv_c1", "weight", "5 rows", "take 4");
  reshape("weight", {64, 4});
  expectRefused(bind(), "conv_c1", "weight", "64 rows", "take 4");
}

TEST_F(LaunchTest, ConvC2Weight) {
  reshape("weight", {4, 5});
  expectRefused(bind(), "conv_c2", "weight", "5 taps", "K = 4");
  info.operands[1].group = 1;
  reshape("weight", {63, 4});
  expectRefused(bind(), "conv_c2", "weight", "63", "64");
  reshape("weight", {64, 4});
  HALO_ASSERT_OK(bind());
}

TEST_F(LaunchTest, ConvC2Bias) {
  reshape("bias", {63});
  expectRefused(bind(), "conv_c2", "bias", "[63]", "[64]");
}

TEST_F(LaunchTest, ConvC2State) {
  reshape("final_state", {2, 64, 4});
  expectRefused(bind(), "conv_c2", "final_state", "[2, 64, 4]", "[B, C, K-1] = [2, 64, 3]");
  reshape("final_state", {2, 3, 64});
  expectRefused(bind(), "conv_c2", "final_state", "[2, 3, 64]");
}

TEST_F(LaunchTest, ConvC3TapsMayExceedThePositions) {
  resize(2, 64, 1);
  HALO_ASSERT_OK(bind());
}

TEST_F(LaunchTest, ConvC3OneTapHasNoState) {
  info.operands[1].taps = info.operands[3].taps = 1;
  reshape("weight", {4, 1});
  reshape("final_state", {2, 64, 0});
  tensor("final_state").data = nullptr;
  HALO_ASSERT_OK(bind());
}

TEST_F(LaunchTest, ConvC7EmptyBatch) {
  resize(0, 64, 10);
  for (Argument &argument : arguments)
    if (argument.name != "weight" && argument.name != "bias")
      argument.tensor.data = nullptr;
  auto bound = bind();
  HALO_ASSERT_OK(bound);
  EXPECT_EQ(bound->blocks, 0u);
}

TEST_F(LaunchTest, ConvC7NoPositionsStillWriteTheState) {
  resize(2, 64, 0);
  tensor("x").data = tensor("y").data = nullptr;
  auto bound = bind();
  HALO_ASSERT_OK(bound);
  EXPECT_EQ(bound->blocks, 4u);
  EXPECT_EQ(narrow(*bound, 17 + 4), 1);
  info.operands[3].output = false;
  bound = bind();
  HALO_ASSERT_OK(bound);
  EXPECT_EQ(bound->blocks, 0u);
}

TEST_F(LaunchTest, ConvC7NoChannels) {
  resize(2, 0, 10);
  auto bound = bind();
  HALO_ASSERT_OK(bound);
  EXPECT_EQ(bound->blocks, 0u);
}

TEST_F(LaunchTest, PartsHaveTheirWidths) {
  info.operands[4] = view("q", Layout::BLD, true, 1, 48);
  info.operands.push_back(view("k", Layout::BLD, true, 1, 16));
  arguments[4] = {"q", TensorRef::contiguous(memory, DType::BF16, {2, 10, 48})};
  arguments.push_back({"k", TensorRef::contiguous(memory, DType::BF16, {2, 10, 16})});
  HALO_ASSERT_OK(bind());
  reshape("k", {2, 10, 17});
  expectRefused(bind(), "k", "17", "16");
}

TEST_F(LaunchTest, PartsCoverTheChannels) {
  info.operands = {view("x", Layout::BLD, false), view("q", Layout::BLD, true, 1, 48)};
  arguments = {{"x", TensorRef::contiguous(memory, DType::BF16, {2, 10, 64})},
               {"q", TensorRef::contiguous(memory, DType::BF16, {2, 10, 48})}};
  expectRefused(bind(), "x", "D = 64", "48");
  // Where every view is fixed, the parts say D.
  info.operands[0] = view("x", Layout::BLD, false, 1, 64);
  auto bound = bind();
  HALO_ASSERT_OK(bound);
  EXPECT_EQ(bound->shape.d, 48);
}

} // namespace
} // namespace halo

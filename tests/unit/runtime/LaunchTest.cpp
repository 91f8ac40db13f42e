// Tests are named after the law's labels where a rule has one.
#include "runtime/Device.h"

#include "tests/unit/runtime/TestSupport.h"

#include <cstring>
#include <set>

namespace halo {
namespace {

using test::errorOf;
using test::expectRefused;

alignas(256) unsigned char memory[1 << 16];

Operand view(const char *name, Layout layout, bool output, int64_t streams = 1,
             int64_t channels = 0) {
  return {name, OperandKind::View, DType::BF16, output, layout, streams, 0, 1, channels};
}

/// A short convolution with every kind of operand: D = 64, K = 4, 16 channels share a filter.
class LaunchTest : public ::testing::Test {
protected:
  LaunchTest() {
    info.kernel = "conv";
    info.entry = "conv";
    info.layout = Layout::BLD;
    info.operands = {
        view("x", Layout::BLD, false),
        {"weight", OperandKind::Taps, DType::F32, false, Layout::BLD, 1, 4, 16, 0},
        {"bias", OperandKind::Channel, DType::F32, false, Layout::BLD, 1, 0, 1, 0},
        {"final_state", OperandKind::State, DType::BF16, true, Layout::BLD, 1, 4, 1, 0},
        view("y", Layout::BLD, true)};
    info.threads = 128;
    info.stepL = 8;
    info.halo = 3;
    info.tiles = {{0, 0, 32}};
    arguments = {{"x", TensorRef::contiguous(memory, DType::BF16, {2, 10, 64})},
                 {"weight", TensorRef::contiguous(memory, DType::F32, {4, 4})},
                 {"bias", TensorRef::contiguous(memory, DType::F32, {64})},
                 {"final_state", TensorRef::contiguous(memory, DType::BF16, {2, 64, 3})},
                 {"y", TensorRef::contiguous(memory, DType::BF16, {2, 10, 64})}};
  }

  TensorRef &tensor(const char *name) {
    for (Argument &argument : arguments)
      if (argument.name == name)
        return argument.tensor;
    std::abort();
  }
  Argument tensorArgument(const char *name) { return {name, tensor(name)}; }
  void reshape(const char *name, const Dims &shape) {
    TensorRef &t = tensor(name);
    t = TensorRef::contiguous(t.data, t.dtype, shape);
  }
  void resize(int64_t b, int64_t d, int64_t l) {
    reshape("x", {b, l, d});
    reshape("y", {b, l, d});
    reshape("weight", {d / 16, 4});
    reshape("bias", {d});
    reshape("final_state", {b, d, 3});
  }
  Result<BoundLaunch> bind() { return halo::bind(info, arguments, DeviceTraits()); }

  KernelInfo info;
  std::vector<Argument> arguments;
};

int64_t wide(const BoundLaunch &launch, int slot) {
  int64_t value;
  std::memcpy(&value, launch.params()[slot], sizeof(value));
  return value;
}

int32_t narrow(const BoundLaunch &launch, int slot) {
  int32_t value;
  std::memcpy(&value, launch.params()[slot], sizeof(value));
  return value;
}

/// A step: z [B, 3D] to y [B, D], one state in and out.
class StepTest : public LaunchTest {
protected:
  StepTest() {
    Operand state = {"state", OperandKind::State, DType::BF16, false, Layout::BD, 1, 4, 1, 0};
    info.operands = {view("z", Layout::BD, false, 3), state, view("y", Layout::BD, true), state};
    info.operands[3].output = true;
    info.layout = Layout::BD;
    info.stepL = 1;
    TensorRef in = TensorRef::contiguous(memory, DType::BF16, {2, 64, 3}), out = in;
    out.data = memory + 4096;
    arguments = {{"z", TensorRef::contiguous(memory, DType::BF16, {2, 192})},
                 {"state", in},
                 {"y", TensorRef::contiguous(memory, DType::BF16, {2, 64})},
                 {"state", out}};
  }
};

TEST_F(StepTest, OneNameIsTheInputAndThenTheOutput) {
  auto launch = bind();
  ASSERT_TRUE(bool(launch)) << launch.error().message;
  EXPECT_EQ(launch->shape.l, 1);
  // z: pointer, strides of B, C, and none of L; state: pointer and three strides; y; state.
  EXPECT_EQ(wide(*launch, 1), 192);
  EXPECT_EQ(wide(*launch, 2), 1);
  EXPECT_EQ(wide(*launch, 3), 0);
  EXPECT_EQ(wide(*launch, 4), int64_t(reinterpret_cast<uintptr_t>(memory)));
  EXPECT_EQ(wide(*launch, 12), int64_t(reinterpret_cast<uintptr_t>(memory + 4096)));
  EXPECT_EQ(alignmentOf(info.operands, arguments), 16);
  arguments.pop_back();
  expectRefused(bind(), "output state", "missing");
  arguments.push_back(arguments[1]);
  arguments.push_back(arguments[1]);
  expectRefused(bind(), "state", "more than twice");
}

TEST_F(StepTest, UpdatesInPlaceOrApart) {
  arguments[3].tensor = arguments[1].tensor;
  EXPECT_TRUE(bool(bind()));
  arguments[3].tensor.data = memory + 2;
  expectRefused(bind(), "output state overlaps", "2 bytes apart");
  info.layout = Layout::BLD; // Any other kernel's blocks read while others write.
  info.operands[0] = view("z", Layout::BLD, false, 3);
  info.operands[2] = view("y", Layout::BLD, true);
  reshape("z", {2, 1, 192});
  reshape("y", {2, 1, 64});
  arguments[3].tensor = arguments[1].tensor;
  expectRefused(bind(), "output state overlaps", "only a step");
  arguments[3].tensor.data = memory + 2 * 64 * 3 * 2;
  EXPECT_TRUE(bool(bind()));
}

TEST_F(StepTest, ViewsHaveTwoDimensions) {
  reshape("z", {2, 1, 192});
  expectRefused(bind(), "operand z has rank 3", "rank 2");
  reshape("z", {2, 190});
  expectRefused(bind(), "190 channels", "3 streams");
}

TEST_F(StepTest, HeadsDivideTheChannels) {
  info.operands[0].heads = 16;
  EXPECT_TRUE(bool(bind()));
  info.operands[0].heads = 12;
  expectRefused(bind(), "D = 64", "column_split:12");
}

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

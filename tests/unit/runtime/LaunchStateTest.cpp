// Launches of steps and of recurrences: states in place, modes.
#include "tests/unit/runtime/LaunchFixture.h"

namespace halo {
namespace {

using namespace test;

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

/// A modal operand: log-poles or residues, or a state, of 4 modes.
static Operand modal(const char *name, OperandKind kind, bool output = false) {
  Operand operand;
  operand.name = name;
  operand.kind = kind;
  operand.output = output;
  operand.modes = 4;
  return operand;
}

class ModalLaunchTest : public LaunchTest {
protected:
  ModalLaunchTest() {
    info.operands = {view("x", Layout::BLD, false), modal("log_poles", OperandKind::Modes),
                     view("y", Layout::BLD, true),
                     modal("modal_state", OperandKind::ModalState, true)};
    info.carries = true;
    arguments = {{"x", TensorRef::contiguous(memory, DType::BF16, {2, 10, 64})},
                 {"log_poles", TensorRef::contiguous(memory, DType::F32, {64, 4})},
                 {"modal_state", TensorRef::contiguous(memory, DType::F32, {2, 64, 4})},
                 {"y", TensorRef::contiguous(memory, DType::BF16, {2, 10, 64})}};
  }
};

TEST_F(ModalLaunchTest, LaysOutModes) {
  auto bound = bind();
  HALO_ASSERT_OK(bound);
  EXPECT_EQ(wide(*bound, 5), 4); // log_poles
  EXPECT_EQ(wide(*bound, 6), 1);
  EXPECT_EQ(wide(*bound, 12), 256); // modal_state
  EXPECT_EQ(wide(*bound, 13), 4);
  EXPECT_EQ(wide(*bound, 14), 1);
}

TEST_F(ModalLaunchTest, AlignedModesAreContiguous) {
  EXPECT_EQ(alignmentOf(info.operands, arguments), 16);
  tensor("modal_state").strides[0] = 512;
  EXPECT_EQ(alignmentOf(info.operands, arguments), 1);
  tensor("modal_state").strides[0] = 256;
  tensor("log_poles").strides = {8, 1};
  EXPECT_EQ(alignmentOf(info.operands, arguments), 1);
}

// One block walks the whole sequence, whatever block_l says, and an empty one writes its state.
TEST_F(ModalLaunchTest, CarriesWalkWholeSequences) {
  info.blockL = 8;
  auto bound = bind();
  HALO_ASSERT_OK(bound);
  EXPECT_EQ(bound->blockL, 16);
  EXPECT_EQ(bound->blocks, 4u);
  reshape("x", {2, 0, 64});
  reshape("y", {2, 0, 64});
  auto empty = bind();
  HALO_ASSERT_OK(empty);
  EXPECT_EQ(empty->blocks, 4u);
}

/// Indices of each form beside a view.
class IndexLaunchTest : public LaunchTest {
protected:
  IndexLaunchTest() {
    info.operands = {view("x", Layout::BLD, false)};
    for (IndexForm form : {IndexForm::Rows, IndexForm::Positions, IndexForm::Bounds}) {
      Operand operand;
      operand.name = name(form);
      operand.kind = OperandKind::Indices;
      operand.dtype = DType::I32;
      operand.form = form;
      info.operands.push_back(operand);
    }
    info.operands.push_back(view("y", Layout::BLD, true));
    arguments = {{"x", TensorRef::contiguous(memory, DType::BF16, {1, 10, 64})},
                 {"rows", TensorRef::contiguous(memory, DType::I32, {1})},
                 {"positions", TensorRef::contiguous(memory, DType::I32, {1, 10})},
                 {"bounds", TensorRef::contiguous(memory, DType::I32, {5})},
                 {"y", TensorRef::contiguous(memory, DType::BF16, {1, 10, 64})}};
  }
};

TEST_F(IndexLaunchTest, LaysOutIndices) {
  tensor("rows").strides = {3};
  auto bound = bind();
  HALO_ASSERT_OK(bound);
  EXPECT_EQ(wide(*bound, 5), 3); // rows
  EXPECT_EQ(wide(*bound, 6), 0);
  EXPECT_EQ(wide(*bound, 8), 10); // positions
  EXPECT_EQ(wide(*bound, 9), 1);
  EXPECT_EQ(wide(*bound, 11), 1); // bounds
  EXPECT_EQ(wide(*bound, 12), 4); // N
  EXPECT_EQ(bound->shape.n, 4);
}

TEST_F(IndexLaunchTest, AnyIndicesGoWithTheAlignedVariant) {
  tensor("rows").strides = {3};
  tensor("positions").data = static_cast<char *>(tensor("positions").data) + 4;
  EXPECT_EQ(alignmentOf(info.operands, arguments), 16);
}

TEST_F(IndexLaunchTest, ConvC2Indices) {
  reshape("rows", {3});
  expectRefused(bind(), "conv_c2: operand rows has shape [3] where [B] = [1] is expected");
  reshape("rows", {1});
  reshape("positions", {1, 9});
  expectRefused(bind(),
                "conv_c2: operand positions has shape [1, 9] where [B, L] = [1, 10] is expected");
  reshape("positions", {1, 10});
  reshape("bounds", {0});
  expectRefused(bind(), "conv_c2: operand bounds has 0 numbers where N sequences take N + 1");
  reshape("bounds", {1});
  tensor("bounds").dtype = DType::I64;
  expectRefused(bind(), "operand bounds has dtype i64 where the kernel was made for i32");
}

TEST_F(IndexLaunchTest, PackedSequencesLieInOneRow) {
  for (const char *name : {"x", "y"})
    reshape(name, {2, 10, 64});
  expectRefused(bind(),
                "conv_c2: operand bounds says where sequences of one row begin, and x has B = 2");
  for (const char *name : {"x", "y"})
    reshape(name, {1, 10, 64});
  reshape("bounds", {1});
  expectRefused(bind(), "conv_c2: operand bounds has N = 0 sequences where L = 10 positions take at "
                        "least 1");
  for (const char *name : {"x", "y"})
    reshape(name, {1, 0, 64});
  reshape("positions", {1, 0});
  HALO_ASSERT_OK(bind());
}

// States have a row per sequence.
TEST_F(IndexLaunchTest, ConvC4PackedStates) {
  Operand state = {"state", OperandKind::State, DType::BF16, true, Layout::BLD, 1, 4, 1, 0};
  info.operands.push_back(state);
  arguments.push_back({"state", TensorRef::contiguous(memory, DType::BF16, {4, 64, 3})});
  HALO_ASSERT_OK(bind());
  reshape("state", {1, 64, 3});
  expectRefused(bind(), "conv_c2: operand state has shape [1, 64, 3]", "[4, 64, 3] is expected");
}

/// A state of a length of its own, in slots: K = 4, D = 64, B = 2.
class KeptLaunchTest : public LaunchTest {
protected:
  KeptLaunchTest() {
    Operand state = {"s", OperandKind::State, DType::BF16, false, Layout::BLD, 1, 4, 1, 0};
    state.longer = true;
    state.slots = "index";
    info.layout = Layout::BDL;
    info.carries = true;
    info.operands = {view("x", Layout::BD, false), state, view("y", Layout::BD, true), state};
    info.operands[3].output = true;
    arguments = {{"x", TensorRef::contiguous(memory, DType::BF16, {2, 64})},
                 {"s", TensorRef::contiguous(memory + 4096, DType::BF16, {7, 64, 5})},
                 {"y", TensorRef::contiguous(memory + 16384, DType::BF16, {2, 64})}};
    arguments.push_back(arguments[1]);
  }
};

TEST_F(KeptLaunchTest, TellsTheLengthBehindTheStrides) {
  auto bound = bind();
  HALO_ASSERT_OK(bound);
  EXPECT_EQ(wide(*bound, 5), 320);
  EXPECT_EQ(wide(*bound, 8), 5);
  EXPECT_EQ(wide(*bound, 17), 5); // And of the output.
  EXPECT_EQ(narrow(*bound, 18), 2);
  EXPECT_EQ(info.parameterCount(), 24u);
}

TEST_F(KeptLaunchTest, UpdateC1Length) {
  reshape("s", {7, 64, 2});
  expectRefused(bind(), "update_c1: operand s holds 2 samples where K = 4 takes at least 3");
  reshape("s", {7, 63, 5});
  expectRefused(bind(), "conv_c2: operand s has shape [7, 63, 5] where [slots, 64, N] is expected");
  for (Operand &operand : info.operands)
    operand.slots.clear();
  reshape("s", {7, 64, 5});
  expectRefused(bind(), "conv_c2: operand s has shape [7, 64, 5] where [2, 64, N] is expected");
}

TEST_F(KeptLaunchTest, UpdateC2OneTensor) {
  arguments[3].tensor = TensorRef::contiguous(memory + 32768, DType::BF16, {6, 64, 5});
  expectRefused(bind(), "update_c2: output s has shape [6, 64, 5] where its input has [7, 64, 5]");
  arguments[3].tensor = TensorRef::contiguous(memory + 4098, DType::BF16, {7, 64, 5});
  expectRefused(bind(), "output s overlaps its input without being the same tensor", "2 bytes");
  arguments[3].tensor = TensorRef::contiguous(memory + 32768, DType::BF16, {7, 64, 5});
  HALO_EXPECT_OK(bind());
}

/// The rows of a step: B = 300 of D = 256 in tiles of 64.
TEST(RowsTest, BlocksWalkAlongTheBatch) {
  KernelInfo info;
  info.kernel = info.entry = "step";
  info.convention = kRowsConvention;
  info.layout = Layout::BD;
  info.operands = {view("x", Layout::BD, false), view("y", Layout::BD, true)};
  info.threads = 64;
  info.tiles = {{0, 0, 64}};
  auto blocks = [&](int64_t b, int sms) {
    std::vector<Argument> arguments = {
        {"x", TensorRef::contiguous(memory, DType::BF16, {b, 256})},
        {"y", TensorRef::contiguous(memory, DType::BF16, {b, 256})}};
    DeviceTraits device;
    device.sms = sms;
    device.maxThreadsPerSm = 128;
    auto bound = halo::bind(info, arguments, device);
    EXPECT_TRUE(bool(bound));
    EXPECT_EQ(narrow(*bound, 8 + 3), bound->blockL);
    EXPECT_EQ(narrow(*bound, 8 + 4), (b + bound->blockL - 1) / bound->blockL);
    return std::pair(bound->blockL, bound->blocks);
  };
  // Two blocks an SM and four tiles of channels: 25 blocks share the rows of a tile.
  EXPECT_EQ(blocks(300, 50), std::pair(int64_t(12), uint64_t(100)));
  EXPECT_EQ(blocks(20, 50), std::pair(int64_t(1), uint64_t(80)));
  EXPECT_EQ(blocks(0, 50), std::pair(int64_t(1), uint64_t(0)));
  info.carries = true; // A recurrence of one position is no whole sequence.
  EXPECT_EQ(blocks(300, 50), std::pair(int64_t(12), uint64_t(100)));
  info.blockL = 7;
  EXPECT_EQ(blocks(20, 50), std::pair(int64_t(7), uint64_t(12)));
}

TEST_F(ModalLaunchTest, ConvC2Modes) {
  reshape("log_poles", {64, 3});
  expectRefused(bind(), "conv_c2: operand log_poles has shape [64, 3] where [D, S] = [64, 4] is "
                        "expected");
  reshape("log_poles", {64, 4});
  reshape("modal_state", {1, 64, 4});
  expectRefused(bind(), "conv_c2: operand modal_state has shape [1, 64, 4] where [B, D, S] = "
                        "[2, 64, 4] is expected");
}

} // namespace
} // namespace halo

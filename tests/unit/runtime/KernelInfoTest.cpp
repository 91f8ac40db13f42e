#include "runtime/KernelInfo.h"

#include "tests/unit/runtime/TestSupport.h"

namespace halo {
namespace {

using test::expectRefused;

KernelInfo sample() {
  KernelInfo info;
  info.kernel = "causal_conv1d";
  info.entry = "causal_conv1d_0";
  info.problem = "causal_conv1d --dtype bf16 --set K=4";
  info.schedule = "block_n=256";
  info.layout = Layout::BDL;
  Operand z{"z", OperandKind::View, DType::BF16, false, Layout::BDL, 3, 0, 1, 0};
  Operand filter{"filter", OperandKind::Taps, DType::F32, false, Layout::BLD, 1, 4, 16, 0};
  Operand state{"fir_state", OperandKind::State, DType::BF16, true, Layout::BLD, 1, 4, 1, 0};
  Operand skip{"skip", OperandKind::Channel, DType::F16, false, Layout::BLD, 1, 0, 1, 0};
  info.operands = {z, filter, state, skip};
  info.threads = 128;
  info.sharedBytes = 65536;
  info.vector = 8;
  info.align = 16;
  info.stepL = 32;
  info.halo = 3;
  info.blockL = 64;
  info.tiles = {{0, 128, 64}, {128, 0, 32}};
  info.registers = 40;
  info.spillBytes = 0;
  return info;
}

/// The sample's JSON with one piece of text replaced.
std::string with(const std::string &from, const std::string &to) {
  std::string text = sample().toJson();
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from << " in " << text;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(KernelInfoTest, RoundTrips) {
  auto parsed = KernelInfo::fromJson(sample().toJson());
  HALO_ASSERT_OK(parsed);
  EXPECT_EQ(parsed->toJson(), sample().toJson());
  EXPECT_EQ(parsed->operands[1].group, 16);
  EXPECT_EQ(parsed->operands[2].kind, OperandKind::State);
  EXPECT_EQ(parsed->tiles[1].width, 32);
  EXPECT_EQ(parsed->halo, 3);
  EXPECT_EQ(parsed->staticSharedBytes, -1);
}

TEST(KernelInfoTest, ModalOperandsRoundTrip) {
  KernelInfo info = sample();
  info.carries = true;
  for (OperandKind kind : {OperandKind::Modes, OperandKind::ModalState}) {
    Operand operand;
    operand.name = name(kind);
    operand.kind = kind;
    operand.modes = 16;
    info.operands.push_back(operand);
  }
  auto parsed = KernelInfo::fromJson(info.toJson());
  HALO_ASSERT_OK(parsed);
  EXPECT_TRUE(parsed->carries);
  EXPECT_EQ(parsed->operands[4].kind, OperandKind::Modes);
  EXPECT_EQ(parsed->operands[5].kind, OperandKind::ModalState);
  EXPECT_EQ(parsed->operands[5].modes, 16);
}

TEST(KernelInfoTest, IndicesRoundTrip) {
  KernelInfo info = sample();
  for (IndexForm form : {IndexForm::Rows, IndexForm::Positions, IndexForm::Bounds}) {
    Operand operand;
    operand.name = name(form);
    operand.kind = OperandKind::Indices;
    operand.dtype = DType::I32;
    operand.form = form;
    EXPECT_EQ(rankOf(operand), form == IndexForm::Positions ? 2u : 1u);
    info.operands.push_back(operand);
  }
  EXPECT_EQ(info.parameterCount(), sample().parameterCount() + 9);
  std::string text = info.toJson();
  auto parsed = KernelInfo::fromJson(text);
  HALO_ASSERT_OK(parsed);
  EXPECT_EQ(parsed->toJson(), text);
  EXPECT_EQ(parsed->operands.back().form, IndexForm::Bounds);
  size_t at = text.find("\"form\":\"bounds\"");
  ASSERT_NE(at, std::string::npos);
  expectRefused(KernelInfo::fromJson(text.replace(at + 8, 6, "planes")), "form 'planes'",
                "rows, positions or bounds");
}

TEST(KernelInfoTest, KeptStatesRoundTrip) {
  KernelInfo info = sample();
  Operand state = {"s", OperandKind::State, DType::BF16, false, Layout::BLD, 1, 4, 1, 0};
  EXPECT_FALSE(state.kept());
  state.longer = true;
  state.ring = "at";
  info.operands.push_back(state);
  state.output = true;
  state.ring = "";
  EXPECT_FALSE(state.updates());
  state.slots = "index";
  EXPECT_TRUE(state.updates());
  info.operands.push_back(state);
  info.convention = kRowsConvention;
  auto parsed = KernelInfo::fromJson(info.toJson());
  HALO_ASSERT_OK(parsed);
  EXPECT_EQ(parsed->toJson(), info.toJson());
  EXPECT_TRUE(parsed->walksRows());
  EXPECT_TRUE(parsed->operands[4].longer);
  EXPECT_EQ(parsed->operands[4].ring, "at");
  EXPECT_EQ(parsed->operands[5].slots, "index");
  EXPECT_EQ(info.parameterCount(), sample().parameterCount() + 10);
}

TEST(KernelInfoTest, CountsTiles) {
  KernelInfo info = sample();
  EXPECT_EQ(info.tileCount(128), 2);
  EXPECT_EQ(info.tileCount(129), 3);
  EXPECT_EQ(info.tileCount(192), 4);
  EXPECT_TRUE(info.storesState());
  info.operands[2].output = false;
  EXPECT_FALSE(info.storesState());
}

TEST(KernelInfoTest, AStateMayBeReadAndWritten) {
  KernelInfo info = sample();
  Operand state = {"s", OperandKind::State, DType::BF16, false, Layout::BD, 3, 4, 1, 0, 8};
  info.operands.push_back(state);
  info.operands.push_back(state);
  expectRefused(KernelInfo::fromJson(info.toJson()), "two operands are named 's'");
  info.operands.back().output = true;
  auto again = KernelInfo::fromJson(info.toJson());
  ASSERT_TRUE(bool(again)) << again.error().message;
  EXPECT_EQ(again->toJson(), info.toJson());
  EXPECT_EQ(again->operands.back().layout, Layout::BD);
  EXPECT_EQ(again->operands.back().heads, 8);
}

TEST(KernelInfoTest, RequiresTheChannelsOfItsParts) {
  KernelInfo info = sample();
  EXPECT_EQ(info.requiredChannels(), 0);
  info.operands.push_back({"q", OperandKind::View, DType::BF16, true, Layout::BLD, 1, 0, 1, 96});
  info.operands.push_back({"k", OperandKind::View, DType::BF16, true, Layout::BLD, 1, 0, 1, 32});
  EXPECT_EQ(info.requiredChannels(), 128);
  info = sample();
  info.tiles = {{0, 96, 32}, {96, 100, 32}};
  EXPECT_EQ(info.requiredChannels(), 100);
}

TEST(KernelInfoTest, RefusesAnotherConvention) {
  expectRefused(KernelInfo::fromJson(with("\"convention\":1", "\"convention\":3")), "convention 3",
                "speaks 1 and 2");
}

TEST(KernelInfoTest, RefusesWhatIsMalformed) {
  auto refuse = [](const std::string &from, const std::string &to, const char *part) {
    expectRefused(KernelInfo::fromJson(with(from, to)), part);
  };
  expectRefused(KernelInfo::fromJson(""), "no JSON");
  expectRefused(KernelInfo::fromJson("{\"convention\":1"), "no JSON");
  expectRefused(KernelInfo::fromJson("[1]"), "no JSON object");
  expectRefused(KernelInfo::fromJson("{}"), "convention");
  refuse("\"threads\":128", "\"threads\":0", "threads = 0 outside 1 to 1024");
  refuse("\"threads\":128", "\"threads\":1.5", "type number");
  refuse("\"threads\":128", "\"threads\":18446744073709551615", "18446744073709551615");
  refuse("\"threads\":128", "\"thread\":128", "'threads'");
  refuse("\"entry\":\"causal_conv1d_0\"", "\"entry\":\"\"", "entry");
  refuse("\"entry\":\"causal_conv1d_0\"", "\"entry\":7", "entry");
  refuse("\"align\":16", "\"align\":8", "align = 8");
  refuse("\"stepL\":32", "\"stepL\":0", "stepL");
  refuse("\"halo\":3", "\"halo\":-1", "halo");
  refuse("\"kind\":\"taps\"", "\"kind\":\"tap\"", "'tap'");
  refuse("\"dtype\":\"f16\"", "\"dtype\":\"f8\"", "'f8'");
  refuse("\"layout\":\"bdl\"", "\"layout\":\"lbd\"", "'lbd'");
  refuse("\"name\":\"skip\"", "\"name\":\"z\"", "'z'");
  refuse("\"name\":\"skip\"", "\"name\":\"\"", "empty name");
  refuse("\"streams\":3", "\"streams\":0", "streams");
  refuse("\"taps\":4", "\"taps\":0", "taps");
  refuse("\"output\":true", "\"output\":1", "output");
  refuse("\"width\":64", "\"width\":0", "width");
  refuse("\"begin\":0,\"end\":128", "\"begin\":200,\"end\":128", "128");
  refuse("\"operands\":[{", "\"operands\":[3,{", "operand 0 is no JSON object");
}

TEST(KernelInfoTest, RefusesNoTiles) {
  KernelInfo info = sample();
  info.tiles.clear();
  expectRefused(KernelInfo::fromJson(info.toJson()), "channel tiles");
}

} // namespace
} // namespace halo

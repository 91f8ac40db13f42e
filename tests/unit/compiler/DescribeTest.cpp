#include "compiler/Describe.h"

#include "tests/unit/compiler/KernelText.h"

#include "llvm/Support/JSON.h"

namespace halo::compiler {
namespace {

using test::KernelText;

TEST(DescribeTest, SummaryIsTheFirstSentenceOfTheLeadingComment) {
  EXPECT_EQ(summaryOf("// One. Two.\nhalo.kernel"), "One.");
  EXPECT_EQ(summaryOf("// Spans\n//   lines\n// of text. Rest\n"), "Spans lines of text.");
  EXPECT_EQ(summaryOf("// No stop\ncode // later. comment"), "No stop");
  EXPECT_EQ(summaryOf("halo.kernel @k"), "");
  EXPECT_EQ(summaryOf(""), "");
}

TEST(DescribeTest, SignatureAsJson) {
  std::string source = R"(// A kernel.
halo.kernel @k params(K : int = 4, T : type, layout : enum<bdl, bld>, tail : flag)
    ins(@x : view<T, layout, 2>, @w : taps<f32, K, 8>, @b : optional channel<bf16>)
    outs(@y : variadic view<T, bld>, @tail : optional state<T, K, 2>) {
  %a, %b = halo.load @x streams(column_split, 4)
})";
  KernelText text(source);
  ASSERT_TRUE(text.kernel) << text.error();
  auto parsed = llvm::json::parse(describe(text.kernel, source));
  ASSERT_TRUE(bool(parsed));
  auto expected = llvm::json::parse(R"({
    "name": "k", "summary": "A kernel.",
    "params": [
      {"name": "K", "kind": "int", "default": "4", "values": []},
      {"name": "T", "kind": "type", "default": "", "values": []},
      {"name": "layout", "kind": "enum", "default": "", "values": ["bdl", "bld"]},
      {"name": "tail", "kind": "flag", "default": "", "values": []}],
    "operands": [
      {"name": "x", "output": false, "optional": false, "variadic": false, "kind": "view",
       "dtype": "T", "layout": "layout", "streams": 2, "stream_order": "column_split:4"},
      {"name": "w", "output": false, "optional": false, "variadic": false, "kind": "taps",
       "dtype": "f32", "taps": "K", "group": 8, "streams": 1},
      {"name": "b", "output": false, "optional": true, "variadic": false, "kind": "channel",
       "dtype": "bf16"},
      {"name": "y", "output": true, "optional": false, "variadic": true, "kind": "view",
       "dtype": "T", "layout": "bld", "streams": 1},
      {"name": "tail", "output": true, "optional": true, "variadic": false, "kind": "state",
       "flag": "tail", "dtype": "T", "taps": "K", "streams": 2}]})");
  ASSERT_TRUE(bool(expected)) << llvm::toString(expected.takeError());
  llvm::json::Object object = *expected->getAsObject();
  object["source"] = source;
  EXPECT_TRUE(*parsed == llvm::json::Value(std::move(object))) << describe(text.kernel, source);
}

TEST(DescribeTest, OperandsOfASpecialisedKernel) {
  KernelText text(R"(
halo.kernel @k ins(@z : view<f16, bdl, 3>, @w : taps<f32, 4, 8>, @b : channel<bf16>)
    outs(@q : view<bf16, bld>, @v : view<bf16, bld>, @s : state<f16, 4, 3>) {
  %a, %b, %c = halo.load @z streams(column_split, 16)
  halo.split_store %a, [@q, @v] widths([96, 32])
  halo.store_state %a, %b, %c, @s streams(column_split, 16)
})");
  ASSERT_TRUE(text.kernel) << text.error();
  std::vector<Operand> operands = operandsOf(text.kernel);
  ASSERT_EQ(operands.size(), 6u);
  EXPECT_EQ(operands[0].name, "z");
  EXPECT_EQ(operands[0].kind, OperandKind::View);
  EXPECT_EQ(operands[0].dtype, DType::F16);
  EXPECT_EQ(operands[0].layout, Layout::BDL);
  EXPECT_EQ(operands[0].streams, 3);
  EXPECT_EQ(operands[0].heads, 16);
  EXPECT_FALSE(operands[0].output);
  EXPECT_EQ(operands[1].kind, OperandKind::Taps);
  EXPECT_EQ(operands[1].dtype, DType::F32);
  EXPECT_EQ(operands[1].taps, 4);
  EXPECT_EQ(operands[1].group, 8);
  EXPECT_EQ(operands[2].kind, OperandKind::Channel);
  EXPECT_EQ(operands[2].dtype, DType::BF16);
  EXPECT_EQ(operands[3].channels, 96);
  EXPECT_EQ(operands[4].channels, 32);
  EXPECT_TRUE(operands[4].output);
  EXPECT_EQ(operands[5].kind, OperandKind::State);
  EXPECT_EQ(operands[5].taps, 4);
  EXPECT_EQ(operands[5].streams, 3);
}

TEST(DescribeTest, ModalOperands) {
  KernelText text(R"(
halo.kernel @k ins(@x : view<f32, bdl>, @lp : modes<3>, @r : modes<3>)
    outs(@y : view<f32, bdl>, @m : modal_state<3>) {
  %x = halo.load @x
  %c = halo.modal %x, @lp, @r
  halo.store %c, @y
  halo.store_state %c, @m
})");
  ASSERT_TRUE(text.kernel) << text.error();
  std::vector<Operand> operands = operandsOf(text.kernel);
  ASSERT_EQ(operands.size(), 5u);
  EXPECT_EQ(operands[1].kind, OperandKind::Modes);
  EXPECT_EQ(operands[1].dtype, DType::F32);
  EXPECT_EQ(operands[1].modes, 3);
  EXPECT_EQ(operands[4].kind, OperandKind::ModalState);
  EXPECT_EQ(operands[4].modes, 3);
  EXPECT_TRUE(operands[4].output);
}

TEST(DescribeTest, Indices) {
  KernelText text(R"(
halo.kernel @k ins(@x : view<f32, bdl>, @a : indices<rows>, @b : indices<positions>,
                   @c : indices<bounds>)
    outs(@y : view<f32, bdl>) {
  %x = halo.load @x
  halo.store %x, @y
})");
  ASSERT_TRUE(text.kernel) << text.error();
  std::vector<Operand> operands = operandsOf(text.kernel);
  ASSERT_EQ(operands.size(), 5u);
  EXPECT_EQ(operands[1].kind, OperandKind::Indices);
  EXPECT_EQ(operands[1].dtype, DType::I32);
  EXPECT_EQ(operands[1].form, IndexForm::Rows);
  EXPECT_EQ(operands[2].form, IndexForm::Positions);
  EXPECT_EQ(operands[3].form, IndexForm::Bounds);
  EXPECT_NE(describe(text.kernel, "").find("\"form\":\"positions\""), std::string::npos);
}

TEST(DescribeTest, DiagnosticsKeepTheFirstErrorAsOneLine) {
  KernelText wrong("halo.kernel @k outs(@y : view<f64, bld>) {}");
  EXPECT_FALSE(wrong.kernel);
  EXPECT_EQ(wrong.error(), "custom op 'halo.kernel' element type 'f64' is not f32, f16 or bf16");

  KernelText two("halo.kernel @a outs(@y : view<f32, bld>) {}\n"
                 "halo.kernel @b outs(@y : view<f32, bld>) {}");
  EXPECT_FALSE(two.kernel);
  EXPECT_EQ(two.error(), "the text has 2 kernels, expected 1");

  KernelText none("");
  EXPECT_FALSE(none.kernel);
  EXPECT_EQ(none.error(), "the text has 0 kernels, expected 1");

  mlir::MLIRContext &context = threadContext();
  Diagnostics diagnostics(context);
  EXPECT_FALSE(parseKernelText(context, "halo.kernel @k {}", "mine.mlir"));
  EXPECT_EQ(diagnostics.text(), "mine.mlir:1:1: 'halo.kernel' op declares no output");
}

} // namespace
} // namespace halo::compiler

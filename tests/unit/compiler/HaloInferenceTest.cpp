#include "compiler/HaloInference.h"

#include "tests/unit/compiler/KernelText.h"

namespace halo::compiler {
namespace {

using test::KernelText;

// The worked table of HaloInference.h: y = silu(fir7(u) * g), u = fir3(x) * fir3(g0), g = fir3(g1).
const char *const kTable = R"(
halo.kernel @table
    ins(@x : view<bf16, bld>, @g0 : view<bf16, bld>, @g1 : view<bf16, bld>,
        @w3 : taps<bf16, 3>, @w7 : taps<bf16, 7>)
    outs(@y : view<bf16, bld>) {
  %x = halo.load @x
  %g0 = halo.load @g0
  %g1 = halo.load @g1
  %fx = halo.fir %x, @w3
  %f0 = halo.fir %g0, @w3
  %u = arith.mulf %fx, %f0 : f32
  %f7 = halo.fir %u, @w7
  %g = halo.fir %g1, @w3
  %m = arith.mulf %f7, %g : f32
  %y = halo.silu %m
  halo.store %y, @y
})";

TEST(HaloInferenceTest, WorkedTable) {
  KernelText text(kTable);
  ASSERT_TRUE(text.kernel) << text.error();
  HaloMap halos = inferHalos(text.kernel);
  auto halo = [&](mlir::Value signal) { return halos.at(signal); };
  EXPECT_EQ(halo(text.signal<ir::SiluOp>()), 0) << "y";
  EXPECT_EQ(halo(text.signal<mlir::arith::MulFOp>(1)), 0) << "fir7(u) * g";
  EXPECT_EQ(halo(text.signal<ir::FirOp>(2)), 0) << "fir7(u)";
  EXPECT_EQ(halo(text.signal<ir::FirOp>(3)), 0) << "g";
  EXPECT_EQ(halo(text.signal<ir::LoadOp>(2)), 2) << "g1";
  EXPECT_EQ(halo(text.signal<mlir::arith::MulFOp>(0)), 6) << "u";
  EXPECT_EQ(halo(text.signal<ir::FirOp>(0)), 6) << "fir3(x)";
  EXPECT_EQ(halo(text.signal<ir::FirOp>(1)), 6) << "fir3(g0)";
  EXPECT_EQ(halo(text.signal<ir::LoadOp>(0)), 8) << "x";
  EXPECT_EQ(halo(text.signal<ir::LoadOp>(1)), 8) << "g0";
  EXPECT_EQ(halos.size(), 10u);
  EXPECT_EQ(jointHalo(text.kernel, halos), 8);
}

// The second table: a modal op turns the halo into a carry.
TEST(HaloInferenceTest, ModalIsACarry) {
  KernelText text(R"(
halo.kernel @k ins(@x : view<bf16, bld>, @w : taps<bf16, 3>, @lp : modes<4>, @r : modes<4>)
    outs(@y : view<bf16, bld>) {
  %x = halo.load @x
  %u = halo.fir %x, @w
  %c = halo.modal %u, @lp, @r
  halo.store %c, @y
})");
  ASSERT_TRUE(text.kernel) << text.error();
  HaloMap halos = inferHalos(text.kernel);
  EXPECT_EQ(halos.at(text.signal<ir::ModalOp>()), 0) << "modal(u)";
  EXPECT_EQ(halos.at(text.signal<ir::FirOp>()), 0) << "u";
  EXPECT_EQ(halos.at(text.signal<ir::LoadOp>()), 2) << "x";
  ASSERT_EQ(carriesOf(text.kernel).size(), 1u);
  EXPECT_EQ(modesOf(text.kernel, "lp"), 4);
}

TEST(HaloInferenceTest, UnneededSignalsAreAbsent) {
  KernelText text(R"(
halo.kernel @k ins(@x : view<f32, bld>, @w : taps<f32, 5>)
    outs(@y : view<f32, bld>, @s : state<f32, 5>) {
  %x = halo.load @x
  %dead = halo.silu %x
  %f = halo.fir %x, @w
  halo.store %x, @y
  halo.store_state %f, @s
})");
  ASSERT_TRUE(text.kernel) << text.error();
  HaloMap halos = inferHalos(text.kernel);
  EXPECT_EQ(halos.count(text.signal<ir::SiluOp>()), 0u);
  // A state store reads the end of the sequence: neither it nor its FIR adds to the tile.
  EXPECT_EQ(halos.count(text.signal<ir::FirOp>()), 0u);
  EXPECT_EQ(halos.at(text.signal<ir::LoadOp>()), 0);
}

TEST(HaloInferenceTest, ChainsAddAndUsersTakeTheLargest) {
  test::Random random;
  SCOPED_TRACE(random.trace());
  for (int i = 0; i < 50; ++i) {
    int64_t a = random.in(1, 20), b = random.in(1, 20), c = random.in(1, 20);
    auto n = [](int64_t k) { return std::to_string(k); };
    KernelText text("halo.kernel @k ins(@x : view<f32, bdl>, @a : taps<f32, " + n(a) +
                    ">, @b : taps<f32, " + n(b) + ">, @c : taps<f32, " + n(c) +
                    ">) outs(@y : view<f32, bdl>) {\n"
                    "  %x = halo.load @x\n  %a = halo.fir %x, @a\n  %r = halo.round %a to bf16\n"
                    "  %b = halo.fir %r, @b\n  %c = halo.fir %x, @c\n"
                    "  %y = arith.addf %b, %c : f32\n  halo.store %y, @y\n}");
    ASSERT_TRUE(text.kernel) << text.error();
    HaloMap halos = inferHalos(text.kernel);
    EXPECT_EQ(halos.at(text.signal<ir::RoundOp>()), b - 1);
    EXPECT_EQ(halos.at(text.signal<ir::FirOp>(0)), b - 1);
    EXPECT_EQ(jointHalo(text.kernel, halos), std::max(a + b - 2, c - 1)) << a << " " << b << " " << c;
  }
}

} // namespace
} // namespace halo::compiler

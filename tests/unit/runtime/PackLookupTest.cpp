// Which kernel of a pack answers a question, and that it is right.
#include "runtime/Halo.h"
#include "runtime/PackSelfTest.h"
#include "runtime/Packs.h"
#include "tests/unit/runtime/PackFixture.h"

namespace halo {
namespace {

using test::addCode;
using test::draftPack;
using test::errorOf;
using test::expectRefused;
using test::kPackedKernel;
using test::parsePack;

Problem asked() {
  Problem problem;
  problem.kernel = kPackedKernel;
  problem.params = {{"K", "3"}};
  return problem;
}

CompileTarget cuda(const std::string &arch, int ptx = 90) {
  CompileTarget target;
  target.arch = arch;
  target.ptx = ptx;
  return target;
}

TEST(PackLookup, DefaultsAreFilledIn) {
  auto pack = parsePack(draftPack().bytes());
  auto at = [&](const Problem &problem) {
    auto found = pack->find(problem, "");
    HALO_EXPECT_OK(found);
    return found && *found;
  };
  Problem problem = asked();
  EXPECT_TRUE(at(problem));
  problem.params["W"] = "f32";
  EXPECT_TRUE(at(problem));
  problem.params["T"] = "bf16";
  EXPECT_FALSE(at(problem));
  problem = asked();
  problem.align = 1;
  EXPECT_FALSE(at(problem));
  problem = asked();
  problem.with = {"bias"};
  EXPECT_FALSE(at(problem));
  problem = asked();
  problem.params["colour"] = "red";
  EXPECT_FALSE(at(problem));
  problem = asked();
  problem.params.clear();
  EXPECT_FALSE(at(problem));
}

TEST(PackLookup, TakesTheArchitectureElsePtx) {
  test::PackDraft draft = draftPack();
  PackProblem &problem = draft.manifest.problems[0];
  addCode(draft, problem, "cubin", "sm_90", 4);
  addCode(draft, problem, "ptx", "sm_80", 5).ptx = 70;
  auto pack = parsePack(draft.bytes());
  const PackProblem &found = pack->manifest().problems[0];
  auto formOf = [&](const CompileTarget &target) {
    const PackCode *code = pack->choose(found, target, {});
    return code ? code->form + " " + code->arch : "none";
  };
  EXPECT_EQ(formOf(cuda("sm_90")), "cubin sm_90");
  EXPECT_EQ(formOf(cuda("sm_100")), "ptx sm_80");
  EXPECT_EQ(formOf(cuda("sm_80")), "ptx sm_80");
  EXPECT_EQ(formOf(cuda("sm_75")), "none");
  EXPECT_EQ(formOf(cuda("sm_89", 63)), "none"); // The driver is older than the PTX.
  CompileTarget other = cuda("sm_90");
  other.emit = "sim";
  EXPECT_EQ(formOf(other), "sim sm_90");
  other.emit = "gpu";
  EXPECT_EQ(formOf(other), "cubin sm_90");
  other.emit = "ptx";
  EXPECT_EQ(formOf(other), "none");
}

TEST(PackLookup, PrefersWhatWasChosenForTheGpuAndTheChannels) {
  test::PackDraft draft = draftPack();
  PackProblem &problem = draft.manifest.problems[0];
  problem.codes.clear();
  addCode(draft, problem, "cubin", "sm_90", 1).channels = {4096};
  addCode(draft, problem, "cubin", "sm_90", 2).channels = {1024, 2048};
  addCode(draft, problem, "cubin", "sm_90", 3).gpu = "H200";
  auto pack = parsePack(draft.bytes());
  const PackProblem &found = pack->manifest().problems[0];
  auto tapsOf = [&](const std::string &gpu, int64_t d) {
    CompileTarget target = cuda("sm_90");
    target.gpu = gpu;
    CompileOptions options;
    options.shapeHint.d = d;
    auto artifact = pack->artifact(found, *pack->choose(found, target, options));
    HALO_EXPECT_OK(artifact);
    return artifact->code;
  };
  EXPECT_EQ(tapsOf("H200", 4096), "3");
  EXPECT_EQ(tapsOf("H100", 4096), "1");
  EXPECT_EQ(tapsOf("", 2048), "2");
  EXPECT_EQ(tapsOf("", 0), "1");
  EXPECT_EQ(tapsOf("", 77), "1");
}

TEST(PackLookup, AForcedScheduleIsServedOnlyWhereItIsTheOne) {
  auto pack = parsePack(draftPack().bytes());
  CompileTarget sim = cuda("sm_90");
  sim.emit = "sim";
  CompileOptions options;
  options.schedule = test::kPackedSchedule;
  EXPECT_TRUE(pack->choose(pack->manifest().problems[0], sim, options));
  options.schedule = "num_warps=2";
  EXPECT_FALSE(pack->choose(pack->manifest().problems[0], sim, options));
}

/// A process may open packs, never close them: these tests share one that has the kernel.
class PackedKernelTest : public ::testing::Test {
protected:
  void SetUp() override {
    auto compiler = CompilerLibrary::get();
    if (!compiler || (*compiler)->buildId() != test::kFakeBuildId)
      GTEST_SKIP() << "needs " << kCompilerLibrary.name << "=" << HALO_FAKE_COMPILER;
    static bool opened = [] {
      static test::TempFolder folder;
      test::writeFile(folder / "a.halopack", draftPack().bytes());
      test::writeFile(folder / "note.txt", "no pack");
      HALO_EXPECT_OK(Packs::get().open(folder.path));
      return true;
    }();
    ASSERT_TRUE(opened);
    auto sim = openSimDevice();
    HALO_ASSERT_OK(sim);
    device = *sim;
  }
  std::shared_ptr<Device> device;
};

TEST_F(PackedKernelTest, IsServedBeforeTheCompiler) {
  auto kernel = Kernel::compile(device, asked()); // The compiler refuses this name.
  HALO_ASSERT_OK(kernel);
  EXPECT_EQ(kernel->compileTimes()[0].first, "pack");
  EXPECT_EQ(kernel->info().problem,
            "packed_conv --dtype f32 --wdtype f32 --set K=3 --set layout=bld");
  auto null = Kernel::compile(openNullDevice(), asked());
  HALO_ASSERT_OK(null);
  auto again = Kernel::compile(device, asked());
  HALO_ASSERT_OK(again);
  EXPECT_EQ(&again->loadedKernel(), &kernel->loadedKernel()); // Loaded once.
}

TEST_F(PackedKernelTest, WhatNoPackHasIsTheCompilers) {
  Problem other = asked();
  other.params["K"] = "5";
  expectRefused(Kernel::compile(device, other), "kernel packed_conv is unknown");
  CompileOptions options;
  options.packs = false;
  expectRefused(Kernel::compile(device, asked(), options), "kernel packed_conv is unknown");
  options = {};
  options.cache = false;
  expectRefused(Kernel::compile(device, asked(), options), "kernel packed_conv is unknown");
  options = {};
  options.schedule = "num_warps=2";
  expectRefused(Kernel::compile(device, asked(), options), "kernel packed_conv is unknown");
}

TEST_F(PackedKernelTest, TheSelfTestRunsAndFails) {
  auto run = [&](test::PackDraft draft) -> Result<bool> {
    auto pack = parsePack(draft.bytes());
    PackedKernel packed{pack, &pack->manifest().problems[0], &pack->manifest().problems[0].codes[0]};
    HALO_TRY(artifact, pack->artifact(*packed.problem, *packed.code));
    HALO_TRY(loaded, device->load(artifact));
    return selfTest(packed, device, *loaded);
  };
  auto good = run(draftPack());
  HALO_ASSERT_OK(good);
  EXPECT_TRUE(*good);

  TensorMap wrong = test::packedTest(3);
  storeFromF64(wrong["expected.y"].bytes.data(), DType::F32, 50, 99);
  EXPECT_NE(errorOf(run(draftPack(3, wrong))).find("self-test of 'packed_conv --dtype f32"),
            std::string::npos);
  EXPECT_NE(errorOf(run(draftPack(3, wrong))).find("at element 50 where 99 is expected"),
            std::string::npos);
  wrong = test::packedTest(3);
  wrong.erase("weight");
  EXPECT_NE(errorOf(run(draftPack(3, wrong))).find("no tensor 'weight'"), std::string::npos);
  wrong = test::packedTest(3);
  wrong["x"].shape = {2, 8, 6};
  EXPECT_NE(errorOf(run(draftPack(3, wrong))).find("y has D = 8 where operand x has D = 6"),
            std::string::npos);

  // Two sequences, again and again.
  TensorMap whole = test::packedTest(3), small = whole;
  test::PackDraft tiled = draftPack(3, small);
  tiled.manifest.problems[0].test->tiles = {{"x", {0, 5}}, {"expected.y", {0, 5}}};
  HALO_EXPECT_OK(run(std::move(tiled)));
  tiled = draftPack(3, small);
  tiled.manifest.problems[0].test->tiles = {{"x", {0, 2000000}}, {"expected.y", {0, 5}}};
  EXPECT_NE(errorOf(run(std::move(tiled))).find("more than the"), std::string::npos);
  tiled = draftPack(3, small);
  tiled.manifest.problems[0].test->tiles = {{"x", {3, 12}}};
  EXPECT_NE(errorOf(run(std::move(tiled))).find("along axis 3"), std::string::npos);

  test::PackDraft untested = draftPack();
  untested.manifest.problems[0].test.reset();
  auto none = run(std::move(untested));
  HALO_ASSERT_OK(none);
  EXPECT_FALSE(*none);
}

} // namespace
} // namespace halo

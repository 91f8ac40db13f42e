#include "runtime/Halo.h"

#include "runtime/Reproducer.h"
#include "tests/unit/runtime/TestSupport.h"

namespace halo {
namespace {

using test::errorOf;
using test::expectRefused;

/// These tests ask for kernels that only the stand-in has.
class KernelTest : public ::testing::Test {
protected:
  void SetUp() override {
    auto compiler = CompilerLibrary::get();
    if (!compiler || (*compiler)->buildId() != test::kFakeBuildId)
      GTEST_SKIP() << "needs " << kCompilerLibrary.name << "=" << HALO_FAKE_COMPILER;
  }
  static Problem problem(const char *kernel) {
    Problem p;
    p.kernel = kernel;
    p.params = {{"T", "f32"}, {"K", "3"}, {"layout", "bld"}};
    return p;
  }
  std::shared_ptr<Device> device = openNullDevice();
};

TEST_F(KernelTest, TheRequestSaysEverything) {
  Problem asked = problem("causal_conv1d");
  asked.with = {"bias"};
  asked.align = 1;
  CompileTarget target = targetOf(*device);
  target.ptx = 90;
  CompileOptions options;
  options.schedule = "block_n=64,block_l=0,num_warps=4,vector=4,unroll=1,stages=1,min_blocks=1,"
                     "window=registers";
  auto request = kernelRequest(target, asked, options);
  HALO_ASSERT_OK(request);
  EXPECT_EQ(request->text,
            R"({"align":1,"arch":"sm_90","emit":"gpu","kernel":"causal_conv1d",)"
            R"("params":{"K":"3","T":"f32","layout":"bld"},"ptx":90,)"
            R"("schedule":"block_n=64,block_l=0,num_warps=4,vector=4,unroll=1,stages=1,)"
            R"(min_blocks=1,window=registers","verb":"compile","with":["bias"]})");
}

TEST_F(KernelTest, FactsNameEveryDefault) {
  Problem asked;
  asked.kernel = "causal_conv1d";
  asked.params = {{"K", "3"}};
  auto facts = kernelFacts(asked);
  HALO_ASSERT_OK(facts);
  EXPECT_EQ(facts->problem.print(), "causal_conv1d --dtype f32 --set K=3 --set layout=bld");
  expectRefused(kernelFacts(problem("refused")), "kernel refused is refused");
  expectRefused(kernelFacts(problem("/nonexistent/k.mlir")), "/nonexistent/k.mlir");
}

TEST_F(KernelTest, CompilesAndKeepsTheTimesInOrder) {
  CompileOptions anew;
  anew.cache = false;
  auto kernel = Kernel::compile(device, problem("causal_conv1d"), anew);
  HALO_ASSERT_OK(kernel);
  EXPECT_EQ(kernel->info().operands.size(), 3u);
  ASSERT_EQ(kernel->compileTimes().size(), 4u);
  EXPECT_EQ(kernel->compileTimes()[0].first, "traits");
  EXPECT_EQ(kernel->compileTimes()[1].first, "parse");
  EXPECT_EQ(kernel->compileTimes()[2].second, 2.5);
  EXPECT_EQ(kernel->compileTimes()[3].first, "load");
}

TEST_F(KernelTest, RefusesBeforeItLaunches) {
  auto kernel = Kernel::compile(device, problem("causal_conv1d"));
  HALO_ASSERT_OK(kernel);
  expectRefused(kernel->launch(std::vector<Argument>{}), "x", "missing");
}

TEST_F(KernelTest, CompilerErrorsAreValues) {
  expectRefused(Kernel::compile(device, problem("refused")), "kernel refused is refused");
  // A failure leaves what repeats it; a refusal does not.
  test::TempFolder folder;
  setenv(kTmpDir.name, folder.path.c_str(), 1);
  std::string broke = errorOf(Kernel::compile(device, problem("broken")));
  EXPECT_EQ(broke.find("code generation broke; halo reproduce " + folder.path), 0u) << broke;
  for (const auto &entry : std::filesystem::directory_iterator(folder.path)) {
    auto kept = readReproducer(entry.path().string());
    HALO_ASSERT_OK(kept);
    EXPECT_EQ(kept->error, "code generation broke");
    EXPECT_EQ(kept->problem, problem("broken").print());
    EXPECT_NE(kept->request.find("\"broken\""), std::string::npos);
  }
  setenv(kTmpDir.name, (folder / "none").c_str(), 1);
  EXPECT_EQ(errorOf(Kernel::compile(device, problem("broken"))), "code generation broke");
  unsetenv(kTmpDir.name);
  EXPECT_NE(errorOf(Kernel::compile(device, problem("nonsense"))).find("no kernel info"),
            std::string::npos);
}

} // namespace
} // namespace halo

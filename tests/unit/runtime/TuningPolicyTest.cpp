#include "runtime/TuningPolicy.h"

#include "runtime/KernelCompiler.h"
#include "runtime/ScheduleChoice.h"
#include "tests/unit/runtime/TestSupport.h"

#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace halo {
namespace {

TEST(TuningPolicyTest, TheCommandSaysAllOfTheProblem) {
  Problem problem;
  problem.kernel = "causal_conv1d";
  problem.params = {{"K", "4"}, {"T", "bf16"}, {"l2norm", ""}};
  problem.with = {"bias", "residual"};
  problem.align = 1;
  EXPECT_EQ(tuneCommand(problem, {2, 64, 100}, "sim"),
            (std::vector<std::string>{"tune", "causal_conv1d", "--shape", "B=2,L=100,D=64", "--set",
                                      "K=4", "--set", "T=bf16", "--set", "align=1", "--with",
                                      "bias,residual", "--device", "sim"}));
}

// Each policy belongs to a process: a child of this one for every test.
#define IN_A_CHILD(...)                                                                            \
  EXPECT_EXIT(                                                                                     \
      {                                                                                            \
        bool good = [&]() -> bool __VA_ARGS__();                                                   \
        ::_exit(good ? 0 : 1);                                                                     \
      },                                                                                           \
      testing::ExitedWithCode(0), "")

TEST(TuningPolicyDeathTest, ItIsSetOnce) {
  IN_A_CHILD({
    return bool(setTuning(TuningPolicy::Off)) && bool(setTuning(TuningPolicy::Off)) &&
           !setTuning(TuningPolicy::OnFirstUse) && tuningPolicy() == TuningPolicy::Off;
  });
  IN_A_CHILD({
    ::unsetenv("HALO_TUNING");
    // Once used, the default is what was set.
    return tuningPolicy() == TuningPolicy::Explicit && !setTuning(TuningPolicy::Off);
  });
  IN_A_CHILD({
    ::setenv("HALO_TUNING", "on-first-use", 1);
    return tuningPolicy() == TuningPolicy::OnFirstUse;
  });
}

/// A tuner that notes its words and ends; what the library starts in the background.
class BackgroundTest : public testing::Test {
protected:
  void SetUp() override {
    std::string name = std::string(testing::TempDir()) + "halo-tuner-XXXXXX";
    ASSERT_TRUE(mkdtemp(name.data()));
    folder = name;
    std::ofstream(folder + "/tuner") << "#!/bin/sh\necho \"$@\" >>" << folder << "/calls\n";
    std::filesystem::permissions(folder + "/tuner", std::filesystem::perms::owner_all);
    ::setenv("HALO_TUNER", (folder + "/tuner").c_str(), 1);
    ::setenv("HALO_CACHE_DIR", folder.c_str(), 1);
    problem.kernel = "causal_conv1d";
    target.gpu = "GPU, 1 SMs";
  }
  void TearDown() override {
    ::unsetenv("HALO_TUNER");
    ::unsetenv("HALO_CACHE_DIR");
    std::filesystem::remove_all(folder);
  }
  size_t calls() const {
    std::ifstream file(folder + "/calls");
    std::string line;
    size_t count = 0;
    while (std::getline(file, line))
      ++count;
    return count;
  }
  std::string folder;
  Problem problem;
  CompileTarget target;
};
using BackgroundDeathTest = BackgroundTest;

TEST_F(BackgroundDeathTest, OnFirstUseStartsOneTunePerBucket) {
  IN_A_CHILD({
    (void)setTuning(TuningPolicy::OnFirstUse);
    for (int64_t l : {1000, 1100, 1000, 4096})
      if (!tunedSchedule(target, problem, "", {1, 64, l}).empty())
        return false;
    tunedSchedule(target, problem, "", {0, 0, 0}); // Unknown sizes cannot be tuned.
    return calls() == 2;
  });
}

TEST_F(BackgroundDeathTest, TheOtherPoliciesStartNothing) {
  for (TuningPolicy policy : {TuningPolicy::Off, TuningPolicy::Explicit})
    IN_A_CHILD({
      (void)setTuning(policy);
      tunedSchedule(target, problem, "", {1, 64, 1000});
      return calls() == 0;
    });
}

TEST_F(BackgroundDeathTest, ATunerThatIsMissingIsNoError) {
  std::filesystem::remove(folder + "/tuner");
  IN_A_CHILD({ return !tuneInBackground(problem, {1, 64, 1000}, "sim"); });
}

} // namespace
} // namespace halo

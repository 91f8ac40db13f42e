// The key of a kernel holds everything that can change its code and nothing else: every field is
// flipped, and what is no field changes nothing.
#include "runtime/Halo.h"

#include "tests/unit/runtime/TestSupport.h"

#include <cstring>
#include <map>
#include <set>

namespace halo {
namespace {

using test::TempFolder;
using test::writeFile;

using Fields = std::map<std::string, std::string>;

Fields fieldsOf(const CacheKey &key) {
  Fields fields;
  for (const auto &[name, value] : CacheKey::fieldsOf(key.text())) {
    EXPECT_TRUE(fields.emplace(name, value).second) << name << " occurs twice";
  }
  return fields;
}

/// Names of the fields that differ.
std::set<std::string> differing(const Fields &a, const Fields &b) {
  std::set<std::string> names;
  for (const auto &[name, value] : a)
    if (!b.count(name) || b.at(name) != value)
      names.insert(name);
  for (const auto &[name, value] : b)
    if (!a.count(name))
      names.insert(name);
  return names;
}

/// Everything a compile is asked with.
struct Asked {
  CompileTarget target;
  Problem problem;
  CompileOptions options;

  CacheKey key() const {
    auto request = kernelRequest(target, problem, options);
    EXPECT_TRUE(bool(request)) << request.error().message;
    return request ? request->key : CacheKey("none");
  }
};

class KernelKeyTest : public ::testing::Test {
protected:
  void SetUp() override {
    auto compiler = CompilerLibrary::get();
    if (!compiler || (*compiler)->buildId() != test::kFakeBuildId)
      GTEST_SKIP() << "needs " << kCompilerLibrary.name << "=" << HALO_FAKE_COMPILER;
    writeFile(folder / "one", "an assembler");
    writeFile(folder / "two", "another one");
    setenv(kNvJitLink.name, (folder / "one").c_str(), 1);
    asked.problem = {"causal_conv1d", {{"T", "f32"}, {"K", "3"}, {"layout", "bld"}}, {}, 16};
    asked.target.ptx = 80;
    asked.options.schedule = "block_n=64,block_l=32,num_warps=4,vector=4,unroll=2,stages=2,"
                             "min_blocks=1,window=registers";
  }
  void TearDown() override { unsetenv(kNvJitLink.name); }

  TempFolder folder;
  Asked asked;
};

TEST_F(KernelKeyTest, EveryFieldChangesTheKey) {
  CacheKey base = asked.key();
  Fields fields = fieldsOf(base);
  std::set<std::string> flipped;
  auto flip = [&](const std::set<std::string> &names, auto change) {
    Asked changed = asked;
    change(changed);
    CacheKey key = changed.key();
    EXPECT_EQ(differing(fields, fieldsOf(key)), names);
    EXPECT_NE(key.hash(), base.hash());
    flipped.insert(names.begin(), names.end());
  };
  flip({"kernel"}, [](Asked &a) { a.problem.kernel = "nonsense"; });
  flip({"set.K"}, [](Asked &a) { a.problem.params["K"] = "4"; });
  flip({"set.T"}, [](Asked &a) { a.problem.params["T"] = "bf16"; });
  flip({"set.layout"}, [](Asked &a) { a.problem.params["layout"] = "bdl"; });
  flip({"set.activation"}, [](Asked &a) { a.problem.params["activation"] = "silu"; });
  flip({"with"}, [](Asked &a) { a.problem.with = {"bias"}; });
  flip({"align"}, [](Asked &a) { a.problem.align = 1; });
  for (const char *change : {"block_n=128", "block_l=64", "num_warps=8", "vector=8", "unroll=4",
                             "stages=3", "min_blocks=2", "window=shared"})
    flip({"schedule"}, [&](Asked &a) {
      std::string name(change, std::strchr(change, '=') - change + 1);
      size_t at = a.options.schedule.find(name), end = a.options.schedule.find(',', at);
      a.options.schedule.replace(at, end == std::string::npos ? end : end - at, change);
    });
  flip({"arch"}, [](Asked &a) { a.target.arch = "sm_80"; });
  flip({"ptx"}, [](Asked &a) { a.target.ptx = 90; });
  // No assembler is in the key of what is not assembled.
  flip({"emit", "assembler"}, [](Asked &a) { a.target.emit = "ptx"; });
  setenv(kNvJitLink.name, (folder / "two").c_str(), 1);
  flip({"assembler"}, [](Asked &) {});
  setenv(kNvJitLink.name, "none", 1);
  setenv(kPtxas.name, (folder / "one").c_str(), 1);
  flip({"assembler"}, [](Asked &) {});
  unsetenv(kPtxas.name);
  setenv(kNvJitLink.name, (folder / "one").c_str(), 1);
  flip({"kernel", "source"},
       [&](Asked &a) { writeFile(a.problem.kernel = folder / "causal_conv1d.mlir", "a text"); });

  // What is not part of every key: line tables, and texts by hand, each stage its own.
  auto differs = [&](const std::set<std::string> &names, auto change) {
    Asked changed = asked;
    change(changed);
    EXPECT_EQ(differing(fields, fieldsOf(changed.key())), names);
  };
  differs({"lines"}, [](Asked &a) { a.options.lines = true; });
  for (const char *stage : {"halo", "gpu", "llvm", "opt", "ptx"})
    differs({std::string("override.") + stage}, [&](Asked &a) {
      a.options.overrideStage = stage;
      a.options.overrideText = "by hand";
    });
  Asked one = asked, two = asked;
  one.options.overrideStage = two.options.overrideStage = "ptx";
  one.options.overrideText = "by hand";
  two.options.overrideText = "by another hand";
  EXPECT_EQ(differing(fieldsOf(one.key()), fieldsOf(two.key())),
            std::set<std::string>{"override.ptx"});

  // One build of the runtime has one convention and one compiler: tests/cli has two.
  flipped.insert({"convention", "compiler", "kind"});
  for (const auto &[name, value] : fields)
    EXPECT_TRUE(flipped.count(name)) << "no test flips " << name;
  EXPECT_EQ(fields["compiler"], test::kFakeBuildId);
  EXPECT_EQ(fields["convention"], std::to_string(kCallingConvention));
}

TEST_F(KernelKeyTest, NothingElseChangesTheKey) {
  std::string base = asked.key().hash();
  auto same = [&](auto change) {
    Asked changed = asked;
    change(changed);
    EXPECT_EQ(changed.key().text(), asked.key().text());
  };
  same([](Asked &a) { a.problem.params.erase("layout"); }); // The default, named or not.
  same([](Asked &a) { a.options.shapeHint = {8, 4096, 65536}; });
  same([](Asked &a) { a.problem.invariant = true; }); // What it changes is the schedule.
  same([](Asked &a) { a.target.traits.sms = 8; });
  same([](Asked &a) {
    a.options.schedule = "window=registers,min_blocks=1,stages=2,unroll=2,"
                         "vector=4,num_warps=4,block_l=32,block_n=64";
  });
  // The same assembler elsewhere, and at another time.
  std::filesystem::create_directories(folder / "moved");
  writeFile(folder / "moved/lib", "an assembler");
  setenv(kNvJitLink.name, (folder / "moved/lib").c_str(), 1);
  EXPECT_EQ(asked.key().hash(), base);
  std::string home = environment(kHome);
  setenv(kHome.name, folder.path.c_str(), 1);
  EXPECT_EQ(asked.key().hash(), base);
  setenv(kHome.name, home.c_str(), 1);
}

TEST_F(KernelKeyTest, NeutralVariablesAreNeutral) {
  std::string base = asked.key().text();
  std::set<std::string> fields = {"compiler", "schedule", "assembler"};
  size_t neutral = 0;
  for (const EnvironmentVariable &variable : kEnvironment) {
    if (*variable.keyField) {
      EXPECT_TRUE(fields.count(variable.keyField)) << variable.name;
      EXPECT_NE(base.find(std::string("\n") + variable.keyField + "="), std::string::npos);
      continue;
    }
    const char *now = std::getenv(variable.name);
    std::string before = now ? now : "";
    setenv(variable.name, "another value", 1);
    EXPECT_EQ(asked.key().text(), base) << variable.name;
    now ? setenv(variable.name, before.c_str(), 1) : unsetenv(variable.name);
    ++neutral;
  }
  EXPECT_GE(neutral, 5u);
}

TEST_F(KernelKeyTest, ACubinByHandIsACubin) {
  asked.options.overrideStage = "cubin";
  asked.options.overrideText = "by hand";
  auto refused = kernelRequest(asked.target, asked.problem, asked.options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Invalid);
  EXPECT_NE(refused.error().message.find("7 B"), std::string::npos) << refused.error().message;
  std::string cubin(64, '\0');
  cubin.replace(0, 4, "\x7f" "ELF");
  cubin[18] = char(190);
  asked.options.overrideText = cubin;
  for (int i = 0; i < 2; ++i) {
    auto compiled = compileKernel(asked.target, asked.problem, asked.options);
    HALO_ASSERT_OK(compiled);
    EXPECT_EQ(compiled->artifact.code, cubin);
  }
}

TEST_F(KernelKeyTest, AFileIsItsText) {
  Asked there = asked;
  writeFile(there.problem.kernel = folder / "a.mlir", "a text");
  std::filesystem::create_directories(folder / "b");
  Asked copy = asked;
  writeFile(copy.problem.kernel = folder / "b/c.mlir", "a text");
  EXPECT_EQ(there.key().text(), copy.key().text());
  EXPECT_EQ(there.key().text().find(folder.path), std::string::npos);
  std::string before = there.key().hash();
  writeFile(there.problem.kernel, "a text.");
  EXPECT_NE(there.key().hash(), before);
}

TEST_F(KernelKeyTest, WordsOfAnotherVersionAreAskedForAgain) {
  asked.problem.params["K"] = "9";
  auto request = kernelRequest(asked.target, asked.problem, asked.options);
  HALO_ASSERT_OK(request);
  auto foreign = []() -> Result<Produced> { return Produced{{R"({"info":{"new":1}})", ""}}; };
  HALO_ASSERT_OK(CompileCache::get().fetch(request->key, foreign));
  auto compiled = compileKernel(*request);
  HALO_ASSERT_OK(compiled);
  EXPECT_EQ(compiled->artifact.code, "9");
}

TEST_F(KernelKeyTest, KernelsInUseAreLoadedOnce) {
  std::shared_ptr<Device> device = openNullDevice(), other = openNullDevice();
  auto first = Kernel::compile(device, asked.problem),
       second = Kernel::compile(device, asked.problem);
  HALO_ASSERT_OK(first);
  HALO_ASSERT_OK(second);
  EXPECT_EQ(&first->info(), &second->info());
  ASSERT_EQ(second->compileTimes().size(), 1u);
  EXPECT_EQ(second->compileTimes()[0].first, "memory");
  auto elsewhere = Kernel::compile(other, asked.problem);
  HALO_ASSERT_OK(elsewhere);
  EXPECT_NE(&first->info(), &elsewhere->info());
  CompileOptions anew;
  anew.cache = false;
  auto measured = Kernel::compile(device, asked.problem, anew);
  HALO_ASSERT_OK(measured);
  EXPECT_NE(&first->info(), &measured->info());
  EXPECT_GT(measured->compileTimes().size(), 1u);
}

} // namespace
} // namespace halo

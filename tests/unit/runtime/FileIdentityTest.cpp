#include "runtime/FileIdentity.h"
#include "runtime/Toolkit.h"

#include "runtime/Environment.h"
#include "runtime/Sha256.h"
#include "tests/unit/runtime/TestSupport.h"

namespace halo {
namespace {

using test::readFile;
using test::TempFolder;
using test::writeFile;

TEST(FileIdentityTest, ReadsTheBuildIdWithoutLoading) {
  EXPECT_EQ(elfBuildId(HALO_FAKE_COMPILER), test::kFakeBuildId);
  EXPECT_EQ(*fileIdentity(HALO_FAKE_COMPILER), std::string("build-id:") + test::kFakeBuildId);
}

TEST(FileIdentityTest, DamagedFilesHaveNoBuildId) {
  TempFolder folder;
  std::string whole = readFile(HALO_FAKE_COMPILER);
  test::Random random;
  SCOPED_TRACE(random.trace());
  for (int i = 0; i < 200; ++i) {
    // Whatever is in the headers, reading them ends, and in bounds.
    std::string bad = whole.substr(0, size_t(random.below(4096)));
    for (int k = 0; k < 8 && !bad.empty(); ++k)
      bad[size_t(random.below(int64_t(bad.size())))] = char(random.below(256));
    writeFile(folder / "bad", bad);
    (void)elfBuildId(folder / "bad");
  }
  EXPECT_EQ(elfBuildId(folder / "none"), "");
  EXPECT_EQ(elfBuildId(folder.path), "");
}

TEST(FileIdentityTest, WithoutABuildIdTheBytesCount) {
  TempFolder folder;
  writeFile(folder / "a", "some bytes");
  writeFile(folder / "b", "some bytes");
  EXPECT_EQ(*fileIdentity(folder / "a"), "sha256:" + sha256("some bytes"));
  EXPECT_EQ(*fileIdentity(folder / "a"), *fileIdentity(folder / "b"));
  writeFile(folder / "a", "other bytes");
  EXPECT_EQ(*fileIdentity(folder / "a"), "sha256:" + sha256("other bytes"));
  EXPECT_NE(test::errorOf(fileIdentity(folder / "none")).find(folder / "none"), std::string::npos);
}

TEST(ToolkitTest, TheEnvironmentComesFirst) {
  TempFolder folder;
  std::filesystem::create_directories(folder / "lib64");
  std::filesystem::create_directories(folder / "bin");
  writeFile(folder / "lib64/libnvJitLink.so.13", "");
  writeFile(folder / "bin/ptxas", "");
  std::filesystem::permissions(folder / "bin/ptxas", std::filesystem::perms::owner_all);
  std::string home = environment(kCudaHome), before = environment(kNvJitLink),
              ptxas = environment(kPtxas);
  unsetenv(kPtxas.name);
  unsetenv(kNvJitLink.name);
  setenv(kCudaHome.name, folder.path.c_str(), 1);
  EXPECT_EQ(findNvJitLink(), folder / "lib64/libnvJitLink.so.13");
  EXPECT_EQ(findPtxas(), folder / "bin/ptxas");
  EXPECT_EQ(int(findAssembler().kind), int(Assembler::Kind::NvJitLink));
  setenv(kNvJitLink.name, "none", 1);
  EXPECT_EQ(findNvJitLink(), "");
  EXPECT_EQ(findAssembler().path, folder / "bin/ptxas");
  setenv(kPtxas.name, "none", 1);
  EXPECT_NE(test::errorOf(assemblerIdentity()).find("HALO_PTXAS"), std::string::npos);
  // A name given by hand is used or refused, never passed over.
  setenv(kNvJitLink.name, (folder / "gone.so").c_str(), 1);
  EXPECT_EQ(findAssembler().path, folder / "gone.so");
  EXPECT_NE(test::errorOf(assemblerIdentity()).find("gone.so"), std::string::npos);
  auto restore = [](const EnvironmentVariable &variable, const std::string &value) {
    if (value.empty())
      unsetenv(variable.name);
    else
      setenv(variable.name, value.c_str(), 1);
  };
  restore(kCudaHome, home);
  restore(kNvJitLink, before);
  restore(kPtxas, ptxas);
}

} // namespace
} // namespace halo

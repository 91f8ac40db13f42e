// The C API of packs.
#include "runtime/CompilerLibrary.h"
#include "runtime/Environment.h"
#include "runtime/halo.h"
#include "tests/unit/runtime/PackFixture.h"

namespace halo {
namespace {

using test::draftPack;

constexpr int64_t kTaps = 7; ///< No other test's pack has these.

TEST(CApiPack, RefusesWhatIsNone) {
  EXPECT_EQ(halo_pack_open(nullptr), HALO_INVALID);
  EXPECT_STREQ(halo_last_error(), "path is null");
  EXPECT_EQ(halo_pack_open("/nonexistent.halopack"), HALO_INVALID);
  EXPECT_NE(std::string(halo_last_error()).find("No such file"), std::string::npos);
  EXPECT_EQ(halo_pack_self_test(nullptr, "x", nullptr), HALO_INVALID);

  test::TempFolder folder;
  std::string path = folder / "a.halopack", bytes = draftPack(kTaps, test::packedTest(kTaps)).bytes();
  test::writeFile(path, bytes);
  EXPECT_EQ(halo_pack_verify(path.c_str()), HALO_OK) << halo_last_error();
  bytes[bytes.size() / 2] = char(bytes[bytes.size() / 2] ^ 1);
  test::writeFile(path, bytes);
  EXPECT_EQ(halo_pack_verify(path.c_str()), HALO_INVALID);
  EXPECT_NE(std::string(halo_last_error()).find("damaged"), std::string::npos);
}

TEST(CApiPack, OperatorsTakeKernelsFromIt) {
  auto compiler = CompilerLibrary::get();
  if (!compiler || (*compiler)->buildId() != test::kFakeBuildId)
    GTEST_SKIP() << "needs " << kCompilerLibrary.name << "=" << HALO_FAKE_COMPILER;
  static test::TempFolder folder; // Packs stay open.
  std::string path = folder / "a.halopack";
  test::writeFile(path, draftPack(kTaps, test::packedTest(kTaps)).bytes());
  halo_device_options options = {sizeof(options), "sim", 0, 0, 0};
  halo_device *device = nullptr;
  ASSERT_EQ(halo_device_open(&options, &device), HALO_OK) << halo_last_error();
  halo_operator_options problem = {};
  problem.struct_size = sizeof(problem);
  problem.problem = "packed_conv --set K=7";
  halo_operator *conv = nullptr;
  ASSERT_EQ(halo_operator_create(device, &problem, &conv), HALO_OK) << halo_last_error();
  EXPECT_NE(halo_operator_prepare_align(conv, 16), HALO_OK); // Only the pack has it.
  ASSERT_EQ(halo_pack_open(folder.path.c_str()), HALO_OK) << halo_last_error();
  EXPECT_EQ(halo_operator_prepare_align(conv, 16), HALO_OK) << halo_last_error();
  size_t tested = 0;
  EXPECT_EQ(halo_pack_self_test(device, path.c_str(), &tested), HALO_OK) << halo_last_error();
  EXPECT_EQ(tested, 1u);
  halo_operator_destroy(conv);

  // The test of another kernel.
  test::writeFile(folder / "wrong", draftPack(kTaps, test::packedTest(3)).bytes());
  EXPECT_EQ(halo_pack_self_test(device, (folder / "wrong").c_str(), &tested), HALO_FAILED);
  EXPECT_NE(std::string(halo_last_error()).find("self-test"), std::string::npos);
  halo_device_close(device);
}

} // namespace
} // namespace halo

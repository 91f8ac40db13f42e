#include "runtime/CompilerLibrary.h"

#include "runtime/Environment.h"
#include "tests/unit/runtime/TestSupport.h"

namespace halo {
namespace {

using test::errorOf;

TEST(CompilerLibraryTest, AnAbsentCompilerLeavesPacksAndCache) {
  auto library = CompilerLibrary::open("/nonexistent/libhalo_compiler.so");
  std::string message = errorOf(library);
  EXPECT_NE(message.find("/nonexistent/libhalo_compiler.so"), std::string::npos) << message;
  EXPECT_NE(message.find("only packs and cached kernels are available"), std::string::npos);
  EXPECT_EQ(int(library.error().code), int(ErrorCode::Unavailable));
}

TEST(CompilerLibraryTest, AnotherLibraryIsNoCompiler) {
  auto library = CompilerLibrary::open("libm.so.6");
  EXPECT_NE(errorOf(library).find("is no Halo compiler"), std::string::npos);
}

TEST(CompilerLibraryTest, CallsAndPassesErrorsOn) {
  auto library = CompilerLibrary::open(HALO_FAKE_COMPILER);
  HALO_ASSERT_OK(library);
  EXPECT_EQ((*library)->buildId(), test::kFakeBuildId);
  auto request = [&](const std::string &kernel) {
    return (*library)->call(R"({"verb":"compile","kernel":")" + kernel +
                            R"(","params":{"K":"3"}})");
  };
  auto reply = request("causal_conv1d");
  HALO_ASSERT_OK(reply);
  EXPECT_EQ(reply->blob, "3");
  EXPECT_NE(reply->json.find("\"info\""), std::string::npos);

  auto broken = request("broken");
  EXPECT_EQ(errorOf(broken), "code generation broke");
  EXPECT_EQ(int(broken.error().code), int(ErrorCode::Failed));
  auto refused = request("refused");
  EXPECT_EQ(errorOf(refused), "kernel refused is refused");
  EXPECT_EQ(int(refused.error().code), int(ErrorCode::Invalid));
  EXPECT_NE(errorOf(request("mute")).find("status 1"), std::string::npos);
  test::expectRefused((*library)->call("]"), "no compile");
}

TEST(CompilerLibraryTest, TheEnvironmentNamesTheLibrary) {
  std::string named = environment(kCompilerLibrary);
  if (named.empty())
    GTEST_SKIP() << kCompilerLibrary.name << " is not set";
  EXPECT_EQ(CompilerLibrary::defaultPath(), named);
}

} // namespace
} // namespace halo

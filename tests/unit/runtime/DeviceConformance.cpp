// What every device must do. A new device is added to the list at the end and passes as it is;
// where one cannot be opened, its tests are skipped with the reason.
#include "runtime/Halo.h"

#include "tests/unit/runtime/TestSupport.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace halo {
namespace {

using test::errorOf;
using test::expectRefused;

class DeviceConformance : public ::testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    auto opened = openDevice(GetParam());
    if (!opened)
      GTEST_SKIP() << opened.error().message;
    device = std::move(*opened);
  }

  DeviceBuffer allocate(size_t bytes) {
    auto buffer = DeviceBuffer::allocate(device, bytes);
    if (!buffer) {
      ADD_FAILURE() << buffer.error().message;
      return {};
    }
    return std::move(*buffer);
  }
  template <typename T> DeviceBuffer upload(const std::vector<T> &values) {
    DeviceBuffer buffer = allocate(values.size() * sizeof(T));
    auto done = device->upload(buffer.data(), values.data(), buffer.bytes());
    EXPECT_TRUE(bool(done)) << done.error().message;
    return buffer;
  }
  template <typename T> std::vector<T> download(const DeviceBuffer &buffer) {
    std::vector<T> values(buffer.bytes() / sizeof(T));
    auto done = device->download(values.data(), buffer.data(), buffer.bytes());
    EXPECT_TRUE(bool(done)) << done.error().message;
    return values;
  }
  /// The smallest kernel, in its variant for any tensors.
  Result<Kernel> compile(const std::shared_ptr<Device> &on) {
    Problem problem;
    problem.kernel = "causal_conv1d";
    problem.params = {{"T", "f32"}, {"W", "f32"}, {"K", "4"}, {"layout", "bld"}};
    problem.align = 1;
    return Kernel::compile(on, problem);
  }

  /// Whether the compiler is the tests' stand-in, which makes nothing a GPU could run.
  bool onlyFake() {
    auto compiler = CompilerLibrary::get();
    return device->kind() == "cuda" && compiler && (*compiler)->buildId() == test::kFakeBuildId;
  }

  std::shared_ptr<Device> device;
};

/// Skips where nobody compiles for this device.
#define COMPILE_OR_SKIP(kernel)                                                                    \
  auto kernel##Result = compile(device);                                                           \
  if (!kernel##Result && (kernel##Result.error().code == ErrorCode::Unavailable || onlyFake()))    \
    GTEST_SKIP() << kernel##Result.error().message;                                                \
  HALO_ASSERT_OK(kernel##Result);                                                                  \
  Kernel &kernel = *kernel##Result

TEST_P(DeviceConformance, DescribesItself) {
  EXPECT_EQ(device->kind(), GetParam());
  EXPECT_FALSE(device->name().empty());
  EXPECT_EQ(device->arch().substr(0, 3), "sm_");
  DeviceTraits traits = device->traits();
  EXPECT_GT(traits.sms, 0);
  EXPECT_GE(traits.maxThreadsPerSm, 1024);
  EXPECT_GT(traits.registersPerSm, 0);
  EXPECT_GE(traits.sharedPerBlock, 48 << 10);
  EXPECT_GT(traits.l2Bytes, 0);
  if (device->emit() == "cubin")
    EXPECT_GE(device->ptxVersion(), 70);
  RecordProperty("device", device->name());
}

TEST_P(DeviceConformance, AllocationsAreAligned) {
  for (size_t bytes : {0, 1, 255, 4096, 100001}) {
    DeviceBuffer buffer = allocate(bytes);
    EXPECT_NE(buffer.data(), nullptr) << bytes;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % 256, 0u) << bytes;
    EXPECT_EQ(buffer.bytes(), bytes);
  }
}

TEST_P(DeviceConformance, AnAbsurdAllocationIsAnError) {
  auto buffer = DeviceBuffer::allocate(device, size_t(1) << 60);
  EXPECT_NE(errorOf(buffer).find("1152921504606846976"), std::string::npos);
  // And harms nobody afterwards.
  EXPECT_NE(allocate(16).data(), nullptr);
}

TEST_P(DeviceConformance, BuffersMove) {
  std::vector<int> values = {1, 2, 3};
  DeviceBuffer first = upload(values);
  void *pointer = first.data();
  DeviceBuffer second = std::move(first);
  EXPECT_EQ(second.data(), pointer);
  EXPECT_EQ(first.data(), nullptr);
  DeviceBuffer third = allocate(4);
  third = std::move(second);
  EXPECT_EQ(download<int>(third), values);
}

TEST_P(DeviceConformance, CopiesThereAndBack) {
  std::vector<int> values(100003);
  std::iota(values.begin(), values.end(), 7);
  DeviceBuffer a = upload(values), b = allocate(a.bytes());
  HALO_ASSERT_OK(device->copy(b.data(), a.data(), a.bytes()));
  EXPECT_EQ(download<int>(b), values);
  // Nothing is a legal amount.
  HALO_ASSERT_OK(device->copy(b.data(), a.data(), 0));
  HALO_ASSERT_OK(device->upload(b.data(), nullptr, 0));
  HALO_ASSERT_OK(device->download(nullptr, b.data(), 0));
  HALO_ASSERT_OK(device->fill(b.data(), 1, 0));
  EXPECT_EQ(download<int>(b), values);
}

TEST_P(DeviceConformance, FillPoisonsExactlyItsBytes) {
  std::vector<unsigned char> values(1000, 3);
  DeviceBuffer buffer = upload(values);
  auto *start = static_cast<unsigned char *>(buffer.data());
  HALO_ASSERT_OK(device->fill(start + 5, 0xff, 501));
  std::fill_n(values.begin() + 5, 501, 0xff);
  EXPECT_EQ(download<unsigned char>(buffer), values);
  HALO_ASSERT_OK(device->synchronize(nullptr));
}

TEST_P(DeviceConformance, TimesWork) {
  DeviceBuffer buffer = allocate(1 << 20);
  int before = 0, work = 0;
  auto milliseconds = device->time(
      [&] {
        ++before;
        return device->fill(buffer.data(), 1, buffer.bytes());
      },
      [&] {
        ++work;
        return device->fill(buffer.data(), 2, buffer.bytes());
      });
  HALO_ASSERT_OK(milliseconds);
  EXPECT_GE(*milliseconds, 0.0);
  EXPECT_LT(*milliseconds, 10000.0);
  EXPECT_EQ(before, 1);
  EXPECT_EQ(work, 1);
  auto failing = device->time(nullptr, [] { return Result<void>(failed("no work")); });
  EXPECT_EQ(errorOf(failing), "no work");
  EXPECT_EQ(download<unsigned char>(buffer).back(), 2);
}

TEST_P(DeviceConformance, ForeignKernelsAreRefused) {
  std::shared_ptr<Device> other = openNullDevice();
  KernelInfo info;
  info.kernel = "stranger";
  auto kernel = other->load({info, ""});
  HALO_ASSERT_OK(kernel);
  expectRefused(device->launch(**kernel, 1, nullptr, nullptr), "stranger", "another device");
}

TEST_P(DeviceConformance, BrokenCodeIsAnError) {
  if (device->kind() == "null")
    GTEST_SKIP() << "the null device has no code";
  KernelInfo info;
  info.kernel = info.entry = "broken";
  auto kernel = device->load({info, "no code at all"});
  EXPECT_FALSE(errorOf(kernel).empty());
  EXPECT_NE(allocate(16).data(), nullptr);
}

TEST_P(DeviceConformance, LaunchesAConvolution) {
  COMPILE_OR_SKIP(kernel);
  test::Random random;
  SCOPED_TRACE(random.trace());
  const int64_t B = 2, L = 37, D = 45, K = 4;
  std::vector<float> x(size_t(B * L * D)), w(size_t(D * K));
  for (float &value : x)
    value = float(random.below(17) - 8);
  for (float &value : w)
    value = float(random.below(9) - 4);
  DeviceBuffer dx = upload(x), dw = upload(w), dy = allocate(x.size() * sizeof(float));
  HALO_ASSERT_OK(device->fill(dy.data(), 0xff, dy.bytes()));
  std::vector<Argument> arguments = {
      {"x", TensorRef::contiguous(dx.data(), DType::F32, {B, L, D})},
      {"weight", TensorRef::contiguous(dw.data(), DType::F32, {D, K})},
      {"y", TensorRef::contiguous(dy.data(), DType::F32, {B, L, D})}};
  HALO_ASSERT_OK(kernel.launch(arguments));
  HALO_ASSERT_OK(device->synchronize(nullptr));
  std::vector<float> y = download<float>(dy);
  if (device->kind() == "null") {
    EXPECT_TRUE(std::isnan(y[0])) << "the null device runs nothing";
    return;
  }
  // Small integers: every sum is exact.
  for (int64_t b = 0; b < B; ++b)
    for (int64_t t = 0; t < L; ++t)
      for (int64_t d = 0; d < D; ++d) {
        float sum = 0;
        for (int64_t j = std::max<int64_t>(0, K - 1 - t); j < K; ++j)
          sum += w[size_t(d * K + j)] * x[size_t((b * L + t - (K - 1) + j) * D + d)];
        ASSERT_EQ(y[size_t((b * L + t) * D + d)], sum) << b << " " << t << " " << d;
      }
}

TEST_P(DeviceConformance, ABoundLaunchRepeats) {
  COMPILE_OR_SKIP(kernel);
  std::vector<float> ones(size_t(8 * 32), 1.0f);
  DeviceBuffer x = upload(ones), w = upload(std::vector<float>(32 * 4, 1.0f));
  DeviceBuffer y = allocate(x.bytes());
  auto bound = kernel.bind({{"x", TensorRef::contiguous(x.data(), DType::F32, {1, 8, 32})},
                            {"weight", TensorRef::contiguous(w.data(), DType::F32, {32, 4})},
                            {"y", TensorRef::contiguous(y.data(), DType::F32, {1, 8, 32})}});
  HALO_ASSERT_OK(bound);
  for (int i = 0; i < 3; ++i)
    HALO_ASSERT_OK(kernel.launch(*bound));
  HALO_ASSERT_OK(device->synchronize(nullptr));
  if (device->kind() != "null")
    EXPECT_EQ(download<float>(y).back(), 4.0f);
}

TEST_P(DeviceConformance, ZeroBlocksLaunchNothing) {
  COMPILE_OR_SKIP(kernel);
  DeviceBuffer w = upload(std::vector<float>(32 * 4, 1.0f));
  HALO_ASSERT_OK(kernel.launch({{"x", TensorRef::contiguous(nullptr, DType::F32, {0, 8, 32})},
                                {"weight", TensorRef::contiguous(w.data(), DType::F32, {32, 4})},
                                {"y", TensorRef::contiguous(nullptr, DType::F32, {0, 8, 32})}}));
  HALO_ASSERT_OK(device->synchronize(nullptr));
}

TEST_P(DeviceConformance, KernelsOutliveTheirDevicesHandle) {
  COMPILE_OR_SKIP(kernel);
  Kernel copy = kernel;
  DeviceBuffer buffer = allocate(64);
  device.reset();
  EXPECT_FALSE(copy.info().operands.empty());
}

/// Devices that can see every access of the host and of a kernel.
TEST_P(DeviceConformance, HostDevicesCheckBounds) {
  if (device->kind() == "cuda")
    GTEST_SKIP() << "the driver does not tell";
  DeviceBuffer buffer = allocate(10);
  unsigned char host[16] = {};
  expectRefused(device->upload(buffer.data(), host, 11), "11 bytes", "10 bytes");
  expectRefused(device->download(host, host, 1), "no allocation");
  expectRefused(device->fill(static_cast<char *>(buffer.data()) + 8, 0, 3), "offset 8");
  expectRefused(device->release(host), "no allocation");
  HALO_ASSERT_OK(device->release(nullptr));
}

TEST_P(DeviceConformance, CheckedSimulatorFindsWhatLeavesItsMemory) {
  if (device->kind() != "sim")
    GTEST_SKIP() << "only the simulator checks";
  COMPILE_OR_SKIP(kernel);
  DeviceBuffer x = allocate(8 * 32 * 4 - 4), w = upload(std::vector<float>(32 * 4, 1.0f));
  DeviceBuffer y = allocate(8 * 32 * 4);
  HALO_ASSERT_OK(device->fill(x.data(), 0, x.bytes()));
  auto launched = kernel.launch({{"x", TensorRef::contiguous(x.data(), DType::F32, {1, 8, 32})},
                                 {"weight", TensorRef::contiguous(w.data(), DType::F32, {32, 4})},
                                 {"y", TensorRef::contiguous(y.data(), DType::F32, {1, 8, 32})}});
  EXPECT_NE(errorOf(launched).find("out of bounds"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Devices, DeviceConformance, ::testing::Values("null", "sim", "cuda"),
                         [](const auto &info) { return std::string(info.param); });

TEST(DeviceTest, UnknownDevicesAreRefused) {
  for (const char *name : {"gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "sim:0"})
    expectRefused(openDevice(name), name, "cuda:N");
  auto absent = openDevice("cuda:4096");
  EXPECT_EQ(int(absent.error().code), int(ErrorCode::Unavailable)) << errorOf(absent);
}

} // namespace
} // namespace halo

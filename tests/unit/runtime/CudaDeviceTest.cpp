// What only a GPU has: PTX, streams, and shared memory that must be asked for. Needs no compiler.
#include "runtime/Halo.h"

#include "tests/unit/runtime/Iota.h"
#include "tests/unit/runtime/TestSupport.h"

namespace halo {
namespace {

/// A stream that needs no creating: the calling thread's own.
const Stream kPerThreadStream = reinterpret_cast<Stream>(2);

class CudaDeviceTest : public ::testing::Test {
protected:
  void SetUp() override {
    auto opened = openCudaDevice();
    if (!opened)
      GTEST_SKIP() << opened.error().message;
    device = std::move(*opened);
  }

  std::shared_ptr<Device> device;
};

TEST_F(CudaDeviceTest, RunsPtxOnAStream) {
  const int64_t L = 100000;
  for (int64_t shared : {int64_t(0), int64_t(96) << 10}) {
    auto kernel = Kernel::load(device, test::iota(shared));
    HALO_ASSERT_OK(kernel);
    EXPECT_GT(kernel->info().registers, 0);
    EXPECT_EQ(kernel->info().spillBytes, 0);
    auto buffer = DeviceBuffer::allocate(device, L * 4);
    HALO_ASSERT_OK(buffer);
    HALO_ASSERT_OK(device->fill(buffer->data(), 0xff, buffer->bytes()));
    HALO_ASSERT_OK(device->synchronize(nullptr));
    HALO_ASSERT_OK(kernel->launch(
        {{"y", TensorRef::contiguous(buffer->data(), DType::F32, {1, L, 1})}}, kPerThreadStream));
    HALO_ASSERT_OK(device->synchronize(kPerThreadStream));
    std::vector<float> y(L);
    HALO_ASSERT_OK(device->download(y.data(), buffer->data(), buffer->bytes()));
    for (int64_t i = 0; i < L; ++i)
      ASSERT_EQ(y[size_t(i)], float(i));
  }
}

TEST_F(CudaDeviceTest, AnUnknownEntryIsAnError) {
  Artifact artifact = test::iota(0);
  artifact.info.entry = "absent";
  EXPECT_NE(test::errorOf(device->load(artifact)).find("cuModuleGetFunction"), std::string::npos);
}

TEST_F(CudaDeviceTest, TwoDevicesOfOneGpuAreTwoDevices) {
  auto other = openCudaDevice();
  HALO_ASSERT_OK(other);
  auto kernel = (*other)->load(test::iota(0));
  HALO_ASSERT_OK(kernel);
  test::expectRefused(device->launch(**kernel, 1, nullptr, nullptr), "iota", "another device");
}

TEST_F(CudaDeviceTest, CopiesOfAMebibyteTakeMicroseconds) {
  auto a = DeviceBuffer::allocate(device, 1 << 20), b = DeviceBuffer::allocate(device, 1 << 20);
  HALO_ASSERT_OK(a);
  HALO_ASSERT_OK(b);
  auto copy = [&] { return device->copy(b->data(), a->data(), 1 << 20); };
  HALO_ASSERT_OK(copy()); // Warm.
  auto milliseconds = device->time(copy, copy);
  HALO_ASSERT_OK(milliseconds);
  EXPECT_GT(*milliseconds, 0.0);
  EXPECT_LT(*milliseconds, 10.0);
}

} // namespace
} // namespace halo

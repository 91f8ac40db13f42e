// Contexts that are not the primary one, threads that have none, and contexts that are gone. Needs
// a GPU, no compiler.
#include "runtime/Halo.h"

#include "tests/unit/runtime/Iota.h"
#include "tests/unit/runtime/TestSupport.h"

#include <dlfcn.h>

#include <future>
#include <thread>

namespace halo {
namespace {

using test::errorOf;
using test::expectRefused;

/// The few functions of the driver that make contexts.
struct Driver {
  int (*create)(void **, unsigned, int) = nullptr;
  int (*destroy)(void *) = nullptr;
  int (*current)(void **) = nullptr;
  int (*setCurrent)(void *) = nullptr;

  bool open() {
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    auto find = [&](const char *name, auto &function) {
      function = library ? reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name))
                         : nullptr;
      return function != nullptr;
    };
    return find("cuCtxCreate_v2", create) && find("cuCtxDestroy_v2", destroy) &&
           find("cuCtxGetCurrent", current) && find("cuCtxSetCurrent", setCurrent);
  }
};

class CudaContextTest : public ::testing::Test {
protected:
  void SetUp() override {
    auto opened = openCudaDevice();
    if (!opened)
      GTEST_SKIP() << opened.error().message;
    primary = std::move(*opened);
    ASSERT_TRUE(driver.open());
    ASSERT_EQ(driver.setCurrent(nullptr), 0);
  }
  void TearDown() override {
    if (driver.setCurrent)
      driver.setCurrent(nullptr);
  }

  /// A context of our own, current in this thread.
  void *createContext() {
    void *context = nullptr;
    EXPECT_EQ(driver.create(&context, 0, 0), 0);
    return context;
  }
  void *current() {
    void *context = nullptr;
    EXPECT_EQ(driver.current(&context), 0);
    return context;
  }

  /// Everything that lives in a context.
  struct Resident {
    explicit Resident(std::shared_ptr<Device> on) : device(std::move(on)) {
      HALO_EXPECT_OK(make());
    }
    Result<void> make() {
      HALO_TRY(loaded, Kernel::load(device, test::iota()));
      kernel = loaded;
      HALO_TRY(memory, DeviceBuffer::allocate(device, L * 4));
      buffer = std::move(memory);
      HALO_TRY(created, DeviceStream::create(device));
      stream = std::move(created);
      HALO_TRY(captured, device->capture(stream.get(), [&] { return launch(stream.get()); }));
      graph = std::move(captured);
      return {};
    }
    Result<void> launch(Stream on) {
      return kernel->launch({TensorRef::contiguous(buffer.data(), DType::F32, {1, L, 1})}, on);
    }
    void expectRuns() {
      for (bool replayed : {false, true}) {
        HALO_EXPECT_OK(device->fill(buffer.data(), 0xff, buffer.bytes()));
        HALO_EXPECT_OK(device->synchronize(nullptr));
        HALO_EXPECT_OK(replayed ? graph->launch(stream.get()) : launch(stream.get()));
        HALO_EXPECT_OK(device->synchronize(stream.get()));
        std::vector<float> y(L);
        HALO_EXPECT_OK(device->download(y.data(), buffer.data(), buffer.bytes()));
        EXPECT_EQ(y.back(), float(L - 1));
      }
    }
    void expectGone() {
      for (std::string message :
           {errorOf(launch(nullptr)), errorOf(launch(stream.get())), errorOf(graph->launch()),
            errorOf(device->synchronize(nullptr)), errorOf(device->allocate(16)),
            errorOf(device->load(test::iota())), errorOf(device->createStream())})
        EXPECT_NE(message.find("destroyed"), std::string::npos) << message;
    }

    static constexpr int64_t L = 1000;
    std::shared_ptr<Device> device;
    std::optional<Kernel> kernel;
    DeviceBuffer buffer;
    DeviceStream stream;
    std::unique_ptr<Graph> graph;
  };

  Driver driver;
  std::shared_ptr<Device> primary;
};

TEST_F(CudaContextTest, ThreadsNeedNoContextOfTheirOwn) {
  Resident resident(primary);
  std::thread([&] {
    resident.expectRuns();
    EXPECT_EQ(current(), nullptr);
  }).join();
}

TEST_F(CudaContextTest, TheCallersContextIsUsedAndLeftCurrent) {
  void *context = createContext();
  auto device = openCudaDevice();
  HALO_ASSERT_OK(device);
  Resident own(*device), other(primary);
  own.expectRuns();
  // Each device enters its own context, whatever is current.
  other.expectRuns();
  EXPECT_EQ(current(), context);
  ASSERT_EQ(driver.setCurrent(nullptr), 0);
  own.expectRuns();
  EXPECT_EQ(current(), nullptr);
  expectRefused((*device)->launch(other.kernel->loadedKernel(), 1, nullptr, nullptr), "iota",
                "another device");
  own.graph.reset();
  own.stream = {};
  own.buffer = {};
  own.kernel.reset();
  ASSERT_EQ(driver.destroy(context), 0);
}

TEST_F(CudaContextTest, AStreamOfAnotherContextIsRefused) {
  void *context = createContext();
  auto device = openCudaDevice();
  HALO_ASSERT_OK(device);
  {
    Resident own(*device), other(primary);
    expectRefused(own.launch(other.stream.get()), "iota", "another context");
    own.expectRuns();
    other.expectRuns();
  }
  ASSERT_EQ(driver.destroy(context), 0);
}

TEST_F(CudaContextTest, ADestroyedContextIsAnError) {
  void *context = createContext();
  auto device = openCudaDevice();
  HALO_ASSERT_OK(device);
  {
    Resident resident(*device);
    resident.expectRuns();
    ASSERT_EQ(driver.destroy(context), 0);
    resident.expectGone();
    // A new context may well lie at the old one's address.
    void *next = createContext();
    resident.expectGone();
    auto again = openCudaDevice();
    HALO_ASSERT_OK(again);
    {
      Resident successor(*again);
      successor.expectRuns();
      resident.expectGone();
    }
    again->reset();
    ASSERT_EQ(driver.destroy(next), 0);
    // And here everything of the first context is released.
  }
  device->reset();
  Resident(primary).expectRuns();
}

TEST_F(CudaContextTest, AContextMayBeDestroyedByAnotherThread) {
  void *context = createContext();
  auto device = openCudaDevice();
  HALO_ASSERT_OK(device);
  Resident resident(*device);
  std::promise<void> entered, destroyed;
  std::thread other([&] {
    EXPECT_EQ(driver.setCurrent(context), 0);
    resident.expectRuns();
    entered.set_value();
    destroyed.get_future().wait();
    // The dead context is still current here.
    resident.expectGone();
    driver.setCurrent(nullptr);
  });
  entered.get_future().wait();
  EXPECT_EQ(driver.destroy(context), 0);
  destroyed.set_value();
  other.join();
}

TEST_F(CudaContextTest, SeveralGpusEachRunTheirOwn) {
  auto second = openCudaDevice(1);
  if (!second)
    GTEST_SKIP() << second.error().message;
  Resident here(primary), there(*second);
  here.expectRuns();
  there.expectRuns();
  std::thread([&] {
    there.expectRuns();
    here.expectRuns();
  }).join();
  expectRefused(there.launch(here.stream.get()), "iota", "another context");
}

} // namespace
} // namespace halo

// What an Operator must do on every device, allocations counted.
#include "runtime/Halo.h"

#include "tests/unit/runtime/AllocationCounter.h"
#include "tests/unit/runtime/TestSupport.h"

#include <cmath>
#include <thread>

namespace halo {
namespace {

using test::expectRefused;

constexpr int64_t L = 8, D = 32;
constexpr size_t kBytes = L * D * sizeof(float), kGroup = 16;

/// A convolution of equal numbers with taps of one: y is four times x, once four positions are
/// seen.
struct Tensors {
  Tensors(std::shared_ptr<Device> on, float value) : device(std::move(on)) {
    for (auto [buffer, bytes, fill] : {std::tuple{&x, kBytes + kGroup, value},
                                       {&w, size_t(D * 4 * 4), 1.0f},
                                       {&y, kBytes + kGroup, NAN}}) {
      auto made = DeviceBuffer::allocate(device, bytes);
      HALO_EXPECT_OK(made);
      *buffer = std::move(*made);
      std::vector<float> values(bytes / sizeof(float), fill);
      HALO_EXPECT_OK(device->upload(buffer->data(), values.data(), bytes));
    }
    HALO_EXPECT_OK(device->synchronize(nullptr)); // Other streams do not wait for the default one.
  }
  /// In the operands' order; `shift` moves views off their alignment.
  std::vector<TensorRef> list(size_t shift = 0) const {
    auto at = [&](const DeviceBuffer &buffer) {
      return static_cast<char *>(buffer.data()) + shift;
    };
    return {TensorRef::contiguous(at(x), DType::F32, {1, L, D}),
            TensorRef::contiguous(w.data(), DType::F32, {D, 4}),
            TensorRef::contiguous(at(y), DType::F32, {1, L, D})};
  }
  std::vector<Argument> named(size_t shift = 0) const {
    std::vector<TensorRef> tensors = list(shift);
    return {{"y", tensors[2]}, {"x", tensors[0]}, {"weight", tensors[1]}};
  }
  float last(size_t shift = 0) const {
    float value = 0;
    const char *end = static_cast<char *>(y.data()) + shift + kBytes;
    HALO_EXPECT_OK(device->download(&value, end - sizeof(value), sizeof(value)));
    return value;
  }
  void expectWritten(float value, size_t shift = 0) const {
    HALO_EXPECT_OK(device->synchronize(nullptr));
    if (device->kind() == "null")
      EXPECT_TRUE(std::isnan(last(shift))) << "the null device runs nothing";
    else
      EXPECT_EQ(last(shift), 4 * value);
  }

  std::shared_ptr<Device> device;
  DeviceBuffer x, w, y;
};

/// Freezes the process for a scope.
struct FrozenProcess {
  FrozenProcess() { setFrozen(true); }
  ~FrozenProcess() { setFrozen(false); }
};

class OperatorConformance : public ::testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    auto opened = openDevice(GetParam());
    if (!opened)
      GTEST_SKIP() << opened.error().message;
    device = std::move(*opened);
    problem.kernel = "causal_conv1d";
    problem.params = {{"T", "f32"}, {"W", "f32"}, {"K", "4"}, {"layout", "bld"}};
    auto compiler = CompilerLibrary::get();
    bool fake = compiler && (*compiler)->buildId() == "fake";
    if (!compiler || (fake && device->kind() == "cuda"))
      GTEST_SKIP() << "nobody compiles for this device";
  }

  std::shared_ptr<Device> device;
  Problem problem;
};

TEST_P(OperatorConformance, TakesWhateverTensorsCome) {
  Operator conv(device, problem);
  EXPECT_EQ(conv.info(), nullptr);
  Tensors one(device, 1), two(device, 2), three(device, 3);
  HALO_ASSERT_OK(conv.launch(one.list()));
  one.expectWritten(1);
  HALO_ASSERT_OK(conv.launch(two.list(4)));
  two.expectWritten(2, 4);
  HALO_ASSERT_OK(conv.launch(three.named()));
  three.expectWritten(3);
  ASSERT_NE(conv.info(), nullptr);
  EXPECT_EQ(conv.info()->operands[0].name, "x");
}

TEST_P(OperatorConformance, RefusesWrongTensorsBeforeItCompiles) {
  Operator conv(device, problem);
  HALO_ASSERT_OK(conv.prepare(16));
  conv.freeze();
  Tensors tensors(device, 1);
  std::vector<TensorRef> list = tensors.list();
  list[1].shape[1] = 5;
  expectRefused(conv.launch(list), "conv_c2", "weight", "5 taps", "K = 4");
  list = tensors.list(4);
  list[2].data = nullptr;
  expectRefused(conv.launch(list), "operand y", "null pointer");
  list.pop_back();
  expectRefused(conv.launch(list), "2 tensors", "3 operands");
  expectRefused(conv.launch({{"x", list[0]}}), "weight", "missing");
}

TEST_P(OperatorConformance, FrozenItRefusesToCompile) {
  Tensors tensors(device, 1);
  Operator cold(device, problem);
  cold.freeze();
  expectRefused(cold.launch(tensors.list()), problem.print(), "operator is frozen", "prepare()");
  expectRefused(cold.prepare(), problem.print(), "operator is frozen");

  Operator half(device, problem);
  HALO_ASSERT_OK(half.prepare(16));
  half.freeze();
  HALO_ASSERT_OK(half.launch(tensors.list()));
  expectRefused(half.launch(tensors.list(4)), problem.print(), "unaligned", "prepare()");

  Operator warm(device, problem);
  HALO_ASSERT_OK(warm.prepare());
  warm.freeze();
  HALO_ASSERT_OK(warm.launch(tensors.list()));
  HALO_ASSERT_OK(warm.launch(tensors.list(4)));
}

TEST_P(OperatorConformance, AFrozenProcessLoadsNothing) {
  Tensors tensors(device, 1);
  Operator cold(device, problem), warm(device, problem);
  HALO_ASSERT_OK(warm.prepare());
  FrozenProcess frozen;
  expectRefused(cold.launch(tensors.list()), problem.print(), "process is frozen", "prepare()");
  expectRefused(Kernel::compile(device, problem), "causal_conv1d", "process is frozen");
  KernelInfo info;
  info.kernel = "late";
  expectRefused(device->load({info, ""}), "late", "process is frozen");
  HALO_ASSERT_OK(warm.launch(tensors.list()));
}

TEST_P(OperatorConformance, OneVariantIsEnoughForSome) {
  problem.align = 1;
  Operator any(device, problem);
  HALO_ASSERT_OK(any.prepare());
  any.freeze();
  Tensors tensors(device, 1);
  HALO_ASSERT_OK(any.launch(tensors.list()));
  tensors.expectWritten(1);
  expectRefused(any.kernel(16), "align = 16", "align=1");
  expectRefused(any.prepare(8), "align = 8");
}

TEST_P(OperatorConformance, ACaptureReplaysAfterPrepare) {
  Operator conv(device, problem);
  Tensors tensors(device, 1);
  auto stream = DeviceStream::create(device);
  HALO_ASSERT_OK(stream);
  auto work = [&] { return conv.launch(tensors.list(), stream->get()); };
  expectRefused(device->capture(stream->get(), work), problem.print(), "captured", "prepare()");
  HALO_ASSERT_OK(conv.prepare());
  auto graph = device->capture(stream->get(), work);
  HALO_ASSERT_OK(graph);
  for (float value : {2.0f, 3.0f}) {
    std::vector<float> values(L * D, value);
    HALO_ASSERT_OK(device->upload(tensors.x.data(), values.data(), kBytes));
    HALO_ASSERT_OK(device->synchronize(nullptr));
    HALO_ASSERT_OK((*graph)->launch(stream->get()));
    HALO_ASSERT_OK(device->synchronize(stream->get()));
    tensors.expectWritten(value);
  }
}

TEST_P(OperatorConformance, ThreadsShareIt) {
  Operator conv(device, problem);
  std::vector<std::unique_ptr<Tensors>> tensors;
  for (int i = 0; i < 8; ++i)
    tensors.push_back(std::make_unique<Tensors>(device, float(i)));
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      auto stream = DeviceStream::create(device);
      HALO_EXPECT_OK(stream);
      // The first launches compile: one thread does, the others wait.
      for (int round = 0; round < 20; ++round)
        HALO_EXPECT_OK(conv.launch(tensors[size_t(i)]->list(i % 2 ? 4 : 0), stream->get()));
      HALO_EXPECT_OK(device->synchronize(stream->get()));
    });
  for (std::thread &thread : threads)
    thread.join();
  for (int i = 0; i < 8; ++i)
    tensors[size_t(i)]->expectWritten(float(i), i % 2 ? 4 : 0);
}

TEST_P(OperatorConformance, HotLaunchesAllocateNothing) {
  if (device->kind() == "sim")
    GTEST_SKIP() << "a simulated launch allocates what it simulates";
  Operator conv(device, problem);
  HALO_ASSERT_OK(conv.prepare());
  Tensors tensors(device, 1);
  std::vector<TensorRef> aligned = tensors.list(), unaligned = tensors.list(4);
  std::vector<Argument> named = tensors.named();
  auto launchAll = [&] {
    bool ok = true;
    for (int i = 0; i < 100; ++i)
      ok = conv.launch(aligned) && conv.launch(unaligned) && conv.launch(named) &&
           conv.launch({aligned[0], aligned[1], aligned[2]}) && ok;
    return ok;
  };
  EXPECT_TRUE(launchAll());
  int64_t before = test::allocations();
  EXPECT_TRUE(launchAll());
  EXPECT_EQ(test::allocations() - before, 0);
  // And the counter counts.
  expectRefused(conv.launch({aligned[0]}), "1 tensors");
  EXPECT_GT(test::allocations(), before);
  HALO_ASSERT_OK(device->synchronize(nullptr));
}

INSTANTIATE_TEST_SUITE_P(Devices, OperatorConformance, ::testing::Values("null", "sim", "cuda"),
                         [](const auto &info) { return std::string(info.param); });

} // namespace
} // namespace halo

// What the C API must do on every device, allocations counted.
#include "runtime/CompilerLibrary.h"
#include "runtime/halo.h"

#include "tests/unit/runtime/AllocationCounter.h"
#include "tests/unit/runtime/CApiFixture.h"

#include <thread>

namespace halo {
namespace {

using namespace test;

TEST_P(CApiConformance, LaunchesByPositionAndByName) {
  halo_operator *conv = create(kConv);
  Arrays arrays(device, 2);
  ASSERT_OK(halo_launch(conv, arrays.list().data(), 3, nullptr));
  arrays.expectWritten();

  Arrays others(device, 3);
  std::vector<halo_tensor> named = others.list();
  named[0].name = "x", named[1].name = "weight", named[2].name = "y";
  std::swap(named[0], named[2]);
  ASSERT_OK(halo_launch(conv, named.data(), 3, nullptr));
  others.expectWritten();
}

TEST_P(CApiConformance, AFormTakesOtherMemory) {
  halo_operator *conv = create(kConv);
  Arrays first(device, 2), second(device, 3);
  for (bool names : {false, true}) {
    std::vector<halo_tensor> list = first.list();
    if (names)
      list[0].name = "x", list[1].name = "weight", list[2].name = "y";
    halo_form *form = nullptr;
    ASSERT_OK(halo_form_create(conv, list.data(), 3, &form));
    void *const data[] = {second.x, second.w, second.y};
    ASSERT_OK(halo_form_launch(form, data, 3, nullptr));
    second.expectWritten();
    expectRefused(halo_form_launch(form, data, 2, nullptr), "2 pointers", "3 tensors");
    halo_form_destroy(form);
    second.clear();
  }
}

TEST_P(CApiConformance, AFormKeepsItsOperatorAndThatItsDevice) {
  halo_device_options options = {sizeof(options), GetParam(), 0, 0, 0};
  halo_device *own = nullptr;
  ASSERT_OK(halo_device_open(&options, &own));
  halo_operator_options problem = {};
  problem.struct_size = sizeof(problem);
  problem.problem = kConv;
  halo_operator *conv = nullptr;
  ASSERT_OK(halo_operator_create(own, &problem, &conv));
  Arrays arrays(own, 2);
  halo_form *form = nullptr;
  ASSERT_OK(halo_form_create(conv, arrays.list().data(), 3, &form));
  halo_operator_destroy(conv);
  void *const data[] = {arrays.x, arrays.w, arrays.y};
  ASSERT_OK(halo_form_launch(form, data, 3, nullptr));
  arrays.expectWritten();
  arrays.release();
  halo_device_close(own);
  halo_form_destroy(form);
}

TEST_P(CApiConformance, AStreamOrdersItsLaunches) {
  halo_operator *conv = create(kConv);
  Arrays arrays(device, 2);
  void *stream = nullptr;
  ASSERT_OK(halo_stream_create(device, &stream));
  ASSERT_OK(halo_stream_synchronize(device, nullptr));
  ASSERT_OK(halo_launch(conv, arrays.list().data(), 3, stream));
  ASSERT_OK(halo_stream_synchronize(device, stream));
  arrays.expectWritten();
  ASSERT_OK(halo_stream_destroy(device, stream));
}

TEST_P(CApiConformance, WrongTensorsAreRefused) {
  halo_operator *conv = create(kConv);
  Arrays arrays(device, 2);
  std::vector<halo_tensor> list = arrays.list();
  auto refuse = [&](auto... parts) {
    expectRefused(halo_launch(conv, list.data(), list.size(), nullptr), parts...);
    list = arrays.list();
  };
  list[1].sizes[1] = 5;
  refuse("conv_c2", "weight", "5 taps", "K = 4");
  list[2].data = nullptr;
  refuse("operand y", "null pointer");
  list[0].dtype = HALO_BF16;
  refuse("operand x", "bf16", "f32");
  list[0].dtype = 5;
  refuse("tensor 0 has dtype 5", "0 to 4");
  list[0].dtype = -1;
  refuse("tensor 0 has dtype -1", "0 to 4");
  list[1].rank = 9;
  refuse("tensor 1 has rank 9", "0 to 8");
  list[1].rank = -1;
  refuse("tensor 1 has rank -1", "0 to 8");
  list[1].rank = 8;
  refuse("operand weight has rank 8");
  list[2].name = "y";
  refuse("tensor 2 has a name where tensor 0 has none");
  list.pop_back();
  refuse("2 tensors", "3 operands");
  list.resize(1000, list[0]);
  refuse("1000 tensors", "above the limit");
  list.clear();
  refuse("0 tensors", "3 operands");
  arrays.expectUntouched();
}

TEST_P(CApiConformance, FrozenItRefusesToCompile) {
  Arrays arrays(device, 2);
  halo_operator *cold = create(kConv);
  halo_operator_freeze(cold);
  expectRefused(halo_launch(cold, arrays.list().data(), 3, nullptr), "operator is frozen");

  halo_operator *half = create(kConv);
  ASSERT_OK(halo_operator_prepare_align(half, 16));
  halo_operator_freeze(half);
  ASSERT_OK(halo_launch(half, arrays.list().data(), 3, nullptr));
  expectRefused(halo_operator_prepare(half), "operator is frozen");
  expectRefused(halo_operator_prepare_align(half, 8), "align = 8");

  halo_operator *other = create(kConv);
  halo_set_frozen(1);
  expectRefused(halo_operator_prepare(other), "process is frozen");
  halo_set_frozen(0);
  ASSERT_OK(halo_operator_prepare(other));
}

TEST_P(CApiConformance, OperandsSayWhatToAllocate) {
  halo_operator *conv = create(kConv);
  size_t count = 0;
  expectRefused(halo_operator_operand_count(conv, &count), "halo_operator_prepare");
  ASSERT_OK(halo_operator_prepare(conv));
  ASSERT_OK(halo_operator_operand_count(conv, &count));
  ASSERT_EQ(count, 3u);
  const char *names[] = {"x", "weight", "y"};
  const int32_t kinds[] = {HALO_VIEW, HALO_TAPS, HALO_VIEW};
  for (size_t i = 0; i < count; ++i) {
    halo_operand operand = {};
    operand.struct_size = sizeof(operand);
    ASSERT_OK(halo_operator_operand(conv, i, &operand));
    EXPECT_STREQ(operand.name, names[i]);
    EXPECT_EQ(operand.kind, kinds[i]);
    EXPECT_EQ(operand.dtype, HALO_F32);
    EXPECT_EQ(operand.output, i == 2);
    EXPECT_EQ(operand.rank, i == 1 ? 2 : 3);
    EXPECT_EQ(operand.struct_size, sizeof(operand));
    if (i == 1)
      EXPECT_EQ(operand.taps, 4);
    else
      EXPECT_EQ(operand.layout, HALO_BLD);
  }
  int64_t sizes[HALO_MAX_RANK];
  int32_t rank = 0;
  ASSERT_OK(halo_operator_operand_sizes(conv, 2, 2, 32, 7, sizes, &rank));
  EXPECT_EQ(rank, 3);
  EXPECT_EQ(std::vector<int64_t>(sizes, sizes + 3), (std::vector<int64_t>{2, 7, 32}));
  expectRefused(halo_operator_operand_sizes(conv, 3, 2, 32, 7, sizes, &rank), "operand 3", "has 3");
  expectRefused(halo_operator_operand_sizes(conv, 2, 2, -1, 7, sizes, &rank), "D = -1");
  EXPECT_NE(std::string(halo_operator_problem(conv)).find("--set K=4"), std::string::npos);
}

TEST_P(CApiConformance, HotLaunchesAllocateNothing) {
  if (std::string(GetParam()) == "sim")
    GTEST_SKIP() << "a simulated launch allocates what it simulates";
  halo_operator *conv = create(kConv);
  ASSERT_OK(halo_operator_prepare(conv));
  Arrays arrays(device, 2);
  std::vector<halo_tensor> list = arrays.list(), named = arrays.list();
  named[0].name = "x", named[1].name = "weight", named[2].name = "y";
  halo_form *form = nullptr;
  ASSERT_OK(halo_form_create(conv, list.data(), 3, &form));
  void *const data[] = {arrays.x, arrays.w, arrays.y};
  auto launchAll = [&] {
    int failed = 0;
    for (int i = 0; i < 100; ++i)
      failed += halo_launch(conv, list.data(), 3, nullptr) != HALO_OK ||
                halo_launch(conv, named.data(), 3, nullptr) != HALO_OK ||
                halo_form_launch(form, data, 3, nullptr) != HALO_OK;
    return failed;
  };
  EXPECT_EQ(launchAll(), 0);
  int64_t before = allocations();
  EXPECT_EQ(launchAll(), 0);
  EXPECT_EQ(allocations() - before, 0);
  // And the counter counts.
  expectRefused(halo_launch(conv, list.data(), 2, nullptr), "2 tensors");
  EXPECT_GT(allocations(), before);
  halo_form_destroy(form);
}

TEST_P(CApiConformance, ThreadsShareAnOperator) {
  halo_operator *conv = create(kConv);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      Arrays arrays(device, float(i));
      void *stream = nullptr;
      EXPECT_EQ(halo_stream_create(device, &stream), HALO_OK);
      for (int round = 0; round < 20; ++round)
        EXPECT_EQ(halo_launch(conv, arrays.list().data(), 3, stream), HALO_OK) << halo_last_error();
      EXPECT_EQ(halo_stream_synchronize(device, stream), HALO_OK);
      arrays.expectWritten();
      EXPECT_EQ(halo_stream_destroy(device, stream), HALO_OK);
    });
  for (std::thread &thread : threads)
    thread.join();
}

INSTANTIATE_TEST_SUITE_P(Devices, CApiConformance, ::testing::Values("null", "sim", "cuda"),
                         [](const auto &info) { return std::string(info.param); });

} // namespace
} // namespace halo

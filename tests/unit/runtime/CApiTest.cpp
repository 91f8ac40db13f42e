// The C API apart from launches: versions of structs, errors, options, the process.
#include "runtime/DiskCache.h"
#include "runtime/halo.h"

#include "tests/unit/runtime/CApiFixture.h"
#include "tests/unit/runtime/FakeBuildId.h"
#include "tests/unit/runtime/TestSupport.h"

#include <cstddef>
#include <cstring>
#include <thread>

namespace halo {
namespace {

using test::Arrays;
using test::expectRefused;
using test::kConv;

/// Where each field of the first version lies, for ever; a new field goes behind.
#define AT(type, field, offset) static_assert(offsetof(type, field) == offset, #type "." #field)
AT(halo_device_options, name, 8);
AT(halo_device_options, sim_unchecked, 16);
AT(halo_device_options, sim_seed, 24);
AT(halo_operator_options, problem, 8);
AT(halo_operator_options, kernel, 16);
AT(halo_operator_options, dtype, 24);
AT(halo_operator_options, wdtype, 32);
AT(halo_operator_options, set, 40);
AT(halo_operator_options, set_count, 48);
AT(halo_operator_options, with, 56);
AT(halo_operator_options, with_count, 64);
AT(halo_operator_options, schedule, 72);
AT(halo_operator_options, b, 80);
AT(halo_operator_options, l, 96);
AT(halo_tensor, name, 8);
AT(halo_tensor, data, 16);
AT(halo_tensor, dtype, 24);
AT(halo_tensor, rank, 28);
AT(halo_tensor, sizes, 32);
AT(halo_tensor, strides, 96);
AT(halo_operand, name, 8);
AT(halo_operand, kind, 16);
AT(halo_operand, output, 24);
AT(halo_operand, layout, 28);
AT(halo_operand, rank, 32);
AT(halo_operand, streams, 40);
AT(halo_operand, modes, 72);

/// The struct of a later version: `more` bytes behind this one's.
template <typename T> struct Later {
  T known;
  int64_t more;
};

class CApi : public ::testing::Test {
protected:
  void SetUp() override {
    halo_device_options options = {sizeof(options), "null", 0, 0, 0};
    ASSERT_OK(halo_device_open(&options, &device));
    auto compiler = CompilerLibrary::get();
    if (!compiler || (*compiler)->buildId() != test::kFakeBuildId)
      GTEST_SKIP() << "needs the compiler of the tests";
  }
  void TearDown() override { halo_device_close(device); }
  halo_status create(const halo_operator_options &options) {
    halo_operator *op = nullptr;
    halo_status status = halo_operator_create(device, &options, &op);
    if (status == HALO_OK)
      problem = halo_operator_problem(op);
    halo_operator_destroy(op);
    return status;
  }
  static halo_operator_options named(const char *kernel) {
    halo_operator_options options = {};
    options.struct_size = sizeof(options);
    options.kernel = kernel;
    return options;
  }

  halo_device *device = nullptr;
  std::string problem;
};

TEST_F(CApi, SaysWhatItIs) {
  EXPECT_EQ(halo_abi_version(), uint32_t(HALO_ABI_VERSION));
  EXPECT_STREQ(halo_version(), HALO_VERSION_TEXT);
  EXPECT_STREQ(halo_device_kind(device), "null");
  EXPECT_STREQ(halo_device_name(device), "null device");
  EXPECT_EQ(halo_device_kind(nullptr), nullptr);
}

TEST_F(CApi, PartsAreOneText) {
  halo_operator_options options = named("causal_conv1d");
  const char *set[] = {"layout=bld", "K=4"}, *with[] = {"initial_state", "bias"};
  options.dtype = "bf16", options.wdtype = "f32";
  options.set = set, options.set_count = 2, options.with = with, options.with_count = 2;
  ASSERT_OK(create(options));
  EXPECT_EQ(problem, "causal_conv1d --dtype bf16 --wdtype f32 --set K=4 --set layout=bld --with "
                     "bias,initial_state");
  options.kernel = nullptr;
  options.problem = "causal_conv1d --with 'bias'";
  ASSERT_OK(create(options));
  options = named("hcm");
  set[0] = "invariant=true", options.set = set, options.set_count = 1;
  ASSERT_OK(create(options));
  EXPECT_EQ(problem, "hcm --set invariant=true");
  options = named("/a folder/it's.mlir");
  ASSERT_OK(create(options));
  EXPECT_EQ(problem, "'/a folder/it'\\''s.mlir'");
}

TEST_F(CApi, WrongOptionsAreRefused) {
  halo_operator_options options = named(nullptr);
  expectRefused(create(options), "neither problem nor kernel");
  options = named("causal_conv1d");
  options.problem = kConv;
  expectRefused(create(options), "both problem and kernel");
  options = named("causal_conv1d");
  const char *twice[] = {"K=4", "K=5"}, *hole[] = {nullptr};
  options.set = twice, options.set_count = 2;
  expectRefused(create(options), "K is set twice");
  options.set = hole, options.set_count = 1;
  expectRefused(create(options), "--set is null");
  options.set = nullptr;
  expectRefused(create(options), "--set is null");
  options = named("causal_conv1d");
  options.dtype = "f64";
  expectRefused(create(options), "f64", "bf16");
  halo_device_options device = {sizeof(device), "gpu", 0, 0, 0};
  halo_device *opened = nullptr;
  expectRefused(halo_device_open(&device, &opened), "gpu", "cuda:N");
  EXPECT_EQ(opened, nullptr);
  device.name = "cuda:4096";
  EXPECT_EQ(halo_device_open(&device, &opened), HALO_UNAVAILABLE) << halo_last_error();
}

TEST_F(CApi, StructsOfOtherVersions) {
  Later<halo_operator_options> later = {named("causal_conv1d"), 0};
  later.known.struct_size = sizeof(later);
  ASSERT_OK(create(later.known));
  later.more = 1;
  expectRefused(create(later.known), "halo_operator_options", "112 bytes", "knows 104");
  later.known.struct_size = 96;
  expectRefused(create(later.known), "struct_size = 96", "below the 104");
  halo_device_options none = {};
  halo_device *opened = nullptr;
  expectRefused(halo_device_open(&none, &opened), "halo_device_options", "struct_size = 0", "32");
}

TEST_F(CApi, OperandsOfALaterVersion) {
  halo_operator_options options = named(nullptr);
  options.problem = kConv;
  halo_operator *op = nullptr;
  ASSERT_OK(halo_operator_create(device, &options, &op));
  ASSERT_OK(halo_operator_prepare(op));
  Later<halo_operand> operand;
  std::memset(&operand, 7, sizeof(operand));
  operand.known.struct_size = sizeof(operand);
  ASSERT_OK(halo_operator_operand(op, 1, &operand.known));
  EXPECT_STREQ(operand.known.name, "weight");
  EXPECT_EQ(operand.known.struct_size, sizeof(operand));
  EXPECT_EQ(operand.more, 0);
  operand.known.struct_size = 72;
  expectRefused(halo_operator_operand(op, 1, &operand.known), "struct_size = 72", "80");
  halo_operator_destroy(op);
}

TEST_F(CApi, TensorsOfALaterVersion) {
  halo_operator_options options = named(nullptr);
  options.problem = kConv;
  halo_operator *op = nullptr;
  ASSERT_OK(halo_operator_create(device, &options, &op));
  {
    Arrays arrays(device, 1);
    std::vector<Later<halo_tensor>> list;
    for (halo_tensor &tensor : arrays.list()) {
      tensor.struct_size = sizeof(Later<halo_tensor>);
      list.push_back({tensor, 0});
    }
    ASSERT_OK(halo_launch(op, &list[0].known, 3, nullptr));
    list[1].more = 1;
    expectRefused(halo_launch(op, &list[0].known, 3, nullptr), "halo_tensor", "168 bytes", "160");
    list[1].more = 0;
    list[2].known.struct_size = 160;
    expectRefused(halo_launch(op, &list[0].known, 3, nullptr), "tensor 2", "160", "168");
    list[0].known.struct_size = 0;
    expectRefused(halo_launch(op, &list[0].known, 3, nullptr), "struct_size = 0", "160");
  }
  halo_operator_destroy(op);
}

TEST_F(CApi, NullIsRefusedEverywhere) {
  halo_operator_options options = named("causal_conv1d");
  halo_operator *op = nullptr;
  halo_form *form = nullptr;
  halo_operand operand = {};
  void *memory = nullptr;
  size_t count = 0;
  int32_t rank = 0;
  int64_t sizes[HALO_MAX_RANK];
  expectRefused(halo_device_open(nullptr, nullptr), "device is null");
  expectRefused(halo_operator_create(nullptr, &options, &op), "device is null");
  expectRefused(halo_operator_create(device, nullptr, &op), "options is null");
  expectRefused(halo_operator_create(device, &options, nullptr), "op is null");
  expectRefused(halo_operator_prepare(nullptr), "op is null");
  expectRefused(halo_operator_prepare_align(nullptr, 1), "op is null");
  expectRefused(halo_operator_operand_count(nullptr, &count), "op is null");
  expectRefused(halo_operator_operand(nullptr, 0, &operand), "op is null");
  expectRefused(halo_operator_operand_sizes(nullptr, 0, 1, 1, 1, sizes, &rank), "op is null");
  expectRefused(halo_launch(nullptr, nullptr, 0, nullptr), "op is null");
  expectRefused(halo_form_create(nullptr, nullptr, 0, &form), "op is null");
  expectRefused(halo_form_launch(nullptr, nullptr, 0, nullptr), "form is null");
  expectRefused(halo_memory_allocate(nullptr, 1, &memory), "device is null");
  expectRefused(halo_memory_allocate(device, 1, nullptr), "memory is null");
  expectRefused(halo_memory_release(nullptr, nullptr), "device is null");
  expectRefused(halo_memory_upload(device, nullptr, sizes, 1), "to is null");
  expectRefused(halo_memory_download(device, nullptr, sizes, 1), "host is null");
  expectRefused(halo_stream_create(device, nullptr), "stream is null");
  expectRefused(halo_stream_synchronize(nullptr, nullptr), "device is null");
  ASSERT_OK(halo_operator_create(device, &options, &op));
  expectRefused(halo_launch(op, nullptr, 3, nullptr), "tensors is null");
  expectRefused(halo_form_create(op, nullptr, 0, nullptr), "form is null");
  EXPECT_EQ(halo_operator_problem(nullptr), nullptr);
  halo_operator_destroy(op);
  halo_operator_freeze(nullptr);
  halo_operator_destroy(nullptr);
  halo_form_destroy(nullptr);
  halo_device_close(nullptr);
}

TEST_F(CApi, AnErrorIsItsThreads) {
  expectRefused(halo_operator_prepare(nullptr), "op is null");
  std::thread([] {
    EXPECT_STREQ(halo_last_error(), "");
    expectRefused(halo_form_launch(nullptr, nullptr, 0, nullptr), "form is null");
  }).join();
  EXPECT_STREQ(halo_last_error(), "op is null");
}

TEST_F(CApi, WarningsReachTheSink) {
  test::TempFolder folder;
  test::writeFile(folder / "file", "");
  std::vector<std::string> heard;
  auto hear = [](const char *sentence, void *user) {
    static_cast<std::vector<std::string> *>(user)->push_back(sentence);
  };
  auto warnOnce = [&] {
    DiskCache cache(folder / "file");
    CacheKey key("kernel");
    (void)cache.publish(key, {key.text(), "{}", ""});
  };
  halo_set_warning_sink(hear, &heard);
  warnOnce();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_NE(heard[0].find(folder / "file"), std::string::npos) << heard[0];
  halo_set_warning_sink(nullptr, nullptr);
  warnOnce();
  EXPECT_EQ(heard.size(), 1u);
}

} // namespace
} // namespace halo

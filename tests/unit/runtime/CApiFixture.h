// A device and arrays as a C program has them; for the tests of the C API.
#pragma once

#include "runtime/CompilerLibrary.h"
#include "runtime/halo.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace halo::test {

#define ASSERT_OK(...) ASSERT_EQ(__VA_ARGS__, HALO_OK) << halo_last_error()

/// Whether it was refused with a sentence that has all the parts.
template <typename... Parts> void expectRefused(halo_status status, const Parts &...parts) {
  std::string sentence = halo_last_error();
  EXPECT_EQ(status, HALO_INVALID) << sentence;
  for (const std::string &part : {std::string(parts)...})
    EXPECT_NE(sentence.find(part), std::string::npos) << "'" << part << "' in: " << sentence;
  EXPECT_FALSE(sentence.empty() || sentence.back() == '.') << sentence;
}

constexpr const char *kConv = "causal_conv1d --dtype f32 --wdtype f32 --set K=4 layout=bld";

/// A convolution of equal numbers with taps of one: y is four times x, once four positions are
/// seen.
class Arrays {
public:
  static constexpr int64_t L = 8, D = 32;

  Arrays(halo_device *on, float value) : device(on), value(value) {
    x = made(L * D, value);
    w = made(D * 4, 1);
    y = made(L * D, NAN);
  }
  ~Arrays() { release(); }
  Arrays(const Arrays &) = delete;
  void release() {
    for (void **memory : {&x, &w, &y})
      if (void *taken = std::exchange(*memory, nullptr))
        EXPECT_EQ(halo_memory_release(device, taken), HALO_OK) << halo_last_error();
  }

  /// In the operands' order.
  std::vector<halo_tensor> list() const {
    return {tensor(x, {1, L, D}), tensor(w, {D, 4}), tensor(y, {1, L, D})};
  }
  void clear() { upload(y, std::vector<float>(L * D, NAN)); }
  void expectWritten() const {
    EXPECT_EQ(halo_stream_synchronize(device, nullptr), HALO_OK);
    if (std::string(halo_device_kind(device)) == "null")
      EXPECT_TRUE(std::isnan(last())) << "the null device runs nothing";
    else
      EXPECT_EQ(last(), 4 * value);
  }
  void expectUntouched() const { EXPECT_TRUE(std::isnan(last())); }

  void *x, *w, *y;

private:
  static halo_tensor tensor(void *data, const std::vector<int64_t> &sizes) {
    halo_tensor made = {};
    made.struct_size = sizeof(made);
    made.data = data;
    made.dtype = HALO_F32;
    made.rank = int32_t(sizes.size());
    int64_t stride = 1;
    for (size_t i = sizes.size(); i-- > 0; stride *= sizes[i]) {
      made.sizes[i] = sizes[i];
      made.strides[i] = stride;
    }
    return made;
  }
  void *made(int64_t count, float fill) {
    void *memory = nullptr;
    EXPECT_EQ(halo_memory_allocate(device, size_t(count) * 4, &memory), HALO_OK)
        << halo_last_error();
    upload(memory, std::vector<float>(size_t(count), fill));
    return memory;
  }
  void upload(void *to, const std::vector<float> &values) {
    EXPECT_EQ(halo_memory_upload(device, to, values.data(), values.size() * 4), HALO_OK);
    EXPECT_EQ(halo_stream_synchronize(device, nullptr), HALO_OK);
  }
  float last() const {
    float values[L * D];
    EXPECT_EQ(halo_memory_download(device, values, y, sizeof(values)), HALO_OK);
    return values[L * D - 1];
  }

  halo_device *device;
  float value;
};

class CApiConformance : public ::testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    halo_device_options options = {sizeof(options), GetParam(), 0, 0, 0};
    if (halo_device_open(&options, &device) != HALO_OK)
      GTEST_SKIP() << halo_last_error();
    auto compiler = CompilerLibrary::get();
    bool fake = compiler && (*compiler)->buildId() == "fake";
    if (!compiler || (fake && std::string(GetParam()) == "cuda"))
      GTEST_SKIP() << "nobody compiles for this device";
  }
  void TearDown() override {
    for (halo_operator *op : operators)
      halo_operator_destroy(op);
    halo_device_close(device);
  }
  /// Destroyed with the test.
  halo_operator *create(const char *problem) {
    halo_operator_options options = {};
    options.struct_size = sizeof(options);
    options.problem = problem;
    halo_operator *op = nullptr;
    EXPECT_EQ(halo_operator_create(device, &options, &op), HALO_OK) << halo_last_error();
    operators.push_back(op);
    return op;
  }

  halo_device *device = nullptr;

private:
  std::vector<halo_operator *> operators;
};

} // namespace halo::test

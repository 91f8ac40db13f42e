// What is drawn must suit the law's tolerances: outputs at unit scale, and no legal rounding
// outside them.
#include "tests/oracle/Oracle.h"
#include "tests/property/Checks.h"
#include "tests/property/Draw.h"

#include <gtest/gtest.h>

#include <cmath>

namespace halo::property {
namespace {

double at(const HostTensor &tensor, int64_t i) {
  return loadAsF64(tensor.bytes.data(), tensor.dtype, i);
}

/// Cases of all kernels, as long as a GPU's where `length` says so.
template <typename Check> void eachCase(const std::string &kernel, int64_t length, Check check) {
  DrawOptions options;
  options.kernel = kernel;
  options.work = 3e5;
  options.length = length;
  for (uint64_t i = 0; i < 160; ++i) {
    Case drawn = drawCase(20240229, i, options);
    SCOPED_TRACE(drawn.print());
    check(drawn, makeInputs(drawn));
  }
}

Result<HostTensor> outputY(const Case &drawn, const TensorMap &inputs) {
  HALO_TRY(outputs, oracle(drawn.problem.kernel, inputs, drawn.problem.params));
  return outputs["y"];
}

/// The root mean square of each channel of y.
std::vector<double> channelScales(const Case &drawn, const HostTensor &y) {
  bool last = y.shape.size() == 2 || paramOf(drawn.problem, "layout", "bdl") == "bld";
  int64_t channels = last ? y.shape.back() : y.shape[1], inner = last ? 1 : y.shape[2];
  std::vector<double> squares(static_cast<size_t>(channels));
  for (int64_t i = 0, end = y.elements(); i < end; ++i)
    squares[size_t(i / inner % channels)] += at(y, i) * at(y, i);
  for (double &sum : squares)
    sum = std::sqrt(sum * double(channels) / double(y.elements()));
  return squares;
}

TEST(InputsTest, OutputsAreAtUnitScale) {
  for (const char *kernel :
       {"causal_conv1d", "hcs", "hcm", "hcl", "b2b_causal_conv1d", "hcs_step", "hcl_step"})
    eachCase(kernel, 1500, [](const Case &drawn, const TensorMap &inputs) {
      Result<HostTensor> y = outputY(drawn, inputs);
      ASSERT_TRUE(bool(y)) << y.error().message;
      double sum = 0;
      std::vector<double> scales = channelScales(drawn, *y);
      for (double scale : scales)
        sum += scale * scale;
      // A skip or a bias of a normal number is in some channel 4; few samples are no noise.
      if (y->elements() >= 100 * int64_t(scales.size())) {
        for (double scale : scales)
          EXPECT_LT(scale, 7);
      }
      if (y->elements() >= 1000) {
        EXPECT_LT(sum, 9 * double(scales.size()));
      }
    });
}

/// conv may be rounded up or down where it is near the middle; then y moves by a unit in its last
/// place times the gate, whatever the skip leaves of it.
TEST(InputsTest, NoLegalRoundingOfARecurrenceIsOutsideTolerance) {
  int64_t judged = 0;
  eachCase("hcl", 3000, [&](const Case &drawn, const TensorMap &inputs) {
    DType type = inputs.at("z").dtype;
    if (!inputs.count("skip") || type == DType::F32)
      return;
    TensorMap alone = inputs;
    alone.erase("skip");
    Result<HostTensor> y = outputY(drawn, inputs), gated = outputY(drawn, alone);
    ASSERT_TRUE(y && gated);
    Tolerance tolerance = toleranceOf(type);
    double unit = type == DType::BF16 ? 0x1p-7 : 0x1p-10;
    for (int64_t i = 0, end = y->elements(); i < end; ++i, ++judged)
      ASSERT_LE(unit * std::abs(at(*gated, i)),
                tolerance.absolute + tolerance.relative * std::abs(at(*y, i)));
  });
  EXPECT_GT(judged, 100000);
}

} // namespace
} // namespace halo::property

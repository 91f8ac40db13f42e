#include "runtime/Halo.h"
using namespace halo;

// data [l, d] becomes silu(causal convolution of data with taps [d, 4]), in f32.
Result<void> convolve(std::string_view name, int64_t l, int64_t d, float *data, float *taps) {
  HALO_TRY(device, openDevice(name)); // "cuda", "sim"; "" takes the GPU where there is one
  HALO_TRY(problem,
           Problem::parse("causal_conv1d --dtype f32 --set K=4 layout=bld activation=silu"));
  HALO_TRY(kernel, Kernel::compile(device, problem));
  HALO_TRY(x, DeviceBuffer::allocate(device, l * d * 4));
  HALO_TRY(w, DeviceBuffer::allocate(device, d * 4 * 4));
  HALO_TRY(y, DeviceBuffer::allocate(device, l * d * 4));
  HALO_CHECK(device->upload(x.data(), data, x.bytes()));
  HALO_CHECK(device->upload(w.data(), taps, w.bytes()));
  HALO_CHECK(kernel.launch({{"x", TensorRef::contiguous(x.data(), DType::F32, {1, l, d})},
                            {"weight", TensorRef::contiguous(w.data(), DType::F32, {d, 4})},
                            {"y", TensorRef::contiguous(y.data(), DType::F32, {1, l, d})}}));
  return device->download(data, y.data(), y.bytes());
}

// The README shows what is above this line; below, the test that it computes what it says.
#include <cmath>
#include <cstdio>
#include <vector>

int main(int argc, char **argv) {
  const int64_t l = 50, d = 24;
  std::vector<float> data(l * d), taps(d * 4), input;
  for (size_t i = 0; i < data.size(); ++i)
    data[i] = float(i * 37 % 101) / 50 - 1;
  for (size_t i = 0; i < taps.size(); ++i)
    taps[i] = float(i * 53 % 89) / 44 - 1;
  input = data;
  auto done = convolve(argc > 1 ? argv[1] : "", l, d, data.data(), taps.data());
  if (!done) {
    std::fprintf(stderr, "ten_lines: %s\n", done.error().message.c_str());
    return 1;
  }

  // The last tap meets the sample itself; before the start there are zeros.
  for (int64_t t = 0; t < l; ++t)
    for (int64_t c = 0; c < d; ++c) {
      double sum = 0;
      for (int64_t k = 0; k < 4 && k <= t; ++k)
        sum += double(input[(t - k) * d + c]) * taps[c * 4 + 3 - k];
      double want = sum / (1 + std::exp(-sum)), got = data[t * d + c];
      if (!(std::fabs(got - want) <= 1e-3 * (1 + std::fabs(want)))) {
        std::fprintf(stderr, "ten_lines: y[%d, %d] is %g, expected %g\n", int(t), int(c), got,
                     want);
        return 1;
      }
    }
  std::printf("%d values agree\n", int(l * d));
}

#include "tests/property/Large.h"

#include "tests/oracle/Compare.h"
#include "tests/oracle/Oracle.h"
#include "tests/property/LargeTensor.h"
#include "tests/property/Random.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace halo::property {

namespace {

/// Positions of one sample, and samples of one case.
constexpr int64_t kWindow = 48, kSamples = 64;

struct LargeCase {
  const char *name, *problem;
  Shape shape;
  std::map<std::string, ViewSpec> views = {};
};

/// Strides above 2^30: the third row starts past 2^31 elements, and little of it is touched.
constexpr int64_t kFar = (int64_t(1) << 30) + 4096;

std::vector<LargeCase> largeCases() {
  const char *bdl = "causal_conv1d --dtype bf16 --set K=4 layout=bdl activation=silu "
                    "final_state=true --with bias,initial_state";
  const char *bld = "causal_conv1d --dtype bf16 --set K=4 layout=bld activation=silu "
                    "final_state=true --with bias,initial_state";
  const char *anyBdl = "causal_conv1d --dtype bf16 --set K=4 layout=bdl align=1 final_state=true";
  const char *anyBld = "causal_conv1d --dtype bf16 --set K=4 layout=bld align=1 final_state=true";
  return {
      {"2.4e9 elements, bdl", bdl, {1, 40000, 60000}},
      {"2.4e9 elements, bld", bld, {1, 40000, 60000}},
      {"2.4e9 elements, bdl, 128 taps",
       "causal_conv1d --dtype bf16 --set K=128 layout=bdl taps=convolution final_state=true",
       {1, 40000, 60000}},
      {"2.4e9 elements, bld, 128 taps",
       "causal_conv1d --dtype bf16 --set K=128 layout=bld group=16 taps=convolution "
       "final_state=true",
       {1, 40000, 60000}},
      {"2.4e9 elements, split",
       "causal_conv1d_split --dtype bf16 --set K=4 layout=bld split=q:8000,k:8008,v:23992",
       {1, 40000, 60000}},
      {"far batches, bdl",
       anyBdl,
       {3, 64, 1000},
       {{"x", {{kFar, 1000, 1}, 0}}, {"y", {{kFar, 1000, 1}, 3}}}},
      {"far channels, bdl",
       anyBdl,
       {2, 3, 1000},
       {{"x", {{1000, kFar, 1}, 1}}, {"y", {{1000, kFar, 1}, 0}}}},
      {"far positions, bld",
       anyBld,
       {2, 100, 3},
       {{"x", {{100, kFar, 1}, 1}}, {"y", {{100, kFar, 1}, 0}}}},
      {"far aligned rows, bld",
       bld,
       {2, 512, 3},
       {{"x", {{512, kFar, 1}, 0}}, {"y", {{512, kFar, 1}, 0}}}},
      {"70,000 batches, bdl", anyBdl, {70000, 5, 19}},
      {"70,000 batches, bld", bld, {70000, 16, 9}},
      {"90,000 rows, bdl", bdl, {300, 300, 64}},
      {"70,000 channels, bdl", anyBdl, {1, 70001, 33}},
      {"the longest sequence, bdl", bdl, {1, 1, 2140000000}},
      {"the longest sequence, bld", anyBld, {1, 1, 2140000001}},
  };
}

class LargeRun {
public:
  LargeRun(std::shared_ptr<Device> device, const LargeCase &large, uint64_t seed)
      : device(std::move(device)), large(large), random(seed) {}

  Result<void> run();

private:
  std::shared_ptr<Device> device;
  const LargeCase &large;
  Random random;
  Problem problem;
  std::map<std::string, Operand> operands;
  std::map<std::string, LargeTensor> tensors;

  struct Sample {
    int64_t b, d, t; ///< Positions [t, t + window).
  };
  int64_t window() const { return std::min(kWindow, large.shape.l); }

  Result<void> launchOnce();
  std::vector<Sample> drawSamples();
  std::vector<int64_t> place(const Operand &operand, int64_t b, int64_t d, int64_t t) const {
    if (operand.layout == Layout::BDL)
      return {b, d, t};
    return {b, t, d};
  }
  /// One channel of one row as a problem of its own, its past as the initial state.
  TensorMap inputsOf(const Sample &sample) const;
  double past(const Sample &sample, int64_t t) const;
  Result<void> readOutput(const Sample &sample, HostTensor &into, int64_t at) const;
};

Result<void> LargeRun::launchOnce() {
  HALO_TRY(kernel, Kernel::compile(device, problem, {"", large.shape}));
  std::vector<Argument> arguments;
  double taps = double(numberOf(problem, "K", 1));
  for (const Operand &operand : kernel.info().operands) {
    std::vector<int64_t> sizes = outputShape(operand, large.shape);
    auto drawn = large.views.find(operand.name);
    HALO_TRY(tensor, LargeTensor::create(device, operand, sizes,
                                         drawn == large.views.end() ? contiguousView(sizes)
                                                                    : drawn->second));
    bool weights = operand.kind == OperandKind::Taps;
    if (operand.output)
      HALO_CHECK(tensor.poison());
    else
      HALO_CHECK(tensor.fillRandom(random.next(), weights ? 1 / std::sqrt(taps) : 1));
    arguments.push_back({operand.name, tensor.ref()});
    tensors[operand.name] = std::move(tensor);
    operands[operand.name] = operand;
  }
  for (Argument &argument : arguments)
    argument.name = operands.find(std::string(argument.name))->first;
  HALO_CHECK(kernel.launch(arguments));
  return device->synchronize(nullptr);
}

/// The corners, and anywhere else.
std::vector<LargeRun::Sample> LargeRun::drawSamples() {
  std::vector<Sample> samples;
  int64_t last = large.shape.l - window();
  auto corner = [&](int64_t size) { return random.of<int64_t>({0, size - 1, random.below(size)}); };
  for (int64_t i = 0; i < kSamples; ++i)
    samples.push_back({corner(large.shape.b), corner(large.shape.d), corner(last + 1)});
  samples.push_back({large.shape.b - 1, large.shape.d - 1, last});
  return samples;
}

double LargeRun::past(const Sample &sample, int64_t t) const {
  if (t >= 0)
    return tensors.at("x").value(place(operands.at("x"), sample.b, sample.d, t));
  int64_t slot = numberOf(problem, "K", 1) - 1 + t;
  auto state = tensors.find("initial_state");
  return state == tensors.end() || slot < 0 ? 0 : state->second.value({sample.b, sample.d, slot});
}

TensorMap LargeRun::inputsOf(const Sample &sample) const {
  TensorMap inputs;
  int64_t taps = numberOf(problem, "K", 1);
  auto make = [&](const char *name, std::vector<int64_t> shape, DType dtype, auto value) {
    HostTensor tensor{dtype, shape, {}};
    tensor.bytes.resize(size_t(tensor.elements()) * size(dtype));
    for (int64_t i = 0, end = tensor.elements(); i < end; ++i)
      storeFromF64(tensor.bytes.data(), dtype, i, value(i));
    inputs[name] = std::move(tensor);
  };
  DType t = operands.at("x").dtype, w = operands.at("weight").dtype;
  int64_t row = sample.d / operands.at("weight").group;
  make("x", {1, 1, window()}, t, [&](int64_t i) { return past(sample, sample.t + i); });
  make("initial_state", {1, 1, taps - 1}, t,
       [&](int64_t i) { return past(sample, sample.t - (taps - 1) + i); });
  make("weight", {1, taps}, w, [&](int64_t i) { return tensors.at("weight").value({row, i}); });
  if (tensors.count("bias"))
    make("bias", {1}, w, [&](int64_t) { return tensors.at("bias").value({sample.d}); });
  return inputs;
}

Result<void> LargeRun::readOutput(const Sample &sample, HostTensor &into, int64_t at) const {
  std::string name = "y";
  int64_t channel = sample.d;
  for (const Part &part : partsOf(problem)) {
    name = part.name;
    if (channel < part.channels)
      break;
    channel -= part.channels;
  }
  const Operand &operand = operands.at(name);
  return tensors.at(name).read(place(operand, sample.b, channel, sample.t),
                               operand.layout == Layout::BDL ? 2 : 1, window(), into, at);
}

Result<void> LargeRun::run() {
  HALO_TRY(parsed, Problem::parse(large.problem));
  problem = parsed;
  HALO_CHECK(launchOnce());

  std::vector<Sample> samples = drawSamples();
  OracleParams params = problem.params;
  params["layout"] = "bdl";
  params["final_state"] = "true";
  DType type = operands.at("x").dtype;
  HostTensor got{type, {int64_t(samples.size()), window()}, {}};
  got.bytes.resize(size_t(got.elements()) * size(type));
  HostTensor want{type, got.shape, {}};
  int64_t state = numberOf(problem, "K", 1) - 1;
  for (size_t i = 0; i < samples.size(); ++i) {
    const Sample &sample = samples[i];
    HALO_TRY(expected, oracle("causal_conv1d", inputsOf(sample), params));
    const std::vector<unsigned char> &row = expected["y"].bytes;
    want.bytes.insert(want.bytes.end(), row.begin(), row.end());
    HALO_CHECK(readOutput(sample, got, int64_t(i) * window()));
    if (!tensors.count("final_state") || sample.t + window() != large.shape.l)
      continue;
    HostTensor kept = expected["final_state"];
    HALO_CHECK(tensors.at("final_state").read({sample.b, sample.d, 0}, 2, state, kept, 0));
    HALO_CHECK(checkBits(fmt::format("final_state of row {} channel {}", sample.b, sample.d), kept,
                         expected["final_state"]));
  }
  Comparison result = compare(got, want, type);
  if (!result.withinTolerance) {
    std::string places;
    for (const Sample &sample : samples)
      places += fmt::format(" ({}, {}, {})", sample.b, sample.d, sample.t);
    return failed(fmt::format("relative norm {:.3g}, largest difference {:.3g}, [sample, position] "
                              "{}; samples (b, d, t):{}",
                              result.relativeNorm, result.maxAbs, result.worst, places));
  }
  for (const auto &[name, tensor] : tensors)
    if (operands.at(name).output && tensor.contiguous())
      HALO_CHECK(tensor.checkWritten());
  return {};
}

} // namespace

Result<void> runLarge(const std::shared_ptr<Device> &device, uint64_t seed,
                      const ReportOutcome &report) {
  if (device->kind() != "cuda")
    return invalid(fmt::format("--large needs --device cuda, got {}", device->kind()));
  uint64_t index = 0;
  for (const LargeCase &large : largeCases()) {
    auto done = LargeRun(device, large, mixSeed(seed, index++)).run();
    if (done)
      report(large.name, {});
    else if (done.error().code == ErrorCode::Unavailable)
      report(large.name, {Outcome::Skipped, done.error().message});
    else
      report(large.name, {Outcome::Failed, done.error().message});
  }
  return {};
}

} // namespace halo::property

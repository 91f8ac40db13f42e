#include "runtime/PackSelfTest.h"

#include "runtime/Environment.h"
#include "runtime/LaunchBuilder.h"
#include "runtime/Safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace halo {

namespace {

/// A NaN in every storage type: an element that nobody wrote is found.
constexpr uint8_t kPoison = 0xff;

struct Place {
  DeviceBuffer buffer;
  TensorRef tensor;
};

Result<Place> place(const std::shared_ptr<Device> &device, const HostTensor &host) {
  Place made;
  HALO_TRY(buffer, DeviceBuffer::allocate(device, host.bytes.size()));
  made.buffer = std::move(buffer);
  made.tensor = TensorRef::contiguous(made.buffer.data(), host.dtype, host.shape);
  return made;
}

/// No test is larger: a manifest must not choose how much memory is taken.
constexpr int64_t kMaxTestBytes = 64 << 20;

/// The tensor as the kernel takes it: repeated along an axis, whose last round may be cut short.
Result<HostTensor> repeated(const std::string &name, const HostTensor &stored,
                            const PackTest::Tile &tile) {
  int64_t outer = 1, inner = int64_t(size(stored.dtype));
  if (tile.axis >= stored.shape.size() || stored.shape[tile.axis] < 1)
    return failed(fmt::format("tensor '{}' has no elements along axis {}", name, tile.axis));
  for (size_t i = 0; i < stored.shape.size(); ++i)
    if (i != tile.axis)
      (i < tile.axis ? outer : inner) *= stored.shape[i];
  if (outer * inner > kMaxTestBytes || outer * inner * tile.size > kMaxTestBytes)
    return failed(fmt::format("tensor '{}' of {} times {} bytes is more than the {} of a test", name,
                              tile.size, outer * inner, kMaxTestBytes));
  HostTensor whole{stored.dtype, stored.shape, {}};
  whole.shape[tile.axis] = tile.size;
  int64_t period = stored.shape[tile.axis] * inner, row = tile.size * inner;
  whole.bytes.resize(size_t(outer * row));
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t at = 0; at < row; at += period)
      std::copy_n(stored.bytes.begin() + o * period, std::min(period, row - at),
                  whole.bytes.begin() + o * row + at);
  return whole;
}

/// This library's fmt prints no floating point: that would be a tenth of its size.
std::string text(double value) {
  char digits[40];
  std::snprintf(digits, sizeof(digits), "%g", value);
  return digits;
}

Result<void> compare(const std::string &output, const HostTensor &got, const HostTensor &want,
                     const PackTolerance &tolerance) {
  double differences = 0, norm = 0;
  for (int64_t i = 0, end = want.elements(); i < end; ++i) {
    double g = loadAsF64(got.bytes.data(), got.dtype, i),
           w = loadAsF64(want.bytes.data(), want.dtype, i);
    // Written so that a NaN is no agreement.
    if (!(std::abs(g - w) <= tolerance.absolute + tolerance.relative * std::abs(w)))
      return failed(fmt::format("{} is {} at element {} where {} is expected", output, text(g), i,
                                text(w)));
    differences += (g - w) * (g - w);
    norm += w * w;
  }
  if (std::sqrt(differences) <= tolerance.norm * std::sqrt(norm))
    return {};
  return failed(fmt::format("{} differs by {} of its norm where {} is allowed", output,
                            text(std::sqrt(differences / norm)), text(tolerance.norm)));
}

Result<bool> run(const PackedKernel &packed, const std::shared_ptr<Device> &device,
                 const LoadedKernel &loaded) {
  const std::optional<PackTest> &test = packed.problem->test;
  if (!test || device->kind() == "null")
    return false;
  HALO_TRY(bytes, packed.pack->blob(test->blob));
  HALO_TRY(tensors, parseSafetensors(packed.pack->manifest().blobs[test->blob].name, bytes));
  for (const auto &[name, tile] : test->tiles)
    if (auto stored = tensors.find(name); stored != tensors.end()) {
      HALO_TRY(whole, repeated(name, stored->second, tile));
      stored->second = std::move(whole);
    }
  std::vector<Place> places;
  std::vector<Argument> arguments;
  for (const Operand &operand : loaded.info.operands) {
    std::string name = (operand.output ? std::string(kExpected) : "") + operand.name;
    auto tensor = tensors.find(name);
    if (tensor == tensors.end())
      return failed(fmt::format("there is no tensor '{}'", name));
    HALO_TRY(made, place(device, tensor->second));
    // What is updated begins as its input.
    auto begin = operand.updates() ? tensors.find(operand.name) : tensor;
    if ((operand.output && !operand.updates()) || begin == tensors.end() ||
        begin->second.bytes.size() != tensor->second.bytes.size())
      HALO_CHECK(device->fill(made.buffer.data(), kPoison, tensor->second.bytes.size()));
    else
      HALO_CHECK(device->upload(made.buffer.data(), begin->second.bytes.data(),
                                begin->second.bytes.size()));
    arguments.push_back({operand.name, made.tensor});
    places.push_back(std::move(made));
  }

  BoundLaunch bound;
  HALO_CHECK(LaunchBuilder(loaded.plan).bind(Span<Argument>(arguments), bound));
  HALO_CHECK(device->launch(loaded, bound.blocks, bound.params(), nullptr));
  HALO_CHECK(device->synchronize(nullptr));
  for (size_t i = 0; i < places.size(); ++i) {
    const Operand &operand = loaded.info.operands[i];
    if (!operand.output)
      continue;
    const HostTensor &want = tensors.at(std::string(kExpected) + operand.name);
    auto tolerance = test->tolerance.find(operand.name);
    if (tolerance == test->tolerance.end())
      return failed(fmt::format("there is no tolerance for '{}'", operand.name));
    HostTensor got = want;
    HALO_CHECK(device->download(got.bytes.data(), places[i].buffer.data(), got.bytes.size()));
    HALO_CHECK(compare(operand.name, got, want, tolerance->second));
  }
  return true;
}

} // namespace

Result<bool> selfTest(const PackedKernel &packed, const std::shared_ptr<Device> &device,
                      const LoadedKernel &loaded) {
  Result<bool> done = run(packed, device, loaded);
  if (done)
    return done;
  return failed(fmt::format("pack {}: the self-test of '{}' on {} fails: {}", packed.pack->path(),
                            packed.problem->problem.print(), device->name(),
                            done.error().message));
}

Result<SelfTest> selfTest(const std::shared_ptr<const Pack> &pack, const PackProblem &problem,
                          const std::shared_ptr<Device> &device) {
  PackedKernel packed{pack, &problem, pack->choose(problem, targetOf(*device), {})};
  if (!packed.code)
    return SelfTest::Absent;
  HALO_TRY(artifact, pack->artifact(problem, *packed.code));
  HALO_TRY(loaded, device->load(artifact));
  HALO_TRY(ran, selfTest(packed, device, *loaded));
  return ran ? SelfTest::Passed : SelfTest::Untested;
}

bool selfTestWanted() {
  static const bool wanted = environment(kPackSelfTest) == "on";
  return wanted;
}

} // namespace halo

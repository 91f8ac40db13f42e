// A small pack, made in memory: one kernel that the stand-in compiler's simulator can run, and that no
// compiler knows by its name.
#pragma once

#include "runtime/Pack.h"
#include "runtime/Safetensors.h"
#include "tests/unit/runtime/TestSupport.h"
#include "tools/halo/PackWriter.h"

namespace halo::test {

constexpr const char *kPackedKernel = "packed_conv";
constexpr const char *kPackedSchedule = "block_n=32,block_l=0,num_warps=1,vector=1,unroll=1,stages=1,"
                                        "min_blocks=1,window=registers";

/// A pack that is still open for changes.
struct PackDraft {
  PackManifest manifest;
  tool::PackBlobs blobs;

  /// The file's bytes; ends the draft.
  std::string bytes() {
    std::vector<std::string> contents;
    blobs.finish(manifest, contents);
    auto made = tool::packBytes(manifest, contents);
    HALO_EXPECT_OK(made);
    return made ? *made : "";
  }
};

/// x [2, 6, 8] times a window of K ones: running sums.
inline TensorMap packedTest(int64_t taps) {
  auto make = [](std::vector<int64_t> shape) {
    HostTensor tensor;
    tensor.shape = shape;
    tensor.bytes.resize(size_t(tensor.elements()) * 4);
    return tensor;
  };
  const int64_t b = 2, l = 6, d = 8;
  HostTensor x = make({b, l, d}), weight = make({d, taps}), y = make({b, l, d});
  for (int64_t i = 0; i < x.elements(); ++i)
    storeFromF64(x.bytes.data(), DType::F32, i, double(i % 7) - 2);
  for (int64_t i = 0; i < weight.elements(); ++i)
    storeFromF64(weight.bytes.data(), DType::F32, i, 1);
  for (int64_t i = 0; i < y.elements(); ++i) {
    double sum = 0;
    for (int64_t k = 0; k < taps && k <= i / d % l; ++k)
      sum += loadAsF64(x.bytes.data(), DType::F32, i - k * d);
    storeFromF64(y.bytes.data(), DType::F32, i, sum);
  }
  return {{"x", x}, {"weight", weight}, {"expected.y", y}};
}

inline KernelInfo packedInfo(int64_t taps) {
  KernelInfo info;
  info.kernel = info.entry = kPackedKernel;
  info.schedule = kPackedSchedule;
  info.operands = {{"x", OperandKind::View, DType::F32, false, Layout::BLD, 1, 0, 1, 0},
                   {"weight", OperandKind::Taps, DType::F32, false, Layout::BLD, 1, taps, 1, 0},
                   {"y", OperandKind::View, DType::F32, true, Layout::BLD, 1, 0, 1, 0}};
  info.threads = 32;
  info.stepL = 4;
  info.halo = taps - 1;
  info.tiles = {{0, 0, 32}};
  return info;
}

/// Adds a code; its content is what the stand-in's simulator takes: the number of taps.
inline PackCode &addCode(PackDraft &draft, PackProblem &problem, const std::string &form,
                         const std::string &arch, int64_t taps) {
  PackCode code;
  code.form = form;
  code.arch = arch;
  code.schedule = kPackedSchedule;
  code.info = draft.blobs.add("info.json", packedInfo(taps).toJson(), false);
  code.code = draft.blobs.add("code." + form, std::to_string(taps), true);
  problem.codes.push_back(code);
  return problem.codes.back();
}

inline PackDraft draftPack(int64_t taps = 3, const TensorMap &test = packedTest(3)) {
  PackDraft draft;
  draft.manifest.name = "small";
  draft.manifest.toolchain = {{"compiler", "none"}};
  const char *description =
      R"({"name":"packed_conv","summary":"","source":"","params":[{"name":"K","kind":"int","default":""},)"
      R"({"name":"layout","kind":"enum","default":"","values":["bld","bdl"]},)"
      R"({"name":"T","kind":"type","default":"f32"},{"name":"W","kind":"type","default":"T"}],)"
      R"("operands":[{"name":"x","optional":false},{"name":"bias","optional":true}]})";
  draft.manifest.kernels.push_back(
      {kPackedKernel, "", draft.blobs.add("kernels/packed_conv.json", description, false)});
  PackProblem problem;
  problem.problem = {kPackedKernel,
                     {{"K", std::to_string(taps)}, {"layout", "bld"}, {"T", "f32"}, {"W", "f32"}},
                     {},
                     16};
  auto bytes = printSafetensors("test", test);
  HALO_EXPECT_OK(bytes);
  problem.test = PackTest{draft.blobs.add("test.safetensors", bytes ? *bytes : "", false),
                          {{"y", {1e-5, 1e-5, 1e-5}}},
                          {}};
  addCode(draft, problem, "sim", "sm_90", taps);
  draft.manifest.problems.push_back(problem);
  return draft;
}

inline std::shared_ptr<const Pack> parsePack(const std::string &bytes) {
  auto pack = Pack::parse("small.halopack", bytes);
  HALO_EXPECT_OK(pack);
  return pack ? *pack : nullptr;
}

} // namespace halo::test

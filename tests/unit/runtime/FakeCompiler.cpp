// A compiler of one kernel, behind the C ABI of libhalo_compiler.so: what the runtime's own tests
// run without LLVM. causal_conv1d in f32, bld, correlation taps; the "bitcode" is its K.
//
// Other kernels are ways to fail: "broken" (status 1), "refused" (status 2), "mute" (no reason),
// "nonsense" (a success whose reply is no JSON).
#include "runtime/CompilerAbi.h"
#include "runtime/KernelInfo.h"
#include "runtime/Schedule.h"
#include "tests/unit/runtime/FakeBuildId.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#define EXPORT extern "C" __attribute__((visibility("default")))

struct HaloSimKernel {
  int64_t taps;
};

namespace {

constexpr int64_t kBlockN = 32;

void reply(HaloReply *out, const std::string &text, const std::string &blob = "") {
  out->json = strdup(text.c_str());
  out->blobSize = blob.size();
  out->blob = static_cast<char *>(std::malloc(blob.size() + 1));
  std::memcpy(out->blob, blob.data(), blob.size());
}

int fail(HaloReply *out, int status, const std::string &why) {
  reply(out, nlohmann::json{{"error", why}}.dump());
  return status;
}

halo::KernelInfo describe(int64_t taps) {
  using namespace halo;
  KernelInfo info;
  info.kernel = info.entry = "causal_conv1d";
  info.operands = {{"x", OperandKind::View, DType::F32, false, Layout::BLD, 1, 0, 1, 0},
                   {"weight", OperandKind::Taps, DType::F32, false, Layout::BLD, 1, taps, 1, 0},
                   {"y", OperandKind::View, DType::F32, true, Layout::BLD, 1, 0, 1, 0}};
  info.threads = 32;
  info.stepL = 4;
  info.halo = taps - 1;
  info.tiles = {{0, 0, kBlockN}};
  return info;
}

/// The parameters of the calling convention, for operands x, weight, y.
struct Parameters {
  explicit Parameters(void **params) : params(params) {}
  template <typename T> T at(int slot) const {
    T value;
    std::memcpy(&value, params[slot], sizeof(T));
    return value;
  }
  const float *pointer(int slot) const { return at<const float *>(slot); }
  int64_t stride(int slot) const { return at<int64_t>(slot); }
  int64_t size(int index) const { return at<int32_t>(11 + index); }
  void **params;
};

bool known(const HaloSimLaunch &launch, const void *address) {
  uintptr_t at = reinterpret_cast<uintptr_t>(address);
  for (size_t i = 0; i < launch.numRegions; ++i) {
    uintptr_t base = reinterpret_cast<uintptr_t>(launch.regions[i].base);
    if (at >= base && at + sizeof(float) <= base + launch.regions[i].bytes)
      return true;
  }
  return !launch.checked;
}

/// One block. False where it meets an address outside the regions.
bool runBlock(const HaloSimLaunch &launch, int64_t taps, int64_t block) {
  Parameters p(launch.params);
  int64_t d = p.size(1), l = p.size(2), blockL = p.size(3), tilesL = p.size(4), tilesN = p.size(5);
  int64_t n = block % tilesN, tile = block / tilesN % tilesL, b = block / tilesN / tilesL;
  for (int64_t t = tile * blockL; t < std::min(l, (tile + 1) * blockL); ++t)
    for (int64_t c = n * kBlockN; c < std::min(d, (n + 1) * kBlockN); ++c) {
      double sum = 0;
      for (int64_t j = 0; j < taps; ++j) {
        int64_t from = t - (taps - 1) + j;
        if (from < 0)
          continue;
        const float *x = p.pointer(0) + b * p.stride(1) + c * p.stride(2) + from * p.stride(3);
        const float *w = p.pointer(4) + c * p.stride(5) + j * p.stride(6);
        if (!known(launch, x) || !known(launch, w))
          return false;
        sum += double(*x) * double(*w);
      }
      auto *y =
          const_cast<float *>(p.pointer(7)) + b * p.stride(8) + c * p.stride(9) + t * p.stride(10);
      if (!known(launch, y))
        return false;
      *y = float(sum);
    }
  return true;
}

} // namespace

EXPORT uint32_t haloCompilerAbiVersion(void) { return HALO_COMPILER_ABI_VERSION; }
EXPORT const char *haloCompilerBuildId(void) { return halo::test::kFakeBuildId; }

EXPORT void haloCompilerFree(HaloReply *out) {
  std::free(out->json);
  std::free(out->blob);
  *out = {};
}

EXPORT int haloCompilerCall(const char *request, size_t size, HaloReply *out) {
  auto json = nlohmann::json::parse(std::string(request, size), nullptr, false);
  if (!json.is_object() || (json["verb"] != "compile" && json["verb"] != "traits"))
    return fail(out, 2, "the request is no compile");
  std::string kernel = json["kernel"];
  if (kernel == "broken")
    return fail(out, 1, "code generation broke");
  if (kernel == "refused")
    return fail(out, 2, "kernel refused is refused");
  if (kernel == "mute")
    return 1;
  if (json["verb"] == "traits") {
    nlohmann::json params = {{"K", "4"}, {"T", "f32"}, {"layout", "bld"}};
    params.update(json["params"]);
    nlohmann::json with = json.value("with", nlohmann::json::array());
    nlohmann::json traits = nlohmann::json::parse(halo::KernelTraits().toJson());
    return reply(out,
                 nlohmann::json{{"traits", traits}, {"params", params}, {"with", with}}.dump()),
           0;
  }
  if (kernel == "nonsense")
    return reply(out, "nonsense"), 0;
  if (kernel != "causal_conv1d")
    return fail(out, 2, "kernel " + kernel + " is unknown");
  if (json["params"].value("T", "f32") != "f32" || json["params"].value("layout", "bld") != "bld")
    return fail(out, 2, "the fake compiler has f32 and bld only");
  std::string taps = json["params"].value("K", "4");
  nlohmann::json result;
  result["info"] = nlohmann::json::parse(describe(std::stoll(taps)).toJson());
  result["times"] = nlohmann::json::array({{"parse", 1.5}, {"assemble", 2.5}});
  result["log"] = "";
  reply(out, result.dump(), taps);
  return 0;
}

EXPORT int haloSimCreate(const char *bitcode, size_t size, const char *, int32_t,
                         HaloSimKernel **kernel, HaloReply *out) {
  int64_t taps = std::atoll(std::string(bitcode, size).c_str());
  if (taps < 1)
    return fail(out, 1, "the bitcode is broken");
  *kernel = new HaloSimKernel{taps};
  return 0;
}

EXPORT int haloSimRun(HaloSimKernel *kernel, const HaloSimLaunch *launch, HaloReply *out) {
  if (launch->size != sizeof(HaloSimLaunch) || launch->blockX != 32)
    return fail(out, 1, "the launch is malformed");
  for (int64_t block = 0; block < int64_t(launch->gridX); ++block)
    if (!runBlock(*launch, kernel->taps, block))
      return fail(out, 1, "an access is out of bounds");
  return 0;
}

EXPORT void haloSimDestroy(HaloSimKernel *kernel) { delete kernel; }

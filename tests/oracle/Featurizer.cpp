#include "tests/oracle/Featurizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

using namespace halo;

static constexpr int64_t kStreams = 3; // x2, x1, v

double halo::rounded(double value, DType dtype) {
  if (dtype == DType::F32)
    return value;
  char bytes[8];
  storeFromF64(bytes, dtype, 0, value);
  return loadAsF64(bytes, dtype, 0);
}

Signal halo::endOf(const Signal &before, const Signal &now) {
  Signal end = before;
  for (int64_t b = 0; b < end.b; ++b)
    for (int64_t d = 0; d < end.d; ++d)
      for (int64_t j = 0; j < end.l; ++j) {
        int64_t at = now.l - end.l + j;
        end.at(b, d, j) = at < 0 ? before.at(b, d, end.l + at) : now.at(b, d, at);
      }
  return end;
}

const HostTensor *halo::find(const TensorMap &inputs, const std::string &name) {
  auto found = inputs.find(name);
  return found == inputs.end() ? nullptr : &found->second;
}

namespace {
/// Memory channel of stream s of channel c.
struct Streams {
  std::string kind;
  int64_t d, heads;

  int64_t operator()(int64_t c, int64_t s) const {
    if (kind == "interleave")
      return c * kStreams + s;
    if (kind == "split")
      return s * d + c;
    int64_t width = d / heads;
    return c / width * kStreams * width + s * width + c % width;
  }
};
} // namespace

static Result<Streams> parseStreams(const OracleParams &params, bool taken, int64_t d) {
  if (!taken)
    return Streams{"interleave", d, 1};
  HALO_TRY(text, choice(params, "streams", "interleave", {}));
  Streams streams{text.substr(0, std::min(text.find(':'), text.size())), d, 1};
  if (streams.kind == "column_split") {
    streams.heads = std::atoll(text.substr(std::min(text.find(':') + 1, text.size())).c_str());
    if (streams.heads < 1 || d % streams.heads)
      return invalid(fmt::format("streams is {}: D {} is not a multiple of its heads {}", text, d,
                                 streams.heads));
  } else if (streams.kind != "interleave" && streams.kind != "split") {
    return invalid(fmt::format("streams is '{}', expected interleave|split|column_split:H", text));
  }
  return streams;
}

Result<Featurized> halo::featurize(const TensorMap &inputs, const OracleParams &params,
                                   const FeaturizerForm &form) {
  const HostTensor *z = find(inputs, form.input), *weight = find(inputs, form.weight);
  if (!z || !weight)
    return invalid(fmt::format("{} is missing", z ? form.weight : form.input));
  HALO_TRY(layout, choice(params, "layout", "bdl", {"bdl", "bld"}));
  Featurized result;
  result.dtype = z->dtype;
  result.channelLast = layout == "bld" && !form.step;
  HostTensor tensor = *z;
  if (form.step) {
    if (tensor.shape.size() != 2)
      return invalid(fmt::format("{} has rank {}, expected 2", form.input, tensor.shape.size()));
    tensor.shape.push_back(1);
  }
  HALO_TRY(loaded, load(form.input, tensor, result.channelLast));
  result.z = loaded;
  if (loaded.d % kStreams)
    return invalid(
        fmt::format("{} has {} channels, not a multiple of {}", form.input, loaded.d, kStreams));
  int64_t d = loaded.d / kStreams;
  if (weight->shape.size() != 2 || weight->shape[0] < 1 || weight->shape[1] < 1)
    return invalid(fmt::format("{} has shape [{}], expected rows of at least one tap (conv_c2)",
                               form.weight, fmt::join(weight->shape, ", ")));
  int64_t kp = weight->shape[1];
  HALO_CHECK(checkShape(form.weight, *weight, {loaded.d, kp}, "conv_c2"));
  HALO_TRY(streams, parseStreams(params, form.hasStreams, d));
  result.zBefore = Signal(loaded.b, loaded.d, kp - 1);
  if (const HostTensor *state = find(inputs, "proj_state")) {
    HALO_CHECK(checkShape("proj_state", *state, {loaded.b, loaded.d, kp - 1}, "conv_c4"));
    HALO_TRY(before, load("proj_state", *state, /*channelLast=*/false));
    result.zBefore = before;
  }

  result.x2 = result.u = Signal(loaded.b, d, loaded.l);
  auto projected = [&](int64_t b, int64_t c, int64_t t) {
    double sum = 0;
    for (int64_t j = 0; j < kp; ++j) {
      int64_t at = t - (kp - 1) + j;
      double sample = at < 0 ? result.zBefore.at(b, c, kp - 1 + at) : loaded.at(b, c, at);
      sum += loadAsF64(weight->bytes.data(), weight->dtype, c * kp + j) * sample;
    }
    return rounded(sum, result.dtype);
  };
  for (int64_t b = 0; b < loaded.b; ++b)
    for (int64_t c = 0; c < d; ++c)
      for (int64_t t = 0; t < loaded.l; ++t) {
        result.x2.at(b, c, t) = projected(b, streams(c, 0), t);
        result.u.at(b, c, t) =
            rounded(projected(b, streams(c, 1), t) * projected(b, streams(c, 2), t), result.dtype);
      }
  return result;
}

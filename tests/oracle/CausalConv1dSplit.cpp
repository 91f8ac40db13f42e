// causal_conv1d_split: causal_conv1d whose channels are cut into parts, each stored as [B, L, n]
// in both layouts, some of them normalised per head before the one rounding:
//
//   split=q:2,k:2,v:3   D = 7   q = y[0:2], k = y[2:4], v = y[4:7]
//   l2norm=q,k:2        every 2 channels of q and of k: x / sqrt(sum of squares + 1e-6)
#include "tests/oracle/CausalFir.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

using namespace halo;

namespace {
struct Part {
  std::string name;
  int64_t channels = 0;
  int64_t head = 0; ///< 0: not normalised.
};
} // namespace

static std::vector<std::string> splitAtCommas(const std::string &text) {
  std::vector<std::string> pieces;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(',', begin), text.size());
    pieces.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return pieces;
}

/// The number after the colon of "name:7", or 0 where there is none; the name is cut off it.
static int64_t takeNumber(std::string &piece) {
  size_t colon = piece.find(':');
  if (colon == std::string::npos)
    return 0;
  int64_t number = std::strtoll(piece.c_str() + colon + 1, nullptr, 10);
  piece.resize(colon);
  return number;
}

static Result<std::vector<Part>> parseParts(const OracleParams &params) {
  HALO_TRY(split, choice(params, "split", "", {}));
  HALO_TRY(l2norm, choice(params, "l2norm", "", {}));
  std::vector<Part> parts;
  for (std::string piece : splitAtCommas(split)) {
    int64_t channels = takeNumber(piece);
    if (piece.empty() || channels < 1)
      return invalid(fmt::format("split '{}' is no list of name:channels", split));
    parts.push_back({piece, channels, 0});
  }
  if (l2norm.empty() || l2norm == "none")
    return parts;

  // A head dimension counts for all names since the previous one: walk the list from its end.
  std::vector<std::string> pieces = splitAtCommas(l2norm);
  int64_t head = 0;
  for (size_t i = pieces.size(); i-- > 0;) {
    int64_t own = takeNumber(pieces[i]);
    head = own ? own : head;
    bool found = false;
    for (Part &part : parts) {
      if (part.name != pieces[i])
        continue;
      found = true;
      part.head = head;
      if (head < 1 || part.channels % head)
        return invalid(fmt::format("part {} has {} channels, not a multiple of its head {}",
                                   part.name, part.channels, head));
    }
    if (!found)
      return invalid(
          fmt::format("l2norm names '{}', which is no part of split '{}'", pieces[i], split));
  }
  return parts;
}

static void normaliseHeads(Signal &y, const Part &part) {
  for (int64_t b = 0; b < y.b; ++b)
    for (int64_t t = 0; t < y.l; ++t)
      for (int64_t first = 0; first < part.channels; first += part.head) {
        double sum = 0;
        for (int64_t i = 0; i < part.head; ++i)
          sum += y.at(b, first + i, t) * y.at(b, first + i, t);
        for (int64_t i = 0; i < part.head; ++i)
          y.at(b, first + i, t) /= std::sqrt(sum + 1e-6);
      }
}

Result<TensorMap> halo::causalConv1dSplitOracle(const TensorMap &inputs,
                                                const OracleParams &params) {
  HALO_TRY(parts, parseParts(params));
  HALO_TRY(fir, causalFir(inputs, params));
  int64_t total = 0;
  for (const Part &part : parts)
    total += part.channels;
  if (total != fir.y.d)
    return invalid(fmt::format("the parts hold {} channels, but x has {}", total, fir.y.d));

  TensorMap outputs;
  int64_t begin = 0;
  for (const Part &part : parts) {
    Signal cut(fir.y.b, part.channels, fir.y.l);
    for (int64_t b = 0; b < cut.b; ++b)
      for (int64_t d = 0; d < cut.d; ++d)
        for (int64_t t = 0; t < cut.l; ++t)
          cut.at(b, d, t) = fir.y.at(b, begin + d, t);
    if (part.head)
      normaliseHeads(cut, part);
    outputs[part.name] = store(cut, fir.dtype, /*channelLast=*/true);
    begin += part.channels;
  }
  if (fir.storesState)
    outputs["final_state"] = store(fir.finalState, fir.dtype, /*channelLast=*/false);
  return outputs;
}

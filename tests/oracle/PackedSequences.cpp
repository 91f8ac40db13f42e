#include "tests/oracle/PackedSequences.h"

#include <fmt/format.h>

#include <algorithm>

using namespace halo;

namespace {

int64_t product(const std::vector<int64_t> &sizes, size_t from, size_t to) {
  int64_t count = 1;
  for (size_t i = from; i < to; ++i)
    count *= sizes[i];
  return count;
}

/// [begin, end) of one dimension, copied out of a tensor or, where `into` is given, from a part into it.
struct Cut {
  size_t dimension;
  int64_t begin, end;

  HostTensor outOf(const HostTensor &whole) const {
    HostTensor part{whole.dtype, whole.shape, {}};
    part.shape[dimension] = end - begin;
    part.bytes.resize(size_t(product(part.shape, 0, part.shape.size())) * size(whole.dtype));
    HostTensor source = whole;
    move(source, part, /*outward=*/true);
    return part;
  }
  void into(HostTensor &whole, HostTensor part) const { move(whole, part, /*outward=*/false); }

private:
  void move(HostTensor &whole, HostTensor &part, bool outward) const {
    size_t run = size_t(product(whole.shape, dimension + 1, whole.shape.size())) * size(whole.dtype);
    size_t wholeRow = size_t(whole.shape[dimension]) * run, partRow = size_t(end - begin) * run;
    for (int64_t i = 0, rows = product(whole.shape, 0, dimension); i < rows && partRow; ++i) {
      auto inWhole = whole.bytes.begin() + ptrdiff_t(size_t(i) * wholeRow + size_t(begin) * run);
      auto inPart = part.bytes.begin() + ptrdiff_t(size_t(i) * partRow);
      outward ? std::copy_n(inWhole, partRow, inPart) : std::copy_n(inPart, partRow, inWhole);
    }
  }
};

bool isState(const std::string &name) {
  return name == "initial_state" || name == "final_state" || name == "proj_state" ||
         name == "fir_state" || name == "modal_state";
}

/// Where positions lie in a tensor: parts of a split are [B, L, n] in both layouts.
size_t positionsOf(const std::string &name, bool channelLast) {
  bool view = name == "x" || name == "z" || name == "y" || name == "residual";
  return view && !channelLast ? 2 : 1;
}

bool hasPositions(const std::string &name) {
  return name == "x" || name == "z" || name == "residual";
}

Result<std::vector<int64_t>> readBounds(const HostTensor &tensor, int64_t length) {
  if (tensor.shape.size() != 1 || tensor.shape[0] < 1 || tensor.dtype != DType::I32)
    return invalid("cu_seqlens is no list of i32 with at least 1 number");
  std::vector<int64_t> bounds;
  for (int64_t i = 0; i < tensor.shape[0]; ++i)
    bounds.push_back(int64_t(loadAsF64(tensor.bytes.data(), DType::I32, i)));
  if (bounds.front() != 0 || bounds.back() != length || !std::is_sorted(bounds.begin(), bounds.end()))
    return invalid(fmt::format("cu_seqlens does not rise from 0 to {}", length));
  return bounds;
}

} // namespace

Result<TensorMap> halo::packedOracle(OracleFunction alone, const TensorMap &inputs,
                                     const OracleParams &params) {
  auto layout = params.find("layout");
  bool channelLast = layout != params.end() && layout->second == "bld";
  TensorMap shared = inputs;
  HostTensor cuSeqlens = shared["cu_seqlens"];
  shared.erase("cu_seqlens");
  auto view = inputs.find(inputs.count("x") ? "x" : "z");
  if (view == inputs.end() || view->second.shape.size() != 3 || view->second.shape[0] != 1)
    return invalid("packed sequences lie in one row of [1, ..]");
  int64_t length = view->second.shape[channelLast ? 1 : 2];
  HALO_TRY(bounds, readBounds(cuSeqlens, length));
  int64_t count = int64_t(bounds.size()) - 1;

  TensorMap outputs;
  // Without a sequence, one of no positions gives the outputs' shapes.
  for (int64_t n = 0; n < std::max<int64_t>(count, 1); ++n) {
    int64_t begin = count ? bounds[size_t(n)] : 0, end = count ? bounds[size_t(n + 1)] : 0;
    TensorMap own = shared;
    for (auto &[name, tensor] : own) {
      if (hasPositions(name))
        tensor = Cut{positionsOf(name, channelLast), begin, end}.outOf(tensor);
      else if (isState(name) && tensor.shape[0] != count)
        return invalid(fmt::format("{} has {} rows for {} sequences", name, tensor.shape[0], count));
      else if (isState(name) && count)
        tensor = Cut{0, n, n + 1}.outOf(tensor);
      else if (isState(name))
        tensor = HostTensor{tensor.dtype, {1, tensor.shape[1], tensor.shape[2]},
                            std::vector<unsigned char>(size_t(tensor.shape[1] * tensor.shape[2]) *
                                              size(tensor.dtype))};
    }
    HALO_TRY(results, alone(own, params));
    for (const auto &[name, part] : results) {
      bool state = isState(name);
      size_t dimension = state ? 0 : positionsOf(name, channelLast);
      auto [place, isNew] = outputs.emplace(name, HostTensor{part.dtype, part.shape, {}});
      HostTensor &whole = place->second;
      if (isNew) {
        whole.shape[dimension] = state ? count : length;
        whole.bytes.resize(size_t(product(whole.shape, 0, whole.shape.size())) * size(part.dtype));
      }
      if (count)
        (state ? Cut{0, n, n + 1} : Cut{dimension, begin, end}).into(whole, part);
    }
  }
  return outputs;
}

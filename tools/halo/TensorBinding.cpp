#include "tools/halo/TensorBinding.h"

#include "tools/halo/Arguments.h"
#include "tools/halo/ProblemOptions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace halo;
using namespace halo::tool;

namespace {
class Binder {
public:
  Binder(const Description &kernel, const TensorMap &tensors,
         const std::map<std::string, std::string> &explicitParams)
      : kernel(kernel), tensors(tensors) {
    for (const auto &[name, value] : explicitParams)
      symbols[name] = {value, "--set"};
  }

  Result<TensorBinding> run();

private:
  struct Symbol {
    std::string value, origin;
  };

  const HostTensor *find(const OperandSpec &spec) const {
    auto found = tensors.find(spec.name);
    return spec.output || found == tensors.end() ? nullptr : &found->second;
  }
  /// The value a symbol stands for once the tensors are read: itself where it is no param.
  std::string resolve(const std::string &symbol) const;
  int64_t number(const std::string &symbol, int64_t fallback) const;
  Result<void> bind(const std::string &symbol, const std::string &value, const std::string &origin,
                    const char *label);
  Result<void> checkNames() const;
  Result<void> checkRank(const OperandSpec &spec, const HostTensor &tensor) const;
  Result<void> bindView(const OperandSpec &spec, const HostTensor &tensor);
  Result<void> bindModes(const OperandSpec &spec, const HostTensor &tensor);
  Result<void> bindLayout(const OperandSpec &spec, const HostTensor &tensor);
  Result<void> bindState(const OperandSpec &spec, const HostTensor &tensor);
  Result<void> bindIndices(const OperandSpec &spec, const HostTensor &tensor);
  Result<void> bindRows(const OperandSpec &spec, const HostTensor &tensor);

  const Description &kernel;
  const TensorMap &tensors;
  std::map<std::string, Symbol> symbols;
  int64_t sequences = -1; ///< Shape::n.
};
} // namespace

std::string Binder::resolve(const std::string &symbol) const {
  if (auto found = symbols.find(symbol); found != symbols.end())
    return found->second.value;
  const ParamSpec *param = kernel.param(symbol);
  return param && param->fallback ? *param->fallback : symbol;
}

int64_t Binder::number(const std::string &symbol, int64_t fallback) const {
  return parseNumber(resolve(symbol)).value_or(fallback);
}

Result<void> Binder::bind(const std::string &symbol, const std::string &value,
                          const std::string &origin, const char *label) {
  if (symbol.empty())
    return {};
  // Sizes (B, D, L) are symbols like the params; anything else is a literal that must be met.
  bool size = symbol == "B" || symbol == "D" || symbol == "L";
  if (!size && !kernel.param(symbol)) {
    if (value == symbol)
      return {};
    return invalid(fmt::format("{}: {} has {}, expected {}", label, origin, value, symbol));
  }
  auto [place, fresh] = symbols.emplace(symbol, Symbol{value, origin});
  const Symbol &bound = place->second;
  if (fresh || bound.value == value)
    return {};
  return invalid(fmt::format("{}: {} is {} in {} but {} in {}", label, symbol, bound.value,
                             bound.origin, value, origin));
}

Result<void> Binder::checkNames() const {
  std::vector<std::string> legal = kernel.inputNames();
  for (const auto &entry : tensors) {
    const OperandSpec *spec = kernel.operand(entry.first);
    if (!spec || spec->output)
      return invalid(fmt::format("tensor '{}' is no input of {}: it takes {}", entry.first,
                                 kernel.name, fmt::join(legal, ", ")));
  }
  for (const OperandSpec &spec : kernel.operands)
    if (!spec.output && !spec.optional && !tensors.count(spec.name))
      return invalid(
          fmt::format("operand '{}' of {} is missing from the input", spec.name, kernel.name));
  return {};
}

Result<void> Binder::checkRank(const OperandSpec &spec, const HostTensor &tensor) const {
  std::string layout = resolve(spec.layout);
  bool flat = spec.kind == "view" && (layout == "bd" || layout == "dl");
  bool indices = spec.kind == "indices", positions = indices && spec.form == "positions";
  bool pairs = spec.kind == "taps" || spec.kind == "modes" || flat || positions;
  size_t rank = pairs ? 2 : spec.kind == "channel" || indices ? 1 : 3;
  if (tensor.shape.size() == rank)
    return {};
  const char *form = spec.kind == "channel"          ? "[D]"
                     : spec.kind == "taps"           ? "[G, K]"
                     : !spec.slots.empty()           ? "[slots, D, N]"
                     : spec.kind == "state"          ? "[B, D, K-1]"
                     : spec.kind == "modes"          ? "[D, S]"
                     : spec.kind == "modal_state"    ? "[B, D, S]"
                     : positions                     ? "[B, L]"
                     : indices                       ? spec.form == "rows" ? "[B]" : "[N + 1]"
                     : layout == "bd"                ? "[B, D]"
                     : layout == "dl"                ? "[D, L]"
                     : layout == "bdl"               ? "[B, D, L]"
                                                     : "[B, L, D]";
  return invalid(fmt::format("conv_c2: {} has rank {}, expected {}: {}", spec.name,
                             tensor.shape.size(), rank, form));
}

Result<void> Binder::bindView(const OperandSpec &spec, const HostTensor &tensor) {
  std::string layout = resolve(spec.layout);
  bool batched = layout != "dl";
  int64_t channels = tensor.shape[!batched ? 0 : layout == "bld" ? 2 : 1];
  int64_t positions = layout == "bd" ? 1 : layout == "bld" ? tensor.shape[1] : tensor.shape.back();
  int64_t streams = number(spec.streams, 1);
  if (channels < 1)
    return invalid(fmt::format("conv_c1: {} has 0 channels, expected at least 1", spec.name));
  if (streams < 1 || channels % streams)
    return invalid(fmt::format("conv_c1: {} has {} channels, not a multiple of its {} streams",
                               spec.name, channels, streams));
  HALO_CHECK(bind("B", std::to_string(batched ? tensor.shape[0] : 1), spec.name, "conv_c2"));
  HALO_CHECK(bind("D", std::to_string(channels / streams), spec.name, "conv_c2"));
  return bind("L", std::to_string(positions), spec.name, "conv_c2");
}

Result<void> Binder::bindRows(const OperandSpec &spec, const HostTensor &tensor) {
  int64_t rows = tensor.shape[0], d = number("D", 0) * number(spec.streams, 1);
  if (rows < 1)
    return invalid(fmt::format("conv_c2: {} has 0 rows, expected at least 1", spec.name));
  if (!d)
    return {};
  if (d % rows)
    return invalid(
        fmt::format("conv_c1: D {} is not a multiple of G {}, the rows of {}", d, rows, spec.name));
  return bind(spec.group, std::to_string(d / rows), spec.name, "conv_c1");
}

/// The last dimension counts modes, the one before it channels.
Result<void> Binder::bindModes(const OperandSpec &spec, const HostTensor &tensor) {
  size_t last = tensor.shape.size() - 1;
  if (tensor.shape[last] < 1 || tensor.shape[last - 1] < 1)
    return invalid(fmt::format("conv_c2: {} has {} channels of {} modes, expected at least 1 of 1",
                               spec.name, tensor.shape[last - 1], tensor.shape[last]));
  HALO_CHECK(bind("D", std::to_string(tensor.shape[last - 1]), spec.name, "conv_c2"));
  return bind(spec.modes, std::to_string(tensor.shape[last]), spec.name, "conv_c2");
}

Result<void> Binder::bindState(const OperandSpec &spec, const HostTensor &tensor) {
  int64_t samples = tensor.shape[2], least = number(spec.taps, 1) - 1;
  if (!spec.longer)
    return bind(spec.taps, std::to_string(samples + 1), spec.name, "conv_c4");
  if (samples < least)
    return invalid(fmt::format("update_c1: {} holds {} samples, expected at least {} for K {}",
                               spec.name, samples, least, least + 1));
  return {};
}

/// Where tensors of one rank alone fit, they say which layout it is.
Result<void> Binder::bindLayout(const OperandSpec &spec, const HostTensor &tensor) {
  const ParamSpec *layout = kernel.param(spec.layout);
  if (!layout || symbols.count(layout->name))
    return {};
  std::vector<std::string> fitting;
  for (const std::string &value : layout->values)
    if (tensor.shape.size() == (value == "bd" || value == "dl" ? 2u : 3u))
      fitting.push_back(value);
  return fitting.size() == 1 ? bind(layout->name, fitting[0], spec.name, "conv_c2")
                             : Result<void>();
}

Result<void> Binder::bindIndices(const OperandSpec &spec, const HostTensor &tensor) {
  if (spec.form == "bounds") {
    if (tensor.shape[0] < 1)
      return invalid(fmt::format("conv_c2: {} has 0 numbers where N sequences take N + 1",
                                 spec.name));
    sequences = tensor.shape[0] - 1;
    return bind("B", "1", spec.name, "conv_c2");
  }
  HALO_CHECK(bind("B", std::to_string(tensor.shape[0]), spec.name, "conv_c2"));
  if (spec.form == "positions")
    return bind("L", std::to_string(tensor.shape[1]), spec.name, "conv_c2");
  return {};
}

Result<TensorBinding> Binder::run() {
  HALO_CHECK(checkNames());
  TensorBinding result;
  for (const OperandSpec &spec : kernel.operands)
    if (const HostTensor *tensor = spec.kind == "view" ? find(spec) : nullptr)
      HALO_CHECK(bindLayout(spec, *tensor));
  for (const OperandSpec &spec : kernel.operands)
    if (const HostTensor *tensor = find(spec)) {
      HALO_CHECK(checkRank(spec, *tensor));
      const ParamSpec *type = kernel.param(spec.dtype);
      if (type && !isFloat(tensor->dtype))
        return invalid(fmt::format("conv_c2: {} is {}, expected f32, f16 or bf16", spec.name,
                                   name(tensor->dtype)));
      HALO_CHECK(bind(spec.dtype, std::string(name(tensor->dtype)), spec.name, "conv_c2"));
      if (spec.optional)
        result.with.insert(spec.name);
    }
  for (const OperandSpec &spec : kernel.operands)
    if (const HostTensor *tensor = spec.kind == "view" ? find(spec) : nullptr)
      HALO_CHECK(bindView(spec, *tensor));
  for (const OperandSpec &spec : kernel.operands)
    if (const HostTensor *tensor = spec.kind == "taps" ? find(spec) : nullptr) {
      if (tensor->shape[1] < 1)
        return invalid(fmt::format("conv_c3: {} has K 0, expected at least 1", spec.name));
      HALO_CHECK(bind(spec.taps, std::to_string(tensor->shape[1]), spec.name, "conv_c2"));
      HALO_CHECK(bindRows(spec, *tensor));
    }
  for (const OperandSpec &spec : kernel.operands)
    if (const HostTensor *tensor =
            spec.kind == "modes" || spec.kind == "modal_state" ? find(spec) : nullptr)
      HALO_CHECK(bindModes(spec, *tensor));
  for (const OperandSpec &spec : kernel.operands)
    if (const HostTensor *tensor = spec.kind == "indices" ? find(spec) : nullptr)
      HALO_CHECK(bindIndices(spec, *tensor));
  // Last, so that a misfit is told against the taps: a state holds K - 1 samples.
  for (const OperandSpec &spec : kernel.operands)
    if (const HostTensor *tensor = spec.kind == "state" ? find(spec) : nullptr)
      HALO_CHECK(bindState(spec, *tensor));

  // A length is said where no view has positions; it is L, and no part of the problem.
  for (const ParamSpec &param : kernel.params)
    if (param.kind == "length") {
      auto said = symbols.find(param.name);
      if (said == symbols.end())
        return invalid(fmt::format("{} of {} has no default: add --set {}=...", param.name,
                                   kernel.name, param.name));
      HALO_CHECK(bind("L", said->second.value, "--set", "conv_c2"));
      HALO_CHECK(bind("B", "1", "--set", "conv_c2"));
      symbols.erase(said);
    }
  result.shape = {number("B", 0), number("D", 0), number("L", 0), sequences};
  for (const auto &[symbol, bound] : symbols)
    if (kernel.param(symbol))
      result.params[symbol] = bound.value;
  // A kernel whose weights are all absent stores none: their type follows the activations'.
  HALO_CHECK(setTypes(kernel, "", "", result.params));
  HALO_CHECK(fillDefaults(kernel, result.params));
  return result;
}

Result<TensorBinding>
halo::tool::bindTensors(const Description &kernel, const TensorMap &tensors,
                        const std::map<std::string, std::string> &explicitParams) {
  return Binder(kernel, tensors, explicitParams).run();
}

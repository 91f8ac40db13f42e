// halo run: one launch on the tensors of a file.
#include "tools/halo/Command.h"
#include "tools/halo/DeviceTensors.h"
#include "tools/halo/IndexChecks.h"
#include "tools/halo/Operands.h"
#include "tools/halo/Output.h"
#include "tools/halo/OverrideOption.h"
#include "tools/halo/OutputFile.h"
#include "tools/halo/ProblemOptions.h"
#include "tools/halo/SequenceBounds.h"
#include "tools/halo/TargetOptions.h"
#include "tools/halo/TensorBinding.h"

#include "runtime/Kernel.h"
#include "tests/oracle/Compare.h"
#include "tests/oracle/Oracle.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

/// Refuses what needs no compiler to be refused.
static Result<void> checkPaths(const std::string &in, const std::string &out) {
  if (in.empty() || out.empty())
    return invalid(fmt::format("halo run needs {}: see halo run --help",
                               in.empty() ? "--in IN.safetensors" : "--out OUT.safetensors"));
  HALO_CHECK(checkReadable(in));
  if (isSpecialFile(out))
    return invalid(fmt::format("cannot write '{}': it is no regular file", out));
  return checkWritable(out);
}

/// Uploads, launches once and brings the outputs back.
static Result<TensorMap> launchOnce(const std::shared_ptr<Device> &device, const Kernel &kernel,
                                    const TensorMap &inputs, const Shape &shape, bool guarded,
                                    int64_t &blockL) {
  DeviceTensors tensors(device, guarded);
  std::vector<std::string> outputs;
  for (const auto &[name, tensor] : inputs)
    HALO_CHECK(tensors.addInput(name, tensor));
  for (const Operand &operand : kernel.info().operands)
    if (operand.output) {
      auto input = inputs.find(operand.name);
      bool sized = operand.kept() && input != inputs.end(); // Sizes of its own.
      if (operand.updates())
        HALO_CHECK(tensors.addUpdated(operand.name, /*inPlace=*/true));
      else
        HALO_CHECK(tensors.addOutput(operand.name, operand.dtype,
                                     sized ? Dims(input->second.shape)
                                           : outputShape(operand, shape)));
      outputs.push_back(operand.name);
    }

  HALO_TRY(launch, kernel.bind(tensors.arguments()));
  blockL = launch.blockL;
  HALO_CHECK(kernel.launch(launch));
  HALO_CHECK(device->synchronize(nullptr));
  HALO_CHECK(tensors.checkGuards());
  TensorMap results;
  for (const std::string &name : outputs) {
    HALO_TRY(tensor, tensors.download(name));
    results[name] = std::move(tensor);
  }
  return results;
}

/// Compares every output with the oracle's; the first one out of bounds is an error.
static Result<Json> checkOutputs(const std::string &kernel, const TensorMap &inputs,
                                 const std::map<std::string, std::string> &params,
                                 const TensorMap &outputs, std::string &report) {
  HALO_TRY(expected, oracle(kernel, inputs, params));
  Json json = Json::object();
  auto type = params.find("T");
  auto precision = params.find("precision");
  NumberClass from(type == params.end() ? DType::F32
                                        : parseDType(type->second).value_or(DType::F32),
                   precision != params.end() && precision->second == "fast");
  for (const auto &[name, got] : outputs) {
    auto want = expected.find(name);
    if (want == expected.end())
      return failed(fmt::format("the oracle of {} computes no '{}'", kernel, name));
    Comparison result = compare(got, want->second, got.dtype, from);
    double bound = toleranceOf(got.dtype, from).norm;
    if (!result.withinTolerance)
      return failed(fmt::format("{} is outside tolerance: relative norm {:.3g} (bound {:.3g}), "
                                "largest difference {:.3g}, {}",
                                name, result.relativeNorm, bound, result.maxAbs, result.worst));
    json[name] = {{"relative_norm", result.relativeNorm},
                  {"bound", bound},
                  {"max_abs", result.maxAbs},
                  {"within_tolerance", true}};
    report += fmt::format("{} agrees with the oracle: relative norm {:.3g} (bound {:.3g}), "
                          "largest difference {:.3g}\n",
                          name, result.relativeNorm, bound, result.maxAbs);
  }
  return json;
}

static std::string shapeText(const HostTensor &tensor) {
  return fmt::format("{} [{}]", name(tensor.dtype), fmt::join(tensor.shape, ", "));
}

static Result<int> run(const Arguments &arguments) {
  std::string in = arguments.value("--in"), out = arguments.value("--out");
  bool check = arguments.has("--check");
  HALO_CHECK(checkPaths(in, out));
  HALO_CHECK(openPacks(arguments));
  HALO_TRY(kernel, describe(arguments.positional(0)));
  std::vector<std::string> known = oracleKernels();
  if (check && std::find(known.begin(), known.end(), kernel.name) == known.end())
    return invalid(fmt::format("--check has no oracle for {}: it knows {}", kernel.name,
                               fmt::join(known, ", ")));
  HALO_TRY(settings, parseSettings(kernel, arguments.values("--set")));
  HALO_TRY(inputs, readSafetensors(in));
  HALO_TRY(binding, bindTensors(kernel, inputs, settings.params));
  HALO_CHECK(checkSequenceBounds(kernel, inputs, binding.shape.l));

  HALO_CHECK(checkIndices(operandsOf(kernel, binding.params, binding.with), inputs));

  HALO_TRY(device, openDevice(arguments.value("--device")));
  if (check && device->kind() == "null")
    return invalid("--check needs a device that computes, and null computes nothing");
  Problem problem{arguments.positional(0), binding.params, binding.with, settings.align,
                  settings.invariant};
  if (!problem.align)
    problem.align = alignmentFor(operandsOf(kernel, binding.params, binding.with), binding.shape);
  CompileOptions options;
  options.schedule = arguments.value("--schedule");
  options.shapeHint = binding.shape;
  HALO_CHECK(parseOverride(arguments, options));
  HALO_TRY(compiled, Kernel::compile(device, problem, options));

  // The checked simulator sees every access outside a buffer: guards would only hide some.
  bool guarded = check && device->kind() != "sim";
  int64_t blockL = 0;
  HALO_TRY(outputs, launchOnce(device, compiled, inputs, binding.shape, guarded, blockL));
  const KernelInfo &info = compiled.info();
  Json json = {{"kernel", info.kernel},     {"problem", info.problem},
               {"schedule", info.schedule}, {"block_l", blockL},
               {"device", device->name()},  {"device_kind", device->kind()},
               {"align", info.align},       {"registers", info.registers}};
  json["times"] = Json::object();
  for (const auto &[stage, ms] : compiled.compileTimes())
    json["times"][stage] = ms;
  json["shape"] = {{"B", binding.shape.b}, {"D", binding.shape.d}, {"L", binding.shape.l}};
  json["outputs"] = Json::object();
  std::string report;
  if (check) {
    std::map<std::string, std::string> params = binding.params;
    params.insert(settings.params.begin(), settings.params.end());
    HALO_TRY(comparison, checkOutputs(kernel.name, inputs, params, outputs, report));
    json["check"] = comparison;
  }
  bool computed = device->kind() != "null";
  if (computed)
    HALO_CHECK(writeSafetensors(out, outputs));

  for (const auto &[name, tensor] : outputs)
    json["outputs"][name] = {{"dtype", halo::name(tensor.dtype)}, {"shape", tensor.shape}};
  if (arguments.has("--json")) {
    print(json.dump(2, ' ', false, Json::error_handler_t::replace));
    return 0;
  }
  for (const auto &[name, tensor] : outputs)
    report += fmt::format("{} {}\n", name, shapeText(tensor));
  fmt::print("{}", report);
  if (!computed)
    note("the null device checks and computes nothing: no output is written");
  else if (!arguments.has("--device") && device->kind() == "sim")
    note("no GPU was found: this ran on the simulator");
  return 0;
}

Command halo::tool::runCommand() {
  Syntax syntax;
  syntax.command = "run";
  syntax.summary = "run one kernel on the tensors of a safetensors file";
  syntax.positionals = {"KERNEL"};
  syntax.options = {
      {"--in", "FILE", "the inputs; tensors are named after the operands"},
      {"--out", "FILE", "the outputs; written whole or not at all"},
      {"--set", "NAME=VALUE",
       "an option of the kernel, as layout=bld or final_state=true; sizes "
       "and types are read off the tensors",
       true},
      {"--device", "NAME",
       "cuda, cuda:N, sim or null; by default cuda where there is a GPU, else sim"},
      {"--schedule", "TEXT", "block_n=64,num_warps=4,...; by default a tuned or the analytic one"},
      overrideOption(),
      packOption(),
      {"--check", "",
       "compare with direct sums in f64; outside tolerance, exit 1, nothing written"},
      {"--json", "", "print JSON: the problem, the schedule, the outputs and the comparison"},
  };
  syntax.notes =
      "A present optional tensor turns its feature on; an optional output is turned on by "
      "--set NAME=true.\nThe null device checks the arguments and writes nothing.";
  return {syntax, run};
}

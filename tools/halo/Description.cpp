#include "tools/halo/Description.h"

#include "runtime/CompilerLibrary.h"
#include "runtime/KernelCompiler.h"
#include "tools/halo/OutputFile.h"
#include "tools/halo/Suggest.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::json;

const ParamSpec *Description::param(const std::string &name) const {
  for (const ParamSpec &spec : params)
    if (spec.name == name)
      return &spec;
  return nullptr;
}

const OperandSpec *Description::operand(const std::string &name) const {
  for (const OperandSpec &spec : operands)
    if (spec.name == name)
      return &spec;
  return nullptr;
}

std::vector<std::string> Description::paramNames() const {
  std::vector<std::string> names;
  for (const ParamSpec &spec : params)
    names.push_back(spec.name);
  return names;
}

std::vector<std::string> Description::inputNames() const {
  std::vector<std::string> names;
  for (const OperandSpec &spec : operands)
    if (!spec.output)
      names.push_back(spec.name);
  return names;
}

std::string Description::activationType() const {
  for (const OperandSpec &spec : operands)
    if (spec.kind == "view" && param(spec.dtype))
      return spec.dtype;
  return "";
}

std::string Description::weightType() const {
  for (const OperandSpec &spec : operands)
    if ((spec.kind == "taps" || spec.kind == "channel") && param(spec.dtype) &&
        spec.dtype != activationType())
      return spec.dtype;
  return "";
}

/// Scalars as --set spells them.
static std::string text(const Json &value) {
  if (value.is_string())
    return value.get<std::string>();
  return value.is_null() ? "" : value.dump();
}

static Result<Json> ask(const Json &request) {
  HALO_TRY(library, CompilerLibrary::get());
  // A path may hold bytes that are no UTF-8: they are replaced, never thrown about.
  HALO_TRY(reply, library->call(request.dump(-1, ' ', false, Json::error_handler_t::replace)));
  Json json = Json::parse(reply.json, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    return failed(fmt::format("the compiler's reply to '{}' is no JSON object",
                              request["verb"].get<std::string>()));
  return json;
}

Result<std::vector<KernelSummary>> halo::tool::listKernels() {
  HALO_TRY(reply, ask({{"verb", "list"}}));
  std::vector<KernelSummary> kernels;
  for (const Json &entry : reply.value("kernels", Json::array()))
    kernels.push_back({text(entry.value("name", Json())), text(entry.value("summary", Json()))});
  return kernels;
}

static bool isPath(const std::string &kernel) {
  bool mlir = kernel.size() > 5 && kernel.compare(kernel.size() - 5, 5, ".mlir") == 0;
  return mlir || kernel.find('/') != std::string::npos;
}

static Result<void> checkKernel(const std::string &kernel) {
  if (isPath(kernel)) {
    if (kernel.size() < 5 || kernel.compare(kernel.size() - 5, 5, ".mlir") != 0)
      return invalid(fmt::format("kernel file '{}' does not end in .mlir", kernel));
    return checkReadable(kernel);
  }
  HALO_TRY(kernels, listKernels());
  std::vector<std::string> names;
  for (const KernelSummary &known : kernels)
    names.push_back(known.name);
  if (std::find(names.begin(), names.end(), kernel) == names.end())
    return invalid(unknown("kernel", kernel, names));
  return {};
}

Result<Description> halo::tool::describe(const std::string &kernel) {
  Result<std::string> described = describeKernel(kernel);
  if (!described) {
    // A name that is none gets a better sentence than the compiler's.
    HALO_CHECK(checkKernel(kernel));
    return described.error();
  }
  Json reply = Json::parse(*described, nullptr, /*allow_exceptions=*/false);
  if (!reply.is_object())
    return failed("the compiler's description of a kernel is no JSON object");
  Description result;
  result.name = text(reply.value("name", Json()));
  result.summary = text(reply.value("summary", Json()));
  result.source = text(reply.value("source", Json()));
  for (const Json &entry : reply.value("params", Json::array())) {
    ParamSpec spec;
    spec.name = text(entry.value("name", Json()));
    spec.kind = text(entry.value("kind", Json()));
    for (const Json &value : entry.value("values", Json::array()))
      spec.values.push_back(text(value));
    // An empty text means that the kernel names no default; some kinds have one of their own.
    if (std::string given = text(entry.value("default", Json())); !given.empty())
      spec.fallback = given;
    else if (spec.kind == "enum" && !spec.values.empty())
      spec.fallback = spec.values.front();
    else if (spec.kind == "flag")
      spec.fallback = "false";
    else if (spec.kind == "heads" || spec.kind == "length")
      spec.fallback = "";
    result.params.push_back(std::move(spec));
  }
  for (const Json &entry : reply.value("operands", Json::array())) {
    OperandSpec spec;
    auto field = [&](const char *key) { return text(entry.value(key, Json())); };
    spec.name = field("name");
    spec.kind = field("kind");
    spec.output = entry.value("output", false);
    spec.optional = entry.value("optional", false);
    spec.variadic = entry.value("variadic", false);
    spec.dtype = field("dtype");
    spec.taps = field("taps");
    spec.group = field("group");
    spec.streams = field("streams");
    spec.layout = field("layout");
    spec.modes = field("modes");
    spec.flag = field("flag");
    spec.form = field("form");
    spec.longer = entry.value("longer", false);
    spec.ring = field("ring");
    spec.slots = field("slots");
    spec.streamOrder = field("stream_order");
    result.operands.push_back(std::move(spec));
  }
  return result;
}

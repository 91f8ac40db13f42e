#include "runtime/Kernel.h"

#include "runtime/CompilerLibrary.h"
#include "runtime/Json.h"
#include "runtime/LaunchBuilder.h"

#include <fmt/format.h>

namespace halo {

namespace {

/// "info" and "times" of a compile's reply.
struct CompileReply {
  KernelInfo info;
  StageTimes times;
};

Result<CompileReply> parseReply(const std::string &text) {
  // Ordered: the times are listed as the stages ran.
  auto document = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object() || !document.contains("info"))
    return failed("the compiler's reply has no kernel info");
  CompileReply reply;
  HALO_TRY(info, KernelInfo::fromJson(document["info"].dump()));
  reply.info = std::move(info);
  if (auto times = document.find("times"); times != document.end() && times->is_object())
    for (auto &[stage, milliseconds] : times->items())
      if (milliseconds.is_number())
        reply.times.emplace_back(stage, milliseconds.get<double>());
  return reply;
}

} // namespace

std::string compileRequest(const Device &device, const Problem &problem,
                           const CompileOptions &options) {
  DeviceTraits traits = device.traits();
  nlohmann::json request = {
      {"verb", "compile"},
      {"kernel", problem.kernel},
      {"params", problem.params},
      {"with", problem.with},
      {"align", problem.align},
      {"schedule", options.schedule},
      {"arch", device.arch()},
      {"emit", device.emit()},
      {"shape",
       {{"B", options.shapeHint.b}, {"D", options.shapeHint.d}, {"L", options.shapeHint.l}}},
      {"device",
       {{"sms", traits.sms},
        {"maxThreadsPerSm", traits.maxThreadsPerSm},
        {"registersPerSm", traits.registersPerSm},
        {"sharedPerBlock", traits.sharedPerBlock},
        {"l2Bytes", traits.l2Bytes}}}};
  if (int ptx = device.ptxVersion())
    request["ptx"] = ptx;
  return printJson(request);
}

Result<Kernel> Kernel::compile(std::shared_ptr<Device> device, const Problem &problem,
                               const CompileOptions &options) {
  HALO_CHECK(checkLoadingAllowed(problem.kernel));
  HALO_TRY(compiler, CompilerLibrary::get());
  HALO_TRY(reply, compiler->call(compileRequest(*device, problem, options)));
  HALO_TRY(parsed, parseReply(reply.json));
  HALO_TRY(loaded, device->load({std::move(parsed.info), std::move(reply.blob)}));
  return Kernel(std::move(device), std::move(loaded), std::move(parsed.times));
}

Result<Kernel> Kernel::load(std::shared_ptr<Device> device, const Artifact &artifact) {
  HALO_TRY(loaded, device->load(artifact));
  return Kernel(std::move(device), std::move(loaded), {});
}

template <typename T>
static Result<BoundLaunch> bindTo(const LoadedKernel &kernel, Span<T> arguments) {
  BoundLaunch bound;
  HALO_CHECK(LaunchBuilder(kernel.plan).bind(arguments, bound));
  return bound;
}

Result<BoundLaunch> Kernel::bind(Span<Argument> arguments) const {
  return bindTo(*loaded, arguments);
}

Result<BoundLaunch> Kernel::bind(Span<TensorRef> tensors) const { return bindTo(*loaded, tensors); }

Result<void> Kernel::launch(const BoundLaunch &bound, Stream stream) const {
  return device->launch(*loaded, bound.blocks, bound.params(), stream);
}

Result<void> Kernel::launch(Span<Argument> arguments, Stream stream) const {
  BoundLaunch bound;
  HALO_CHECK(LaunchBuilder(loaded->plan).bind(arguments, bound));
  return launch(bound, stream);
}

Result<void> Kernel::launch(Span<TensorRef> tensors, Stream stream) const {
  BoundLaunch bound;
  HALO_CHECK(LaunchBuilder(loaded->plan).bind(tensors, bound));
  return launch(bound, stream);
}

} // namespace halo

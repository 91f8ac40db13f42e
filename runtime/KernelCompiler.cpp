#include "runtime/KernelCompiler.h"

#include "runtime/CompilerLibrary.h"
#include "runtime/Json.h"
#include "runtime/KernelSource.h"
#include "runtime/ScheduleChoice.h"
#include "runtime/TuningStore.h"

#include <fmt/format.h>

namespace halo {

using nlohmann::json;

namespace {

json requestOf(const char *verb, const Problem &problem, const std::string &source) {
  json request = {{"verb", verb},
                  {"kernel", problem.kernel},
                  {"params", problem.params},
                  {"with", problem.with},
                  {"align", problem.align}};
  if (!source.empty())
    request["source"] = source;
  return request;
}

Result<KernelFacts> parseFacts(const Problem &asked, const std::string &text) {
  json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  auto params = document.find("params"), with = document.find("with");
  if (!document.is_object() || !document.contains("traits") || params == document.end() ||
      with == document.end() || !params->is_object() || !with->is_array())
    return failed("the compiler's reply has no kernel traits");
  KernelFacts facts;
  facts.problem = {asked.kernel, {}, {}, asked.align};
  for (const auto &[name, value] : params->items())
    facts.problem.params[name] = value.is_string() ? value.get<std::string>() : value.dump();
  for (const json &name : *with)
    facts.problem.with.insert(name.is_string() ? name.get<std::string>() : name.dump());
  HALO_TRY(traits, KernelTraits::fromJson(document["traits"].dump()));
  facts.traits = traits;
  return facts;
}

Result<CompiledKernel> parseCompiled(Reply reply) {
  json document = json::parse(reply.json, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object() || !document.contains("info"))
    return failed("the compiler's reply has no kernel info");
  CompiledKernel compiled;
  HALO_TRY(info, KernelInfo::fromJson(document["info"].dump()));
  compiled.artifact = {std::move(info), std::move(reply.blob)};
  if (auto log = document.find("log"); log != document.end() && log->is_string())
    compiled.log = log->get<std::string>();
  if (auto times = document.find("times"); times != document.end() && times->is_array())
    for (const json &pair : *times)
      if (pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_number())
        compiled.times.emplace_back(pair[0].get<std::string>(), pair[1].get<double>());
  return compiled;
}

Result<KernelFacts> factsOf(const Problem &problem, const std::string &source) {
  HALO_TRY(compiler, CompilerLibrary::get());
  HALO_TRY(reply, compiler->call(printJson(requestOf("traits", problem, source))));
  return parseFacts(problem, reply.json);
}

} // namespace

CompileTarget targetOf(const Device &device) {
  CompileTarget target;
  target.arch = device.arch();
  target.emit = device.emit();
  target.ptx = device.ptxVersion();
  target.traits = device.traits();
  target.gpu = gpuClassOf(device);
  target.driver = driverOf(device);
  return target;
}

std::string compileRequest(const CompileTarget &target, const Problem &problem,
                           const std::string &source, const Schedule &schedule) {
  json request = requestOf("compile", problem, source);
  request["schedule"] = schedule.print();
  request["arch"] = target.arch;
  request["emit"] = target.emit;
  if (target.ptx)
    request["ptx"] = target.ptx;
  return printJson(request);
}

Result<KernelFacts> kernelFacts(const Problem &problem) {
  HALO_TRY(source, kernelSource(problem.kernel));
  return factsOf(problem, source);
}

Result<CompiledKernel> compileKernel(const CompileTarget &target, const Problem &problem,
                                     const CompileOptions &options) {
  HALO_TRY(source, kernelSource(problem.kernel));
  HALO_TRY(facts, factsOf(problem, source));
  HALO_TRY(compiler, CompilerLibrary::get());
  auto compileWith = [&](const std::string &text) -> Result<CompiledKernel> {
    HALO_TRY(schedule,
             resolveSchedule(facts.traits, target.traits, options.shapeHint.d, text));
    HALO_TRY(reply, compiler->call(compileRequest(target, facts.problem, source, schedule)));
    HALO_TRY(compiled, parseCompiled(std::move(reply)));
    if (options.schedule.empty())
      compiled.tuned =
          tunedBlockLs(target, facts.problem, source, compiled.artifact.info.schedule);
    return std::move(compiled);
  };
  if (!options.schedule.empty())
    return compileWith(options.schedule);
  std::string tuned = tunedSchedule(target, facts.problem, source, options.shapeHint);
  Result<CompiledKernel> compiled = compileWith(tuned);
  // A record of an older compiler may no longer be a schedule: it costs speed, never a kernel.
  if (!compiled && !tuned.empty())
    return compileWith("");
  return compiled;
}

} // namespace halo

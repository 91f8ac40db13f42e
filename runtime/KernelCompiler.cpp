#include "runtime/KernelCompiler.h"

#include "runtime/CompileCache.h"
#include "runtime/CompilerLibrary.h"
#include "runtime/Join.h"
#include "runtime/Json.h"
#include "runtime/KernelSource.h"
#include "runtime/Packs.h"
#include "runtime/Reproducer.h"
#include "runtime/ScheduleChoice.h"
#include "runtime/Sha256.h"
#include "runtime/Target.h"
#include "runtime/Toolkit.h"
#include "runtime/TuningStore.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace halo {

using nlohmann::json;

namespace {

double since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

/// A kernel's name and text. The text of a file is read once: what is hashed is what is compiled.
struct KernelText {
  std::string name, source;
};

Result<KernelText> readKernel(const std::string &name) {
  HALO_TRY(source, kernelSource(name));
  return KernelText{name, source};
}

json requestOf(const char *verb, const KernelText &kernel) {
  json request = {{"verb", verb}, {"kernel", kernel.name}};
  if (!kernel.source.empty())
    request["source"] = kernel.source;
  return request;
}

json requestOf(const char *verb, const KernelText &kernel, const Problem &problem) {
  json request = requestOf(verb, kernel);
  request["params"] = problem.params;
  request["with"] = problem.with;
  request["align"] = problem.align;
  return request;
}

/// A built-in's text belongs to the compiler, whose build id is in the key; a file's is its hash,
/// wherever it lies.
CacheKey keyOf(const char *kind, const KernelText &kernel) {
  CacheKey key(kind);
  key.add("compiler", CompilerLibrary::currentBuildId());
  if (kernel.source.empty())
    key.add("kernel", kernel.name);
  else
    key.add("source", sha256(kernel.source));
  return key;
}

void addProblem(CacheKey &key, const Problem &problem) {
  for (const auto &[name, value] : problem.params)
    key.add("set." + name, value);
  key.add("with", join(problem.with, ","));
  key.add("align", std::to_string(problem.align));
}

/// The compiler, or why there is none and packs did not help.
Result<CompilerLibrary *> requireCompiler() {
  Result<CompilerLibrary *> compiler = CompilerLibrary::get();
  if (compiler)
    return compiler;
  return Error{compiler.error().code, compiler.error().message + Packs::get().excuse()};
}

/// Whether answers must come from packs alone.
bool hasNoCompiler() { return CompilerLibrary::currentBuildId().empty(); }

/// The reply to a request, from where it is kept or from the compiler.
Result<Fetched> ask(const CacheKey &key, const std::string &request, bool cache,
                    const std::function<void(Reply &)> &prepare = nullptr,
                    const std::string &problem = "") {
  std::string expected = CompilerLibrary::currentBuildId();
  auto produce = [&]() -> Result<Produced> {
    HALO_TRY(compiler, requireCompiler());
    Result<Reply> called = compiler->call(request);
    if (!called)
      return withReproducer(called.error(), request, problem, std::string(compiler->buildId()));
    Reply &reply = *called;
    if (prepare)
      prepare(reply);
    // The key names the file's build. Another one may have been put there since.
    return Produced{std::move(reply), compiler->buildId() == expected};
  };
  if (cache && !expected.empty())
    return CompileCache::get().fetch(key, produce);
  HALO_TRY(made, produce());
  return Fetched{std::make_shared<const Reply>(std::move(made.reply)), Source::Produced};
}

/// A reply and what it says. What another version of the runtime kept may say it in words that this
/// one does not know: then the compiler is asked.
template <typename Parse>
auto askAndParse(const CacheKey &key, const std::string &request, bool cache, Parse parse,
                 Source &source, const std::function<void(Reply &)> &prepare = nullptr,
                 const std::string &problem = "") -> decltype(parse(Reply())) {
  HALO_TRY(found, ask(key, request, cache, prepare, problem));
  source = found.source;
  auto parsed = parse(*found.reply);
  if (parsed || source == Source::Produced)
    return parsed;
  HALO_TRY(anew, ask(key, request, /*cache=*/false, prepare, problem));
  source = anew.source;
  return parse(*anew.reply);
}

Result<KernelFacts> parseFacts(const Problem &asked, const std::string &text) {
  json document = parseJson(text);
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
  facts.problem.invariant = asked.invariant;
  facts.traits = asked.invariant ? invariantTraits(traits) : traits;
  return facts;
}

Result<KernelFacts> factsOf(const KernelText &kernel, const Problem &problem, bool cache) {
  if (hasNoCompiler()) {
    HALO_TRY(packed, Packs::get().facts(problem, kernel.source));
    if (packed)
      return std::move(*packed);
  }
  CacheKey key = keyOf("traits", kernel);
  addProblem(key, problem);
  Source source = Source::Produced;
  auto parse = [&](const Reply &reply) { return parseFacts(problem, reply.json); };
  return askAndParse(key, printJson(requestOf("traits", kernel, problem)), cache, parse, source,
                     nullptr, problem.print());
}

Result<CompiledKernel> parseCompiled(const Reply &reply) {
  json document = parseJson(reply.json);
  if (!document.is_object() || !document.contains("info"))
    return failed("the compiler's reply has no kernel info");
  CompiledKernel compiled;
  HALO_TRY(info, KernelInfo::fromJson(document["info"].dump()));
  compiled.artifact = {std::move(info), reply.blob};
  if (auto log = document.find("log"); log != document.end() && log->is_string())
    compiled.log = log->get<std::string>();
  if (auto times = document.find("times"); times != document.end() && times->is_array())
    for (const json &pair : *times)
      if (pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_number())
        compiled.times.emplace_back(pair[0].get<std::string>(), pair[1].get<double>());
  if (auto stages = document.find("stages"); stages != document.end() && stages->is_array())
    for (const json &pair : *stages)
      if (pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string())
        compiled.stages.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
  return compiled;
}

/// A kept artifact says nothing of where its text lay.
void forgetPath(Reply &reply) {
  json document = parseJson(reply.json);
  if (document.is_object() && document.contains("info") && document["info"].is_object()) {
    document["info"]["problem"] = "";
    reply.json = printJson(document);
  }
}

/// An ELF file for NVIDIA's machines, e_machine 190.
Result<void> checkCubin(const std::string &bytes) {
  if (bytes.size() < 64 || bytes.compare(0, 4, "\x7f" "ELF") != 0 || uint8_t(bytes[18]) != 190)
    return invalid(fmt::format("the {} B given for stage cubin are no cubin", bytes.size()));
  return {};
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

CompileOptions withoutRecords(CompileOptions options) {
  options.records = false;
  return options;
}

Result<std::string> describeKernel(const std::string &name, bool cache) {
  HALO_TRY(kernel, readKernel(name));
  if (hasNoCompiler()) {
    HALO_TRY(packed, Packs::get().describe(name, kernel.source));
    if (packed)
      return std::move(*packed);
  }
  HALO_TRY(found,
           ask(keyOf("description", kernel), printJson(requestOf("describe", kernel)), cache));
  return found.reply->json;
}

Result<KernelFacts> kernelFacts(const Problem &problem, bool cache) {
  HALO_TRY(kernel, readKernel(problem.kernel));
  return factsOf(kernel, problem, cache);
}

Result<KernelRequest> kernelRequest(const CompileTarget &target, const Problem &problem,
                                    const CompileOptions &options) {
  auto start = std::chrono::steady_clock::now();
  HALO_TRY(kernel, readKernel(problem.kernel));
  KernelRequest made;
  made.byPath = !kernel.source.empty();
  // A pack holds finished code: no stages to see or to replace, no line tables.
  bool finished = options.overrideStage.empty() && !options.lines && !options.dump;
  if (options.cache && options.packs && finished) {
    HALO_TRY(packed, Packs::get().find(target, problem, kernel.source, options));
    if (packed) {
      made.packed = packed;
      made.key = packed->key();
      made.problem = packed->problem->problem;
      made.problem.kernel = problem.kernel;
      if (options.schedule.empty() && options.records)
        made.tuned = Packs::get().blockLs(*packed, target);
      made.milliseconds = since(start);
      return made;
    }
  }
  HALO_TRY(facts, factsOf(kernel, problem, options.cache));
  std::string text = options.schedule;
  if (text.empty() && options.records) {
    text = tunedSchedule(target, facts.problem, kernel.source, options.shapeHint);
    made.byRecord = !text.empty();
  }
  // A schedule for an architecture must fit it, whatever device this machine has.
  DeviceTraits device = target.traits;
  if (Result<Target> known = findTarget(target.arch)) {
    device.sharedPerBlock = std::min(device.sharedPerBlock, known->sharedPerBlock);
    device.maxCluster = std::min(device.maxCluster, known->maxCluster);
  }
  HALO_TRY(schedule, resolveSchedule(facts.traits, device, options.shapeHint.d, text));
  if (made.byRecord && facts.problem.invariant && !mayRecord(facts.traits, schedule)) {
    made.byRecord = false;
    HALO_TRY(chosen, resolveSchedule(facts.traits, device, options.shapeHint.d, ""));
    schedule = chosen;
  }
  if (options.schedule.empty() && options.records)
    made.tuned = tunedBlockLs(target, facts.problem, kernel.source, schedule.print());
  made.problem = facts.problem;
  json request = requestOf("compile", kernel, facts.problem);
  request["schedule"] = schedule.print();
  request["arch"] = target.arch;
  request["emit"] = target.emit;
  if (target.ptx)
    request["ptx"] = target.ptx;
  if (options.lines)
    request["lines"] = true;
  if (options.dump)
    request["dump"] = made.dump = true;
  if (options.overrideStage == "cubin") {
    if (target.emit != "cubin")
      return invalid(fmt::format("a text for stage cubin is given, but {} is emitted", target.emit));
    HALO_CHECK(checkCubin(options.overrideText));
    made.cubin = options.overrideText;
    request["emit"] = "halo"; // For the facts alone.
  } else if (!options.overrideStage.empty()) {
    request["override"] = {{"stage", options.overrideStage}, {"text", options.overrideText}};
  }
  made.text = printJson(request);

  CacheKey &key = made.key = keyOf("kernel", kernel);
  addProblem(key, facts.problem);
  key.add("schedule", schedule.print());
  key.add("emit", target.emit);
  key.add("arch", target.arch);
  key.add("ptx", std::to_string(target.ptx));
  key.add("convention", std::to_string(kCallingConvention));
  if (options.lines)
    key.add("lines", "true");
  if (!options.overrideStage.empty())
    key.add("override." + options.overrideStage, sha256(options.overrideText));
  if (target.emit == "cubin") {
    HALO_TRY(assembler, assemblerIdentity());
    key.add("assembler", assembler);
  }
  made.milliseconds = since(start);
  return made;
}

Result<CompiledKernel> compileKernel(const KernelRequest &request, bool cache) {
  auto start = std::chrono::steady_clock::now();
  if (request.packed) {
    HALO_TRY(artifact, request.packed->pack->artifact(*request.packed->problem,
                                                      *request.packed->code));
    CompiledKernel found;
    found.artifact = std::move(artifact);
    found.artifact.info.problem = request.problem.print();
    found.tuned = request.tuned;
    found.times = {{"pack", request.milliseconds + since(start)}};
    if (DiskCache *disk = CompileCache::get().disk()) {
      disk->counters().add(Counter::PackHits);
      disk->counters().flush(/*now=*/false);
    }
    return found;
  }
  Source source = Source::Produced;
  HALO_TRY(compiled, askAndParse(request.key, request.text, cache && !request.dump, parseCompiled,
                                 source,
                                 request.byPath ? forgetPath : std::function<void(Reply &)>(),
                                 request.problem.print()));
  if (!request.cubin.empty())
    compiled.artifact.code = request.cubin;
  compiled.artifact.info.problem = request.problem.print();
  compiled.tuned = request.tuned;
  if (source == Source::Produced)
    compiled.times.insert(compiled.times.begin(), {"traits", request.milliseconds});
  else
    compiled.times = {{source == Source::Disk ? "disk" : "memory", since(start)}};
  return std::move(compiled);
}

Result<CompiledKernel> compileKernel(const CompileTarget &target, const Problem &problem,
                                     const CompileOptions &options) {
  HALO_TRY(request, kernelRequest(target, problem, options));
  Result<CompiledKernel> compiled = compileKernel(request, options.cache);
  if (compiled || !request.byRecord)
    return compiled;
  HALO_TRY(plain, kernelRequest(target, problem, withoutRecords(options)));
  return compileKernel(plain, options.cache);
}

} // namespace halo

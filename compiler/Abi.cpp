// The C ABI: JSON in, JSON and a blob out. Everything a request can get wrong becomes a sentence.
#include "runtime/CompilerAbi.h"

#include "compiler/BuildId.h"
#include "compiler/Compile.h"
#include "compiler/Describe.h"
#include "compiler/FatalError.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <cstring>

#define HALO_EXPORT extern "C" __attribute__((visibility("default")))

using namespace halo;
using namespace halo::compiler;
namespace json = llvm::json;

namespace {

struct Reply {
  std::string json, blob;
};

std::string text(json::Value value) {
  std::string line;
  llvm::raw_string_ostream(line) << value;
  return line;
}

Result<Reply> list() {
  json::Array kernels;
  for (const std::string &name : builtinKernels()) {
    HALO_TRY(source, kernelText(name));
    kernels.push_back(json::Object{{"name", name}, {"summary", summaryOf(source)}});
  }
  return Reply{text(json::Object{{"kernels", std::move(kernels)}}), ""};
}

Result<Reply> describeKernel(const json::Object &request) {
  std::string name = request.getString("kernel").value_or("").str();
  std::string source = request.getString("source").value_or("").str();
  if (source.empty()) {
    HALO_TRY(known, kernelText(name));
    source = std::move(known);
  }
  mlir::MLIRContext &context = threadContext();
  Diagnostics diagnostics(context);
  auto module = parseKernelText(context, source, name);
  auto kernel = module ? onlyKernel(*module, diagnostics) : ir::KernelOp();
  if (!kernel)
    return invalid(diagnostics.text());
  return Reply{describe(kernel, source), ""};
}

Result<Emit> parseEmit(llvm::StringRef name) {
  if (name == "halo")
    return Emit::Halo;
  if (name == "gpu")
    return Emit::Gpu;
  if (name == "llvm")
    return Emit::Llvm;
  if (name == "ptx")
    return Emit::Ptx;
  if (name == "cubin")
    return Emit::Cubin;
  if (name == "sim")
    return Emit::Sim;
  return invalid("unknown form '" + name.str() +
                 "' to emit, expected halo, gpu, llvm, ptx, cubin or sim");
}

Result<CompileRequest> parseRequest(const json::Object &request) {
  CompileRequest parsed;
  parsed.kernel = request.getString("kernel").value_or("").str();
  parsed.source = request.getString("source").value_or("").str();
  if (const json::Object *params = request.getObject("params"))
    for (const auto &[name, value] : *params) {
      auto given = value.getAsString();
      if (!given)
        return invalid("option '" + name.str() + "' is not given as text");
      parsed.bindings.params[name.str()] = given->str();
    }
  if (const json::Array *with = request.getArray("with"))
    for (const json::Value &name : *with)
      parsed.bindings.with.insert(name.getAsString().value_or("").str());
  parsed.align = int(request.getInteger("align").value_or(16));
  if (parsed.align != 1 && parsed.align != 16)
    return invalid("option 'align': " + std::to_string(parsed.align) + " is not 1 or 16");
  parsed.schedule = request.getString("schedule").value_or("").str();
  parsed.arch = request.getString("arch").value_or("sm_90").str();
  parsed.maxPtx = int(request.getInteger("ptx").value_or(0));
  parsed.lines = request.getBoolean("lines").value_or(false);
  parsed.dump = request.getBoolean("dump").value_or(false);
  if (const json::Object *given = request.getObject("override")) {
    parsed.overrideStage = given->getString("stage").value_or("").str();
    parsed.overrideText = given->getString("text").value_or("").str();
  }
  HALO_TRY(emit, parseEmit(request.getString("emit").value_or("cubin")));
  parsed.emit = emit;
  return parsed;
}

/// JSON of the runtime's own writing, as a value of ours.
Result<json::Value> embed(const std::string &text) {
  auto parsed = json::parse(text);
  if (!parsed)
    return failed("the runtime wrote JSON that cannot be read: " +
                  llvm::toString(parsed.takeError()));
  return std::move(*parsed);
}

Result<Reply> kernelTraits(const json::Object &request) {
  HALO_TRY(parsed, parseRequest(request));
  HALO_TRY(found, traits(parsed));
  HALO_TRY(facts, embed(found.traits.toJson()));
  json::Object params;
  for (const auto &[name, value] : found.bindings.params)
    params[name] = value;
  return Reply{text(json::Object{{"traits", std::move(facts)},
                                 {"params", std::move(params)},
                                 {"with", json::Array(found.bindings.with)}}),
               ""};
}

Result<Reply> compileKernel(const json::Object &request) {
  HALO_TRY(parsed, parseRequest(request));
  HALO_TRY(done, compile(parsed));
  json::Array times;
  for (const auto &[stage, ms] : done.times)
    times.push_back(json::Array{stage, ms});
  HALO_TRY(info, embed(done.info.toJson()));
  json::Object reply{{"info", std::move(info)}, {"times", std::move(times)}, {"log", done.log}};
  if (parsed.dump) {
    json::Array stages;
    for (const auto &[stage, text] : done.stages)
      stages.push_back(json::Array{stage, json::fixUTF8(text)});
    reply["stages"] = std::move(stages);
  }
  return Reply{text(std::move(reply)), std::move(done.blob)};
}

Result<Reply> serve(llvm::StringRef text) {
  auto parsed = json::parse(text);
  if (!parsed)
    return invalid("the request is not JSON: " + llvm::toString(parsed.takeError()));
  const json::Object *request = parsed->getAsObject();
  if (!request)
    return invalid("the request is not a JSON object");
  llvm::StringRef verb = request->getString("verb").value_or("");
  if (verb == "list")
    return list();
  if (verb == "describe")
    return describeKernel(*request);
  if (verb == "compile")
    return compileKernel(*request);
  if (verb == "traits")
    return kernelTraits(*request);
  return invalid("unknown verb '" + verb.str() + "', expected list, describe, traits or compile");
}

char *copy(const std::string &bytes) {
  char *memory = static_cast<char *>(std::malloc(bytes.size() + 1));
  if (memory)
    std::memcpy(memory, bytes.c_str(), bytes.size() + 1);
  return memory;
}

} // namespace

HALO_EXPORT uint32_t haloCompilerAbiVersion(void) { return HALO_COMPILER_ABI_VERSION; }

HALO_EXPORT const char *haloCompilerBuildId(void) { return buildId(); }

HALO_EXPORT int haloCompilerCall(const char *request, size_t size, HaloReply *reply) {
  std::memset(reply, 0, sizeof *reply);
  Result<Reply> result = failed("no reply");
  if (auto reason = catchFatalError([&] { result = serve(llvm::StringRef(request, size)); })) {
    abandonThreadContext();
    result = failed("LLVM gave up: " + *reason);
  }
  if (!result) {
    json::Object error{{"error", json::fixUTF8(result.error().message)}};
    if (result.error().code == ErrorCode::Unavailable)
      error["unavailable"] = true;
    reply->json = copy(text(std::move(error)));
    return result.error().code == ErrorCode::Invalid ? 2 : 1;
  }
  reply->json = copy(result->json);
  reply->blob = copy(result->blob);
  reply->blobSize = result->blob.size();
  return reply->json && reply->blob ? 0 : 1;
}

HALO_EXPORT void haloCompilerFree(HaloReply *reply) {
  std::free(reply->json);
  std::free(reply->blob);
  std::memset(reply, 0, sizeof *reply);
}

// halo compile: one kernel, stopped after the stage that --emit names.
#include "tools/halo/Command.h"
#include "tools/halo/Disassembler.h"
#include "tools/halo/Measure.h"
#include "tools/halo/Output.h"
#include "tools/halo/OutputFile.h"
#include "tools/halo/ProblemOptions.h"
#include "tools/halo/Suggest.h"

#include "runtime/CompilerLibrary.h"
#include "runtime/Device.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

namespace {
/// What to compile for; unlike a run, it needs no device.
struct Target {
  std::string arch = "sm_90", emit;
  DeviceTraits traits;
  int ptx = 0; ///< 0: the compiler's own choice.
};

struct Compiled {
  KernelInfo info;
  std::string blob;
  Json times; ///< Milliseconds by stage, in the order they ran.
  std::string log;
};

/// Milliseconds by stage over several compiles of one request, stages in the order they ran.
class StageTimes {
public:
  void add(const Json &times, double total) {
    for (const auto &[stage, ms] : times.items())
      if (ms.is_number())
        samplesOf(stage).push_back(ms.get<double>());
    samplesOf("total").push_back(total);
  }
  Json medians() const {
    Json json = Json::object();
    for (const auto &[stage, samples] : stages)
      json[stage] = summarise(samples).median;
    return json;
  }

private:
  std::vector<double> &samplesOf(const std::string &stage) {
    for (auto &[name, samples] : stages)
      if (name == stage)
        return samples;
    return stages.emplace_back(stage, std::vector<double>()).second;
  }
  std::vector<std::pair<std::string, std::vector<double>>> stages;
};
} // namespace

static std::string timesTable(const Json &medians) {
  std::vector<std::vector<std::string>> rows = {{"stage", "ms"}};
  for (const auto &[stage, ms] : medians.items())
    rows.push_back({stage, fmt::format("{:.3f}", ms.get<double>())});
  return table(rows, 1, stderr);
}

/// The GPU's architecture and facts where there is one; sm_90 and its facts else.
static Target chooseTarget(const std::string &arch, const std::string &emit) {
  Target target;
  target.emit = emit == "sass" ? "cubin" : emit;
  Result<std::shared_ptr<Device>> device = openCudaDevice();
  if (device && (arch.empty() || arch == (*device)->arch())) {
    target.arch = (*device)->arch();
    target.traits = (*device)->traits();
    target.ptx = (*device)->ptxVersion();
  } else if (!arch.empty()) {
    target.arch = arch;
  }
  return target;
}

static Result<Compiled> compile(const Problem &problem, const std::string &schedule,
                                const Target &target) {
  const DeviceTraits &traits = target.traits;
  Json request = {{"verb", "compile"},
                  {"kernel", problem.kernel},
                  {"params", problem.params},
                  {"with", problem.with},
                  {"align", problem.align},
                  {"schedule", schedule},
                  {"arch", target.arch},
                  {"emit", target.emit},
                  {"device",
                   {{"sms", traits.sms},
                    {"maxThreadsPerSm", traits.maxThreadsPerSm},
                    {"registersPerSm", traits.registersPerSm},
                    {"sharedPerBlock", traits.sharedPerBlock},
                    {"l2Bytes", traits.l2Bytes}}}};
  if (target.ptx)
    request["ptx"] = target.ptx;
  HALO_TRY(library, CompilerLibrary::get());
  HALO_TRY(reply, library->call(request.dump(-1, ' ', false, Json::error_handler_t::replace)));
  Json answer = Json::parse(reply.json, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object() || !answer.contains("info"))
    return failed("the compiler's reply has no kernel info");
  HALO_TRY(info, KernelInfo::fromJson(answer["info"].dump()));
  Compiled compiled{info, std::move(reply.blob), answer.value("times", Json::object()), ""};
  if (answer.contains("log") && answer["log"].is_string())
    compiled.log = answer["log"].get<std::string>();
  return compiled;
}

static Result<int> run(const Arguments &arguments) {
  static const std::vector<std::string> emits = {"halo", "gpu", "llvm", "ptx", "cubin", "sass"};
  std::string emit = arguments.value("--emit", "ptx"), path = arguments.value("-o");
  if (std::find(emits.begin(), emits.end(), emit) == emits.end())
    return invalid(unknown("value of --emit", emit, emits));
  HALO_TRY(repeat, arguments.number("--repeat", 1, 1));
  bool wantsJson = arguments.has("--json"), wantsTimes = arguments.has("--time");
  if (arguments.has("-o")) {
    HALO_CHECK(checkWritable(path));
  } else if (emit == "cubin" && !wantsJson && isTerminal(stdout)) {
    return invalid("a cubin is binary and stdout is a terminal: add -o FILE");
  }

  HALO_TRY(problem, parseProblem(arguments.positional(0), arguments.values("--set"),
                                 arguments.value("--dtype"), arguments.value("--wdtype"),
                                 arguments.value("--with")));
  Target target = chooseTarget(arguments.value("--arch"), emit);

  StageTimes times;
  Compiled compiled;
  for (int64_t i = 0; i < repeat; ++i) {
    auto start = std::chrono::steady_clock::now();
    HALO_TRY(once, compile(problem, arguments.value("--schedule"), target));
    std::chrono::duration<double, std::milli> total = std::chrono::steady_clock::now() - start;
    times.add(once.times, total.count());
    compiled = std::move(once);
  }
  std::string artifact = std::move(compiled.blob);
  if (emit == "sass") {
    HALO_TRY(text, disassemble(artifact));
    artifact = text;
  }
  if (arguments.has("-o"))
    HALO_CHECK(writeFile(path, artifact));

  if (!compiled.log.empty() && !wantsJson)
    fmt::print(stderr, "{}{}", compiled.log, compiled.log.back() == '\n' ? "" : "\n");
  if (wantsJson) {
    Json json = {{"kernel", compiled.info.kernel},
                 {"emit", emit},
                 {"arch", target.arch},
                 {"bytes", artifact.size()},
                 {"info", Json::parse(compiled.info.toJson())},
                 {"times", times.medians()},
                 {"repeat", repeat},
                 {"log", compiled.log}};
    if (arguments.has("-o"))
      json["output"] = path;
    else if (emit != "cubin")
      json["text"] = artifact;
    print(json.dump(2, ' ', false, Json::error_handler_t::replace));
    return 0;
  }
  if (wantsTimes)
    fmt::print(stderr, "{}\n", timesTable(times.medians()));
  if (!arguments.has("-o") &&
      std::fwrite(artifact.data(), 1, artifact.size(), stdout) != artifact.size())
    return failed("cannot write to the standard output");
  return 0;
}

Command halo::tool::compileCommand() {
  Syntax syntax;
  syntax.command = "compile";
  syntax.summary = "compile one kernel, to any stage";
  syntax.positionals = {"KERNEL"};
  syntax.options = problemOptions();
  for (const Option &option : std::vector<Option>{
           {"--arch", "ARCH", "the target, as sm_90; by default the GPU's, or sm_90 without one"},
           {"--emit", "STAGE", "halo, gpu, llvm, ptx (default), cubin or sass"},
           {"-o", "FILE", "write there instead of to stdout"},
           {"--schedule", "TEXT", "block_n=64,num_warps=4,...; by default the analytic choice"},
           {"--time", "", "print the milliseconds of each stage to stderr"},
           {"--repeat", "N", "compile N times and report each stage's median; default 1"},
           {"--json", "", "print JSON instead: info, times, log, and the text where there is one"},
       })
    syntax.options.push_back(option);
  syntax.notes =
      "The aligned, contiguous variant is compiled unless --set align=1. What --set leaves "
      "out takes\nits default (halo list). sass needs nvdisasm or cuobjdump: in PATH, in "
      "CUDA_HOME/bin, or\nnamed by HALO_NVDISASM.";
  return {syntax, run};
}

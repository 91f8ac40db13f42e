#include "tools/halo/BenchCase.h"

#include "runtime/Kernel.h"
#include "tools/halo/BenchCompare.h"
#include "tools/halo/BenchReport.h"
#include "tools/halo/DeviceTensors.h"
#include "tools/halo/EmptyKernel.h"
#include "tools/halo/OperandTensors.h"
#include "tools/halo/Operands.h"
#include "tools/halo/ProblemOptions.h"

#include <fmt/format.h>

#include <algorithm>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

namespace {
/// What an entrant asks for, before it is compiled.
struct Request {
  Problem problem;
  std::vector<Operand> operands;
};

/// An entrant, compiled, loaded and bound to the case's tensors.
struct Candidate {
  Kernel kernel;
  BoundLaunch launch;
  std::unique_ptr<Graph> graph; ///< Of the one launch, where graphs are asked for.
};

/// The copy ceiling's two buffers. A copy of half the bytes moved reads and writes as many bytes
/// as the kernel does, so that both are judged at the same size.
struct CopyPair {
  DeviceBuffer from, to;
};
} // namespace

static Result<Candidate> prepare(const std::shared_ptr<Device> &device, const Problem &problem,
                                 const CompileOptions &options, DeviceTensors &tensors, bool graph,
                                 uint64_t seed) {
  HALO_TRY(kernel, Kernel::compile(device, problem, options));
  // All candidates of a case work on the same tensors.
  if (tensors.arguments().empty())
    HALO_CHECK(allocateOperands(*device, tensors, kernel.info().operands, options.shapeHint, seed));
  HALO_TRY(launch, kernel.bind(tensors.arguments()));
  Candidate candidate{kernel, std::move(launch), nullptr};
  if (graph) {
    HALO_TRY(stream, DeviceStream::create(device));
    HALO_TRY(captured, device->capture(stream.get(), [&] {
      return candidate.kernel.launch(candidate.launch, stream.get());
    }));
    candidate.graph = std::move(captured);
  }
  return candidate;
}

static Result<CopyPair> allocateCopy(const std::shared_ptr<Device> &device, size_t bytes) {
  CopyPair pair;
  for (DeviceBuffer *buffer : {&pair.from, &pair.to}) {
    HALO_TRY(memory, DeviceBuffer::allocate(device, bytes));
    *buffer = std::move(memory);
    HALO_CHECK(device->fill(buffer->data(), 0, bytes));
  }
  return pair;
}

/// The settings that are `kernel`'s: of two kernels that are compared, one may have compiled in
/// what the other is told. A name that nobody knows stays, to be refused.
static std::vector<std::string> settingsOf(const Description &kernel,
                                           const std::vector<Description> &all,
                                           const std::vector<std::string> &settings) {
  std::vector<std::string> own;
  for (const std::string &setting : settings) {
    std::string name = setting.substr(0, setting.find('='));
    auto knows = [&](const Description &other) { return other.param(name) != nullptr; };
    if (knows(kernel) || std::none_of(all.begin(), all.end(), knows))
      own.push_back(setting);
  }
  return own;
}

static Result<std::vector<Description>> describeEntrants(const BenchCase &bench) {
  std::vector<Description> kernels;
  for (const Entrant &entrant : bench.entrants) {
    HALO_TRY(kernel, describe(entrant.kernel));
    kernels.push_back(kernel);
  }
  return kernels;
}

/// The layout of a view as the settings or the kernel's default say it.
static std::string layoutOf(const Description &kernel, const OperandSpec &view,
                            const std::vector<std::string> &settings) {
  const ParamSpec *param = kernel.param(view.layout);
  if (!param)
    return view.layout;
  for (const std::string &setting : settings)
    if (setting.rfind(param->name + "=", 0) == 0)
      return setting.substr(param->name.size() + 1);
  return param->fallback.value_or("");
}

/// A step has one position, whatever the shape says or leaves out.
static Result<BenchCase> withLength(BenchCase bench, const std::vector<Description> &kernels) {
  for (const Description &kernel : kernels) {
    bool step = std::all_of(kernel.operands.begin(), kernel.operands.end(), [&](const auto &spec) {
      return spec.kind != "view" || layoutOf(kernel, spec, bench.settings) == "bd";
    });
    if (!step && !bench.shape.l)
      return invalid(
          fmt::format("--shape of {} has no L: expected B=1,L=65536,D=4096", kernel.name));
    if (step && bench.shape.l > 1)
      return invalid(fmt::format("{} is a step: L is {}, expected 1", kernel.name, bench.shape.l));
    if (step)
      bench.shape.l = 1;
  }
  return bench;
}

static Result<std::vector<Request>> readRequests(const BenchCase &bench,
                                                 const std::vector<Description> &kernels) {
  std::vector<Request> requests;
  for (size_t i = 0; i < kernels.size(); ++i) {
    HALO_TRY(problem,
             parseProblem(bench.entrants[i].kernel, settingsOf(kernels[i], kernels, bench.settings),
                          bench.dtype, bench.wdtype, bench.with));
    std::vector<Operand> operands = operandsOf(kernels[i], problem.params, problem.with);
    if (problem.align == 16)
      problem.align = alignmentFor(operands, bench.shape);
    if (i > 0)
      HALO_CHECK(checkSameOperands(bench.entrants[0].kernel, requests[0].operands,
                                   bench.entrants[i].kernel, operands, bench.shape));
    requests.push_back({std::move(problem), std::move(operands)});
  }
  return requests;
}

static Json describeRow(const BenchCase &bench, size_t entrant, const Problem &problem,
                        const KernelInfo *info, const Protocol &protocol) {
  Json row = {{"kernel", bench.entrants[entrant].kernel}};
  if (info) {
    row["problem"] = info->problem;
    row["schedule"] = info->schedule;
    row["align"] = info->align;
    row["registers"] = info->registers;
    row["spill_bytes"] = info->spillBytes;
    row["shared_bytes"] = info->sharedBytes;
  }
  row["params"] = problem.params;
  if (problem.invariant)
    row["invariant"] = true;
  row["with"] = problem.with;
  row["shape"] = {{"B", bench.shape.b}, {"D", bench.shape.d}, {"L", bench.shape.l}};
  if (bench.shape.n >= 0)
    row["shape"]["N"] = bench.shape.n;
  row["l2"] = protocol.hot ? "hot" : "cold";
  row["clock"] = name(protocol.clock);
  return row;
}

/// What is timed in the same rounds: the copy, then each candidate's launch and its graph, and last, beside
/// graphs, the graph of an empty kernel.
class Field {
public:
  Field(std::function<Result<void>()> copy, const std::vector<Candidate> &candidates,
        const EmptyKernel &emptyKernel) {
    contenders.push_back({"copy", std::move(copy), {}});
    for (const Candidate &candidate : candidates) {
      contenders.push_back({candidate.kernel.info().schedule,
                            [&candidate] { return candidate.kernel.launch(candidate.launch); },
                            {}});
      if (candidate.graph)
        contenders.push_back({candidate.kernel.info().schedule + ", graph",
                              [&candidate] { return candidate.graph->launch(); },
                              {}});
    }
    perCandidate = candidates.empty() ? 0 : (contenders.size() - 1) / candidates.size();
    if (emptyKernel.graph)
      contenders.push_back({"empty kernel, graph", [&] { return emptyKernel.graph->launch(); }, {}});
  }

  const std::vector<double> &copy() const { return contenders[0].samples; }
  const std::vector<double> &plain(size_t i) const {
    return contenders[1 + i * perCandidate].samples;
  }
  const std::vector<double> &graph(size_t i) const {
    return contenders[2 + i * perCandidate].samples;
  }
  const std::vector<double> &empty() const { return contenders.back().samples; }

  std::vector<Contender> contenders;

private:
  size_t perCandidate;
};

static Json compareRows(const Json &a, const Json &b, const Field &field, bool graph,
                        const Json &outputs) {
  Json json = {{"shape", a["shape"]}, {"l2", a["l2"]}, {"clock", a["clock"]}};
  for (auto [side, row] : {std::pair{"a", &a}, std::pair{"b", &b}})
    for (const char *field : {"kernel", "schedule", "ms", "ms_p10", "ms_p90"})
      json[side][field] = (*row)[field];
  json.update(ratioJson(compareRounds(field.plain(0), field.plain(1))));
  if (graph)
    json["graph"] = ratioJson(compareRounds(field.graph(0), field.graph(1)));
  json["outputs"] = outputs;
  return json;
}

/// Names the sides of a comparison by what tells them apart.
static Side sideOf(const BenchCase &bench, const std::vector<Candidate> &candidates, size_t index) {
  bool schedules = bench.entrants[0].kernel == bench.entrants[1].kernel;
  const Candidate &own = candidates[index];
  return {schedules ? own.kernel.info().schedule : bench.entrants[index].kernel, own.kernel,
          own.launch};
}

Result<BenchResult> halo::tool::runCase(const std::shared_ptr<Device> &device,
                                        const BenchCase &given, const BenchOptions &options,
                                        Progress &progress) {
  HALO_TRY(kernels, describeEntrants(given));
  HALO_TRY(bench, withLength(given, kernels));
  HALO_TRY(requests, readRequests(bench, kernels));
  DeviceTensors tensors(device, /*guarded=*/false);
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < bench.entrants.size() && !options.onlyCopy; ++i) {
    const Entrant &entrant = bench.entrants[i];
    progress.show(
        fmt::format("compiling {} ({} of {})", entrant.kernel, i + 1, bench.entrants.size()));
    CompileOptions compile;
    compile.schedule = entrant.schedule;
    compile.shapeHint = bench.shape;
    compile.overrideStage = bench.overrideStage;
    compile.overrideText = bench.overrideText;
    HALO_TRY(candidate, prepare(device, requests[i].problem, compile, tensors, options.graph,
                                options.seed));
    candidates.push_back(std::move(candidate));
  }
  OutputComparison outputs;
  if (bench.compare && device->kind() != "null") {
    progress.show("comparing the outputs");
    HALO_TRY(compared, compareOutputs(*device, tensors, sideOf(bench, candidates, 0),
                                      sideOf(bench, candidates, 1)));
    outputs = std::move(compared);
  }

  HALO_TRY(bytes, movedBytes(requests[0].operands, bench.shape));
  size_t copied = bytes / 2;
  HALO_TRY(pair, allocateCopy(device, copied));
  EmptyKernel empty;
  if (options.graph && !candidates.empty()) {
    HALO_TRY(loaded, loadEmptyKernel(device));
    empty = std::move(loaded);
  }
  // A simulator's copy says nothing about what a kernel could reach.
  bool comparable = device->kind() == "cuda" && copied > 0;

  BenchResult result;
  result.disagreement = outputs.disagreement;
  std::vector<Json> rows(bench.entrants.size(), Json::array());
  for (const Protocol &protocol : options.protocols) {
    Field field([&] { return device->copy(pair.to.data(), pair.from.data(), copied); }, candidates,
                empty);
    HALO_CHECK(measure(device, protocol, field.contenders, progress));

    Json copy = numbersJson(summarise(field.copy()), 2 * copied);
    if (candidates.empty()) {
      rows[0].push_back(describeRow(bench, 0, requests[0].problem, nullptr, protocol));
      rows[0].back()["copy"] = copy;
    }
    for (size_t i = 0; i < candidates.size(); ++i) {
      const Candidate &candidate = candidates[i];
      Json row = describeRow(bench, i, requests[i].problem, &candidate.kernel.info(), protocol);
      row["block_l"] = candidate.launch.blockL;
      row["blocks"] = candidate.launch.blocks;
      Json timed = numbersJson(summarise(field.plain(i)), bytes);
      row.update(timed);
      row["copy"] = copy;
      row["fraction"] = comparable ? fractionOf(timed, copy) : Json();
      if (options.graph) {
        row["graph"] = numbersJson(summarise(field.graph(i)), bytes);
        row["graph"]["fraction"] = comparable ? fractionOf(row["graph"], copy) : Json();
        if (empty.graph) {
          Statistics ms = summarise(field.empty());
          row["graph"]["empty_ms"] = ms.median;
          row["graph"]["empty_ms_p10"] = ms.p10;
          row["graph"]["empty_ms_p90"] = ms.p90;
        }
      }
      rows[i].push_back(std::move(row));
    }
    if (bench.compare)
      result.comparisons.push_back(compareRows(rows[0].back(), rows[1].back(), field, options.graph,
                                               device->kind() == "null" ? Json() : outputs.json));
  }
  for (Json &own : rows)
    for (Json &row : own)
      result.rows.push_back(std::move(row));
  return result;
}

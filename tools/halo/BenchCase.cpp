#include "tools/halo/BenchCase.h"

#include "runtime/Kernel.h"
#include "tools/halo/DeviceTensors.h"
#include "tools/halo/Operands.h"
#include "tools/halo/ProblemOptions.h"
#include "tools/halo/RandomFill.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

namespace {
/// One schedule, compiled, loaded and bound to the case's tensors.
struct Candidate {
  Kernel kernel;
  BoundLaunch launch;
};

/// The copy ceiling's two buffers. A copy of half the bytes moved reads and writes as many bytes
/// as the kernel does, so that both are judged at the same size.
struct CopyPair {
  DeviceBuffer from, to;
};
} // namespace

/// What a launch must move: the views, and in a step the states too.
static Result<size_t> movedBytes(const std::vector<Operand> &operands, const Shape &shape) {
  bool step = std::any_of(operands.begin(), operands.end(), [](const Operand &operand) {
    return operand.kind == OperandKind::View && operand.layout == Layout::BD;
  });
  size_t total = 0;
  for (const Operand &operand : operands)
    if (operand.kind == OperandKind::View ||
        (step && (operand.kind == OperandKind::State ||
                  operand.kind == OperandKind::ModalState))) {
      HALO_TRY(bytes, bytesOf(operand.name, operand.dtype, outputShape(operand, shape)));
      total += bytes;
    }
  return total;
}

static Result<void> allocateTensors(Device &device, DeviceTensors &tensors,
                                    const std::vector<Operand> &operands, const Shape &shape,
                                    uint64_t seed) {
  for (const Operand &operand : operands) {
    std::vector<int64_t> sizes = outputShape(operand, shape);
    if (operand.output) {
      HALO_CHECK(tensors.addOutput(operand.name, operand.dtype, sizes));
      continue;
    }
    // Taps of norm one keep the output at unit scale.
    double scale = operand.kind == OperandKind::Taps
                       ? 1 / std::sqrt(double(std::max<int64_t>(1, operand.taps)))
                       : 1;
    HALO_CHECK(tensors.add(operand.name, operand.dtype, sizes));
    // Log-poles are negative, and residues may be.
    bool negative = operand.kind == OperandKind::Modes;
    HALO_CHECK(fillRandom(device, tensors[operand.name], seed++, scale, negative));
  }
  return {};
}

static Result<Candidate> prepare(const std::shared_ptr<Device> &device, const Problem &problem,
                                 const CompileOptions &options, DeviceTensors &tensors,
                                 uint64_t seed) {
  HALO_TRY(kernel, Kernel::compile(device, problem, options));
  // All candidates of a case work on the same tensors.
  if (tensors.arguments().empty())
    HALO_CHECK(allocateTensors(*device, tensors, kernel.info().operands, options.shapeHint, seed));
  HALO_TRY(launch, kernel.bind(tensors.arguments()));
  return Candidate{kernel, std::move(launch)};
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

static Json numbers(const Statistics &ms, size_t bytes) {
  Json json = {{"ms", ms.median}, {"ms_p10", ms.p10}, {"ms_p90", ms.p90}, {"bytes", bytes}};
  json["gb_per_s"] = ms.median > 0 ? Json(double(bytes) / ms.median / 1e6) : Json();
  return json;
}

static Json describeRow(const BenchCase &bench, const Problem &problem, const KernelInfo *info) {
  Json row = {{"kernel", bench.kernel}};
  if (info) {
    row["problem"] = info->problem;
    row["schedule"] = info->schedule;
    row["align"] = info->align;
    row["registers"] = info->registers;
    row["spill_bytes"] = info->spillBytes;
    row["shared_bytes"] = info->sharedBytes;
  }
  row["params"] = problem.params;
  row["with"] = problem.with;
  row["shape"] = {{"B", bench.shape.b}, {"D", bench.shape.d}, {"L", bench.shape.l}};
  return row;
}

/// A step has one position, whatever the shape says or leaves out.
static Result<BenchCase> withLength(BenchCase bench, const Description &kernel) {
  bool step = std::all_of(kernel.operands.begin(), kernel.operands.end(), [](const auto &spec) {
    return spec.kind != "view" || spec.layout == "bd";
  });
  if (!step && !bench.shape.l)
    return invalid(
        fmt::format("--shape of {} has no L: expected B=1,L=65536,D=4096", kernel.name));
  if (step && bench.shape.l > 1)
    return invalid(fmt::format("{} is a step: L is {}, expected 1", kernel.name, bench.shape.l));
  if (step)
    bench.shape.l = 1;
  return bench;
}

Result<Json> halo::tool::runCase(const std::shared_ptr<Device> &device, const BenchCase &given,
                                 const BenchOptions &options, Progress &progress) {
  HALO_TRY(kernel, describe(given.kernel));
  HALO_TRY(bench, withLength(given, kernel));
  HALO_TRY(problem,
           parseProblem(bench.kernel, bench.settings, bench.dtype, bench.wdtype, bench.with));
  std::vector<Operand> operands = operandsOf(kernel, problem.params, problem.with);
  if (problem.align == 16)
    problem.align = alignmentFor(operands, bench.shape);
  DeviceTensors tensors(device, /*guarded=*/false);
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < bench.schedules.size() && !options.onlyCopy; ++i) {
    progress.show(
        fmt::format("compiling {} ({} of {})", bench.kernel, i + 1, bench.schedules.size()));
    HALO_TRY(candidate,
             prepare(device, problem, {bench.schedules[i], bench.shape}, tensors, options.seed));
    candidates.push_back(std::move(candidate));
  }
  if (!candidates.empty())
    operands = candidates[0].kernel.info().operands;

  HALO_TRY(bytes, movedBytes(operands, bench.shape));
  size_t copied = bytes / 2;
  HALO_TRY(pair, allocateCopy(device, copied));
  std::vector<Contender> contenders;
  contenders.push_back(
      {"copy", [&] { return device->copy(pair.to.data(), pair.from.data(), copied); }, {}});
  for (Candidate &candidate : candidates)
    contenders.push_back({candidate.kernel.info().schedule,
                          [&candidate] { return candidate.kernel.launch(candidate.launch); },
                          {}});
  HALO_CHECK(measure(device, options.protocol, contenders, progress));

  Json copy = numbers(summarise(contenders[0].samples), 2 * copied), rows = Json::array();
  if (candidates.empty()) {
    Json row = describeRow(bench, problem, nullptr);
    row["copy"] = copy;
    rows.push_back(row);
  }
  for (size_t i = 0; i < candidates.size(); ++i) {
    Json row = describeRow(bench, problem, &candidates[i].kernel.info());
    row["block_l"] = candidates[i].launch.blockL;
    row["blocks"] = candidates[i].launch.blocks;
    row.update(numbers(summarise(contenders[i + 1].samples), bytes));
    row["copy"] = copy;
    // A simulator's copy says nothing about what a kernel could reach.
    bool comparable = device->kind() == "cuda" && row["gb_per_s"].is_number() &&
                      copy["gb_per_s"].is_number() && copied > 0;
    row["fraction"] =
        comparable ? Json(row["gb_per_s"].get<double>() / copy["gb_per_s"].get<double>()) : Json();
    rows.push_back(row);
  }
  return rows;
}

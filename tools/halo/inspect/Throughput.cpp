#include "tools/halo/inspect/Throughput.h"

#include "runtime/Launch.h"
#include "tools/halo/OperandTensors.h"
#include "tools/halo/Suggest.h"
#include "tools/halo/inspect/Mix.h"
#include "tools/halo/inspect/Roofline.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

static constexpr Shape kLarge = {1, 4096, 65536}, kLargeStep = {64, 4096, 1};

static Shape shapeFor(const KernelInfo &info, const Shape &given) {
  bool step = info.layout == Layout::BD;
  Shape shape = given.d ? given : step ? kLargeStep : kLarge;
  if (step)
    shape.l = 1;
  if (given.d)
    return shape;
  // What everybody's default is may be no multiple of what this kernel needs.
  int64_t unit = 16;
  for (const Operand &operand : info.operands)
    for (int64_t multiple : {operand.group, operand.heads})
      if (multiple > 1)
        unit = std::lcm(unit, multiple);
  shape.d = info.requiredChannels() ? info.requiredChannels() : (shape.d + unit - 1) / unit * unit;
  return shape;
}

static int64_t numberOf(const std::string &schedule, const std::string &name, int64_t fallback) {
  size_t at = schedule.find(name + "=");
  return at == std::string::npos ? fallback : std::atoll(schedule.c_str() + at + name.size() + 1);
}

/// Bytes per output that must move: the views once, and what a block reads ahead of its own.
static Result<Json> bytesPerOutput(const KernelInfo &info, const Shape &shape, int64_t blockL) {
  double outputs = double(shape.b) * double(shape.d) * double(std::max<int64_t>(shape.l, 1));
  HALO_TRY(moved, movedBytes(info.operands, shape));
  size_t inputs = 0;
  for (const Operand &operand : info.operands)
    if (operand.kind == OperandKind::View && !operand.output) {
      HALO_TRY(bytes, bytesOf(operand.name, operand.dtype, outputShape(operand, shape)));
      inputs += bytes;
    }
  int64_t ahead = info.carries || info.layout == Layout::BD ? 0 : std::max(info.halo, info.warmup);
  double reread = blockL > 0 && shape.l > blockL ? double(ahead) / double(blockL) : 0;
  return Json{{"bytes", double(moved) / outputs},
              {"bytes_with_halo", (double(moved) + reread * double(inputs)) / outputs},
              {"reread", reread}};
}

/// Outputs of one pass of the block through its main loop; 0 where the loop is not the walk.
static double outputsPerPass(const KernelInfo &info, const Json &main) {
  double width = 0;
  for (const ChannelTiles &tiles : info.tiles)
    width = std::max(width, double(tiles.width));
  if (info.layout == Layout::BD) {
    bool row = main["found"] && main.value("depth", 0) == 1;
    return main["found"] && !(info.walksRows() && row) ? 0 : width;
  }
  bool walk = main["found"] && main.value("depth", 0) == 1;
  return walk ? width * double(info.stepL) : 0;
}

static int countOf(const Json &mix, Kind kind) { return mix.value(name(kind), 0); }

/// Wavefronts of a pass of one warp, as if no bank conflicted.
static double idealWavefronts(const Json &mix) {
  double wavefronts = 0;
  for (Kind kind : {Kind::SharedLoad, Kind::SharedStore, Kind::MatrixLoad, Kind::AsyncCopy})
    if (auto widths = mix["widths"].find(name(kind)); widths != mix["widths"].end())
      for (const auto &[width, count] : widths->items())
        wavefronts += double(count) * std::max(1, std::atoi(width.c_str()) / 4);
  return wavefronts;
}

/// What the main loop's instructions are per output. A loop that is not the walk is a filter's: it
/// runs until every tap has had its multiply-add. Empty where it has none.
static Json workPerOutput(const KernelInfo &info, const Json &code, int64_t taps,
                          double conflicts) {
  const Json &main = code["main_loop"], &mix = main["mix"];
  double outputs = outputsPerPass(info, main), fma = countOf(mix, Kind::Fma);
  bool byTaps = outputs <= 0 && info.layout != Layout::BD && fma > 0 && taps > 0;
  if (outputs <= 0 && !byTaps)
    return Json::object();
  // Passes of a lane, and of a warp, for one output.
  double lanes = byTaps ? double(taps) / fma : double((info.threads + 31) / 32 * 32) / outputs;
  double warps = lanes / 32;
  return {{"from", code["form"]},
          {"by_taps", byTaps},
          {"warp_instructions", double(mix["instructions"]) * warps},
          {"instructions", double(mix["instructions"]) * lanes},
          {"fma", fma * lanes},
          {"f32", (fma + countOf(mix, Kind::Float)) * lanes},
          {"mufu", countOf(mix, Kind::Mufu) * lanes},
          {"lane_flops", double(mix["flops_per_lane"]) * lanes},
          {"tensor_flops", double(mix["flops_per_warp"]) * warps},
          {"wavefronts", idealWavefronts(mix) * warps * conflicts}};
}

Result<void> halo::tool::addThroughput(Json &report, Json &notes, const KernelInfo &info,
                                       const Json &code, int64_t taps,
                                       const InspectOptions &options) {
  const Peaks *gpu = findPeaks(options.gpu, options.arch);
  if (!gpu && !options.gpu.empty()) {
    std::vector<std::string> names;
    for (const Peaks &peaks : allPeaks())
      names.push_back(peaks.name);
    return invalid(unknown("GPU in --gpu", options.gpu, names));
  }
  if (gpu && options.arch != gpu->arch)
    return invalid(
        fmt::format("--gpu {} is of {}, but --arch is {}", gpu->name, gpu->arch, options.arch));
  Shape shape = shapeFor(info, options.shape);
  DeviceTraits traits;
  if (gpu)
    traits.sms = gpu->sms;
  // A block that carries a recurrence takes the whole sequence; a step has one position.
  bool whole = info.carries && !info.walksRows();
  int64_t blockL = info.layout == Layout::BD && !info.walksRows() ? 1
                   : whole       ? (shape.l + info.stepL - 1) / info.stepL * info.stepL
                   : info.blockL ? info.blockL
                                 : chooseBlockL(info, shape, traits);
  // A step's blocks walk along B.
  int64_t walked = info.walksRows() ? shape.b : shape.l, rows = info.walksRows() ? 1 : shape.b;
  int64_t tilesL = info.layout == Layout::BD && !info.walksRows()
                       ? 1
                       : (walked + blockL - 1) / std::max<int64_t>(1, blockL);
  int64_t tilesN = info.tileCount(shape.d);
  report["shape"] = {{"B", shape.b},
                     {"L", shape.l},
                     {"D", shape.d},
                     {"block_l", blockL},
                     {"blocks", rows * tilesL * tilesN * info.cluster}};
  if (int64_t resident =
          report.value("occupancy", Json::object()).value("blocks_per_sm", int64_t(0));
      gpu && resident > 0)
    report["shape"]["waves"] = double(rows * tilesL * tilesN * info.cluster) / double(resident * gpu->sms);
  report["tile"] = {{"layout", std::string(name(info.layout))},
                    {"channels", info.tiles.empty() ? 0 : info.tiles[0].width},
                    {"step", info.stepL},
                    {"halo", info.halo},
                    {"warmup", info.warmup},
                    {"carries", info.carries},
                    {"cluster", info.cluster},
                    {"vector", info.vector},
                    {"stages", numberOf(info.schedule, "stages", 1)},
                    {"unroll", numberOf(info.schedule, "unroll", 1)}};

  HALO_TRY(perOutput, bytesPerOutput(info, shape, blockL));
  double conflicts = 1;
  if (report.contains("accesses"))
    conflicts = report["accesses"]["shared"]["factor"];
  const Json &best = code.contains("sass") ? code["sass"] : code["ptx"];
  Json work = workPerOutput(info, best, taps, conflicts);
  if (work.empty())
    notes.push_back(
        "the main loop is neither the block's walk nor a filter's taps: no instructions "
        "per output, and of the walls only DRAM is known");
  else if (work["by_taps"])
    notes.push_back(
        fmt::format("the main loop is a filter's: per output it is counted for {} taps; "
                    "what surrounds it is left out",
                    taps));
  else if (!best["main_loop"].value("inner", Json::array()).empty())
    notes.push_back("instructions per output leave out the loops inside the main loop");
  perOutput.update(work);
  report["per_output"] = perOutput;
  if (!gpu) {
    notes.push_back(
        fmt::format("no roofline: no GPU of {} is in the table of peaks", options.arch));
    return {};
  }
  WorkPerOutput sum;
  sum.bytes = perOutput["bytes_with_halo"];
  sum.warpInstructions = perOutput.value("warp_instructions", 0.0);
  sum.f32Lanes = perOutput.value("f32", 0.0);
  sum.mufuLanes = perOutput.value("mufu", 0.0);
  sum.tensorFlops = perOutput.value("tensor_flops", 0.0);
  sum.laneFlops = perOutput.value("lane_flops", 0.0);
  sum.wavefronts = perOutput.value("wavefronts", 0.0);
  double outputs = double(shape.b) * double(shape.d) * double(shape.l);
  report["roofline"] = rooflineReport(*gpu, sum, outputs);
  return {};
}

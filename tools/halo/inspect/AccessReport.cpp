#include "tools/halo/inspect/AccessReport.h"

#include "runtime/Kernel.h"
#include "tools/halo/OperandTensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

static constexpr int64_t kSteps = 4; ///< Of a walk.
static constexpr int64_t kLeast = 64;

Shape halo::tool::sampleShape(const KernelInfo &info) {
  int64_t unit = 16, widest = 1;
  for (const Operand &operand : info.operands) {
    for (int64_t multiple : {operand.group, operand.heads})
      if (multiple > 1)
        unit = std::lcm(unit, multiple);
  }
  for (const ChannelTiles &tiles : info.tiles)
    widest = std::max(widest, tiles.width);
  Shape shape;
  shape.b = 1;
  shape.d = info.requiredChannels() ? info.requiredChannels() : (widest + unit - 1) / unit * unit;
  int64_t steps = std::max(kLeast, kSteps * info.stepL + info.warmup);
  shape.l = info.layout == Layout::BD ? 1 : (steps + 15) / 16 * 16;
  return shape;
}

/// The rows of one space, those that waste most first, and their sums.
static Json sumUp(const Json &accesses, const std::string &space, const char *unit) {
  int64_t requests = 0, units = 0, ideal = 0;
  Json places = Json::array();
  for (const Json &row : accesses) {
    if (row.value("space", "") != space)
      continue;
    requests += row.value("requests", int64_t(0));
    units += row.value("units", int64_t(0));
    ideal += row.value("ideal", int64_t(0));
    std::string where = row.value("where", "");
    size_t colon = where.rfind(':');
    int line = colon == std::string::npos ? 0 : std::atoi(where.c_str() + colon + 1);
    auto same = std::find_if(places.begin(), places.end(), [&](const Json &place) {
      return place["line"] == line && place["op"] == row["op"] && place["load"] == row["load"] &&
             place["width"] == row["width"];
    });
    if (same == places.end()) {
      places.push_back({{"line", line},
                        {"op", row["op"]},
                        {"load", row["load"]},
                        {"width", row["width"]},
                        {"requests", 0},
                        {unit, 0},
                        {"ideal", 0}});
      same = std::prev(places.end());
    }
    for (const auto &[to, from] : {std::pair<const char *, const char *>{"requests", "requests"},
                                   {unit, "units"},
                                   {"ideal", "ideal"}})
      (*same)[to] = (*same)[to].get<int64_t>() + row.value(from, int64_t(0));
  }
  auto excess = [&](const Json &row) { return int64_t(row[unit]) - int64_t(row["ideal"]); };
  std::stable_sort(places.begin(), places.end(),
                   [&](const Json &a, const Json &b) { return excess(a) > excess(b); });
  return {{"requests", requests},
          {unit, units},
          {"ideal", ideal},
          {"factor", ideal ? double(units) / double(ideal) : 1.0},
          {"places", places}};
}

Result<Json> halo::tool::accessReport(const Problem &problem, const std::string &schedule,
                                      const KernelInfo &info) {
  std::string profile;
  SimOptions sim;
  sim.profile = &profile;
  HALO_TRY(device, openSimDevice(sim));
  CompileOptions options;
  options.schedule = schedule;
  options.shapeHint = sampleShape(info);
  options.lines = true;
  HALO_TRY(kernel, Kernel::compile(device, problem, options));
  DeviceTensors tensors(device, /*guarded=*/false);
  HALO_CHECK(allocateOperands(*device, tensors, kernel.info().operands, options.shapeHint, 1));
  HALO_TRY(launch, kernel.bind(tensors.arguments()));
  HALO_CHECK(kernel.launch(launch));
  Json counted = Json::parse(profile, nullptr, /*allow_exceptions=*/false);
  if (!counted.is_object() || !counted.contains("accesses"))
    return failed("the simulator has counted no accesses");
  return Json{{"shape", {{"B", launch.shape.b}, {"L", launch.shape.l}, {"D", launch.shape.d}}},
              {"blocks", counted["blocks"]},
              {"shared", sumUp(counted["accesses"], "shared", "wavefronts")},
              {"global", sumUp(counted["accesses"], "global", "sectors")}};
}

// Names in the JSON are the names of the fields.
#include "runtime/KernelInfo.h"

#include "runtime/Json.h"

#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <set>

namespace halo {

using nlohmann::json;

std::string_view name(OperandKind kind) {
  switch (kind) {
  case OperandKind::View:
    return "view";
  case OperandKind::Taps:
    return "taps";
  case OperandKind::Channel:
    return "channel";
  case OperandKind::State:
    return "state";
  case OperandKind::Modes:
    return "modes";
  case OperandKind::ModalState:
    return "modal_state";
  case OperandKind::Indices:
    return "indices";
  }
  return "?";
}

std::string_view name(Layout layout) {
  switch (layout) {
  case Layout::BDL:
    return "bdl";
  case Layout::BLD:
    return "bld";
  case Layout::BD:
    return "bd";
  case Layout::DL:
    return "dl";
  }
  return "?";
}

std::string_view name(IndexForm form) {
  switch (form) {
  case IndexForm::Rows:
    return "rows";
  case IndexForm::Positions:
    return "positions";
  case IndexForm::Bounds:
    return "bounds";
  }
  return "?";
}

size_t KernelInfo::parameterCount() const {
  size_t count = kSizeParameters;
  for (const Operand &operand : operands)
    count += 1 + strideCount(operand.kind) + operand.longer;
  return count;
}

bool KernelInfo::storesState() const {
  return std::any_of(operands.begin(), operands.end(), [](const Operand &operand) {
    return operand.output && (operand.kind == OperandKind::State ||
                              operand.kind == OperandKind::ModalState);
  });
}

int64_t KernelInfo::tileCount(int64_t d) const {
  int64_t count = 0;
  for (const ChannelTiles &run : tiles) {
    int64_t end = run.end ? run.end : d;
    if (end > run.begin)
      count += (end - run.begin + run.width - 1) / run.width;
  }
  return count;
}

int64_t KernelInfo::requiredChannels() const {
  int64_t covered = 0;
  for (const Operand &operand : operands)
    if (operand.kind == OperandKind::View && operand.output)
      covered += operand.channels;
  if (covered)
    return covered;
  for (const ChannelTiles &run : tiles) {
    if (run.end == 0)
      return 0;
    covered = std::max(covered, run.end);
  }
  return covered;
}

namespace {

// One function each, so that every field is a call and not a list built in place.
void put(json &object, const char *field, int64_t value) { object[field] = value; }
void put(json &object, const char *field, std::string_view value) { object[field] = value; }
void putFlag(json &object, const char *field, bool value) { object[field] = value; }

json operandJson(const Operand &operand) {
  json object;
  put(object, "name", operand.name);
  put(object, "kind", name(operand.kind));
  put(object, "dtype", name(operand.dtype));
  putFlag(object, "output", operand.output);
  put(object, "layout", name(operand.layout));
  put(object, "streams", operand.streams);
  put(object, "taps", operand.taps);
  put(object, "group", operand.group);
  put(object, "channels", operand.channels);
  put(object, "heads", operand.heads);
  put(object, "modes", operand.modes);
  if (operand.kind == OperandKind::Indices)
    put(object, "form", name(operand.form));
  if (operand.longer)
    putFlag(object, "longer", true);
  if (!operand.ring.empty())
    put(object, "ring", operand.ring);
  if (!operand.slots.empty())
    put(object, "slots", operand.slots);
  return object;
}

} // namespace

std::string KernelInfo::toJson() const {
  json object;
  put(object, "convention", convention);
  put(object, "kernel", kernel);
  put(object, "entry", entry);
  put(object, "problem", problem);
  put(object, "schedule", schedule);
  put(object, "layout", name(layout));
  put(object, "threads", threads);
  put(object, "sharedBytes", sharedBytes);
  put(object, "vector", vector);
  put(object, "align", align);
  put(object, "stepL", stepL);
  put(object, "warmup", warmup);
  putFlag(object, "carries", carries);
  put(object, "cluster", cluster);
  put(object, "halo", halo);
  put(object, "blockL", blockL);
  put(object, "registers", registers);
  put(object, "spillBytes", spillBytes);
  put(object, "staticSharedBytes", staticSharedBytes);
  json operandList = json::array(), tileList = json::array();
  for (const Operand &operand : operands)
    operandList.push_back(operandJson(operand));
  for (const ChannelTiles &run : tiles) {
    json tile;
    put(tile, "begin", run.begin);
    put(tile, "end", run.end);
    put(tile, "width", run.width);
    tileList.push_back(std::move(tile));
  }
  object["operands"] = std::move(operandList);
  object["tiles"] = std::move(tileList);
  return printJson(object);
}

namespace {

Layout readLayout(JsonFields &fields) {
  std::string text = fields.text("layout");
  for (Layout layout : {Layout::BDL, Layout::BLD, Layout::BD, Layout::DL})
    if (text == name(layout))
      return layout;
  fields.complain(fmt::format("has layout '{}' where bdl, bld, bd or dl is expected", text));
  return Layout::BLD;
}

IndexForm readForm(JsonFields &fields) {
  std::string text = fields.text("form");
  for (IndexForm form : {IndexForm::Rows, IndexForm::Positions, IndexForm::Bounds})
    if (text == name(form))
      return form;
  fields.complain(
      fmt::format("has form '{}' where rows, positions or bounds is expected", text));
  return IndexForm::Rows;
}

Result<Operand> readOperand(const json &object, size_t index) {
  JsonFields fields(object, fmt::format("kernel info: operand {}", index));
  Operand operand;
  operand.name = fields.text("name");
  if (operand.name.empty())
    fields.complain("has an empty name");

  std::string kind = fields.text("kind");
  bool known = false;
  for (OperandKind candidate :
       {OperandKind::View, OperandKind::Taps, OperandKind::Channel, OperandKind::State,
        OperandKind::Modes, OperandKind::ModalState, OperandKind::Indices})
    if (name(candidate) == kind) {
      operand.kind = candidate;
      known = true;
    }
  if (!known)
    fields.complain(fmt::format("has the unknown kind '{}'", kind));

  std::string dtype = fields.text("dtype");
  if (std::optional<DType> parsed = parseDType(dtype))
    operand.dtype = *parsed;
  else
    fields.complain(fmt::format("has the unknown dtype '{}'", dtype));

  operand.output = fields.flag("output");
  operand.layout = readLayout(fields);
  operand.streams = fields.integer("streams", 1, INT32_MAX);
  bool hasTaps = operand.kind == OperandKind::Taps || operand.kind == OperandKind::State;
  operand.taps = fields.integer("taps", hasTaps ? 1 : 0, INT32_MAX);
  operand.group = fields.integer("group", 1, INT32_MAX);
  operand.channels = fields.integer("channels", 0, INT32_MAX);
  bool hasModes = operand.kind == OperandKind::Modes || operand.kind == OperandKind::ModalState;
  operand.modes = fields.integer("modes", hasModes ? 1 : 0, INT32_MAX);
  operand.heads = fields.integer("heads", 0, INT32_MAX);
  if (operand.kind == OperandKind::Indices)
    operand.form = readForm(fields);
  // Written where they are said alone: what was kept before has none.
  operand.longer = object.contains("longer") && fields.flag("longer");
  operand.ring = object.contains("ring") ? fields.text("ring") : "";
  operand.slots = object.contains("slots") ? fields.text("slots") : "";
  HALO_CHECK(fields.done());
  return operand;
}

Result<ChannelTiles> readTiles(const json &object, size_t index) {
  JsonFields fields(object, fmt::format("kernel info: tiles {}", index));
  ChannelTiles run;
  run.begin = fields.integer("begin", 0, INT32_MAX);
  run.end = fields.integer("end", 0, INT32_MAX);
  run.width = fields.integer("width", 1, INT32_MAX);
  if (run.end && run.end <= run.begin)
    fields.complain(fmt::format("ends at {}, not after its begin {}", run.end, run.begin));
  HALO_CHECK(fields.done());
  return run;
}

} // namespace

Result<KernelInfo> KernelInfo::fromJson(std::string_view text) {
  json document = parseJson(text);
  if (document.is_discarded())
    return invalid("kernel info is no JSON");
  JsonFields fields(document, "kernel info");
  KernelInfo info;
  // First, since another convention may spell everything below differently.
  info.convention = int(fields.integer("convention", 0, INT_MAX));
  if (fields.ok() && info.convention != kCallingConvention && info.convention != kRowsConvention)
    return invalid(fmt::format("kernel info: calling convention {} where this runtime speaks {} "
                               "and {}",
                               info.convention, kCallingConvention, kRowsConvention));
  info.kernel = fields.text("kernel");
  info.entry = fields.text("entry");
  if (info.entry.empty())
    fields.complain("has an empty entry");
  info.problem = fields.text("problem");
  info.schedule = fields.text("schedule");
  info.layout = readLayout(fields);
  info.threads = int(fields.integer("threads", 1, 1024));
  info.sharedBytes = fields.integer("sharedBytes", 0, INT32_MAX);
  info.vector = int(fields.integer("vector", 1, 1024));
  info.align = int(fields.integer("align", 1, 16));
  if (info.align != 1 && info.align != 16)
    fields.complain(fmt::format("has align = {} where 1 or 16 is expected", info.align));
  info.stepL = fields.integer("stepL", 1, INT32_MAX);
  info.warmup = fields.integer("warmup", 0, INT32_MAX);
  info.carries = fields.flag("carries");
  info.cluster = int(fields.integer("cluster", 1, 8));
  info.halo = fields.integer("halo", 0, INT32_MAX);
  info.blockL = fields.integer("blockL", 0, INT32_MAX);
  info.registers = int(fields.integer("registers", -1, INT_MAX));
  info.spillBytes = int(fields.integer("spillBytes", -1, INT_MAX));
  info.staticSharedBytes = int(fields.integer("staticSharedBytes", -1, INT_MAX));
  json operandList = fields.array("operands");
  json tileList = fields.array("tiles");
  if (tileList.empty())
    fields.complain("has no channel tiles");
  HALO_CHECK(fields.done());

  std::set<std::pair<std::string, bool>> names; // A state may be an input and an output.
  for (const json &object : operandList) {
    HALO_TRY(operand, readOperand(object, info.operands.size()));
    if (!names.emplace(operand.name, operand.output).second)
      return invalid(fmt::format("kernel info: two operands are named '{}'", operand.name));
    info.operands.push_back(std::move(operand));
  }
  for (const json &object : tileList) {
    HALO_TRY(run, readTiles(object, info.tiles.size()));
    info.tiles.push_back(run);
  }
  return info;
}

} // namespace halo

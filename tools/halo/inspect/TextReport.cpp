#include "tools/halo/inspect/TextReport.h"

#include "tools/halo/Output.h"
#include "tools/halo/inspect/Mix.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

static constexpr size_t kWidth = 100, kIndent = 12, kPlaces = 8;

std::string halo::tool::grouped(int64_t number) {
  std::string digits = std::to_string(std::abs(number));
  for (int at = int(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(size_t(at), ",");
  return (number < 0 ? "-" : "") + digits;
}

std::string halo::tool::shortNumber(double number) {
  double size = std::fabs(number);
  if (size >= 1000)
    return grouped(std::llround(number));
  if (size >= 100 || number == std::floor(number))
    return fmt::format("{:.0f}", number);
  return fmt::format("{:.{}f}", number, size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

std::vector<std::string> halo::tool::wrapped(const std::string &text, size_t width) {
  std::vector<std::string> lines;
  std::string rest = text;
  while (rest.size() > width) {
    // At a space, which goes; else behind a comma.
    size_t cut = rest.find_last_of(' ', width);
    bool space = cut != std::string::npos && cut > 0;
    if (!space)
      cut = rest.find_last_of(',', width - 1);
    cut = cut == std::string::npos ? width : space ? cut : cut + 1;
    lines.push_back(rest.substr(0, cut));
    rest.erase(0, cut + space);
  }
  lines.push_back(rest);
  return lines;
}

/// "occupancy   text", continued under its beginning.
static std::string paragraph(const std::string &title, const std::string &text) {
  std::string out;
  for (const std::string &line : wrapped(text, kWidth - kIndent)) {
    std::string head = out.empty() ? title : "";
    head.resize(std::max(head.size() + 1, kIndent), ' ');
    out += (out.empty() ? styled(Style::Bold, head, stdout) : head) + line + "\n";
  }
  return out;
}

static std::string resourcesText(const Json &report) {
  const Json &resources = report["resources"];
  std::vector<std::string> parts;
  auto add = [&](const char *name, const char *format) {
    if (resources.contains(name))
      parts.push_back(fmt::format(fmt::runtime(format), grouped(resources[name].get<int64_t>())));
  };
  add("threads", "{} threads");
  add("registers", "{} registers");
  add("spill_bytes", "{} B spilled");
  add("stack_bytes", "{} B of stack");
  add("dynamic_shared", "{} B dynamic shared memory");
  add("static_shared", "{} B static");
  add("code_bytes", "{} B of code");
  std::string text;
  for (const std::string &part : parts)
    text += (text.empty() ? "" : ", ") + part;
  return text;
}

static std::string occupancyText(const Json &occupancy) {
  std::string limits;
  for (const auto &[name, blocks] : occupancy["limits"].items())
    limits += fmt::format("{}{} {}", limits.empty() ? "" : ", ",
                          name == "shared_memory" ? "shared memory" : name, blocks.get<int64_t>());
  return fmt::format(
      "{} blocks, {} of {} warps an SM ({:.0f} %), limited by {}; blocks by {}",
      occupancy["blocks_per_sm"].get<int64_t>(), occupancy["warps_per_sm"].get<int64_t>(),
      occupancy["max_warps_per_sm"].get<int64_t>(), 100 * occupancy["share"].get<double>(),
      occupancy["limiter"].get<std::string>(), limits);
}

/// "4 x 16 B, 1 x 8 B", widest first.
static std::string widthsText(const Json &mix, const std::string &kind) {
  auto widths = mix["widths"].find(kind);
  if (widths == mix["widths"].end())
    return "";
  std::vector<std::pair<int, int>> rows;
  for (const auto &[width, count] : widths->items())
    rows.emplace_back(std::atoi(width.c_str()), count.get<int>());
  std::sort(rows.rbegin(), rows.rend());
  std::string text;
  for (auto [width, count] : rows)
    text += fmt::format("{}{} x {} B", text.empty() ? "" : ", ", count, width);
  return text;
}

static std::string mixTable(const Json &code) {
  std::vector<std::vector<std::string>> rows = {{"", "widths in the main loop"}};
  std::vector<const Json *> columns;
  for (const char *form : {"ptx", "sass"})
    if (code.contains(form)) {
      std::string upper = form[0] == 'p' ? "PTX" : "SASS";
      rows[0].push_back(upper + " all");
      rows[0].push_back("loop");
      columns.push_back(&code[form]["total"]);
      columns.push_back(&code[form]["main_loop"]["mix"]);
    }
  auto addRow = [&](const std::string &title, const std::string &field, bool always) {
    std::vector<std::string> row = {title, widthsText(*columns.back(), field)};
    bool any = always;
    for (const Json *mix : columns) {
      int count = mix->value(field, 0);
      any |= count != 0;
      row.push_back(count ? grouped(count) : "-");
    }
    if (any)
      rows.push_back(row);
  };
  addRow("instructions", "instructions", true);
  for (int kind = 0; kind < kKinds; ++kind) {
    std::string field = name(Kind(kind)), title = field;
    std::replace(title.begin(), title.end(), '_', ' ');
    // What must not be there is said to be absent.
    addRow(title, field, Kind(kind) == Kind::LocalLoad || Kind(kind) == Kind::LocalStore);
    if (Kind(kind) == Kind::GlobalLoad)
      addRow("  read-only", "read_only_load", false);
  }
  return table(rows, 2, stdout) + "\n";
}

static std::string lineRanges(const Json &lines) {
  std::string text;
  for (size_t i = 0; i < lines.size();) {
    size_t last = i;
    while (last + 1 < lines.size() && lines[last + 1].get<int>() == lines[last].get<int>() + 1)
      ++last;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", lines[i].get<int>());
    if (last > i)
      text += fmt::format("-{}", lines[last].get<int>());
    i = last + 1;
  }
  return text;
}

static std::string mainLoopText(const Json &code) {
  const Json &best = code.contains("sass") ? code["sass"] : code["ptx"];
  const Json &main = best["main_loop"];
  std::string form = best["form"] == "sass" ? "SASS" : "PTX", text;
  if (main["found"])
    text = fmt::format("{}, at {}: {} instructions, {} more in alternatives, loops inside: {}; "
                       "depth {}, of {} loops. ",
                       form, main["label"].get<std::string>(),
                       main["mix"]["instructions"].get<int>(), main["alternatives"].get<int>(),
                       main["inner"].size(), main["depth"].get<int>(), best["loops"].get<int>());
  else
    text = fmt::format("{}: {} instructions, loops on the way: {}. ", form,
                       main["mix"]["instructions"].get<int>(), main["inner"].size());
  if (!main["lines"].empty())
    text += fmt::format("Lines {} of the text. ", lineRanges(main["lines"]));
  return text + "Chosen: " + main["how"].get<std::string>();
}

static std::string perOutputText(const Json &report) {
  const Json &per = report["per_output"], &shape = report["shape"];
  std::string text =
      fmt::format("{} B must move, {} with reread halos", shortNumber(per["bytes"].get<double>()),
                  shortNumber(per["bytes_with_halo"].get<double>()));
  if (per.contains("instructions"))
    text += fmt::format(
        "; {} instructions of a thread, {} FMA, {} MUFU, {} flops and {} on tensor "
        "cores ({})",
        shortNumber(per["instructions"].get<double>()), shortNumber(per["fma"].get<double>()),
        shortNumber(per["mufu"].get<double>()), shortNumber(per["lane_flops"].get<double>()),
        shortNumber(per["tensor_flops"].get<double>()), per["from"] == "sass" ? "SASS" : "PTX");
  text += fmt::format("; at B={}, L={}, D={}: block_l {}, {} blocks", shape["B"].get<int64_t>(),
                      shape["L"].get<int64_t>(), shape["D"].get<int64_t>(),
                      shape["block_l"].get<int64_t>(), grouped(shape["blocks"].get<int64_t>()));
  return shape.contains("waves")
             ? text + fmt::format(", {} waves", shortNumber(shape["waves"].get<double>()))
             : text;
}

static std::string rooflineText(const Json &roofline) {
  std::string text = paragraph(
      "roofline",
      fmt::format("{} stands at: {}, {} us{}; {} flops/B, the ridge is at {}",
                  roofline["gpu"].get<std::string>(), roofline["stands_at"].get<std::string>(),
                  shortNumber(roofline["us"].get<double>()),
                  roofline["headroom"].get<double>() > 0
                      ? fmt::format(", {} times the next wall",
                                    shortNumber(roofline["headroom"].get<double>()))
                      : std::string(),
                  shortNumber(roofline["intensity"].get<double>()),
                  shortNumber(roofline["ridge"].get<double>())));
  for (const Json &wall : roofline["walls"]) {
    double us = wall["us"];
    if (us <= 0)
      continue;
    size_t bar = size_t(std::lround(40 * wall["share"].get<double>()));
    text += fmt::format("{:{}}{:<14}{:>10} us  {}\n", "", kIndent, wall["name"].get<std::string>(),
                        shortNumber(us), std::string(std::max<size_t>(bar, 1), '#'));
  }
  return text;
}

static std::string accessesText(const Json &accesses) {
  std::string text;
  for (const auto &[space, unit] :
       {std::pair<const char *, const char *>{"shared", "wavefronts"}, {"global", "sectors"}}) {
    const Json &sum = accesses[space];
    if (sum["requests"] == 0)
      continue;
    text += paragraph(
        space == std::string("shared") ? "banks" : "sectors",
        fmt::format("{} requests of warps to {} memory, {} {}, {} without {}: {} "
                    "times; simulated, {} blocks",
                    grouped(sum["requests"].get<int64_t>()), space,
                    grouped(sum[unit].get<int64_t>()), unit, grouped(sum["ideal"].get<int64_t>()),
                    space == std::string("shared") ? "conflicts" : "waste",
                    shortNumber(sum["factor"].get<double>()), accesses["blocks"].get<int>()));
    std::vector<std::vector<std::string>> rows = {
        {std::string(kIndent - 2, ' '), "line", "access", "B a lane", "requests", unit, "ideal"}};
    for (const Json &place : sum["places"]) {
      if (place[unit] == place["ideal"] || rows.size() > kPlaces)
        break;
      std::string op = place["op"];
      op = op.rfind("llvm.nvvm.", 0) == 0 ? op.substr(10) : op;
      rows.push_back({"", std::to_string(place["line"].get<int>()), op,
                      std::to_string(place["width"].get<int>()),
                      grouped(place["requests"].get<int64_t>()),
                      grouped(place[unit].get<int64_t>()), grouped(place["ideal"].get<int64_t>())});
    }
    if (rows.size() > 1)
      text += table(rows, 3, stdout) + "\n";
  }
  return text;
}

std::string halo::tool::textReport(const Json &report) {
  std::string text = styled(Style::Bold, report.value("kernel", ""), stdout) +
                     fmt::format("  {}", report.value("arch", ""));
  if (report.contains("file"))
    text += "  " + report["file"].get<std::string>();
  text += "\n";
  if (report.contains("problem"))
    text += paragraph("problem", report["problem"]) + paragraph("schedule", report["schedule"]);
  text += "\n" + paragraph("resources", resourcesText(report));
  if (report.contains("occupancy"))
    text += paragraph("occupancy", occupancyText(report["occupancy"]));
  const Json &code = report["code"];
  if (!code.empty())
    text += "\n" + paragraph("main loop", mainLoopText(code)) + "\n" + mixTable(code);
  if (report.contains("per_output"))
    text += "\n" + paragraph("per output", perOutputText(report));
  if (report.contains("roofline"))
    text += rooflineText(report["roofline"]);
  if (report.contains("accesses"))
    text += "\n" + accessesText(report["accesses"]);
  for (const Json &note : report["notes"])
    text += (&note == &report["notes"][0] ? "\n" : "") + paragraph("note", note);
  return text;
}

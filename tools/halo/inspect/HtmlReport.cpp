#include "tools/halo/inspect/HtmlReport.h"

#include "tools/halo/inspect/Mix.h"
#include "tools/halo/inspect/SchedulePicture.h"
#include "tools/halo/inspect/TextReport.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

static constexpr int kColours = 8; ///< Of lines of the source.

static constexpr const char *kStyle = R"(
:root { color-scheme: light dark; --ink: #1c2430; --paper: #fdfdfb; --dim: #667; --rule: #d5d8dc;
  --own: #9dc3e6; --load: #c5e0b4; --halo: #f4b183; --point: #c0392b; --card: #f3f4f6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e6ea; --paper: #14171c; --dim: #9aa3b2;
  --rule: #3a404a; --own: #2f5d86; --load: #3f6b34; --halo: #95562a; --point: #e0695c; --card: #1e232b; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1280px; margin: 2em auto; padding: 0 1.5em; }
h1 { font-size: 1.5em; margin: 0; } h2 { font-size: 1.1em; margin: 2em 0 .5em; }
code, pre, td.n, .code { font-family: ui-monospace, monospace; font-size: 13px; }
.dim { color: var(--dim); } .cards { display: flex; flex-wrap: wrap; gap: .8em; margin: 1.2em 0; }
.card { background: var(--card); border-radius: 6px; padding: .6em 1em; min-width: 8em; }
.card b { display: block; font-size: 1.35em; } .bad b { color: var(--point); }
table { border-collapse: collapse; } td, th { padding: .15em .9em .15em 0; text-align: left;
  border-bottom: 1px solid var(--rule); vertical-align: top; } td.n, th.n { text-align: right; }
svg { max-width: 100%; height: auto; } svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
.own { fill: var(--own); } .load { fill: var(--load); } .halo { fill: var(--halo); }
.step { fill: var(--load); } .line { fill: var(--rule); } .point { fill: var(--point); }
.roof { fill: none; stroke: var(--ink); stroke-width: 2; }
.columns { display: grid; grid-template-columns: repeat(3, 1fr); gap: 1em; }
.columns > div { overflow: auto; max-height: 80vh; border: 1px solid var(--rule); border-radius: 6px; }
.code div { white-space: pre; padding: 0 .6em; } .hot { font-weight: 600; }
.columns h3 { position: sticky; top: 0; margin: 0; padding: .3em .6em; background: var(--card); font-size: 1em; }
.c0 { background: #e6550d22; } .c1 { background: #3182bd22; } .c2 { background: #31a35422; }
.c3 { background: #756bb122; } .c4 { background: #d4a01722; } .c5 { background: #17becf22; }
.c6 { background: #e377c222; } .c7 { background: #8c564b22; }
)";

static std::string card(const std::string &number, const std::string &what, bool bad = false) {
  return fmt::format("<div class=\"card{}\"><b>{}</b>{}</div>\n", bad ? " bad" : "",
                     escaped(number), escaped(what));
}

static std::string cards(const Json &report) {
  const Json &resources = report["resources"];
  std::string out = "<div class=\"cards\">\n";
  auto add = [&](const char *field, const char *what, bool badAboveZero = false) {
    if (resources.contains(field)) {
      int64_t value = resources[field];
      out += card(grouped(value), what, badAboveZero && value > 0);
    }
  };
  add("registers", "registers");
  add("spill_bytes", "bytes spilled", true);
  add("stack_bytes", "bytes of stack", true);
  add("dynamic_shared", "bytes dynamic shared");
  add("static_shared", "bytes static shared");
  add("threads", "threads a block");
  if (report.contains("occupancy")) {
    const Json &occupancy = report["occupancy"];
    out += card(fmt::format("{:.0f} %", 100 * occupancy["share"].get<double>()),
                "occupancy, by " + occupancy["limiter"].get<std::string>());
  }
  if (report.contains("roofline"))
    out += card(report["roofline"]["stands_at"], "is the wall");
  if (report.contains("accesses"))
    out += card(shortNumber(report["accesses"]["shared"]["factor"].get<double>()) + " x",
                "wavefronts by bank conflicts",
                report["accesses"]["shared"]["factor"].get<double>() > 1.05);
  return out + "</div>\n";
}

static std::string row(const std::vector<std::string> &cells, size_t firstNumber, bool head) {
  std::string out = "<tr>";
  for (size_t i = 0; i < cells.size(); ++i)
    out += fmt::format("<{0}{1}>{2}</{0}>", head ? "th" : "td",
                       i >= firstNumber ? " class=\"n\"" : "", escaped(cells[i]));
  return out + "</tr>\n";
}

static std::string mixTable(const Json &code) {
  std::vector<std::string> head = {"instructions"};
  std::vector<const Json *> columns;
  for (const char *form : {"ptx", "sass"})
    if (code.contains(form)) {
      head.push_back(form == std::string("ptx") ? "PTX, all" : "SASS, all");
      head.push_back("main loop");
      columns.push_back(&code[form]["total"]);
      columns.push_back(&code[form]["main_loop"]["mix"]);
    }
  std::string out = "<table>\n" + row(head, 1, true);
  auto add = [&](const std::string &title, const std::string &field) {
    std::vector<std::string> cells = {title};
    bool any = false;
    for (const Json *mix : columns) {
      int count = mix->value(field, 0);
      any |= count != 0;
      std::string widths;
      if (auto found = (*mix)["widths"].find(field); found != (*mix)["widths"].end())
        for (const auto &[width, number] : found->items())
          widths +=
              fmt::format("{}{} x {} B", widths.empty() ? " (" : ", ", number.get<int>(), width);
      cells.push_back(grouped(count) + widths + (widths.empty() ? "" : ")"));
    }
    if (any)
      out += row(cells, 1, false);
  };
  add("all", "instructions");
  for (int kind = 0; kind < kKinds; ++kind) {
    std::string title = name(Kind(kind));
    std::replace(title.begin(), title.end(), '_', ' ');
    add(title, name(Kind(kind)));
  }
  add("read-only global load", "read_only_load");
  return out + "</table>\n";
}

static std::string placesTable(const Json &accesses, const char *space, const char *unit) {
  std::string out =
      "<table>\n" + row({"line", "access", "B a lane", "requests", unit, "ideal"}, 2, true);
  for (const Json &place : accesses[space]["places"])
    out +=
        row({std::to_string(place["line"].get<int>()), place["op"],
             std::to_string(place["width"].get<int>()), grouped(place["requests"].get<int64_t>()),
             grouped(place[unit].get<int64_t>()), grouped(place["ideal"].get<int64_t>())},
            2, false);
  return out + "</table>\n";
}

static std::string codeRow(const std::string &text, int line, bool hot) {
  return fmt::format("<div class=\"{}{}\">{}</div>\n",
                     line ? fmt::format("c{}", line % kColours) : std::string("dim"),
                     hot ? " hot" : "", escaped(text.empty() ? " " : text));
}

static std::string columns(const Json &report) {
  std::string out = "<div class=\"columns code\">\n<div><h3>source</h3>\n";
  int number = 0;
  if (report.contains("source"))
    for (const Json &line : report["source"]) {
      ++number;
      out += codeRow(fmt::format("{:>3}  {}", number, line.get<std::string>()), number, false);
    }
  out += "</div>\n";
  for (const char *form : {"ptx", "sass"}) {
    out += fmt::format("<div><h3>{}</h3>\n", form == std::string("ptx") ? "PTX" : "SASS");
    std::set<size_t> hot;
    if (report["code"].contains(form))
      for (const Json &index : report["code"][form]["main_loop"]["instructions"])
        hot.insert(index.get<size_t>());
    if (report["listings"].contains(form)) {
      for (const Json &line : report["listings"][form]) {
        int from = line["line"];
        bool isHot = line.contains("index") && hot.count(line["index"].get<size_t>());
        out += codeRow(fmt::format("{:>3}  {}", from ? std::to_string(from) : "",
                                   line["text"].get<std::string>()),
                       from, isHot);
      }
    } else {
      out += "<div class=\"dim\">not there: see the notes</div>\n";
    }
    out += "</div>\n";
  }
  return out + "</div>\n";
}

static std::string diffTable(const Json &diff) {
  std::string out =
      fmt::format("<h2>Compared</h2>\n<p><b>a</b> <code>{}</code><br><b>b</b> "
                  "<code>{}</code></p>\n<table>\n",
                  escaped(diff["a"].get<std::string>()), escaped(diff["b"].get<std::string>()));
  auto cell = [](const Json &value) {
    return value.is_number()   ? shortNumber(value.get<double>())
           : value.is_string() ? value.get<std::string>()
           : value.is_null()   ? "-"
                               : value.dump();
  };
  out += row({"", "a", "b", ""}, 1, true);
  for (const Json &each : diff["rows"])
    out += row({each["what"], cell(each["a"]), cell(each["b"]),
                each.contains("better") ? each["better"].get<std::string>() + " is better" : ""},
               1, false);
  return out + "</table>\n";
}

std::string halo::tool::htmlReport(const Json &report, const Json &diff) {
  std::string kernel = report.value("kernel", "");
  std::string out =
      fmt::format("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width\">\n"
                  "<title>halo inspect: {0}</title>\n<style>{1}</style>\n</head>\n<body>\n"
                  "<h1>{0} <span class=\"dim\">{2}</span></h1>\n",
                  escaped(kernel), kStyle, escaped(report.value("arch", "")));
  if (report.contains("problem"))
    out += fmt::format("<p><code>{}</code><br><code>{}</code></p>\n",
                       escaped(report["problem"].get<std::string>()),
                       escaped(report["schedule"].get<std::string>()));
  out += fmt::format(
      "<p class=\"dim\">build {}{}</p>\n", escaped(report.value("build", "")),
      report.contains("commit") ? ", commit " + escaped(report["commit"].get<std::string>()) : "");
  out += cards(report);
  if (report.contains("tile"))
    out += "<h2>The schedule</h2>\n" + tilePicture(report) + pipelinePicture(report);
  if (report.contains("roofline"))
    out += fmt::format(
               "<h2>The walls: {}</h2>\n<p class=\"dim\">How long each unit would need for its "
               "work alone: a bound, no forecast.</p>\n",
               escaped(report["roofline"]["gpu"].get<std::string>())) +
           wallsPicture(report["roofline"]) + rooflinePicture(report["roofline"]);
  if (report.contains("per_output")) {
    out += "<h2>Per output</h2>\n<table>\n";
    for (const auto &[what, value] : report["per_output"].items())
      if (value.is_number())
        out += row({what, shortNumber(value.get<double>())}, 1, false);
    out += "</table>\n";
  }
  if (!report["code"].empty())
    out += "<h2>Instructions</h2>\n" + mixTable(report["code"]);
  if (report.contains("accesses"))
    out += "<h2>Bank conflicts of shared memory</h2>\n" +
           placesTable(report["accesses"], "shared", "wavefronts") +
           "<h2>Sectors of global memory</h2>\n" +
           placesTable(report["accesses"], "global", "sectors");
  if (!diff.is_null())
    out += diffTable(diff);
  if (report.contains("listings"))
    out +=
        "<h2>Source, PTX, SASS</h2>\n<p class=\"dim\">One colour for what comes from one line; the "
        "main loop is bold.</p>\n" +
        columns(report);
  if (!report["notes"].empty()) {
    out += "<h2>Notes</h2>\n<ul>\n";
    for (const Json &note : report["notes"])
      out += "<li>" + escaped(note.get<std::string>()) + "</li>\n";
    out += "</ul>\n";
  }
  return out + "</body>\n</html>\n";
}

#include "tools/halo/inspect/SchedulePicture.h"

#include "tools/halo/inspect/TextReport.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

using namespace halo;
using namespace halo::tool;
using Json = nlohmann::ordered_json;

std::string halo::tool::escaped(const std::string &text) {
  std::string out;
  for (char c : text)
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    default:
      out += c;
    }
  return out;
}

static std::string box(double x, double y, double width, double height, const char *kind) {
  return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
                     "class=\"{}\"/>\n",
                     x, y, std::max(width, 0.5), height, kind);
}

static std::string label(double x, double y, const std::string &text,
                         const char *anchor = "start") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     escaped(text));
}

static std::string svg(double width, double height, const std::string &title,
                       const std::string &body) {
  return fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" width=\"{:.0f}\" role=\"img\">\n"
                     "<title>{}</title>\n{}</svg>\n",
                     width, height, width, escaped(title), body);
}

std::string halo::tool::tilePicture(const Json &report) {
  const Json &tile = report["tile"], &shape = report["shape"];
  double own = shape["block_l"], step = tile["step"], halo = tile["halo"], warmup = tile["warmup"];
  double ahead = std::max(halo, warmup);
  constexpr double left = 90, top = 40, width = 560, height = 150;
  // A halo of a few positions before thousands is still to be seen.
  double scale = width / (own + ahead), aheadWidth = ahead > 0 ? std::max(ahead * scale, 14.0) : 0;
  double ownWidth = width - aheadWidth;
  std::string body;
  if (ahead > 0)
    body += box(left, top, aheadWidth, height, "halo") +
            label(left, top - 6,
                  warmup > halo ? fmt::format("warmup {}", warmup) : fmt::format("halo {}", halo));
  body += box(left + aheadWidth, top, ownWidth, height, "own");
  double steps = std::max(1.0, own / std::max(step, 1.0));
  double drawn = std::min(steps, 24.0);
  for (double i = 1; i < drawn; ++i)
    body += box(left + aheadWidth + ownWidth * i / drawn, top, 0.5, height, "line");
  body += box(left + aheadWidth, top, ownWidth / drawn, height, "step");
  body += label(left + aheadWidth + 4, top + height + 18,
                fmt::format("a step: {} positions, by {} threads, {} elements an access", step,
                            report["resources"]["threads"].get<int>(), tile["vector"].get<int>()));
  body += label(left + width, top - 6, fmt::format("block_l {}: {} steps", own, std::ceil(steps)),
                "end");
  body +=
      label(left - 8, top + height / 2, fmt::format("{}", tile["channels"].get<int64_t>()), "end") +
      label(left - 8, top + height / 2 + 16, "channels", "end");
  body += label(left, top + height + 40,
                fmt::format("{} blocks of such tiles cover B={}, L={}, D={} ({})",
                            grouped(shape["blocks"].get<int64_t>()), shape["B"].get<int64_t>(),
                            shape["L"].get<int64_t>(), shape["D"].get<int64_t>(),
                            tile["layout"].get<std::string>()));
  return svg(left + width + 20, top + height + 56, "the tile of a block", body);
}

std::string halo::tool::pipelinePicture(const Json &report) {
  int stages = std::clamp(report["tile"]["stages"].get<int>(), 1, 8);
  constexpr double left = 90, top = 30, cell = 70, row = 26;
  int columns = std::max(4, stages + 2);
  std::string body;
  for (int i = 0; i < columns; ++i) {
    double x = left + i * cell;
    int loaded = stages > 1 ? i + stages - 1 : i;
    body += label(x + cell / 2, top - 10, fmt::format("round {}", i), "middle");
    body += box(x, top, cell - 4, row, "load") +
            label(x + cell / 2 - 2, top + 17, fmt::format("step {}", loaded), "middle");
    body += box(x, top + row + 8, cell - 4, row, "own") +
            label(x + cell / 2 - 2, top + row + 25, fmt::format("step {}", i), "middle");
  }
  body += label(left - 8, top + 17, "loads", "end") +
          label(left - 8, top + row + 25, "computes", "end");
  body += label(left, top + 2 * row + 30,
                stages > 1 ? fmt::format("{} stages: loads are issued {} steps ahead, "
                                         "asynchronously",
                                         stages, stages - 1)
                           : "1 stage: a step is loaded when it is computed");
  return svg(std::max(left + columns * cell + 10, left + 430), top + 2 * row + 44, "the pipeline",
             body);
}

std::string halo::tool::rooflinePicture(const Json &roofline) {
  double peak = roofline["peak_gflops"], bandwidth = roofline["dram_gbs"],
         intensity = roofline["intensity"], reached = roofline["gflops_at_wall"];
  if (intensity <= 0 || reached <= 0)
    return "";
  constexpr double left = 90, top = 20, width = 480, height = 240;
  // Two decades around the point and the ridge.
  double ridge = peak / bandwidth;
  double x0 = std::floor(std::log10(std::min(intensity, ridge)) - 0.7),
         x1 = std::ceil(std::log10(std::max(intensity, ridge)) + 0.7);
  double y1 = std::ceil(std::log10(peak) + 0.2), y0 = y1 - 5;
  y0 = std::min(y0, std::floor(std::log10(reached) - 0.2));
  auto x = [&](double v) { return left + width * (std::log10(v) - x0) / (x1 - x0); };
  auto y = [&](double v) {
    return top + height * (1 - std::max(0.0, (std::log10(v) - y0) / (y1 - y0)));
  };
  std::string body;
  for (double decade = x0; decade <= x1; ++decade)
    body += box(x(std::pow(10, decade)), top, 0.5, height, "line") +
            label(x(std::pow(10, decade)), top + height + 16, shortNumber(std::pow(10, decade)),
                  "middle");
  for (double decade = y0; decade <= y1; ++decade)
    body += box(left, y(std::pow(10, decade)), width, 0.5, "line") +
            label(left - 6, y(std::pow(10, decade)) + 4, shortNumber(std::pow(10, decade)), "end");
  double start = std::max(std::pow(10, x0), std::pow(10, y0) / bandwidth);
  body += fmt::format("<polyline class=\"roof\" points=\"{:.1f},{:.1f} {:.1f},{:.1f} "
                      "{:.1f},{:.1f}\"/>\n",
                      x(start), y(start * bandwidth), x(ridge), y(peak), left + width, y(peak));
  body += fmt::format("<circle class=\"point\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\"/>\n",
                      x(intensity), y(reached));
  body += label(
      x(intensity) + 9, y(reached) + 14,
      fmt::format("{} flops/B, at most {} Gflop/s", shortNumber(intensity), shortNumber(reached)));
  body += label(left + width / 2, top + height + 36, "operations per byte", "middle") +
          label(left, top - 6, "Gflop/s");
  return svg(left + width + 160, top + height + 48, "the roofline", body);
}

std::string halo::tool::wallsPicture(const Json &roofline) {
  constexpr double left = 110, row = 24, width = 420;
  std::string body;
  double y = 6;
  for (const Json &wall : roofline["walls"]) {
    double us = wall["us"], share = wall["share"];
    if (us <= 0)
      continue;
    body += label(left - 8, y + 15, wall["name"], "end");
    body += box(left, y, width * share, row - 6, y < row ? "point" : "own");
    body += label(left + width * share + 6, y + 15, shortNumber(us) + " us");
    y += row;
  }
  return svg(left + width + 100, y + 4, "the walls", body);
}

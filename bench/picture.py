#!/usr/bin/env python3
"""Draws the results of one device: the fraction of the copy ceiling, by kernel, layout and shape.

    bench/picture.py bench/results/nvidia-h200.json -o bench/results/nvidia-h200.svg

A bar for Halo, one for each peer that was measured on the case, an axis from 0, and a line at 1.0, where a device copy of
as many bytes stands. What is drawn are the judged rows (cold L2; burst, where clocks were told apart); a tick on Halo's bar
is the fraction under a sustained load. The picture is one SVG with nothing outside it, for light and dark pages; the same
results give the same bytes.
"""

import argparse
import sys
from xml.sax.saxutils import escape

import report

WIDTH, MARGIN, GUTTER = 1000, 28, 36
COLUMNS = 2
LABELS = 118  # Left of the axis: shape and settings.
VALUES = 40  # Right of the axis: a column of fractions, clear of the line at 1.
BAR, PEER_BAR, BETWEEN, AFTER = 15, 9, 2, 11
PANEL_HEAD, PANEL_FOOT = 50, 30

# light, dark
COLOURS = {
    "card": ("#ffffff", "#0d1117"),
    "edge": ("#d8dee4", "#30363d"),
    "ink": ("#1f2328", "#e6edf3"),
    "dim": ("#59636e", "#9198a1"),
    "grid": ("#e4e8ec", "#21262d"),
    "full": ("#59636e", "#9198a1"),
    "mark": ("#0b1f44", "#ffffff"),
    "halo": ("#1f5fd0", "#3f7fe8"),
    "onhalo": ("#ffffff", "#ffffff"),
    "peer0": ("#e09b3d", "#c9822a"),
    "peer1": ("#a9b4c0", "#66717e"),
    "peer2": ("#7fb08a", "#4f8a5e"),
    "peer3": ("#c08bb5", "#94618a"),
}


def styles():
    def rules(scheme):
        strokes = {"edge", "grid", "full", "mark"}
        return "".join(".%s{%s:%s}" % (name, "stroke" if name in strokes else "fill", pair[scheme]) for name, pair in COLOURS.items())

    return ("text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;font-size:11px}"
            ".title{font-size:20px;font-weight:600}.head{font-size:14px;font-weight:600}.strong{font-weight:600}.small{font-size:9.5px}"
            ".end{text-anchor:end}.mid{text-anchor:middle}" + rules(0) +
            "@media(prefers-color-scheme:dark){" + rules(1) + "}")


class Drawing:
    """SVG text, one element a line."""

    def __init__(self):
        self.lines = []

    def rect(self, x, y, width, height, css, radius=0.0):
        round_ = ' rx="%.1f"' % radius if radius else ""
        self.lines.append('<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"%s/>' % (css, x, y, width, height, round_))

    def line(self, x, top, bottom, css, dash="", width=1):
        dashed = ' stroke-dasharray="%s"' % dash if dash else ""
        self.lines.append('<path class="%s" d="M%.1f %.1fV%.1f" stroke-width="%g"%s/>' % (css, x, top, bottom, width, dashed))

    def text(self, x, y, words, css):
        self.lines.append('<text class="%s" x="%.1f" y="%.1f">%s</text>' % (css, x, y, escape(words)))


def measured(case):
    """The peers of a case that have a fraction, in the order of the report."""
    peers = case.get("peers", {})
    return [(name, peers[name]) for name in report.peer_names([case]) if "fraction" in peers[name]]


def height_of(case):
    return BAR + len(measured(case)) * (BETWEEN + PEER_BAR) + AFTER


class Panel:
    """The cases of one kernel in one layout, one below the other. `full` is the fraction at the axis' end."""

    def __init__(self, title, cases, varied, full):
        self.title, self.cases, self.varied, self.full = title, cases, varied, full
        # A case without peers still needs two lines of label.
        self.heights = [max(height_of(case), 28 + AFTER if varied else 0) for case in cases]
        self.height = PANEL_HEAD + sum(self.heights) + PANEL_FOOT

    def draw(self, out, left, top, width, peers):
        axis, span = left + LABELS, width - LABELS - VALUES
        scale = span / self.full
        body, bottom = top + PANEL_HEAD - 8, top + self.height - PANEL_FOOT
        out.text(left, top + 20, self.title, "head ink")
        ticks = [quarter / 4 for quarter in range(int(self.full * 4 + 1e-9) + 1)]
        for tick in ticks:
            x = axis + tick * scale
            if tick == 1:
                out.line(x, body - 4, bottom, "full", dash="4 3")
                out.text(x, body - 9, "copy", "mid dim small")
            else:
                out.line(x, body, bottom, "full" if tick == 0 else "grid")
            out.text(x, bottom + 14, "%g" % tick, "mid dim" + (" strong" if tick == 1 else ""))
        y = top + PANEL_HEAD
        for case, height in zip(self.cases, self.heights):
            self.draw_case(out, case, left, axis, y, scale, peers)
            y += height

    def draw_case(self, out, case, left, axis, y, scale, peers):
        out.text(axis - 8, y + 11.5, report.shape_text(case), "end ink")
        settings = ", ".join("%s = %s" % (name, case["params"][name]) for name in self.varied if name in case["params"])
        if settings:
            out.text(axis - 8, y + 24.5, settings, "end dim")
        fraction, value = case["fraction"], axis + scale * self.full + VALUES
        out.rect(axis, y, fraction * scale, BAR, "halo")
        words = "%.4f ms, %.0f GB/s" % (case["ms"], case["gb_per_s"])
        if fraction * scale > 6 * len(words):
            out.text(axis + 6, y + 11, words, "onhalo small")
        sustained = case["states"].get(("cold", "sustained"), {}).get("fraction")
        if sustained is not None and sustained != fraction:
            out.line(axis + sustained * scale, y - 2, y + BAR + 2, "mark", width=2)
        out.text(value, y + 11.5, "%.2f" % fraction, "end ink strong")
        y += BAR
        for name, peer in measured(case):
            y += BETWEEN
            out.rect(axis, y, peer["fraction"] * scale, PEER_BAR, "peer%d" % (peers.index(name) % 4))
            out.text(value, y + 8, "%.2f" % peer["fraction"], "end dim small")
            y += PEER_BAR


def panels_of(cases, full):
    """By kernel and layout, each in the order of the suite."""
    groups = {}
    for case in cases:
        groups.setdefault((case["kernel"], case["params"].get("layout", "")), []).append(case)
    panels = []
    for (kernel, layout), members in groups.items():
        kin = [case["params"] for case in cases if case["kernel"] == kernel]
        names = sorted({name for params in kin for name in params} - {"layout"})
        varied = [name for name in names if len({params.get(name) for params in kin}) > 1]
        title = kernel + (", " + layout if layout else "")
        fixed = members[0]["params"].get("K")
        if fixed and "K" not in varied:
            title += ", K = " + fixed
        panels.append(Panel(title, members, varied, full))
    return panels


def legend(out, x, y, peers, versions, sustained):
    entries = [("halo", "Halo")] + [("peer%d" % (i % 4), " ".join([name] + ([versions[name]] if name in versions else []))) for i, name in enumerate(peers)]
    for css, words in entries:
        out.rect(x, y - 9, 18, 10, css)
        out.text(x + 24, y, words, "ink")
        x += 24 + 6.2 * len(words) + 22
    if sustained:
        out.line(x + 3, y - 11, y + 3, "mark", width=2)
        out.text(x + 12, y, "Halo under a sustained load", "ink")
        x += 12 + 6.2 * 27 + 22
    out.text(x, y, "Rows: B, D, L", "dim")


def draw(results):
    cases = [case for case in report.cases(results["results"])
             if case.get("fraction") is not None and not case.get("invariant")]
    if not cases:
        raise report.Refused("no row has a fraction of a copy ceiling")
    peers = report.peer_names(cases)
    sustained = any(("cold", "sustained") in case["states"] for case in cases)
    best = [case["fraction"] for case in cases] + [peer["fraction"] for case in cases for _, peer in measured(case)]
    full = max([1.0, *best])

    columns = [[] for _ in range(COLUMNS)]
    heights = [0] * COLUMNS
    for panel in panels_of(cases, full):
        shortest = heights.index(min(heights))
        columns[shortest].append((panel, heights[shortest]))
        heights[shortest] += panel.height
    top = 112
    height = top + max(heights) + 8

    types = sorted({case["params"]["T"] for case in cases if "T" in case["params"]})
    commit = ["commit " + results["commit"]] if results.get("commit") else []
    facts = [results["device"], *types, results["date"][:10], *commit, "median of %d launches" % results["repeat"]]
    what = "Fraction of the copy ceiling on %s" % results["device"]
    out = Drawing()
    out.rect(0.5, 0.5, WIDTH - 1, height - 1, "card edge", radius=8)
    out.text(MARGIN, 40, "Fraction of the copy ceiling", "title ink")
    out.text(MARGIN, 61, " · ".join(facts) + " · " + results["protocol"].split(";")[0], "dim")
    legend(out, MARGIN, 90, peers, results.get("peers", {}).get("versions", {}), sustained)
    width = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GUTTER) / COLUMNS
    for index, column in enumerate(columns):
        for panel, offset in column:
            panel.draw(out, MARGIN + index * (width + GUTTER), top + offset, width, peers)
    return "\n".join([
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">' % (WIDTH, height, WIDTH, height),
        "<title>%s</title>" % escape(what),
        "<style>%s</style>" % styles(),
        *out.lines,
        "</svg>",
    ]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", help="a device's file, as report.py wrote it")
    parser.add_argument("-o", dest="out", required=True, metavar="FILE.svg")
    options = parser.parse_args()
    report.write(options.out, draw(report.read(options.results)))


if __name__ == "__main__":
    try:
        main()
    except report.Refused as reason:
        sys.exit("picture.py: %s" % reason)

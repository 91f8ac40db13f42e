#!/usr/bin/env python3
"""The regret table: what the analytic choice of a schedule reaches of the best one that was measured.

    halo tune --suite bench/suites/regret.json --candidates 128 --budget-ms 2600 --repeat 10 -o regret.json
    bench/regret.py regret.json [--results bench/results] [--fit] [--commit ID]

Prints a Markdown table, the slowest choices first, then what the bucket rule costs and how often repeats disagree.
--results keeps RESULTS/<device>-regret.json, of each case only its ten fastest candidates. --fit tells, for each number
of the schedule, what the best schedules have where the choice has another: what to change in
runtime/ScheduleModel.cpp, and how well runtime/ScheduleEstimate.cpp ranks.
"""

import argparse
import json
import os
import re
import statistics
import sys

RANK, SCHEDULE, BLOCK_L, ESTIMATE, MS, REGISTERS = range(6)


class Refused(Exception):
    pass


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise Refused("%s cannot be read: %s" % (path, error))


def short(schedule):
    """Only what tells schedules apart, in the order of the axes."""
    values = fields(schedule)
    names = ("block_n", "num_warps", "vector", "unroll", "stages", "min_blocks")
    return " ".join(values[name] for name in names) + (" shared" if values["window"] == "shared" else "")


def fields(schedule):
    return dict(pair.split("=", 1) for pair in schedule.split(",") if "=" in pair)


def options(problem):
    """{"K": "4", "layout": "bld", ...} of a problem's text."""
    return dict(re.findall(r"(\w+)=(\S+)", problem)), re.search(r"--dtype (\w+)", problem)


def name_of(row):
    named, dtype = options(row["problem"])
    shape = row["shape"]
    return [named.get("layout", "bdl"), named.get("K", "?"), dtype.group(1) if dtype else named.get("T", "?"),
            "%d, %d, %d" % (shape["B"], shape["D"], shape["L"])]


def markdown(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def table(report):
    rows = sorted(report["results"], key=lambda row: row["reached"])
    if not rows:
        raise Refused("no case was tuned")
    reached = [row["reached"] for row in rows]
    lines = ["%s, %s%s: %d problems. The analytic choice reaches %.3f of the best measured schedule in the median, %.3f in the "
             "worst case (asked: 0.95, 0.85)." % (
                 report["device"], report["date"][:10], ", commit " + report["commit"] if report.get("commit") else "",
                 len(rows), statistics.median(reached), reached[0]),
             "The best is that of the compiled ones, the first of all legal ones by the model's rank.",
             "A schedule is block_n, num_warps, vector, unroll, stages, min_blocks; then block_l.", ""]
    cells = []
    for row in rows:
        choice, best = row["choice"], row["best"]
        cells.append(name_of(row) + [
            "%.3f" % row["reached"], "%.4f" % choice[MS], "%.4f" % best[MS],
            "%.2f" % (row["copy_ms"] / best[MS]) if row["copy_ms"] else "-",
            "%s / %d" % (short(choice[SCHEDULE]), choice[BLOCK_L]), "%s / %d" % (short(best[SCHEDULE]), best[BLOCK_L]),
            str(best[RANK]), "%d of %d" % (row["compiled"], row["legal"])])
    lines += markdown(["layout", "K", "dtype", "B, D, L", "reached", "choice ms", "best ms", "best of copy", "choice", "best",
                       "its rank", "compiled of legal"], cells)
    pairs = [pair for pair in report.get("buckets", ()) if "reached" in pair]
    if pairs:
        lines += ["", "The bucket rule: a record used at other lengths of its bucket reaches %.3f of the best there in the median, "
                  "%.3f in the worst case (%d pairs)." % (statistics.median(p["reached"] for p in pairs),
                                                          min(p["reached"] for p in pairs), len(pairs))]
    if "repeats" in report:
        repeats = report["repeats"]
        lines += ["", "%d races of one problem: flip rate %.2f, the worst winner reaches %.3f of the best." % (
            repeats["times"], repeats["flip_rate"], repeats["worst_reached"])]
    seconds = [row["seconds"] for row in report["results"]]
    lines += ["", "One tune took %.1f s in the median, %.1f s at most." % (statistics.median(seconds), max(seconds))]
    if report["errors"]:
        lines += ["", "Not tuned: %d, the first with: %s" % (len(report["errors"]), report["errors"][0]["error"])]
    return "\n".join(lines)


def rank_correlation(rows):
    """Spearman's, between estimated and measured times of one case."""
    def ranks(values):
        order = sorted(range(len(values)), key=values.__getitem__)
        places = [0] * len(values)
        for place, index in enumerate(order):
            places[index] = place
        return places

    a, b = ranks([row[ESTIMATE] for row in rows]), ranks([row[MS] for row in rows])
    n = len(rows)
    return 1 - 6 * sum((x - y) ** 2 for x, y in zip(a, b)) / (n * (n * n - 1)) if n > 2 else 0.0


def fit(report):
    """Where the choice loses more than a hundredth: which number the near-best schedules agree on against it."""
    lines = ["", "What near-best schedules (within 2 %) have where the choice has another, choices that lose more than 1 %:", ""]
    cells = []
    for row in sorted(report["results"], key=lambda row: row["reached"]):
        if row["reached"] > 0.99:
            continue
        near = [fields(c[SCHEDULE]) for c in row["candidates"] if c[MS] <= 1.02 * row["best"][MS]]
        choice = fields(row["choice"][SCHEDULE])
        against = []
        for name, value in choice.items():
            votes = [candidate[name] for candidate in near]
            if name != "block_l" and value not in votes:
                against.append("%s %s -> %s" % (name, value, statistics.mode(votes)))
        if row["best"][SCHEDULE] == row["choice"][SCHEDULE] or not against:
            against.append("block_l %d -> %d" % (row["choice"][BLOCK_L], row["best"][BLOCK_L]))
        cells.append(name_of(row) + ["%.3f" % row["reached"], "; ".join(against)])
    lines += markdown(["layout", "K", "dtype", "B, D, L", "reached", "change"], cells)
    correlations = [rank_correlation(row["candidates"]) for row in report["results"]]
    lines += ["", "The model's ranking against the measured one: correlation %.2f in the median, %.2f at the worst; the best one's "
              "rank is %d in the median, %d at the worst." % (
                  statistics.median(correlations), min(correlations),
                  statistics.median(row["best"][RANK] for row in report["results"]),
                  max(row["best"][RANK] for row in report["results"]))]
    return "\n".join(lines)


def keep(report, folder):
    slug = re.sub(r"[^a-z0-9]+", "-", report["device"].lower()).strip("-")
    kept = dict(report)
    kept["results"] = [dict(row, candidates=sorted(row["candidates"], key=lambda c: c[MS])[:10]) for row in report["results"]]
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, slug + "-regret.json")
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=None, separators=(",", ":"))
        file.write("\n")
    os.replace(path + ".part", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("report", help="what halo tune --suite ... -o wrote")
    parser.add_argument("--results", help="keep the results in this folder")
    parser.add_argument("--fit", action="store_true", help="what to change in the choice")
    parser.add_argument("--commit", default="", help="what was measured")
    given = parser.parse_args()
    report = read(given.report)
    if report.get("device_kind") != "cuda" and given.results:
        raise Refused("these are timings of the %s device, not of a GPU" % report.get("device_kind"))
    if given.commit:
        report["commit"] = given.commit
    print(table(report) + ("\n" + fit(report) if given.fit else ""))
    if given.results:
        keep(report, given.results)


if __name__ == "__main__":
    try:
        main()
    except Refused as reason:
        sys.exit("regret.py: %s" % reason)

#!/usr/bin/env python3
"""Merges what `halo bench` and peers.py measured into one file per device, and into the README's tables.

    bench/report.py bench.json [more.json ...] [--peers peers.json ...] [--results bench/results] [--readme README.md] [--commit ID]

Writes RESULTS/<device>.json and prints the tables; --readme also puts them between the README's markers. No number of
a table is typed by hand.
"""

import argparse
import json
import os
import re
import sys

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
PEERS = ("triton", "causal-conv1d")


class Refused(Exception):
    pass


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise Refused("%s cannot be read: %s" % (path, error))


def write(path, text):
    part = path + ".part"
    with open(part, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(part, path)


def key_of(kernel, settings, shape, dtype, operands):
    """What names a case in both files, whoever spelled out defaults."""
    return (kernel, *(int(settings.get(name, 0)) for name in ("K", "S")), int(settings.get("group", 1)),
            settings.get("layout", "bdl"), settings.get("activation", "none"), settings.get("split", ""),
            settings.get("precision", "accurate"), dtype, settings.get("W") or dtype, tuple(sorted(operands)),
            shape["B"], shape["D"], shape["L"])


def halo_key(row):
    return key_of(row["kernel"], row["params"], row["shape"], row["params"].get("T", ""), row["with"])


def peer_key(row):
    settings = {**row["set"], "W": row.get("wdtype")}
    return key_of(row["kernel"], settings, row["shape"], row["dtype"], row.get("with", ()))


def state_of(row):
    return row.get("l2", "cold"), row.get("clock", "unpaced")


def judged_first(row):
    l2, clock = state_of(row)
    return l2 != "cold", ("burst", "unpaced", "sustained").index(clock)


def cases(rows):
    """One row for each case that was measured, in the order of the suite: the judged one, of a cold L2 and of burst clocks
    where there are such, with all states of the case in `states`."""
    found = {}
    for row in rows:
        if "ms" in row:
            key = (row["kernel"], row["problem"], row["schedule"], *sorted(row["shape"].items()))
            found.setdefault(key, []).append(row)
    return [{**min(states, key=judged_first), "states": {state_of(row): row for row in states}} for states in found.values()]


def peer_names(cases):
    """The peers that were measured, those with a column of their own first."""
    seen = {name for case in cases for name, peer in case.get("peers", {}).items() if "fraction" in peer}
    return [name for name in PEERS if name in seen] + sorted(seen - set(PEERS))


def joined(benches):
    """What several runs of one device measured, as one: the first one's date and protocol hold for all."""
    first = dict(benches[0])
    for other in benches[1:]:
        for name in ("device", "protocol", "repeat"):
            if other.get(name) != first.get(name):
                raise Refused("the benchmarks have the %ss %s and %s" % (name, first.get(name), other.get(name)))
        first["results"] = first["results"] + other["results"]
    return first


def merge(bench, peers, commit):
    if bench.get("device_kind") != "cuda":
        raise Refused("these are timings of the %s device, not of a GPU" % bench.get("device_kind"))
    if peers and peers["device"] != bench["device"]:
        raise Refused("halo was measured on %s, the peers on %s" % (bench["device"], peers["device"]))
    found = {peer_key(row): row for row in peers["results"]} if peers else {}
    merged = {name: bench[name] for name in ("device", "arch", "date", "repeat", "protocol")}
    merged["commit"] = commit or bench.get("commit", "")
    if peers:
        merged["peers"] = {name: peers[name] for name in ("date", "versions", "repeat", "protocol")}
    merged["results"] = []
    for row in bench["results"]:
        if "error" not in row:
            row = dict(row)
            # The peers ran behind a cold L2, too.
            beside = found.get(halo_key(row), {}) if state_of(row)[0] == "cold" else {}
            row["peers"] = beside.get("peers", {})
            if beside.get("halo_extra_bytes") is not None:
                row["extra_bytes"] = beside["halo_extra_bytes"]
        merged["results"].append(row)
    return merged


def markdown(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def fraction(measured):
    value = (measured or {}).get("fraction")
    return "%.2f" % value if value is not None else "-"


def shape_text(row):
    return "%d, %d, %d" % tuple(row["shape"][name] for name in "BDL")


def extra_columns(rows):
    """What more than the judged state was measured: a heading and what it shows of a row."""
    def sustained(row):
        return fraction(row["states"].get(("cold", "sustained")))

    def hot(row):
        states = {clock: other for (l2, clock), other in row["states"].items() if l2 == "hot"}
        return "%.4f" % min(states.values(), key=judged_first)["ms"] if states else "-"

    def graph(row):
        return "%.4f" % row["graph"]["ms"] if "graph" in row else "-"

    def over_empty(row):
        """Microseconds over the replay of an empty kernel, from an L2 that is hot if it was measured so."""
        replays = [state["graph"] for (l2, _), state in sorted(row["states"].items(), reverse=True)
                   if "empty_ms" in state.get("graph", {})]
        return "%.1f" % (1e3 * (replays[0]["ms"] - replays[0]["empty_ms"])) if replays else "-"

    columns = [("sustained", sustained), ("hot L2 ms", hot), ("graph ms", graph), ("us over empty", over_empty)]
    return [(name, show) for name, show in columns if any(show(row) != "-" for row in rows)]


def numbers(row):
    return [shape_text(row), "%.4f" % row["ms"], "%.0f" % row["gb_per_s"], "%.0f" % row["copy"]["gb_per_s"], fraction(row)]


NUMBERS = ["B, D, L", "ms", "GB/s", "copy GB/s", "fraction"]


def four_taps(rows, peers):
    """Every number of the convolutions with four taps."""
    extra = extra_columns(rows)
    table = []
    for row in rows:
        kernel = row["kernel"].replace("causal_conv1d", "conv")
        table.append([kernel, row["params"]["layout"], *numbers(row), *(show(row) for _, show in extra),
                      *(fraction(row["peers"].get(peer)) for peer in peers)])
    return markdown(["kernel", "layout", *NUMBERS, *(name for name, _ in extra), *peers], table)


def other_taps(rows, peers):
    """Fractions only, by the number of taps; where a peer was measured, its own behind the slash."""
    taps = sorted({int(row["params"]["K"]) for row in rows})
    lines = {}
    for row in rows:
        cell = " / ".join([fraction(row), *(fraction(row["peers"].get(peer)) for peer in peers)])
        lines.setdefault((row["params"]["layout"], shape_text(row)), {})[int(row["params"]["K"])] = cell
    return markdown(["layout", "B, D, L", *("K = %d" % k for k in taps)],
                    [[*line, *(cells.get(k, "-") for k in taps)] for line, cells in lines.items()])


def memory_columns(rows):
    """Beside the operators' own: each peer's time, and the memory that they take beyond inputs and outputs."""
    def gib(count):
        return "0" if count == 0 else "%.2g" % (count / 2**30)

    def own(row):
        return gib(row["extra_bytes"]) if "extra_bytes" in row else "-"

    def peers(name):
        def show(row):
            peer = row.get("peers", {}).get(name, {})
            return "%.3g, %s" % (peer["ms"], gib(peer["peak_extra_bytes"])) if "ms" in peer else "-"

        return show

    names = [name for name in peer_names(rows) if any("peak_extra_bytes" in row["peers"].get(name, {}) for row in rows)]
    columns = [("extra GiB", own), *(("%s ms, extra GiB" % name, peers(name)) for name in names)]
    return [(name, show) for name, show in columns if any(show(row) != "-" for row in rows)]


def other_kernels(rows):
    """Kernels that are no plain convolution, with the settings that tell their rows apart."""
    names = sorted({name for row in rows for name in row["params"]})
    varied = [name for name in names if len({row["params"].get(name) for row in rows}) > 1]
    extra = extra_columns(rows) + memory_columns(rows)
    with_words = lambda row: ["with=" + ",".join(row["with"])] if row["with"] else []
    table = [[row["kernel"], " ".join(["%s=%s" % (name, row["params"][name]) for name in varied if name in row["params"]] + with_words(row)),
              *numbers(row), *(show(row) for _, show in extra)] for row in rows]
    return markdown(["kernel", "settings", *NUMBERS, *(name for name, _ in extra)], table)


def cost_of_invariance(rows):
    """Each case with invariant=true beside the same one without."""
    def key(row):
        return (row["kernel"], *sorted(row["params"].items()), *row["with"], *sorted(row["shape"].items()))

    plain = {key(row): row for row in rows if not row.get("invariant")}
    table = []
    for row in rows:
        beside = plain.get(key(row))
        if row.get("invariant") and beside:
            settings = " ".join("%s=%s" % (name, row["params"][name]) for name in ("K", "S", "layout") if name in row["params"])
            table.append([row["kernel"], settings, shape_text(row), "%.4f" % beside["ms"], "%.4f" % row["ms"],
                          "%.2f" % (row["ms"] / beside["ms"])])
    return table and markdown(["kernel", "settings", "B, D, L", "ms", "invariant ms", "ratio"], table)


def common(rows):
    """What all rows share of type, activation and optional operands, as bf16, silu, bias."""
    shared = [{row["params"].get("T", "") for row in rows}, {row["params"].get("activation", "none") for row in rows},
              {" ".join(row["with"]) for row in rows}]
    return [word for words in shared if len(words) == 1 for word in words if word not in ("", "none")]


def tables(merged):
    measured = cases(merged["results"])
    rows = [row for row in measured if not row.get("invariant")]
    failed = [row for row in merged["results"] if "error" in row]
    if not rows:
        raise Refused("no case of the benchmark was measured")
    peers = [peer for peer in PEERS if peer in peer_names(rows)]
    protocol = merged["protocol"].split("; ")
    what = [merged["device"], merged["date"][:10]] + ["commit " + merged["commit"]] * bool(merged["commit"]) + common(rows)
    lines = ["%s; the median of %d launches, %s." % (", ".join(what), merged["repeat"], protocol[0])]
    lines += ["Fraction: GB/s over those of a copy that moves as many bytes in the same rounds."]
    if len(protocol) > 2:
        lines += ["Also measured: %s." % "; ".join(protocol[1:-1])]
    if peers:
        named = ", ".join("%s %s" % pair for pair in merged["peers"]["versions"].items())
        lines += ["Peers' columns are their fractions (%s); after split, theirs copy each part." % named]
    lines += [""]
    convolutions = [row for row in rows if row["kernel"].startswith("causal_conv1d") and "K" in row["params"]]
    four = [row for row in convolutions if int(row["params"]["K"]) == 4]
    other = [row for row in convolutions if int(row["params"]["K"]) != 4]
    rest = [row for row in rows if row not in convolutions]
    if four:
        lines += ["K = 4:", ""] + four_taps(four, peers)
    if other:
        lines += ["", "Other K, fraction%s:" % "".join(" / " + peer for peer in peers), ""] + other_taps(other, peers)
    if rest:
        lines += ["", "Other kernels:", ""] + other_kernels(rest)
    costs = cost_of_invariance(measured)
    if costs:
        lines += ["", "What `invariant=true` costs:", ""] + costs
    lines += ["", "Not measured: %d of %d, the first with: %s" % (len(failed), len(merged["results"]), failed[0]["error"])] if failed else []
    return "\n".join(lines)


def rewrite(path, text):
    with open(path, encoding="utf-8") as file:
        readme = file.read()
    if readme.count(BEGIN) != 1 or readme.count(END) != 1 or readme.index(BEGIN) > readme.index(END):
        raise Refused("%s does not have %s and %s once each, in this order" % (path, BEGIN, END))
    before, after = readme.split(BEGIN)[0], readme.split(END)[1]
    write(path, before + BEGIN + "\n" + text + "\n" + END + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bench", nargs="+", help="what halo bench --suite ... -o wrote")
    parser.add_argument("--peers", nargs="+", default=[], help="what peers.py wrote, of one suite each")
    parser.add_argument("--results", default="bench/results", help="the folder of the merged file")
    parser.add_argument("--readme", help="the file whose tables are replaced")
    parser.add_argument("--commit", default="", help="what was measured; by default what HALO_COMMIT said then")
    options = parser.parse_args()
    merged = merge(joined([read(path) for path in options.bench]), joined([read(path) for path in options.peers]) if options.peers else None, options.commit)
    text = tables(merged)
    os.makedirs(options.results, exist_ok=True)
    slug = re.sub(r"[^a-z0-9]+", "-", merged["device"].lower()).strip("-")
    write(os.path.join(options.results, slug + ".json"), json.dumps(merged, indent=1) + "\n")
    if options.readme:
        rewrite(options.readme, text)
    print(text)


if __name__ == "__main__":
    try:
        main()
    except Refused as reason:
        sys.exit("report.py: %s" % reason)

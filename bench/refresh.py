#!/usr/bin/env python3
"""Keeps what tests/gpu/run.sh left in OUT of the steps latency, stages and regret, each under its device's name.

    HALO_COMMIT=ID HALO_GPU_STEPS="latency stages regret" HALO_GPU_BUDGET_MS=900 HALO_GPU_CANDIDATES=64 tests/gpu/run.sh halo OUT
    bench/refresh.py OUT [--results bench/results]

Writes RESULTS/<device>-latency.json, -compile.json and -regret.json, those of them whose step ran; prints their names. (A
latency above the step's limit is kept too: it was measured.) The first command takes less than two minutes with these numbers; without them the regret alone takes four.
"""

import argparse
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PROTOCOL = "median of the repeats, warm process, the driver's assembler cache off; tests/gpu/run.sh, step stages"


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def slug(device):
    return re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")


def keep(folder, device, what, report):
    path = os.path.join(folder, "%s-%s.json" % (slug(device), what))
    with open(path + ".part", "w", encoding="utf-8") as file:
        file.write(json.dumps(report, indent=1) + "\n")
    os.replace(path + ".part", path)
    print(path)


def main(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--results", default=os.path.join(HERE, "results"))
    options = parser.parse_args(words)
    summary = read(os.path.join(options.out, "summary.json"))
    if summary is None:
        print("refresh.py: %s has no summary.json of tests/gpu/run.sh" % options.out, file=sys.stderr)
        return 2
    passed = {name for name, step in summary["steps"].items() if step["status"] == 0}
    latency = summary.get("latency")
    if latency:
        keep(options.results, latency["device"], "latency", latency)
    # The stages themselves say nothing of the device and the day.
    if latency and summary.get("stages_ms") and "stages" in passed:
        kept = {name: latency[name] for name in ("device", "date", "commit")}
        keep(options.results, latency["device"], "compile", {**kept, "protocol": PROTOCOL, "stages_ms": summary["stages_ms"]})
    if "regret" in passed:
        report = os.path.join(options.out, "regret.json")
        done = subprocess.run([sys.executable, os.path.join(HERE, "regret.py"), report, "--results", options.results,
                               "--commit", os.environ.get("HALO_COMMIT", (latency or {}).get("commit", ""))],
                              stdout=subprocess.DEVNULL)
        if done.returncode:
            return done.returncode
        print(os.path.join(options.results, slug(read(report)["device"]) + "-regret.json"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

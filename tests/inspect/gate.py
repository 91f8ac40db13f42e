#!/usr/bin/env python3
"""The gate of the shipped schedules: no spills, and no access narrower than expected.json says.

    HALO=build/bin/halo tests/inspect/gate.py             checks every problem of kernels/shipped.txt
    HALO=build/bin/halo tests/inspect/gate.py --update    writes expected.json from what is found

The schedules are the analytic choice's for sm_90. Widths are those of PTX, in the whole kernel's main loop: for each
kind of access the bytes of the narrowest one and the mean. Registers and spills need an assembler; without one it says so
and judges the widths alone.
"""

import concurrent.futures
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tools"))
import replay  # noqa: E402

EXPECTED = os.path.join(HERE, "expected.json")
KINDS = ("global_load", "global_store", "async_copy")
SLACK = 1.001  # Of a mean, for its rounding.


def inspect(halo, problem):
    words = [halo, "inspect", *problem.split(), "--arch", "sm_90", "--no-sim", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, env=dict(os.environ, HALO_TUNING="off"))
    if done.returncode:
        raise SystemExit("%s: status %d: %s" % (problem, done.returncode, done.stderr.strip()))
    return json.loads(done.stdout)


def facts(report):
    """What of an inspection is held fast."""
    mix = report["code"]["ptx"]["main_loop"]["mix"]
    found = {"schedule": report["schedule"]}
    for kind in KINDS:
        widths = {int(width): count for width, count in mix["widths"].get(kind, {}).items()}
        if widths:
            total = sum(widths.values())
            found[kind] = {"least": min(widths), "mean": round(sum(w * n for w, n in widths.items()) / total, 3)}
    found["local"] = report["code"]["ptx"]["total"]["local_load"] + report["code"]["ptx"]["total"]["local_store"]
    found["spill_bytes"] = report["resources"].get("spill_bytes")
    return found


def complaints(problem, expected, found):
    """What is worse than expected; a list of sentences."""
    if expected is None:
        return ["%s: not in expected.json; add it by --update" % problem]
    worse = []
    for kind in KINDS:
        if kind in found and kind in expected:
            for what in ("least", "mean"):
                if found[kind][what] * SLACK < expected[kind][what]:
                    worse.append("%s: the %s %s of the main loop has %s B, expected %s B" % (problem, "narrowest" if what == "least" else "mean", kind, found[kind][what], expected[kind][what]))
        elif kind in found and not any(k in expected for k in KINDS if k.endswith(kind[-4:])):
            worse.append("%s: the main loop has a %s of %s B, expected none" % (problem, kind, found[kind]["least"]))
    if found["local"] > expected["local"]:
        worse.append("%s: %d accesses to local memory, expected %d" % (problem, found["local"], expected["local"]))
    if found["spill_bytes"] is not None and found["spill_bytes"] > (expected["spill_bytes"] or 0):
        worse.append("%s: %d B spilled, expected %d" % (problem, found["spill_bytes"], expected["spill_bytes"] or 0))
    return worse


def main(words):
    halo = os.environ.get("HALO", os.path.join(ROOT, "build", "bin", "halo"))
    listed = replay.problems(os.path.join(ROOT, "kernels", "shipped.txt"))
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        found = dict(zip(listed, pool.map(lambda problem: facts(inspect(halo, problem)), listed)))
    assembled = all(fact["spill_bytes"] is not None for fact in found.values())
    if words == ["--update"]:
        if not assembled:
            raise SystemExit("no assembler here: spills are not known, and expected.json stays as it is")
        with open(EXPECTED, "w") as file:
            json.dump(found, file, indent=1)
            file.write("\n")
        print("%d problems in %s" % (len(found), os.path.relpath(EXPECTED, ROOT)))
        return 0
    with open(EXPECTED) as file:
        expected = json.load(file)
    worse = [line for problem, fact in found.items() for line in complaints(problem, expected.get(problem), fact)]
    worse += ["%s: expected, but not in kernels/shipped.txt" % problem for problem in expected if problem not in found]
    print("\n".join(worse + ["%d problems, %d complaints%s" % (len(found), len(worse), "" if assembled else "; no assembler here: widths of PTX alone, spills are not judged")]))
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

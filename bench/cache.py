#!/usr/bin/env python3
"""What the kernel cache saves: HALO=build/bin/halo bench/cache.py [--repeat N]

Medians of N whole processes each, cold (--no-cache) and warm taken in turns, and, in the process, a warm one's time
from the problem to the artifact (total) and from its key (disk). The cache is a folder of this run's own.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

HALO = os.environ.get("HALO", "build/bin/halo")
CASES = (("causal_conv1d", "--set", "K=4", "--set", "layout=bld"), ("causal_conv1d", "--set", "K=64", "--set", "layout=bdl"))


def measure(words, emit, folder):
    out = os.path.join(folder, "out")
    start = time.perf_counter()
    done = subprocess.run([HALO, "compile", *words, "--arch", "sm_90", "--emit", emit, "-o", out, "--json"],
                          capture_output=True, check=True)
    return (time.perf_counter() - start) * 1e3, json.loads(done.stdout)["times"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=15)
    repeat = parser.parse_args().repeat
    findings = json.loads(subprocess.run([HALO, "doctor", "--json"], capture_output=True, check=True).stdout)["findings"]
    assembler = any(f["present"] for f in findings if f["what"] in ("nvJitLink", "ptxas"))
    print("%-44s %-6s %9s %9s %7s %9s %9s" % ("ms", "emit", "cold", "warm", "ratio", "total", "disk"))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HALO_CACHE_DIR"] = os.path.join(folder, "cache")
        for words in CASES:
            for emit in ("ptx", "cubin") if assembler else ("ptx",):
                measure(words, emit, folder)
                cold, warm, total, disk = [], [], [], []
                for _ in range(repeat):
                    cold.append(measure((*words, "--no-cache"), emit, folder)[0])
                    took, times = measure(words, emit, folder)
                    warm.append(took)
                    total.append(times["total"])
                    disk.append(times["disk"])
                c, w, t, d = map(statistics.median, (cold, warm, total, disk))
                print("%-44s %-6s %9.1f %9.1f %7.1f %9.3f %9.3f" % (" ".join(words), emit, c, w, c / w, t, d))


if __name__ == "__main__":
    main()

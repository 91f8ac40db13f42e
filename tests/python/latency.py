#!/usr/bin/env python3
"""Host time of a call from Python, over that of the same launch from C++.

    PYTHONPATH=runtime/python tests/python/latency.py --device null|cuda --launch-latency build/bin/halo-launch-latency
        [-o OUT.json] [--limit NS]

The smallest convolution of tests/latency with torch tensors: `call` with its output given, `allocating` without, `op`
as the custom op, `form` the library's function alone by ctypes, `empty_like` torch's part of allocating. Calls are
timed 16 at a time, the ways in turn, the stream empty before each batch; medians and 90th percentiles of a call. C++ is
the `operator` of halo-launch-latency with one thread, from a run right after. Above `--limit`, call over C++ is a
failure.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

try:
    import torch
except ImportError:
    print("skipped: torch is not installed for this Python")
    sys.exit(77)

import session  # noqa: E402, F401: its cache, before halo is imported.
import halo  # noqa: E402
from halo import _engine  # noqa: E402
from halo._library import lib  # noqa: E402

BATCH = 16


def ways(device):
    """Functions without arguments, by name; the shape is that of tests/latency."""
    x, weight = torch.randn(1, 8, 32, device=device), torch.randn(32, 4, device=device)
    out = torch.empty_like(x)

    def call():
        halo.causal_conv1d(x, weight, layout="bld", out=out)

    call()
    (plan,) = _engine.plans.values()
    data = plan.pack(x.data_ptr(), weight.data_ptr(), out.data_ptr())
    launch, form, count = lib.halo_form_launch, plan.form, plan.count
    op = torch.ops.halo.causal_conv1d
    return {
        "call": call,
        "allocating": lambda: halo.causal_conv1d(x, weight, layout="bld"),
        "op": lambda: op(x, weight, None, None, None, "bld", "none", "correlation", False),
        "form": lambda: launch(form, data, count, None),
        "empty_like": lambda: torch.empty_like(x),
    }


def measure(functions, batches, synchronize):
    samples = {name: [] for name in functions}
    for round_ in range(batches + 20):
        for name, function in functions.items():
            synchronize()
            start = time.perf_counter_ns()
            for _ in range(BATCH):
                function()
            took = (time.perf_counter_ns() - start) / BATCH
            if round_ >= 20:
                samples[name].append(took)
    return {
        name: {"p50": statistics.median(times), "p90": statistics.quantiles(times, n=10)[8]}
        for name, times in samples.items()
    }


def cpp_launch(program, device):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "latency.json")
        subprocess.run(
            [program, "--device", device, "--launches", "4000", "-o", path], check=True, stdout=subprocess.DEVNULL
        )
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
    (one,) = [row for row in report["threads"] if row["threads"] == 1]
    return one["ns"]["operator"]["p50"] - one["ns"]["clock"]["p50"], report["device"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("null", "cuda"), default="null")
    parser.add_argument("--launch-latency", required=True)
    parser.add_argument("--batches", type=int, default=500)
    parser.add_argument("--limit", type=float)
    parser.add_argument("-o", dest="out")
    options = parser.parse_args()
    synchronize = torch.cuda.synchronize if options.device == "cuda" else lambda: None
    if options.device == "null":
        halo.set_host_device("null")
    with torch.no_grad():
        times = measure(ways("cuda" if options.device == "cuda" else "cpu"), options.batches, synchronize)
    cpp, name = cpp_launch(options.launch_latency, options.device)
    over = {way: times[way]["p50"] - cpp for way in ("call", "allocating", "op")}
    report = {
        "device": name, "kind": options.device, "date": datetime.date.today().isoformat(),
        "commit": os.environ.get("HALO_COMMIT", ""), "python": platform.python_version(), "torch": torch.__version__,
        "ns": times, "cpp_operator_ns": cpp, "over_cpp_ns": over,
    }  # fmt: skip
    for way, pair in times.items():
        print("%-11s %6.0f ns (p90 %.0f)" % (way, pair["p50"], pair["p90"]))
    print("C++ operator %.0f ns; call over it %.0f ns, allocating %.0f ns, op %.0f ns" % (cpp, *over.values()))
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
            file.write("\n")
    if options.limit and over["call"] > options.limit:
        print("call is %.0f ns over C++, above the limit %.0f" % (over["call"], options.limit))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

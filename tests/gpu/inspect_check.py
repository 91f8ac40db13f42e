#!/usr/bin/env python3
"""What halo inspect says, against the GPU: no kernel is quicker than its walls, and a text by hand runs.

    tests/gpu/inspect_check.py HALO OUT.json [--device sim]     sim: without the times, to try the script

For each problem: the inspection, a benchmark of the kernel, and one of the same kernel continued from its own dumped
text, which must be as quick. One problem is run that way and checked against the oracle.
"""

import json
import os
import random
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "cli"))
import safetensors_io  # noqa: E402

PROBLEMS = (
    "causal_conv1d --set K=4 --set layout=bld --set activation=silu",
    "causal_conv1d --set K=4 --set layout=bdl --set activation=silu",
    "hcs --set K=7 --set group=16 --set layout=bld",
    "hcm --set K=128 --set group=16 --set layout=bld",
)
BOUND = 0.95  # Of a wall: clocks and bandwidths of data sheets are not exact.
ALIKE = 1.05  # Two measurements of one kernel.


class Check:
    def __init__(self, halo, device):
        self.halo, self.device, self.failures, self.rows = halo, device, 0, []
        self.real = device == "cuda"
        self.shape = "B=1,L=65536,D=4096" if self.real else "B=1,L=64,D=128"
        self.stage = "ptx" if self.real else "llvm"

    def call(self, *words):
        done = subprocess.run([self.halo, *words], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit("%s: status %d: %s" % (" ".join(words), done.returncode, done.stderr.strip()))
        return done.stdout

    def expect(self, holds, sentence):
        print("%s  %s" % ("ok    " if holds else "FAILED", sentence))
        self.failures += not holds

    def bench(self, words, *more):
        report = json.loads(self.call("bench", *words, "--shape", self.shape, "--device", self.device, "--json", *more))
        return report["device"], report["results"][0]

    def problem(self, text, folder):
        words = text.split()
        device, plain = self.bench(words)
        report = json.loads(self.call("inspect", *words, "--shape", self.shape, "--schedule", plain["schedule"], "--no-sim", "--json"))
        dump = os.path.join(folder, str(len(self.rows)))
        self.call("compile", *words, "--schedule", plain["schedule"], "--arch", report["arch"], "--emit", "ptx", "--dump", dump, "-o", os.path.join(folder, "k.ptx"))
        (given,) = [os.path.join(dump, name) for name in os.listdir(dump) if "-%s." % self.stage in name]
        _, by_hand = self.bench(words, "--schedule", plain["schedule"], "--override", "%s=%s" % (self.stage, given))
        roofline = report["roofline"]
        self.rows.append({"problem": text, "ms": plain["ms"], "by_hand_ms": by_hand["ms"], "wall": roofline["stands_at"], "wall_us": roofline["us"], "inspect": report})
        if not self.real:
            return
        if roofline["gpu"] in device:
            self.expect(plain["ms"] * 1e3 >= BOUND * roofline["us"], "%s: %.1f us, its wall (%s) is at %.1f us" % (text, plain["ms"] * 1e3, roofline["stands_at"], roofline["us"]))
        else:
            print("skipped %s: the peaks are of %s, this is %s" % (text, roofline["gpu"], device))
        self.expect(by_hand["ms"] <= ALIKE * plain["ms"], "%s: by hand %.4f ms, itself %.4f ms" % (text, by_hand["ms"], plain["ms"]))

    def oracle(self, folder):
        words, draw = PROBLEMS[0].split(), random.Random(1)
        source = os.path.join(folder, "in.safetensors")
        tensors = {"x": ("bf16", [2, 100, 64], 2 * 100 * 64), "weight": ("bf16", [64, 4], 64 * 4)}
        safetensors_io.write(source, {name: (dtype, shape, safetensors_io.rounded(dtype, [draw.gauss(0, 1) for _ in range(count)])) for name, (dtype, shape, count) in tensors.items()})
        emit = os.path.join(folder, "given")
        known = self.rows[0]["inspect"]
        schedule = ("--schedule", known["schedule"])  # The text's: it is launched with its threads.
        self.call("compile", *words, *schedule, "--arch", known["arch"], "--emit", self.stage, "-o", emit)
        settings = [word for word in words[1:] if word not in ("--set", "K=4")]
        self.call("run", words[0], *(w for s in settings for w in ("--set", s)), "--in", source, "--out", os.path.join(folder, "out.safetensors"), "--device", self.device, "--check", *schedule, "--override", "%s=%s" % (self.stage, emit))
        self.expect(True, "%s: a text by hand computes what the oracle does" % PROBLEMS[0])


def main(words):
    device = "cuda"
    if words[-2:-1] == ["--device"]:
        device = words[-1]
        words = words[:-2]
    if len(words) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    check = Check(words[0], device)
    with tempfile.TemporaryDirectory() as folder:
        for problem in PROBLEMS:
            check.problem(problem, folder)
        check.oracle(folder)
    with open(words[1], "w") as file:
        json.dump(check.rows, file, indent=1)
    return 1 if check.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

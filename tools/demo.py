#!/usr/bin/env python3
"""Generates, checks and times two kernels, on the GPU if there is one, else on the simulator.

    tools/demo.py [--halo build/bin/halo] [--device cuda|sim]

Needs nothing but the standard library and the built command.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "cli"))

import safetensors_io  # noqa: E402

# B, L, D and the parts: a layer of a large model, and what the simulator does in a second.
REAL = (1, 8192, 8192, "q:2048,k:2048,v:4096")
SMALL = (2, 512, 256, "q:64,k:64,v:128")
COMMON = ("--set", "layout=bld", "--set", "activation=silu")


class Failure(Exception):
    pass


def halo(command, *words):
    """Runs one `halo` command; its JSON, and nothing kept if it fails."""
    shown = "halo " + " ".join(words)
    try:
        done = subprocess.run([command, *words, "--json"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=1800)
    except OSError as error:
        raise Failure("%s cannot be started (%s): build it with ./setup.sh" % (command, error.strerror))
    except subprocess.TimeoutExpired:
        raise Failure("no answer within 30 minutes: " + shown)
    if done.returncode:
        raise Failure("exit status %d: %s" % (done.returncode, shown))
    return json.loads(done.stdout)


def random_bf16(generator, count):
    """`count` random bf16 as bytes, of either sign, between 1/8 and 2: a bit pattern each, so that millions are quick."""
    data = bytearray(generator.randbytes(2 * count))
    # The high byte is the sign and the upper exponent; 0x3e and 0x3f, with either sign, keep the size in range.
    data[1::2] = data[1::2].translate(bytes(0x3E | byte & 0x81 for byte in range(256)))
    return bytes(data)


def write_input(path, b, l, d, taps):
    generator = random.Random(1)
    header, chunks, size = {}, [], 0
    for name, shape in (("x", [b, l, d]), ("weight", [d, taps]), ("bias", [d])):
        count = 1
        for extent in shape:
            count *= extent
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [size, size + 2 * count]}
        chunks.append(random_bf16(generator, count))
        size += 2 * count
    safetensors_io.write_raw(path, header, b"".join(chunks))


def generate(command, kernel, options, schedule):
    """Compiles what was chosen, to PTX, and says what came out."""
    made = halo(command, "compile", kernel, "--dtype", "bf16", "--set", "K=4", "--with", "bias", *options,
                "--schedule", schedule, "--emit", "ptx", "--no-cache")
    print("  generated   %d lines of PTX for %s in %.0f ms" % (made["text"].count("\n"), made["arch"], made["times"]["total"]))


def show(command, device, kernel, options, shape, folder):
    b, l, d = shape
    print("\n%s, bf16, K=4, silu, bias, bld, B=%d L=%d D=%d" % (kernel, b, l, d), flush=True)
    out = os.path.join(folder, kernel + ".safetensors")
    run = halo(command, "run", kernel, "--in", os.path.join(folder, "in.safetensors"), "--out", out, "--check",
               "--device", device, *options)
    print("  problem     " + run["problem"])
    print("  schedule    " + run["schedule"])
    generate(command, kernel, options, run["schedule"])
    for name, check in run["check"].items():
        print("  checked     %s: relative norm %.2g of the difference to f64 sums (bound %.2g)"
              % (name, check["relative_norm"], check["bound"]))
    (row,) = halo(command, "bench", kernel, "--shape", "B=%d,L=%d,D=%d" % (b, l, d), "--dtype", "bf16", "--set", "K=4",
                  "--with", "bias", "--schedule", run["schedule"], "--device", device, *options)["results"]
    timed = "  timed       %.4f ms" % row["ms"]
    if row["fraction"] is None:
        print(timed + " in the simulator, which says nothing about a GPU", flush=True)
    else:
        print(timed + ", %.0f GB/s; a copy of as many bytes: %.0f GB/s; fraction %.2f"
              % (row["gb_per_s"], row["copy"]["gb_per_s"], row["fraction"]), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--halo", default=os.path.join(ROOT, "build", "bin", "halo"))
    parser.add_argument("--device", choices=("cuda", "sim"))
    options = parser.parse_args()
    findings = halo(options.halo, "doctor")["findings"]
    gpus = [finding for finding in findings if finding["what"].startswith("gpu ")]
    device = options.device or ("cuda" if gpus else "sim")
    print("device: " + (gpus[0]["state"] if device == "cuda" and gpus else device if gpus else "simulator (no GPU here)"))
    b, l, d, parts = REAL if device == "cuda" else SMALL
    with tempfile.TemporaryDirectory(prefix="halo-demo-") as folder:
        write_input(os.path.join(folder, "in.safetensors"), b, l, d, 4)
        show(options.halo, device, "causal_conv1d", COMMON, (b, l, d), folder)
        show(options.halo, device, "causal_conv1d_split", (*COMMON, "--set", "split=" + parts), (b, l, d), folder)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit("demo.py: %s" % failure)

#!/usr/bin/env python3
"""Times what others offer on the cases of a suite, by the protocol of `halo bench`.

    bench/peers.py bench/suites/conv.json -o peers.json [--repeat 50]

Before each timed launch 256 MiB are written, so that L2 is cold; times are CUDA events; a copy that moves as many bytes
is timed in the same rounds; medians are given. The peers:

    triton          the plain Triton kernel below, the best of a few tilings
    causal-conv1d   Dao-AILab's causal_conv1d_fn, from the folder CAUSAL_CONV1D_PATH or as it is installed
    torch, torch-fused   of the Hyena operators, with the most memory that they take besides (hyena_peers.py)

For causal_conv1d_split both are followed by a contiguous copy of each part, which is how a model gets its q, k and v.
Needs a GPU, torch and triton. Every result is compared with direct sums before it is timed.
"""

import argparse
import datetime
import json
import os
import statistics
import sys

try:
    import torch
    import triton
    import triton.language as tl

    import hyena_peers
except ImportError as missing:
    sys.exit("peers.py needs torch and triton: %s" % missing)

FLUSH_BYTES = 256 << 20

# Tilings to choose from: positions, channels, warps.
BLD_TILINGS = [(16, 128, 4), (32, 128, 4), (64, 64, 4), (16, 256, 4), (32, 256, 8), (64, 128, 8), (8, 512, 4), (128, 64, 8)]
BDL_TILINGS = [(512, 1, 2), (1024, 1, 4), (2048, 1, 4), (4096, 1, 8), (1024, 2, 4), (512, 4, 4), (256, 4, 4), (256, 8, 4)]


@triton.jit
def conv_kernel(x, weight, bias, y, channels, length, K: tl.constexpr, BLD: tl.constexpr, SILU: tl.constexpr,
                BIAS: tl.constexpr, BLOCK_L: tl.constexpr, BLOCK_D: tl.constexpr):
    # The first axis of the grid walks the contiguous dimension.
    inner, outer = tl.program_id(0), tl.program_id(1)
    sequence = tl.program_id(2).to(tl.int64) * channels * length
    if BLD:
        d = (inner * BLOCK_D + tl.arange(0, BLOCK_D))[None, :]
        t = (outer * BLOCK_L + tl.arange(0, BLOCK_L))[:, None]
        stride_d, stride_t = 1, channels
    else:
        d = (outer * BLOCK_D + tl.arange(0, BLOCK_D))[:, None]
        t = (inner * BLOCK_L + tl.arange(0, BLOCK_L))[None, :]
        stride_d, stride_t = length, 1
    inside = d < channels
    total = tl.zeros((BLOCK_L, BLOCK_D) if BLD else (BLOCK_D, BLOCK_L), dtype=tl.float32)
    for k in tl.static_range(K):
        at = t + (k - (K - 1))
        sample = tl.load(x + sequence + at * stride_t + d * stride_d, mask=inside & (at >= 0) & (at < length), other=0.0)
        tap = tl.load(weight + d * K + k, mask=inside, other=0.0)
        total += sample.to(tl.float32) * tap.to(tl.float32)
    if BIAS:
        total += tl.load(bias + d, mask=inside, other=0.0).to(tl.float32)
    if SILU:
        total = total * tl.sigmoid(total)
    tl.store(y + sequence + t * stride_t + d * stride_d, total.to(y.dtype.element_ty), mask=inside & (t < length))


class Case:
    """One entry of a suite, with its tensors."""

    def __init__(self, entry):
        self.entry = entry
        settings = entry["set"]
        self.kernel, self.taps, self.bld = entry["kernel"], int(settings["K"]), settings.get("layout", "bdl") == "bld"
        self.silu, self.has_bias = settings.get("activation", "none") == "silu", "bias" in entry.get("with", [])
        self.batch, self.channels, self.length = (entry["shape"][name] for name in "BDL")
        self.parts = [int(part.split(":")[1]) for part in settings["split"].split(",")] if "split" in settings else []
        if entry.get("dtype") != "bf16" or settings.get("activation", "none") not in ("none", "silu"):
            raise ValueError("only bf16 with silu or nothing is timed here")
        if self.channels * self.length >= 1 << 31:
            raise ValueError("the Triton kernel counts within a sequence in 32 bits")

    def allocate(self):
        torch.manual_seed(1)
        sizes = (self.length, self.channels) if self.bld else (self.channels, self.length)
        self.x = torch.randn(self.batch, *sizes, device="cuda", dtype=torch.bfloat16)
        self.weight = torch.randn(self.channels, self.taps, device="cuda", dtype=torch.bfloat16) / self.taps**0.5
        self.bias = torch.randn(self.channels, device="cuda", dtype=torch.bfloat16) if self.has_bias else None
        self.bytes = 2 * self.x.numel() * self.x.element_size()

    def check(self, results):
        """Compares with direct sums in f64 at both ends and in the middle of the sequences."""
        y = torch.cat(results, dim=2) if self.parts else results[0] if self.bld else results[0].transpose(1, 2)
        x = self.x if self.bld else self.x.transpose(1, 2)
        channels = torch.tensor(sorted({*range(32), *range(self.channels - 32, self.channels)}), device="cuda")
        weight = self.weight[channels].double()
        for begin in (0, self.length // 2, self.length - 64):
            halo = min(begin, self.taps - 1)
            samples = x[:, begin - halo : begin + 64, channels].double()
            samples = torch.nn.functional.pad(samples, (0, 0, self.taps - 1 - halo, 0))
            want = sum(samples[:, k : k + 64] * weight[:, k] for k in range(self.taps))
            if self.has_bias:
                want = want + self.bias[channels].double()
            if self.silu:
                want = want * torch.sigmoid(want)
            got = y[:, begin : begin + 64, channels].double()
            if not torch.all((got - want).abs() <= 0.01 + 0.01 * want.abs()):
                raise ArithmeticError("the result is wrong by %.3g" % (got - want).abs().max().item())

    def split(self, y):
        return [part.contiguous() for part in torch.split(y, self.parts, dim=2)] if self.parts else [y]


class Skip(Exception):
    pass


class Clock:
    """Medians over interleaved rounds, each launch behind a cold L2."""

    def __init__(self):
        self.flush = torch.empty(FLUSH_BYTES, dtype=torch.uint8, device="cuda")
        self.start, self.end = (torch.cuda.Event(enable_timing=True) for _ in range(2))

    def once(self, work):
        # Twice: the host, which may need 50 us to enqueue `work`, does so while the second one runs.
        self.flush.zero_()
        self.flush.zero_()
        self.start.record()
        work()
        self.end.record()
        self.end.synchronize()
        return self.start.elapsed_time(self.end)

    def rounds(self, works, repeat):
        for work in works:
            work()
        samples = [[] for _ in works]
        for _ in range(repeat):
            for work, times in zip(works, samples):
                times.append(self.once(work))
        return samples


def triton_peer(case, clock):
    """The launch with the best tiling, and that tiling in words."""
    y = torch.empty_like(case.x)

    def launch(positions, channels, warps):
        inner, outer = (case.channels, channels), (case.length, positions)
        if not case.bld:
            inner, outer = outer, inner
        grid = (triton.cdiv(*inner), triton.cdiv(*outer), case.batch)
        conv_kernel[grid](case.x, case.weight, case.bias, y, case.channels, case.length, K=case.taps, BLD=case.bld,
                          SILU=case.silu, BIAS=case.has_bias, BLOCK_L=positions, BLOCK_D=channels, num_warps=warps)

    def timed(tiling):
        return statistics.median(clock.rounds([lambda: launch(*tiling)], 7)[0])

    best = min(BLD_TILINGS if case.bld else BDL_TILINGS, key=timed)

    def work():
        launch(*best)
        return case.split(y)

    return work, "%d positions, %d channels, %d warps" % best


def import_causal_conv1d():
    folder = os.environ.get("CAUSAL_CONV1D_PATH")
    if folder and folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        import causal_conv1d
    except Exception as error:  # An extension built for another torch fails in many ways.
        raise Skip("causal_conv1d cannot be imported: %s" % str(error).split("\n")[0])
    return causal_conv1d


def causal_conv1d_peer(case, clock):
    function = import_causal_conv1d().causal_conv1d_fn
    if not 2 <= case.taps <= 4:
        raise Skip("it takes 2 to 4 taps, not %d" % case.taps)
    x = case.x.transpose(1, 2) if case.bld else case.x
    activation = "silu" if case.silu else None

    def work():
        y = function(x, case.weight, case.bias, activation=activation)
        return case.split(y.transpose(1, 2) if case.bld else y)

    return work, "channel-last" if case.bld else "channel-first"


PEERS = {"triton": triton_peer, "causal-conv1d": causal_conv1d_peer}


def summary(samples, moved):
    ms = statistics.median(samples)
    tenths = statistics.quantiles(samples, n=10, method="inclusive") if len(samples) > 1 else samples * 9
    return {"ms": ms, "ms_p10": tenths[0], "ms_p90": tenths[8], "bytes": moved, "gb_per_s": moved / ms / 1e6}


def measure(case, clock, repeat):
    case.allocate()
    hyena = isinstance(case, hyena_peers.HyenaCase)
    peers, works, extra = {}, {}, {}
    for name, make in (hyena_peers.PEERS if hyena else PEERS).items():
        try:
            work, how = make(case, clock)
            case.check(work())
            peers[name], works[name] = {"how": how}, work
            if hyena:
                peers[name]["peak_extra_bytes"] = hyena_peers.peak_extra_bytes(case, work)
        except Skip as reason:
            peers[name] = {"skipped": str(reason)}
        except torch.cuda.OutOfMemoryError:
            peers[name] = {"skipped": "it is out of memory"}
        except Exception as error:  # One peer that fails must not cost the others.
            peers[name] = {"error": str(error).split("\n")[0]}
    if hyena:
        try:
            extra = {"halo_extra_bytes": hyena_peers.halo_extra_bytes(case)}
        except Exception as missing:  # Without the package, or with another version's library.
            extra = {"halo_extra_bytes": None, "halo_missing": str(missing).split("\n")[0]}
    source = torch.empty(case.bytes // 2, dtype=torch.uint8, device="cuda").zero_()
    target = torch.empty_like(source)
    copy, *samples = clock.rounds([lambda: target.copy_(source), *works.values()], repeat)
    copied = summary(copy, case.bytes)
    for name, times in zip(works, samples):
        peers[name].update(summary(times, case.bytes))
        peers[name]["fraction"] = peers[name]["gb_per_s"] / copied["gb_per_s"]
    return {**case.entry, **extra, "copy": copied, "peers": peers}


def case_of(entry):
    return (hyena_peers.HyenaCase if entry["kernel"] in hyena_peers.KERNELS else Case)(entry)


def versions():
    known = {"torch": torch.__version__, "triton": triton.__version__, "cuda": torch.version.cuda}
    try:
        known["causal-conv1d"] = getattr(import_causal_conv1d(), "__version__", "unknown")
    except Skip:
        pass
    return known


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("suite")
    parser.add_argument("-o", dest="out", required=True, metavar="FILE", help="the JSON, written after every case")
    parser.add_argument("--repeat", type=int, default=50, help="timed rounds; default 50")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("peers.py needs a GPU, and torch sees none")
    with open(options.suite, encoding="utf-8") as file:
        suite = json.load(file)
    clock = Clock()
    report = {
        "device": torch.cuda.get_device_name(),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "versions": versions(),
        "repeat": options.repeat,
        "protocol": "cold L2: %d MiB written right before each timed launch; launches interleaved with the copy" % (FLUSH_BYTES >> 20),
        "results": [],
    }
    failures = 0
    for entry in suite:
        try:
            row = measure(case_of(entry), clock, options.repeat)
        except hyena_peers.NotTimed as reason:
            row = {**entry, "peers": {}, "skipped": str(reason)}
        except Exception as error:
            row = {**entry, "peers": {}, "error": str(error).split("\n")[0]}
        report["results"].append(row)
        failed = ["%s: %s" % (name, peer["error"]) for name, peer in row["peers"].items() if "error" in peer]
        failed += [row["error"]] if "error" in row else []
        failures += len(failed)
        words = ["%s %.3f" % (name, peer["fraction"]) for name, peer in row["peers"].items() if "fraction" in peer]
        print(entry["kernel"], entry["set"], entry["shape"], *words, *failed, sep="  ", flush=True)
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
            file.write("\n")
        torch.cuda.empty_cache()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

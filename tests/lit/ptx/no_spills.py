# Every shipped schedule (the analytic default) compiles for sm_90 without spills: all kernels,
# both layouts, the aligned and the element-wise variant, filters from 2 to 128 taps.
#
# REQUIRES: assembler
# RUN: %python %s %halo
import concurrent.futures
import itertools
import json
import os
import subprocess
import sys
import tempfile

halo = sys.argv[1]
TAPS = (2, 3, 4, 5, 6, 7, 16, 32, 64, 128)
# Every storage type meets every layout, alignment and kernel; the taps go round, so that each
# type sees short, medium and long filters.
TYPES = {"bf16": TAPS, "f32": (2, 4, 7, 32, 128), "f16": (3, 6, 16, 64)}


def cases():
    for kernel, layout, align in itertools.product(
            ("causal_conv1d", "causal_conv1d_split"), ("bdl", "bld"), (16, 1)):
        for dtype, taps in TYPES.items():
            for K in taps:
                arguments = ["--set", f"K={K}", "--set", f"layout={layout}",
                             "--set", f"align={align}", "--dtype", dtype]
                if kernel == "causal_conv1d_split":
                    arguments += ["--set", "split=q:256,k:256,v:512"]
                yield [kernel] + arguments
    # What adds registers: activation, bias, residual, states, a normalised head.
    for layout, K, dtype in itertools.product(("bdl", "bld"), (4, 7, 128), ("bf16", "f32")):
        common = ["--set", f"K={K}", "--set", f"layout={layout}", "--set", "activation=silu",
                  "--set", "final_state=true", "--dtype", dtype,
                  "--with", "bias,initial_state,residual"]
        yield ["causal_conv1d"] + common
        yield ["causal_conv1d_split"] + common + ["--set", "split=q:256,k:256,v:512",
                                                  "--set", "l2norm=q,k:128"]
    states = ["--set", "states=true", "--with", "skip,proj_state,fir_state"]
    for kernel, taps in (("hcs", (4, 7, 11)), ("hcm", (32, 128)), ("b2b_causal_conv1d", (7, 128))):
        for layout, K, dtype, group in itertools.product(("bdl", "bld"), taps, ("bf16", "f32"),
                                                         (1, 16)):
            yield [kernel, "--set", f"K={K}", "--set", f"layout={layout}", "--set",
                   f"group={group}", "--dtype", dtype] + (states if group == 16 else [])
    # Packed sequences: two bodies in one kernel.
    for layout, K, more in itertools.product(("bdl", "bld"), (4, 7), ("seq_idx", "cu_seqlens")):
        for state in ("false", "true"):
            given = f"bias,{more}" + (",initial_state" if state == "true" else "")
            yield ["causal_conv1d", "--set", f"K={K}", "--set", f"layout={layout}", "--set",
                   "activation=silu", "--set", f"final_state={state}", "--with", given]
    for layout, kernel, K in itertools.product(("bdl", "bld"), ("hcs", "b2b_causal_conv1d"), (7,)):
        yield [kernel, "--set", f"K={K}", "--set", f"layout={layout}", "--with", "cu_seqlens"]
    for layout, dtype, align in itertools.product(("bdl", "bld"), ("bf16", "f32"), (16, 1)):
        yield ["hcl", "--set", "S=16", "--set", f"layout={layout}", "--set", f"align={align}",
               "--dtype", dtype, "--set", "states=true", "--with", "skip,proj_state,modal_state"]
    for dtype in ("bf16", "f32"):
        yield ["hcl_step", "--set", "S=16", "--dtype", dtype, "--with", "skip"]
    yield ["modal_filter", "--set", "S=16"]
    for kernel, K in (("hcs_step", 7), ("hcm_step", 128)):
        for streams, dtype in itertools.product(("interleave", "split", "column_split:8"),
                                                ("bf16", "f32")):
            yield [kernel, "--set", f"K={K}", "--set", f"streams={streams}", "--dtype", dtype,
                   "--with", "skip" + (",fir_position" if streams == "split" else "")]
    for layout, K, dtype, align in itertools.product(("bd", "bdl"), (4, 7, 40), ("bf16", "f32"), (16, 1)):
        yield ["causal_conv1d_update", "--set", f"K={K}", "--set", f"layout={layout}", "--set",
               f"align={align}", "--set", "activation=silu", "--dtype", dtype,
               "--with", "bias,cache_seqlens,conv_state_indices"]


def complaint(case):
    """Why this case is wrong, or None."""
    with tempfile.TemporaryDirectory() as folder:
        command = [halo, "compile", *case, "--arch", "sm_90", "--emit", "cubin", "--json",
                   "-o", os.path.join(folder, "kernel.cubin")]
        result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        return f"{' '.join(case)}: {result.stderr.strip()}"
    info = json.loads(result.stdout)["info"]
    if info["spillBytes"] != 0:
        return f"{' '.join(case)}: {info['spillBytes']} B spilled by {info['schedule']}"
    return None


with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    everything = list(cases())
    complaints = [found for found in pool.map(complaint, everything) if found]
for line in complaints:
    print(line)
print(f"{len(everything) - len(complaints)} of {len(everything)} kernels compile without spills")
sys.exit(bool(complaints))

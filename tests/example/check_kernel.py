"""The README's own kernel computes what its text says, on the simulator: HALO=build/bin/halo check_kernel.py MLIR."""

import math
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))

import safetensors_io as st  # noqa: E402

B, L, D, K, G = 2, 45, 24, 4, 7


def fir(x, taps, width, b, t, c):
    """The last tap meets the sample itself; before the start there are zeros."""
    return sum(taps[c * width + k] * x[(b * L + t - (width - 1) + k) * D + c]
               for k in range(max(0, width - 1 - t), width))


def main(text):
    generator = random.Random(7)
    x, value, gate = ([generator.uniform(-1, 1) for _ in range(count)] for count in (B * L * D, D * K, D * G))
    x, value, gate = (st.rounded("f32", numbers) for numbers in (x, value, gate))
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("in.safetensors", "out.safetensors")]
        st.write(paths[0], {"x": ("f32", [B, L, D], x), "value": ("f32", [D, K], value), "gate": ("f32", [D, G], gate)})
        subprocess.run([os.environ.get("HALO", "halo"), "run", text, "--in", paths[0], "--out", paths[1],
                        "--set", "layout=bld", "--device", "sim"], check=True, timeout=300)
        dtype, shape, y = st.read(paths[1])["y"]
    assert (dtype, shape) == ("f32", [B, L, D]), (dtype, shape)
    for i, got in enumerate(y):
        b, t, c = i // (L * D), i // D % L, i % D
        g = fir(x, gate, G, b, t, c)
        want = g / (1 + math.exp(-g)) * fir(x, value, K, b, t, c) + x[i]
        assert abs(got - want) <= 1e-3 + 1e-3 * abs(want), "y[%d, %d, %d] is %r, expected %r" % (b, t, c, got, want)
    print("%d values agree" % len(y))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: check_kernel.py MLIR")
    main(sys.argv[1])

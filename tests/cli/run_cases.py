"""`halo run` on good inputs: every output against plain Python."""

import os

import reference
import safetensors_io as st
from cli_case import SIM, CliCase


class Run(CliCase):
    def conv(self, shape=(1, 8, 16), rows=None, k=4, layout="bdl", dtype="f32", wdtype=None, present=(), options=(), extra=()):
        """Runs causal_conv1d on fresh numbers and checks every output against plain Python."""
        b, d, l = shape
        rows, wdtype = rows or d, wdtype or dtype
        sizes = [b, d, l] if layout == "bdl" else [b, l, d]
        x, w = self.normal(dtype, b * d * l), self.normal(wdtype, rows * k, k**-0.5)
        tensors = {"x": (dtype, sizes, x), "weight": (wdtype, [rows, k], w)}
        given = {}
        if "bias" in present:
            given["bias"] = self.normal(wdtype, d)
            tensors["bias"] = (wdtype, [d], given["bias"])
        if "initial_state" in present:
            given["state"] = self.normal(dtype, b * d * (k - 1))
            tensors["initial_state"] = (dtype, [b, d, k - 1], given["state"])
        if "residual" in present:
            given["residual"] = self.normal(dtype, b * d * l)
            tensors["residual"] = (dtype, sizes, given["residual"])
        for option in options:
            name, value = option.split("=")
            if name in ("activation", "taps"):
                given["order" if name == "taps" else name] = value
        words = [word for option in ("layout=" + layout, "final_state=true", *options) for word in ("--set", option)]
        out = self.path("out.safetensors")
        self.succeeds("run", "causal_conv1d", "--in", self.write(**tensors), "--out", out, *SIM, *words, *extra)
        y, final = reference.causal_conv1d(x, shape, w, rows, k, layout, **given)
        got = st.read(out)
        self.assertEqual(sorted(got), ["final_state", "y"])
        self.assertEqual(got["y"][:2], (dtype, sizes))
        self.assertEqual(got["final_state"][:2], (dtype, [b, d, k - 1]))
        self.assert_close(got["y"][2], y, dtype, "y")
        self.assertEqual(got["final_state"][2], final)

    def test_plain_in_both_layouts(self):
        for layout in ("bdl", "bld"):
            with self.subTest(layout):
                self.conv(layout=layout)

    def test_types(self):
        for dtype in ("f32", "f16", "bf16"):
            for wdtype in ("f32", "f16", "bf16"):
                with self.subTest(dtype=dtype, wdtype=wdtype):
                    self.conv(dtype=dtype, wdtype=wdtype, layout="bld", extra=("--check",))

    def test_everything_at_once(self):
        for layout in ("bdl", "bld"):
            for activation in ("none", "silu", "sigmoid"):
                with self.subTest(layout=layout, activation=activation):
                    self.conv(
                        shape=(2, 12, 21),
                        rows=3,
                        layout=layout,
                        dtype="bf16",
                        present=("bias", "initial_state", "residual"),
                        options=("activation=" + activation,),
                        extra=("--check",),
                    )

    def test_convolution_order(self):
        self.conv(options=("taps=convolution",), present=("initial_state",))

    def test_odd_sizes(self):
        for shape in ((1, 1, 1), (3, 5, 7), (2, 9, 33)):
            for layout in ("bdl", "bld"):
                with self.subTest(shape=shape, layout=layout):
                    self.conv(shape=shape, k=3, layout=layout, present=("bias",))

    def test_long_filters(self):
        for layout in ("bdl", "bld"):
            for k in (16, 40):
                with self.subTest(layout=layout, k=k):
                    self.conv(shape=(1, 24, 50), k=k, layout=layout, dtype="bf16")

    def test_one_tap(self):
        self.conv(k=1)

    def test_shorter_than_the_state(self):
        """conv_c4: the old samples move on."""
        for layout in ("bdl", "bld"):
            self.conv(shape=(2, 4, 2), k=7, layout=layout, present=("initial_state",))

    def test_empty(self):
        """conv_c7: no positions, or no batch, is legal."""
        for layout in ("bdl", "bld"):
            self.conv(shape=(2, 8, 0), layout=layout, present=("initial_state",))
            self.conv(shape=(2, 8, 0), layout=layout)
            self.conv(shape=(0, 8, 4), layout=layout, present=("initial_state",))

    def test_forced_schedule(self):
        self.conv(shape=(1, 64, 40), layout="bld", extra=("--schedule", "block_n=32,block_l=16,num_warps=1"))

    def test_align_one(self):
        self.conv(options=("align=1",))

    def test_group_and_taps_may_be_said_again(self):
        self.conv(shape=(1, 8, 8), rows=2, k=4, options=("K=4", "group=4"))

    def test_a_users_text_runs_by_its_path(self):
        source = self.succeeds("list", "--source", "causal_conv1d").stdout
        path = self.path("mine.mlir")
        with open(path, "wb") as file:
            file.write(source)
        given = self.write(x=("f32", [1, 4, 8], self.normal("f32", 32)), weight=("f32", [4, 3], self.normal("f32", 12)))
        outputs = []
        for kernel in ("causal_conv1d", path):
            out = self.path("out.safetensors")
            self.succeeds("run", kernel, "--in", given, "--out", out, *SIM)
            outputs.append(st.read(out))
        self.assertEqual(*outputs)

    def test_json(self):
        given = self.write(x=("bf16", [1, 8, 8], self.normal("bf16", 64)), weight=("f32", [8, 2], self.normal("f32", 16)))
        out = self.path("out.safetensors")
        report = self.succeeds_json("run", "causal_conv1d", "--in", given, "--out", out, "--check", *SIM)
        self.assertEqual(report["outputs"]["y"], {"dtype": "bf16", "shape": [1, 8, 8]})
        self.assertTrue(report["check"]["y"]["within_tolerance"])
        self.assertEqual(report["shape"], {"B": 1, "D": 8, "L": 8})

    def test_null_writes_nothing(self):
        given = self.write(x=("f32", [1, 4, 8], [0.0] * 32), weight=("f32", [4, 3], [0.0] * 12))
        self.succeeds("run", "causal_conv1d", "--in", given, "--out", self.path("o.safetensors"), "--device", "null")
        self.assertEqual(os.listdir(self.folder), ["in.safetensors"])


class Split(CliCase):
    def split(self, layout, sizes, heads=None, dtype="f32", k=3, b=2, l=9):
        d = sum(sizes.values())
        shape = [b, d, l] if layout == "bdl" else [b, l, d]
        x, w = self.normal(dtype, b * d * l), self.normal(dtype, d * k)
        words = ["--set", "layout=" + layout, "--set", "split=" + ",".join("%s:%d" % item for item in sizes.items())]
        if heads:
            words += ["--set", "l2norm=" + ",".join("%s:%d" % item for item in heads.items())]
        out = self.path("out.safetensors")
        given = self.write(x=(dtype, shape, x), weight=(dtype, [d, k], w))
        self.succeeds("run", "causal_conv1d_split", "--in", given, "--out", out, "--check", *SIM, *words)
        y, _ = reference.causal_conv1d(x, (b, d, l), w, d, k, layout)
        want, got = reference.parts(y, (b, d, l), layout, sizes, heads), st.read(out)
        self.assertEqual(sorted(got), sorted(sizes))
        for name, n in sizes.items():
            self.assertEqual(got[name][:2], (dtype, [b, l, n]))
            self.assert_close(got[name][2], want[name], dtype, name)

    def test_parts(self):
        for layout in ("bdl", "bld"):
            for sizes in ({"q": 8, "k": 8, "v": 16}, {"a": 3, "b": 1, "c": 7}, {"whole": 5}):
                with self.subTest(layout=layout, sizes=sizes):
                    self.split(layout, sizes)

    def test_empty_parts(self):
        """conv_c7, with widths that no 16-byte access fits."""
        for layout in ("bdl", "bld"):
            self.split(layout, {"a": 3, "b": 5}, b=0)
            self.split(layout, {"a": 3, "b": 5}, l=0)

    def test_l2norm(self):
        for layout in ("bdl", "bld"):
            for dtype in ("f32", "bf16"):
                with self.subTest(layout=layout, dtype=dtype):
                    self.split(layout, {"q": 32, "k": 32, "v": 24}, {"q": 16, "k": 16}, dtype)

    def test_heads_narrower_than_an_access(self):
        for layout in ("bdl", "bld"):
            for head in (1, 2):
                with self.subTest(layout=layout, head=head):
                    self.split(layout, {"q": 16, "v": 16}, {"q": head}, "bf16", l=16)

    def refused_split(self, split, naming, *words):
        given = self.write(x=("f32", [1, 4, 8], [0.0] * 32), weight=("f32", [4, 3], [0.0] * 12))
        self.refused(
            "run", "causal_conv1d_split", "--in", given, "--out", self.path("o"), *SIM,
            *(("--set", "split=" + split) if split is not None else ()), *words, naming=naming,
        )  # fmt: skip

    def test_refusals(self):
        self.refused_split(None, ["split"])
        self.refused_split("q:2,k:3", ["4", "5"])
        self.refused_split("q:2,q:2", ["q"])
        self.refused_split("q:0,k:4", ["q"])
        self.refused_split("q:-1,k:5", ["q"])
        self.refused_split("q,k", ["q"])
        self.refused_split("x:2,k:2", ["x"])
        self.refused_split("q:2,k:2", ["v"], "--set", "l2norm=v:2")
        self.refused_split("q:3,k:1", ["q", "3", "2"], "--set", "l2norm=q:2")

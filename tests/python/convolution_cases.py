"""causal_conv1d and causal_conv1d_split of numpy arrays on the simulator, against plain Python."""

import reference
from python_case import ArrayCase, halo
from python_case import numpy as np


def values(array):
    return [float(v) for v in np.asarray(array, np.float64).ravel()]


class Convolution(ArrayCase):
    def problem(self, dtype="f32", wdtype=None, layout="bdl", b=2, d=12, l=17, k=4, rows=None, bias=False,
                initial_state=False, residual=False):  # fmt: skip
        wdtype = wdtype or dtype
        sizes = (b, d, l) if layout == "bdl" else (b, l, d)
        tensors = {"x": self.normal(dtype, *sizes), "weight": self.normal(wdtype, rows or d, k, scale=k**-0.5)}
        if bias:
            tensors["bias"] = self.normal(wdtype, d)
        if initial_state:
            tensors["initial_state"] = self.normal(dtype, b, d, k - 1)
        if residual:
            tensors["residual"] = self.normal(dtype, *sizes)
        return tensors

    def expected(self, tensors, layout="bdl", activation=None, taps="correlation"):
        x, weight = tensors["x"], tensors["weight"]
        b, d, l = x.shape if layout == "bdl" else (x.shape[0], x.shape[2], x.shape[1])
        more = {name: values(tensors[key]) for key, name in
                (("bias", "bias"), ("initial_state", "state"), ("residual", "residual")) if key in tensors}  # fmt: skip
        return reference.causal_conv1d(
            values(x),
            (b, d, l),
            values(weight),
            *weight.shape,
            layout,
            order=taps,
            activation=activation or "none",
            **more
        )

    def test_types_layouts_and_options(self):
        for dtype, wdtype, layout, activation, taps, full in (
            ("f32", "f32", "bdl", None, "correlation", False),
            ("f32", "f32", "bld", "silu", "convolution", True),
            ("f16", "f32", "bdl", "sigmoid", "correlation", True),
            ("f16", "f16", "bld", None, "correlation", True),
            ("bf16", "bf16", "bdl", "silu", "correlation", True),
            ("bf16", "f32", "bld", "silu", "correlation", False),
        ):
            with self.subTest(dtype=dtype, layout=layout, activation=activation, full=full):
                tensors = self.problem(
                    dtype, wdtype, layout, bias=full, initial_state=full, residual=full, rows=4 if full else 12
                )
                options = {"layout": layout, "activation": activation, "taps": taps}
                y, state = halo.causal_conv1d(**tensors, **options, final_state=True)
                want, want_state = self.expected(tensors, **options)
                self.assertEqual((y.shape, y.dtype), (tensors["x"].shape, tensors["x"].dtype))
                self.assert_close(y, want, dtype)
                self.assertEqual(values(state), want_state)
                self.assert_close(halo.causal_conv1d(**tensors, **options), want, dtype)

    def test_packed_sequences(self):
        """cu_seqlens and seq_idx: each sequence alone, with its own states."""
        cuts, d, k = [0, 4, 4, 5, 17], 12, 4
        runs = list(zip(cuts, cuts[1:]))
        for dtype, layout in (("f32", "bdl"), ("bf16", "bld")):
            with self.subTest(dtype=dtype, layout=layout):
                tensors = self.problem(dtype, layout=layout, b=1, d=d, l=cuts[-1], k=k, bias=True)
                states = self.normal(dtype, len(runs), d, k - 1)
                bounds = np.array(cuts, np.int32)
                y, ends = halo.causal_conv1d(
                    **tensors, layout=layout, initial_state=states, cu_seqlens=bounds, final_state=True
                )
                parts = halo.causal_conv1d_split(
                    **tensors, split={"q": 5, "v": 7}, layout=layout, initial_state=states, cu_seqlens=bounds
                )
                axis = 2 if layout == "bdl" else 1
                row = np.repeat(np.arange(len(runs)), np.diff(cuts)).astype(np.int32)[None]
                labelled = halo.causal_conv1d(**tensors, layout=layout, seq_idx=row)
                for n, (begin, end) in enumerate(runs):
                    def own(array):
                        return array.take(range(begin, end), axis)

                    alone = dict(tensors, x=own(tensors["x"]))
                    want, state = self.expected(dict(alone, initial_state=states[n : n + 1]), layout)
                    self.assert_close(own(y), want, dtype)
                    self.assertEqual(values(ends[n]), state)
                    joined = np.concatenate(parts, 2)[:, begin:end]
                    self.assert_close(joined if layout == "bld" else joined.transpose(0, 2, 1), want, dtype)
                    self.assert_close(own(labelled), self.expected(alone, layout)[0], dtype)
        x, weight = self.normal("f32", 2, 12, 9), self.normal("f32", 12, 4)
        with self.refused("cu_seqlens", "B = 2"):
            halo.causal_conv1d(x, weight, cu_seqlens=np.array([0, 9], np.int32))
        with self.refused("cu_seqlens", "i64", "i32"):
            halo.causal_conv1d(x[:1], weight, cu_seqlens=np.array([0, 9]))
        with self.refused("'cu_seqlens' and 'seq_idx'"):
            halo.causal_conv1d(
                x[:1], weight, cu_seqlens=np.array([0, 9], np.int32), seq_idx=np.zeros((1, 9), np.int32)
            )

    def test_strides_are_honoured(self):
        wide = self.normal("f32", 2, 40, 40)
        for layout in ("bdl", "bld"):
            for name, x in (
                ("slice", wide[:, 3:15, 5:22]), ("steps", wide[:, ::3, ::2]), ("reversed", wide[:, ::-1, :9]),
                ("transposed", wide.transpose(0, 2, 1)[:, :12]), ("one batch", np.broadcast_to(wide[:1], (3, 40, 40))),
            ):  # fmt: skip
                with self.subTest(layout=layout, x=name):
                    d = x.shape[1] if layout == "bdl" else x.shape[2]
                    weight = np.asarray(self.normal("f32", 4, 2 * d))[:, ::2].T
                    out = np.full(x.shape[::-1], np.nan, np.float32).T
                    given = halo.causal_conv1d(x, weight, layout=layout, out=out)
                    self.assertIs(given, out)
                    want, _ = self.expected({"x": x, "weight": weight}, layout)
                    self.assert_close(out, want, "f32")
                    self.assert_close(halo.causal_conv1d(x, weight, layout=layout), want, "f32")

    def test_given_outputs(self):
        tensors = self.problem(initial_state=True)
        want, want_state = self.expected(tensors)
        state = np.full((2, 12, 3), np.nan, np.float32)
        y, returned = halo.causal_conv1d(**tensors, final_state_out=state)
        self.assertIs(returned, state)
        self.assert_close(y, want, "f32")
        self.assertEqual(values(state), want_state)

    def test_chunks_continue(self):
        tensors = self.problem("f16", layout="bld", bias=True)
        whole, end = halo.causal_conv1d(**tensors, layout="bld", final_state=True)
        x, state, parts = tensors.pop("x"), None, []
        for begin, stop in ((0, 1), (1, 9), (9, 17)):
            part, state = halo.causal_conv1d(
                np.ascontiguousarray(x[:, begin:stop]), **tensors, layout="bld", initial_state=state, final_state=True
            )
            parts.append(part)
        self.assertEqual(values(np.concatenate(parts, 1)), values(whole))
        self.assertEqual(values(state), values(end))

    def test_empty(self):
        weight = self.normal("f32", 12, 4)
        y, state = halo.causal_conv1d(np.empty((2, 12, 0), np.float32), weight, final_state=True)
        self.assertEqual((y.shape, values(state)), ((2, 12, 0), [0.0] * 72))

    def test_split(self):
        split, heads = {"q": 4, "k": 4, "v": 8}, {"q": 4, "k": 2}
        for dtype, layout in (("f32", "bdl"), ("bf16", "bld")):
            with self.subTest(layout=layout):
                tensors = self.problem(dtype, layout=layout, d=16, bias=True)
                y, want_state = self.expected(tensors, layout, "silu")
                want = reference.parts(y, (2, 16, 17), layout, split, heads)
                *parts, state = halo.causal_conv1d_split(
                    **tensors, layout=layout, activation="silu", split=split, l2norm=heads, final_state=True
                )
                for got, (name, n) in zip(parts, split.items()):
                    self.assertEqual(got.shape, (2, 17, n))
                    self.assert_close(got, want[name], dtype, name)
                self.assertEqual(values(state), want_state)
                q = np.empty((2, 17, 4), tensors["x"].dtype)
                again = halo.causal_conv1d_split(
                    **tensors,
                    layout=layout,
                    activation="silu",
                    split="q:4,k:4,v:8",
                    l2norm="q:4,k:2",
                    out=(q, None, None)
                )
                self.assertIs(again[0], q)
                self.assertEqual(values(q), values(parts[0]))

    def test_what_is_wrong_is_said(self):
        tensors = self.problem()
        x, weight = tensors["x"], tensors["weight"]
        for parts, call in (
            (("operand x", "rank 2", "takes 3"), lambda: halo.causal_conv1d(x[0], weight)),
            (("conv_c2", "weight", "11"), lambda: halo.causal_conv1d(x, weight[:11])),
            (("operand x", "float64", "bf16"), lambda: halo.causal_conv1d(x.astype("float64"), weight)),
            (("operand x", ">f4"), lambda: halo.causal_conv1d(x.astype(">f4"), weight)),
            (("operand weight", "list"), lambda: halo.causal_conv1d(x, [[1.0]])),
            (("operand weight", "missing"), lambda: halo.causal_conv1d(x, None)),
            (("operand x", "missing"), lambda: halo.causal_conv1d(None, weight)),
            (("tanh", "silu"), lambda: halo.causal_conv1d(x, weight, activation="tanh")),
            (("lbd",), lambda: halo.causal_conv1d(x, weight, layout="lbd")),
            (("read-only",), lambda: halo.causal_conv1d(x, weight, out=np.broadcast_to(x[:1], x.shape))),
            (("operand y", "share memory"), lambda: halo.causal_conv1d(x, weight, out=overlapping(x))),
            (
                ("operand y", "L = 9", "L = 17"),
                lambda: halo.causal_conv1d(x, weight, out=np.empty((2, 12, 9), "float32")),
            ),
            (("operand bias", "f16", "f32"), lambda: halo.causal_conv1d(x, weight, np.zeros(12, "float16"))),
            (("3 outputs", "q, v"), lambda: halo.causal_conv1d_split(x, weight, split="q:4,v:8", out=(None,) * 3)),
            (("'q'", "name:channels"), lambda: halo.causal_conv1d_split(x, weight, split="q")),
            (("output 0", "starts where another"), lambda: halo.causal_conv1d(x, weight, out=x)),
            (("4", "bytes"), lambda: halo.causal_conv1d(odd_strides(x), weight)),
        ):
            with self.subTest(parts=parts), self.refused(*parts):
                call()


def overlapping(x):
    return np.lib.stride_tricks.as_strided(np.empty(99, np.float32), x.shape, (4, 4, 4))


def odd_strides(x):
    return np.lib.stride_tricks.as_strided(np.zeros(9999, np.uint8)[:4].view(np.float32), x.shape, (6, 6, 6))

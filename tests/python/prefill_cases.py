"""The Hyena operators, their steps and what they share, of numpy arrays on the simulator, against plain Python."""

import hyena_reference
import modal_reference
from python_case import ArrayCase, halo
from python_case import numpy as np


def nested(array):
    return None if array is None else np.asarray(array, np.float64).tolist()


class Hyena(ArrayCase):
    D, L, B, KP = 6, 14, 2, 3

    def tensors(self, kind, dtype="f32", wdtype=None, k=7, group=1, skip=True, states=True, b=None):
        """z as [B, 3D, L], whatever the layout of the call."""
        b, d, wdtype = b or self.B, self.D, wdtype or dtype
        z, proj = ("x", "w_proj") if kind == "b2b_causal_conv1d" else ("z", "proj_weight")
        made = {z: self.normal(dtype, b, 3 * d, self.L), proj: self.normal(wdtype, 3 * d, self.KP, scale=self.KP**-0.5)}
        if kind == "hcl":
            made["log_poles"] = -np.exp(self.random.uniform(-9, 2, (d, 4))).astype("float32")
            made["residues"] = self.normal("f32", d, 4, scale=0.5)
        else:
            made["w_mixer" if z == "x" else "filter"] = self.normal(wdtype, d // group, k, scale=k**-0.5)
        made["skip"] = self.normal(wdtype, d) if skip else None
        made["proj_state"] = self.normal(dtype, b, 3 * d, self.KP - 1) if states else None
        name, last = ("modal_state", 4) if kind == "hcl" else ("fir_state", k - 1)
        made[name] = self.normal("f32" if kind == "hcl" else dtype, b, d, last) if states else None
        return made

    def expected(self, kind, tensors, streams, dtype):
        z, proj, *middle, skip, proj_state, state = map(nested, tensors.values())
        if kind == "hcl":
            return modal_reference.hcl(z, proj, *middle, skip, proj_state, state, streams, dtype)
        return hyena_reference.gated_pair(kind, z, proj, *middle, skip, proj_state, state, streams, dtype)

    def run_prefill(self, kind, tensors, layout, **options):
        (z_name, z), *rest = tensors.items()
        if layout == "bld":
            z = np.ascontiguousarray(z.transpose(0, 2, 1))
        results = getattr(halo, kind)(**{z_name: z}, **dict(rest), layout=layout, **options)
        y, *states = results if isinstance(results, tuple) else (results,)
        return [y.transpose(0, 2, 1) if layout == "bld" else y, *states]

    def test_prefills(self):
        for kind in ("hcs", "hcm", "hcl", "b2b_causal_conv1d"):
            for dtype, wdtype, layout, streams, full in (
                ("f32", "f32", "bdl", "interleave", True),
                ("bf16", "f32", "bld", "split", True),
                ("f16", "f16", "bld", "column_split:2", False),
            ):
                if kind == "b2b_causal_conv1d":
                    streams = "interleave"
                with self.subTest(kind=kind, dtype=dtype, layout=layout):
                    tensors = self.tensors(
                        kind, dtype, wdtype, group=1 if full or kind == "hcl" else 3, skip=full, states=full
                    )
                    options = {} if kind == "b2b_causal_conv1d" else {"streams": streams}
                    got = self.run_prefill(kind, tensors, layout, states=True, **options)
                    for array, want, what in zip(
                        got, self.expected(kind, tensors, streams, dtype), ("y", "proj", "state")
                    ):
                        self.assert_close(array, want, dtype, what)
                    alone = self.run_prefill(kind, tensors, layout, **options)
                    self.assertEqual(len(alone), 1)
                    self.assert_close(alone[0], nested(got[0]), dtype)

    def test_packed_prefills(self):
        """cu_seqlens: each sequence alone, with its own states."""
        cuts = np.array([0, 2, 2, 9, self.L], np.int32)
        for kind in ("hcs", "hcm", "b2b_causal_conv1d"):
            for layout in ("bdl", "bld"):
                with self.subTest(kind=kind, layout=layout):
                    tensors = self.tensors(kind, "bf16", b=1, skip=True, states=True)
                    (z_name, z), *rest = tensors.items()
                    packed = dict(tensors)
                    for name in ("proj_state", "fir_state"):
                        packed[name] = self.normal("bf16", len(cuts) - 1, *tensors[name].shape[1:])
                    got = self.run_prefill(kind, packed, layout, states=True, cu_seqlens=cuts)
                    for n, (begin, end) in enumerate(zip(cuts, cuts[1:])):
                        own = {name: packed[name][n : n + 1] for name in ("proj_state", "fir_state")}
                        alone = {**tensors, **own, z_name: np.ascontiguousarray(z[:, :, begin:end])}
                        y, proj, fir = self.run_prefill(kind, alone, layout, states=True)
                        self.assert_close(got[0][:, :, begin:end], nested(y), "bf16")
                        self.assert_close(got[1][n], nested(proj)[0], "bf16", "proj_state")
                        self.assert_close(got[2][n], nested(fir)[0], "bf16", "fir_state")

    def test_steps_continue_a_prefill(self):
        """hyena_c1: a prefill of all positions is a prefill of some and steps, states included."""
        for kind in ("hcs", "hcm", "hcl"):
            with self.subTest(kind=kind):
                tensors = self.tensors(kind, "bf16")
                whole = self.run_prefill(kind, tensors, "bld", states=True)
                names, z = list(tensors), tensors["z"]
                first = dict(tensors, z=z[:, :, :9])
                _, *states = self.run_prefill(kind, first, "bld", states=True)
                states = [np.ascontiguousarray(state) for state in states]
                rest = {name: tensors[name] for name in names[1:-2]}
                for t in range(9, self.L):
                    token = np.ascontiguousarray(z[:, :, t])
                    out = np.empty((self.B, self.D), z.dtype) if t % 2 else None
                    y = getattr(halo, kind + "_step")(token, **rest, **dict(zip(names[-2:], states)), out=out)
                    if out is not None:
                        self.assertIs(y, out)
                    self.assert_close(y, nested(whole[0][:, :, t]), "bf16")
                for state, want in zip(states, whole[1:]):
                    self.assert_close(state, nested(want), "bf16", "state")

    def test_given_states(self):
        tensors = self.tensors("hcs")
        want = self.run_prefill("hcs", tensors, "bdl", states=True)
        outs = tuple(np.full(state.shape, np.nan, state.dtype) for state in want[1:])
        _, *got = self.run_prefill("hcs", tensors, "bdl", states_out=outs)
        for out, array, state in zip(outs, got, want[1:]):
            self.assertIs(out, array)
            self.assertEqual(nested(out), nested(state))

    def test_modal_filter(self):
        log_poles, residues = -np.exp(self.random.uniform(-9, 2, (5, 4))).astype("float32"), self.normal("f32", 5, 4)
        for length in (1, 40):
            want = modal_reference.modal_filter(nested(log_poles), nested(residues), length)
            got = halo.modal_filter(log_poles, residues, length)
            self.assertEqual(got.shape, (5, length))
            self.assert_close(got, want, "f32", "h")

    def test_invariant(self):
        """conv_c5: a row up to an unaligned position; without the mode its strategy would be another one."""
        self.D, self.L = 16, 64
        for kind in ("hcm", "hcl"):
            for layout in ("bdl", "bld"):
                with self.subTest(kind=kind, layout=layout):
                    tensors = self.tensors(kind, "bf16", "f32", k=40, group=8, states=False)
                    (whole,) = self.run_prefill(kind, tensors, layout, invariant=True)
                    part = dict(tensors, z=np.ascontiguousarray(tensors["z"][1:, :, :37]))
                    (alone,) = self.run_prefill(kind, part, layout, invariant=True)
                    self.assertEqual(whole[1, :, :37].tobytes(), alone[0].tobytes())

    def test_what_is_wrong_is_said(self):
        tensors = self.tensors("hcs")
        step = dict(self.tensors("hcs"), z=self.normal("f32", self.B, 3 * self.D))
        step["proj_state"].flags.writeable = False
        for parts, call in (
            (("operand z", "17", "3 streams"), lambda: halo.hcs(**dict(tensors, z=tensors["z"][:, :17]))),
            (("conv_c2", "fir_state"), lambda: halo.hcs(**dict(tensors, fir_state=tensors["fir_state"][:, :, 1:]))),
            (("zigzag",), lambda: halo.hcs(**tensors, streams="zigzag")),
            (("read-only", "proj_state"), lambda: halo.hcs_step(**step)),
            (
                ("4 outputs", "y, proj_state, fir_state"),
                lambda: halo.hcs(**tensors, states=True, out=None, states_out=(None,) * 3),
            ),
        ):
            with self.subTest(parts=parts), self.refused(*parts):
                call()

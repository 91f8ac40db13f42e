"""causal_conv1d_update and steps with rings of numpy arrays on the simulator, against numpy in f64."""

from python_case import ArrayCase, halo
from python_case import numpy as np


def expected(x, state, weight, bias=None, seqlens=None, slots=None):
    """y and the state afterwards of x [B, D, T], in f64, silu."""
    x, state, weight = (np.asarray(a, np.float64) for a in (x, state, weight))
    (b, d, t), k, n = x.shape, weight.shape[1], state.shape[2]
    y, state = np.zeros(x.shape), state.copy()
    for row in range(b):
        slot = row if slots is None else slots[row]
        if slot < 0:
            continue
        at = 0 if seqlens is None else int(seqlens[row]) % n
        line = np.concatenate([np.roll(state[slot], -at, axis=1), x[row]], axis=1)  # Oldest first.
        for i in range(t):
            acc = (line[:, n + i - k + 1 : n + i + 1] * np.repeat(weight, d // len(weight), 0)).sum(1)
            acc += 0 if bias is None else np.asarray(bias, np.float64)
            y[row, :, i] = acc / (1 + np.exp(-acc))
        state[slot] = line[:, t:] if seqlens is None else np.roll(line[:, t:], at + t, axis=1)
    return y, state


class Update(ArrayCase):
    B, D, K = 3, 10, 4

    def tensors(self, dtype="f32", t=1, n=3, slots=None):
        rows = self.B if slots is None else 7
        return {
            "x": self.normal(dtype, self.B, self.D, t), "conv_state": self.normal(dtype, rows, self.D, n),
            "weight": self.normal(dtype, self.D, self.K, scale=0.5), "bias": self.normal(dtype, self.D),
        }  # fmt: skip

    def test_all_ways_of_keeping_a_state(self):
        seqlens = np.array([0, 7, 9], np.int32)
        for dtype, t, n, ring, slots in (
            ("f32", 1, 3, False, None), ("bf16", 2, 5, True, None), ("f16", 4, 6, False, [5, -1, 0]),
            ("bf16", 1, 3, True, [2, 6, -1]),
        ):  # fmt: skip
            with self.subTest(dtype=dtype, t=t, ring=ring, slots=slots):
                tensors = self.tensors(dtype, t, n, slots)
                state, x = tensors["conv_state"], tensors["x"]
                at, index = seqlens if ring else None, None if slots is None else np.array(slots, np.int32)
                want, want_state = expected(x, state, tensors["weight"], tensors["bias"], at, slots)
                y = halo.causal_conv1d_update(
                    **tensors, activation="silu", cache_seqlens=at, conv_state_indices=index
                )
                self.assertEqual((y.shape, y.dtype), (x.shape, x.dtype))
                self.assert_close(y, want, dtype)
                self.assertEqual(np.asarray(state, np.float64).tolist(), want_state.tolist())

    def test_flat_tokens_strides_and_given_outputs(self):
        tensors = self.tensors()
        wide = self.normal("f32", self.B, 5, self.D)
        state = wide.transpose(0, 2, 1)[:, :, 1:4]
        want, want_state = expected(tensors["x"], state, tensors["weight"])
        out, rest = np.full((self.B, self.D), np.nan, np.float32), wide[:, 4].copy()
        got = halo.causal_conv1d_update(tensors["x"][:, :, 0], state, tensors["weight"], activation="silu", out=out)
        self.assertIs(got, out)
        self.assert_close(out[:, :, None], want, "f32")
        self.assertEqual(state.tolist(), want_state.tolist())
        self.assertEqual(wide[:, 4].tolist(), rest.tolist())

    def test_rings_of_steps(self):
        """The states of a prefill are rings that begin at 0: the same outputs as of plain ones, bit by bit."""
        for kind, k in (("hcs", 7), ("hcm", 12)):
            with self.subTest(kind=kind):
                d, n = 8, k - 1
                fixed = {"proj_weight": self.normal("bf16", 3 * d, 3), "filter": self.normal("bf16", d, k, scale=0.3)}
                states = [self.normal("bf16", 2, 3 * d, 2), self.normal("bf16", 2, d, n)]
                plain, ring = [s.copy() for s in states], [s.copy() for s in states]
                at, step = np.zeros(2, np.int32), getattr(halo, kind + "_step")
                for _ in range(n + 2):
                    z = self.normal("bf16", 2, 3 * d)
                    want = step(z, **fixed, proj_state=plain[0], fir_state=plain[1])
                    got = step(z, **fixed, proj_state=ring[0], fir_state=ring[1], fir_position=at)
                    at += 1
                    self.assertEqual(got.tobytes(), want.tobytes())
                    self.assertEqual(ring[0].tobytes(), plain[0].tobytes())
                    self.assertEqual(np.roll(ring[1], -int(at[0]), axis=2).tobytes(), plain[1].tobytes())

    def test_what_is_wrong_is_said(self):
        good = self.tensors()
        index = np.zeros(3, np.int32)
        frozen = self.tensors()["conv_state"]
        frozen.flags.writeable = False
        for parts, changes in (
            (("update_c1", "conv_state", "2", "K = 4"), {"conv_state": self.normal("f32", 3, 10, 2)}),
            (("conv_c2", "conv_state", "[5, 10, 3]"), {"conv_state": self.normal("f32", 5, 10, 3)}),
            (("operand cache_seqlens", "i64", "i32"), {"cache_seqlens": index.astype(np.int64)}),
            (("conv_c2", "cache_seqlens", "[2]", "[3]"), {"cache_seqlens": index[:2]}),
            (("operand x", "rank 4", "2 or 3"), {"x": self.normal("f32", 3, 10, 1, 1)}),
            (("read-only", "conv_state"), {"conv_state": frozen}),
        ):
            with self.subTest(parts=parts), self.refused(*parts):
                halo.causal_conv1d_update(**dict(good, **changes))

"""torch tensors, eagerly and traced, and the functions of causal-conv1d."""

import shutil

import halo
import halo.compat.causal_conv1d as compat
import torch
import torch_case
from halo._kernels import KERNELS
from halo._torch import op_arguments
from torch_case import TorchCase, convolution


class OnlyDLPack:
    def __init__(self, tensor):
        self.tensor = tensor

    def __dlpack__(self, **options):
        return self.tensor.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.tensor.__dlpack_device__()


def arguments(case, kernel):
    """Tensors for a kernel's inputs, the optional ones included, and its options."""
    b, d, l, k, kp, s = 2, 12, 9, 4, 3, 4
    n = case.normal
    sizes = {
        "x": (b, 3 * d if kernel.name == "b2b_causal_conv1d" else d, l), "weight": (d, k), "bias": (d,),
        "initial_state": (b, d, k - 1), "residual": (b, d, l),
        "z": (b, 3 * d) if kernel.name.endswith("step") else (b, 3 * d, l),
        "proj_weight": (3 * d, kp), "w_proj": (3 * d, kp), "filter": (d, k), "w_mixer": (d, k), "skip": (d,),
        "residues": (d, s), "proj_state": (b, 3 * d, kp - 1), "fir_state": (b, d, k - 1), "modal_state": (b, d, s),
        "conv_state": (b, d, k),
    }  # fmt: skip
    # One spelling of packed sequences at a time; and cu_seqlens wants one row.
    indices = {
        "cache_seqlens": [3, 9], "conv_state_indices": [1, 0], "fir_position": [0, 5], "cu_seqlens": None,
        "seq_idx": [[(row * l + t) // 5 for t in range(l)] for row in range(b)],
    }  # fmt: skip

    def tensor(name):
        if name in indices:
            values = indices[name]
            return values and torch.tensor(values, dtype=torch.int32, device=torch_case.DEVICE)
        return -n(d, s).abs() if name == "log_poles" else n(*sizes[name])

    tensors = [tensor(name) for name, _, _ in kernel.inputs]
    options = {
        "layout": "bdl", "activation": "silu", "taps": "correlation", "final_state": True, "split": "q:4,k:8",
        "l2norm": "q:2", "streams": "split", "states": True, "precision": "accurate", "length": 7,
        "invariant": True,
    }  # fmt: skip
    return tensors, [options[name] for name in kernel.options]


def copies(tensors):
    return [tensor if tensor is None else tensor.clone() for tensor in tensors]


class Functions(TorchCase):
    def test_types_and_strides(self):
        for dtype, wdtype in (
            (torch.float32, None),
            (torch.bfloat16, None),
            (torch.bfloat16, torch.float32),
            (torch.float16, None),
        ):
            x, weight, bias = self.conv(dtype=dtype, wdtype=wdtype)
            wide = self.normal(2, 40, 30, dtype=dtype)
            for name, view in (
                ("contiguous", x), ("channel last", x.transpose(1, 2).contiguous().transpose(1, 2)),
                ("slice", wide[:, 5:21, 3:27]), ("one batch", x[:1].expand(3, -1, -1)),
            ):  # fmt: skip
                with self.subTest(dtype=dtype, x=name):
                    want, want_state = convolution(view, weight, bias, activation="silu")
                    y, state = halo.causal_conv1d(view, weight, bias, activation="silu", final_state=True)
                    self.assertEqual(
                        (y.dtype, y.device, y.stride()), (dtype, x.device, torch.empty_like(view).stride())
                    )
                    self.assert_close(y, want)
                    self.assertTrue(torch.equal(state, want_state))
                    out = torch.full_like(x[:1].expand(len(y), -1, -1).contiguous(), float("nan"))
                    self.assertIs(halo.causal_conv1d(view, weight, bias, activation="silu", out=out), out)
                    self.assert_close(out, want)

    def test_every_kernel_is_its_op(self):
        for name, kernel in KERNELS.items():
            with self.subTest(kernel=name):
                tensors, options = arguments(self, kernel)
                clones = copies(tensors)
                named = dict(zip([n for n, _, _ in kernel.inputs], clones))
                options_named = dict(zip(kernel.options, options))
                direct = getattr(halo, name)(**named, **options_named)
                direct = direct if isinstance(direct, tuple) else (direct,)
                by_op = getattr(torch.ops.halo, name)(*op_arguments(kernel, tensors, options))
                by_op = [by_op] if isinstance(by_op, torch.Tensor) else by_op
                self.assertEqual(len(direct), len(by_op))
                for one, other in zip([*direct, *clones], [*by_op, *tensors]):
                    self.assertTrue(one is other is None or torch.equal(one, other), name)

    def test_what_came_later_may_be_left_out(self):
        for name, kernel in KERNELS.items():
            if "invariant" in kernel.options:
                with self.subTest(kernel=name):
                    tensors, options = arguments(self, kernel)
                    early, clones = [[some[i] for i in kernel.early] for some in (tensors, copies(tensors))]
                    late = [None] * len(kernel.late)
                    op = getattr(torch.ops.halo, name)
                    torch.testing.assert_close(op(*early, *options[:-1]), op(*clones, *options[:-1], False, *late))

    def test_ops_are_what_they_declare(self):
        for name, kernel in KERNELS.items():
            with self.subTest(kernel=name):
                tensors, options = arguments(self, kernel)
                torch.library.opcheck(
                    getattr(torch.ops.halo, name), tuple(op_arguments(kernel, tensors, options)),
                    test_utils=("test_schema", "test_faketensor"),
                )  # fmt: skip

    def test_gradients_are_refused(self):
        x, weight, bias = self.conv()
        weight = torch.nn.Parameter(weight)
        with self.assertRaisesRegex(
            halo.InvalidError, "operand weight of kernel causal_conv1d requires a gradient.*forward only"
        ):
            halo.causal_conv1d(x, weight, bias)
        want, _ = convolution(x, weight.detach(), bias)
        for mode in (torch.no_grad, torch.inference_mode):
            with mode():
                self.assert_close(halo.causal_conv1d(x, weight, bias), want)
        self.assert_close(halo.causal_conv1d(x, weight.detach(), bias), want)
        # As the first tensor, whose type chooses the way.
        with torch.no_grad():
            self.assert_close(halo.causal_conv1d(torch.nn.Parameter(x), weight, bias), want)

    def test_what_is_wrong_is_said(self):
        x, weight, bias = self.conv()
        negative = torch.complex(x, x).conj().imag
        self.assertTrue(negative.is_neg())
        for sentence, call in (
            ("conv_c2: operand weight has 15 rows", lambda: halo.causal_conv1d(x, weight[:15])),
            ("operand x has dtype torch.float64", lambda: halo.causal_conv1d(x.double(), weight)),
            (
                "operand weight is a memoryview where the first is a torch tensor",
                lambda: halo.causal_conv1d(x, memoryview(b"1234")),
            ),
            ("operand weight is a list", lambda: halo.causal_conv1d(x, [1.0])),
            (
                "operand weight is on meta where the first is on " + x.device.type,
                lambda: halo.causal_conv1d(x, weight.to("meta")),
            ),
            ("tensors are on meta where cuda or cpu", lambda: halo.causal_conv1d(x.to("meta"), weight.to("meta"))),
            ("operand x is no plain strided tensor", lambda: halo.causal_conv1d(negative, weight)),
            ("operand x is no plain strided tensor", lambda: halo.causal_conv1d(x.to_sparse(), weight)),
            ("output 0 of kernel causal_conv1d starts where", lambda: halo.causal_conv1d(x, weight, out=x)),
            ("operand y has L = 9", lambda: halo.causal_conv1d(x, weight, out=torch.empty_like(x)[:, :, :9])),
        ):
            with self.subTest(sentence=sentence), self.assertRaisesRegex(halo.Error, sentence):
                call()
        self.assert_close(halo.causal_conv1d(x, weight), convolution(x, weight)[0])

    def test_dlpack(self):
        x, weight, bias = self.conv()
        y = halo.causal_conv1d(OnlyDLPack(x), OnlyDLPack(weight), bias)
        self.assertIsInstance(y, torch.Tensor)
        self.assert_close(y, convolution(x, weight, bias)[0])
        out = torch.full_like(x, float("nan"))
        given = OnlyDLPack(out)
        self.assertIs(halo.causal_conv1d(OnlyDLPack(x), OnlyDLPack(weight), out=given), given)
        self.assert_close(out, convolution(x, weight)[0])

    def test_operators(self):
        x, weight, _ = self.conv(dtype=torch.bfloat16)
        device = "cuda:0" if torch_case.DEVICE == "cuda" else None
        op = halo.Operator("causal_conv1d", {"K": 4}, dtype="bf16", device=device)
        y = op(x=x, weight=weight)["y"]
        self.assertEqual((y.dtype, y.device, y.shape), (x.dtype, x.device, x.shape))
        self.assert_close(y, convolution(x, weight)[0])
        with self.assertRaisesRegex(halo.InvalidError, "forward only"):
            op(x=x, weight=torch.nn.Parameter(weight))


class Compile(TorchCase):
    def compiled(self, function):
        torch._dynamo.reset()
        # Inductor itself needs a C compiler; what is tested here is the tracing.
        whole = torch_case.DEVICE == "cuda" and (shutil.which("cc") or shutil.which("gcc"))
        return torch.compile(function, fullgraph=True, backend="inductor" if whole else "aot_eager")

    def test_functions(self):
        x, weight, bias = self.conv()

        def block(x, weight, bias):
            y, state = halo.causal_conv1d(x * 2, weight, bias, activation="silu", final_state=True)
            return y + 1, state

        with torch.no_grad():
            for got, want in zip(self.compiled(block)(x, weight, bias), block(x, weight, bias)):
                self.assert_close(got, want)

    def test_dynamic_lengths(self):
        x, weight, _ = self.conv()
        function = self.compiled(lambda x: halo.causal_conv1d(x, weight, activation="silu").relu())
        torch._dynamo.mark_dynamic(x, 2)
        with torch.no_grad():
            for l in (24, 16, 9):
                self.assert_close(function(x[:, :, :l]), convolution(x[:, :, :l], weight, activation="silu")[0].relu())

    def test_states_in_place(self):
        kernel = KERNELS["hcs_step"]
        (z, proj_weight, filt, skip, proj_state, fir_state, _), _ = arguments(self, kernel)

        def step(z, proj_state, fir_state):
            for _ in range(2):
                z = halo.hcs_step(z, proj_weight, filt, skip, proj_state=proj_state, fir_state=fir_state).repeat(1, 3)
            return z

        states = [(proj_state.clone(), fir_state.clone()) for _ in range(2)]
        with torch.no_grad():
            self.assert_close(self.compiled(step)(z, *states[0]), step(z, *states[1]))
        for one, other in zip(*states):
            self.assertTrue(torch.equal(one, other))
            self.assertFalse(torch.equal(one, proj_state) or torch.equal(one, fir_state))

    def test_given_outputs(self):
        x, weight, _ = self.conv()

        def into(x, out):
            halo.causal_conv1d(x, weight, out=out)
            return out + 1

        out = torch.full_like(x, float("nan"))
        with torch.no_grad():
            self.assert_close(self.compiled(into)(x, out), convolution(x, weight)[0] + 1)
        self.assert_close(out, convolution(x, weight)[0])

    def test_gradients_are_refused(self):
        x, weight, _ = self.conv()
        weight.requires_grad_()
        torch._dynamo.reset()
        function = torch.compile(lambda x: halo.causal_conv1d(x, weight), backend="aot_eager")
        with self.assertRaisesRegex(Exception, "forward only"):
            function(x)

    def test_fake_tensors(self):
        from torch._subclasses.fake_tensor import FakeTensorMode

        with FakeTensorMode() as mode:
            x, weight = (mode.from_tensor(tensor) for tensor in self.conv()[:2])
            y, state = halo.causal_conv1d(x, weight, final_state=True)
        self.assertEqual((tuple(y.shape), tuple(state.shape)), ((2, 16, 24), (2, 16, 3)))


class Compat(TorchCase):
    def test_signatures(self):
        for dtype in (torch.float32, torch.bfloat16):
            x, weight, bias = self.conv(dtype=dtype, wdtype=torch.float32)
            state = self.normal(2, 16, 3, dtype=dtype)
            for last in (False, True):
                given = x.transpose(1, 2).contiguous().transpose(1, 2) if last else x
                with self.subTest(dtype=dtype, channel_last=last):
                    y = compat.causal_conv1d_fn(given, weight, bias, None, None, False, None, "swish")
                    self.assertEqual((y.stride(), y._is_view()), (given.stride(), False))
                    self.assert_close(y, convolution(x, weight, bias, activation="silu")[0])
                    want, want_state = convolution(x, weight, bias, state)
                    out = torch.empty(2, 3, 16, dtype=dtype, device=x.device).transpose(1, 2)
                    y, end = compat.causal_conv1d_fn(
                        given, weight, bias=bias, initial_states=state, return_final_states=True, final_states_out=out
                    )
                    self.assertIs(end, out)
                    self.assert_close(y, want)
                    self.assertTrue(torch.equal(end, want_state))

    def test_packed(self):
        """seq_idx, with states: where runs begin and end, each is a call of its own."""
        x, weight, bias = self.conv()
        runs = [(0, 0, 9), (1, 9, 10), (5, 10, 20), (-1, 20, 24)]
        row = torch.cat([torch.full((end - begin,), number) for number, begin, end in runs])
        seq_idx = row.to(torch.int32).repeat(2, 1).to(x.device)
        state = self.normal(2, 16, 3)
        for last in (False, True):
            given = x.transpose(1, 2).contiguous().transpose(1, 2) if last else x
            for before in (None, state):
                y = compat.causal_conv1d_fn(given, weight, bias, seq_idx, before, activation="silu")
                for i, (number, begin, end) in enumerate(runs):
                    own = None if i or before is None else before
                    want = convolution(x[:, :, begin:end], weight, bias, own, activation="silu")[0]
                    self.assert_close(y[:, :, begin:end], want if number >= 0 else torch.zeros_like(want))

    def test_traced(self):
        x, weight, bias = self.conv()
        x = x.transpose(1, 2).contiguous().transpose(1, 2)
        torch._dynamo.reset()
        function = torch.compile(compat.causal_conv1d_fn, fullgraph=True, backend="aot_eager")
        with torch.no_grad():
            y, end = function(x, weight, bias, return_final_states=True, activation="silu")
        want, want_end = convolution(x, weight, bias, activation="silu")
        self.assert_close(y, want)
        self.assertTrue(torch.equal(end, want_end))

    def test_what_is_not_there_is_said(self):
        x, weight, bias = self.conv()
        with self.assertRaisesRegex(NotImplementedError, "'gelu'"):
            compat.causal_conv1d_fn(x, weight, bias, activation="gelu")
        with self.assertRaisesRegex(halo.InvalidError, "seq_idx has shape"):
            compat.causal_conv1d_fn(x, weight, bias, seq_idx=torch.zeros(2, 23, dtype=torch.int32, device=x.device))
        with self.assertRaisesRegex(halo.InvalidError, "update_c1.*conv_state"):
            compat.causal_conv1d_update(x[:, :, 0], self.normal(2, 16, 2), weight, bias)

    def test_update(self):
        for dtype in (torch.float32, torch.bfloat16):
            x, weight, bias = self.conv(dtype=dtype)
            state, rows = self.normal(2, 16, 3, dtype=dtype), torch.tensor([1, 0], dtype=torch.int32, device=x.device)
            want, want_state = convolution(x[:, :, :2], weight, bias, state, activation="silu")
            for flat in (False, True):
                with self.subTest(dtype=dtype, flat=flat):
                    kept, y = state.flip(0).contiguous(), []
                    for token in (x[:, :, 0], x[:, :, 1]) if flat else (x[:, :, :2],):
                        y.append(
                            compat.causal_conv1d_update(token, kept, weight, bias, "swish", conv_state_indices=rows)
                        )
                    self.assert_close(torch.stack(y, 2) if flat else y[0], want)
                    self.assertTrue(torch.equal(kept.flip(0), want_state))
            ring = state.clone()
            y = compat.causal_conv1d_update(
                x[:, :, :2], ring, weight, bias, "silu", torch.full((2,), 6, dtype=torch.int32, device=x.device)
            )
            self.assert_close(y, want)
            self.assertTrue(torch.equal(ring.roll(-2, 2), want_state))

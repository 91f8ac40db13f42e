"""What only a GPU can tell: streams, graphs, several devices, arrays of other libraries."""

import subprocess
import sys
import threading
import unittest

import halo
import torch
from halo import _arrays
from halo._kernels import KERNELS
from torch_case import TorchCase, convolution
from torch_cases import OnlyDLPack, arguments

#: Some tens of milliseconds of a GPU's time: longer than a call.
SLEEP = 50_000_000


class Streams(TorchCase):
    def test_the_current_stream(self):
        """Behind work on it, and beside the default stream."""
        x, weight, bias = self.conv(d=64, l=4096)
        want, _ = convolution(x * 2, weight, bias)
        halo.causal_conv1d(x, weight, bias)  # Loads.
        torch.cuda.synchronize()
        stream, done = torch.cuda.Stream(), torch.cuda.Event()
        with torch.cuda.stream(stream):
            torch.cuda._sleep(SLEEP)
            x.mul_(2)
            y = halo.causal_conv1d(x, weight, bias)
            done.record()
        self.assertFalse(done.query(), "the call waited for its stream")
        default = torch.cuda.Event()
        default.record(torch.cuda.default_stream())
        default.synchronize()
        self.assertFalse(done.query(), "the launch is not on its stream")
        done.synchronize()
        self.assert_close(y, want)

    def test_threads_with_streams(self):
        weight = self.normal(32, 4)
        inputs = [self.normal(2, 32, 100 + 8 * i) for i in range(8)]
        wants = [convolution(x, weight)[0] for x in inputs]
        torch.cuda.synchronize()
        failures = []

        def work(x, want):
            try:
                with torch.cuda.stream(torch.cuda.Stream()):
                    for _ in range(50):
                        y = halo.causal_conv1d(x, weight)
                    torch.cuda.current_stream().synchronize()
                    self.assert_close(y, want)
            except BaseException as error:  # noqa: B902: to the thread that waits.
                failures.append(error)

        threads = [threading.Thread(target=work, args=pair) for pair in zip(inputs, wants)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    @unittest.skipUnless(torch.cuda.device_count() > 1, "one GPU is here, two are needed")
    def test_another_device(self):
        x, weight, bias = (tensor.to("cuda:1") for tensor in self.conv())
        self.assertEqual(torch.cuda.current_device(), 0)
        y = halo.causal_conv1d(x, weight, bias)
        self.assertEqual(y.device, x.device)
        self.assert_close(y, convolution(x, weight, bias)[0])
        with self.assertRaisesRegex(halo.InvalidError, "operand weight is on cuda:0 where the first is on cuda:1"):
            halo.causal_conv1d(x, weight.to("cuda:0"))


class Graphs(TorchCase):
    def test_a_first_call_in_a_capture(self):
        """Opening a GPU would break the capture."""
        code = (
            "import torch, halo\n"
            "x, weight = torch.randn(1, 8, 8, device='cuda'), torch.randn(8, 4, device='cuda')\n"
            "with torch.cuda.graph(torch.cuda.CUDAGraph()):\n"
            "    try:\n"
            "        halo.causal_conv1d(x, weight)\n"
            "    except halo.InvalidError as error:\n"
            "        print(error)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("cuda:0 is not open yet", done.stdout)

    def test_a_graph_replays(self):
        x, weight, bias = self.conv(dtype=torch.bfloat16)
        halo.causal_conv1d(x, weight, bias, activation="silu")  # Loads.
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            y = halo.causal_conv1d(x, weight, bias, activation="silu")
        for _ in range(2):
            x.normal_()
            y.fill_(float("nan"))
            graph.replay()
            self.assert_close(y, convolution(x, weight, bias, activation="silu")[0])

    def test_states_go_on_in_a_graph(self):
        (z, proj_weight, filt, skip, proj_state, fir_state, _), _ = arguments(self, KERNELS["hcs_step"])
        states, eager = [(proj_state.clone(), fir_state.clone()) for _ in range(2)]

        def step(token, pair):
            return halo.hcs_step(token, proj_weight, filt, skip, proj_state=pair[0], fir_state=pair[1])

        step(z, (proj_state, fir_state))
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            y = step(z, states)
        for _ in range(3):
            z.normal_()
            graph.replay()
            self.assertTrue(torch.equal(y, step(z, eager)))
        for one, other in zip(states, eager):
            self.assertTrue(torch.equal(one, other))

    def test_a_capture_compiles_nothing(self):
        x, weight, _ = self.conv(k=11)
        graph, refused = torch.cuda.CUDAGraph(), None
        with torch.cuda.graph(graph):
            try:
                halo.causal_conv1d(x, weight)
            except halo.InvalidError as error:
                refused = str(error)
        self.assertRegex(refused or "", "K=11.*captured.*prepare")
        self.assert_close(halo.causal_conv1d(x, weight), convolution(x, weight)[0])


class Foreign(TorchCase):
    """Arrays on the GPU as another library has them, without torch's help."""

    def call(self, x, weight, out):
        options, tensors = ("bdl", "none", "correlation", False), (OnlyDLPack(x), OnlyDLPack(weight), None, None, None)
        return _arrays.call(KERNELS["causal_conv1d"], options, tensors, out)

    def test_outputs_are_given(self):
        x, weight, _ = self.conv(dtype=torch.bfloat16)
        out = torch.full_like(x, float("nan"))
        (given,) = self.call(x, weight, (OnlyDLPack(out),))
        self.assertIs(given.tensor, out)
        self.assert_close(out, convolution(x, weight)[0])
        with self.assertRaisesRegex(halo.InvalidError, "cuda:0 need their outputs given"):
            self.call(x, weight, None)

    def test_an_operators_stream(self):
        x, weight, _ = self.conv()
        op = halo.Operator("causal_conv1d", {"K": 4}, dtype="f32", device="cuda:0")
        op.prepare()
        out, stream = torch.full_like(x, float("nan")), torch.cuda.Stream()
        torch.cuda.synchronize()
        op({"y": out}, stream=stream.cuda_stream, x=x, weight=weight)
        stream.synchronize()
        self.assert_close(out, convolution(x, weight)[0])

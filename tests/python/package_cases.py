"""The package besides its kernels' results: operators by name, DLPack, threads, plans, freezing, warnings."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import warnings

import halo._engine as engine
from python_case import ArrayCase, halo
from python_case import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
GATED_PAIR = os.path.join(HERE, "..", "example", "gated_pair.mlir")


def convolved(x, weight):
    """[B, L, D] in f64."""
    k = weight.shape[1]
    padded = np.concatenate([np.zeros((len(x), k - 1, x.shape[2])), x], 1).astype(np.float64)
    return sum(padded[:, j : j + x.shape[1]] * weight[:, j] for j in range(k))


class OnlyDLPack:
    """An array of some other library."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, stream=None):
        return self.array.__dlpack__()

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class Operators(ArrayCase):
    def test_a_users_text(self):
        op = halo.Operator(GATED_PAIR, {"K": 4, "G": 7, "layout": "bld"}, dtype="f32")
        self.assertIn("gated_pair.mlir", op.problem)
        x, value, gate = self.normal("f32", 2, 9, 8), self.normal("f32", 8, 4), self.normal("f32", 8, 7)
        y = op(x=x, value=value, gate=gate)["y"]
        g = convolved(x, gate)
        self.assert_close(y, g / (1 + np.exp(-g)) * convolved(x, value) + x, "f32")
        out = np.empty_like(x)
        self.assertIs(op({"y": out}, x=x, value=value, gate=gate)["y"], out)
        self.assert_close(out, y, "f32")

    def test_operands(self):
        op = halo.Operator(
            "hcs", {"K": 7, "group": 2, "layout": "bdl", "states": True}, dtype="bf16", wdtype="f32", with_=("skip",)
        )
        self.assertEqual(
            [(o.name, o.kind, o.dtype, o.output) for o in op.operands],
            [("z", "view", "bf16", False), ("proj_weight", "taps", "f32", False), ("filter", "taps", "f32", False),
             ("skip", "channel", "f32", False), ("y", "view", "bf16", True), ("proj_state", "state", "bf16", True),
             ("fir_state", "state", "bf16", True)],
        )  # fmt: skip
        self.assertEqual((op.operands[0].streams, op.operands[2].taps, op.operands[2].group), (3, 7, 2))
        self.assertEqual([op.sizes(i, 2, 8, 5) for i in (0, 2, 6)], [(2, 24, 5), (4, 7), (2, 8, 6)])
        self.assertIn("Kp=3", op.problem)

    def test_schedules_and_freezing(self):
        with self.refused("num_warps", "0"):
            halo.Operator("causal_conv1d", {"K": 4}, dtype="f32", schedule="num_warps=0").prepare()
        op = halo.Operator("causal_conv1d", {"K": 4, "layout": "bld"}, dtype="f32", schedule="num_warps=2")
        op.freeze()
        with self.refused("operator is frozen"):
            op.prepare()

    def test_what_is_wrong_is_said(self):
        op = halo.Operator("causal_conv1d", {"K": 4, "layout": "bld"}, dtype="f32")
        x, weight = self.normal("f32", 1, 9, 8), self.normal("f32", 8, 4)
        for parts, call in (
            (("operand wight", "x, weight, y"), lambda: op(x=x, wight=weight)),
            (("operand weight", "missing"), lambda: op(x=x)),
            (("operand x", "rank 2"), lambda: op(x=x[0], weight=weight)),
            (("no input view", "outputs"), lambda: op(weight=weight)),
            (("'K K'",), lambda: halo.Operator("causal_conv1d", {"K K": 4})),
            (("f64",), lambda: halo.Operator("causal_conv1d", {"K": 4}, dtype="f64")),
        ):
            with self.subTest(parts=parts), self.refused(*parts):
                call()


class Readmes(ArrayCase):
    def test_examples_run(self):
        root = os.path.join(HERE, "..", "..")
        for path in ("README.md", "runtime/python/README.md"):
            with open(os.path.join(root, path), encoding="utf-8") as file:
                blocks = re.findall(r"^```python\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
            self.assertEqual(len(blocks), 1, path)
            code = blocks[0].replace('"cuda:0"', '"sim"').replace('"gated_pair.mlir"', repr(GATED_PAIR))
            names = {
                "x": (1, 8, 9), "weight": (8, 4), "bias": (8,), "z": (1, 9, 24), "proj_weight": (24, 3),
                "filter": (8, 7), "token": (1, 24), "value": (8, 4), "gate": (8, 7), "conv_state": (1, 8, 3),
            }  # fmt: skip
            names = {name: self.normal("f32", *sizes) for name, sizes in names.items()}
            with self.subTest(path):
                exec(compile(code, path, "exec"), names)
                self.assertTrue(np.isfinite(names["y"]).all())


class Package(ArrayCase):
    def conv(self):
        return self.normal("f32", 1, 9, 8), self.normal("f32", 8, 4)

    def test_dlpack(self):
        x, weight = self.conv()
        want = convolved(x, weight)
        out = np.full_like(x, np.nan)
        given = halo.causal_conv1d(OnlyDLPack(x), OnlyDLPack(weight), layout="bld", out=OnlyDLPack(out))
        self.assertIsInstance(given, OnlyDLPack)
        self.assert_close(out, want, "f32")
        allocated = halo.causal_conv1d(OnlyDLPack(x[:, ::2]), OnlyDLPack(weight), layout="bld")
        self.assert_close(allocated, convolved(x[:, ::2], weight), "f32")
        with self.refused("type code"):
            halo.causal_conv1d(OnlyDLPack(x.astype("float64")), OnlyDLPack(weight))

    def test_threads(self):
        weight = self.normal("f32", 8, 4)
        arrays = [self.normal("f32", 1, 5 + i, 8) for i in range(6)]
        failures = []

        def work(x):
            try:
                for _ in range(8):
                    np.testing.assert_allclose(
                        halo.causal_conv1d(x, weight, layout="bld"), convolved(x, weight), rtol=1e-3, atol=1e-3
                    )
                    with self.refused("weight", "7 rows"):
                        halo.causal_conv1d(x, weight[:7], layout="bld")
            except BaseException as error:  # noqa: B902: to the thread that waits.
                failures.append(error)

        threads = [threading.Thread(target=work, args=(x,)) for x in arrays]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_plans_are_bounded(self):
        before, engine.PLAN_LIMIT = engine.PLAN_LIMIT, 3
        self.addCleanup(setattr, engine, "PLAN_LIMIT", before)
        _, weight = self.conv()
        for l in range(1, 9):
            x = self.normal("f32", 1, l, 8)
            self.assert_close(halo.causal_conv1d(x, weight, layout="bld"), convolved(x, weight), "f32")
            self.assertLessEqual(len(engine.plans), 3)

    def test_a_frozen_process(self):
        x, weight = self.conv()
        halo.causal_conv1d(x, weight, layout="bld")
        halo.freeze()
        self.addCleanup(halo.freeze, False)
        halo.causal_conv1d(x, weight, layout="bld")
        with self.refused("process is frozen", "causal_conv1d", "K=3"):
            halo.causal_conv1d(x, weight[:, :3], layout="bld")

    def test_after_prepare_nothing_is_compiled(self):
        # Of 8 channels in f32 aligned, of 9 not.
        x, weight = self.normal("f32", 1, 9, 8), self.normal("f32", 9, 5)
        halo.causal_conv1d(x, weight[:8], layout="bld", activation="sigmoid")
        halo.prepare()
        halo.freeze()
        self.addCleanup(halo.freeze, False)
        halo.causal_conv1d(self.normal("f32", 1, 9, 9), weight, layout="bld", activation="sigmoid")

    def test_the_null_device_checks_only(self):
        x, weight = self.conv()
        halo.set_host_device("null")
        self.addCleanup(halo.set_host_device, "sim")
        out = np.full_like(x, 7)
        halo.causal_conv1d(x, weight, layout="bld", out=out)
        self.assertTrue((out == 7).all())
        with self.refused("conv_c2"):
            halo.causal_conv1d(x, weight[:7], layout="bld")
        with self.refused("'gpu'", "'sim' or 'null'"):
            halo.set_host_device("gpu")

    def test_the_simulator_says_so_once(self):
        engine._warned = False
        x, weight = self.conv()
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            for l in (3, 4):
                halo.causal_conv1d(x[:, :l], weight, layout="bld")
        self.assertEqual([w.category for w in heard], [halo.SimulatorWarning])

    def test_the_runtimes_warnings(self):
        """A cache that cannot be is a Python warning, and the process ends as it should."""
        code = "import halo, numpy as np\n" "halo.causal_conv1d(np.ones((1, 2, 8), 'f'), np.ones((2, 3), 'f'))"
        env = dict(os.environ, HALO_CACHE_DIR="/proc/halo", PYTHONWARNINGS="always")
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count("RuntimeWarning: halo: "), 1, done.stderr)
        self.assertIn("/proc/halo", done.stderr)

    def test_a_pack_serves(self):
        """Its kernels are not compiled again, as the cache's counters say."""
        command = os.environ.get("HALO")
        if not hasattr(halo._library.lib, "halo_pack_open") or not command:
            with self.refused("packs" if command else "pack", kind=halo.Error):
                halo.open_pack("/nowhere/a.halopack")
            self.skipTest("this library opens no packs" if command else "HALO names no command to build one with")
        with self.refused("/nowhere/a.halopack", kind=halo.Error):
            halo.open_pack("/nowhere/a.halopack")
        with tempfile.TemporaryDirectory() as folder:
            spec, pack = os.path.join(folder, "spec.json"), os.path.join(folder, "a.halopack")
            problem = {"kernel": "causal_conv1d", "dtype": "f32", "set": {"K": 3, "layout": "bdl"}}
            with open(spec, "w") as file:
                json.dump({"name": "small", "architectures": ["sim"], "problems": [problem]}, file)
            env = dict(os.environ, HALO_CACHE_DIR=os.path.join(folder, "building"))
            subprocess.run([command, "pack", "build", spec, "-o", pack], env=env, check=True, capture_output=True)
            code = (
                "import halo, numpy as np\n"
                "halo.open_pack(%r)\n"
                "print(halo.causal_conv1d(np.ones((1, 2, 8), 'f'), np.ones((2, 3), 'f')).sum())" % pack
            )
            env = dict(os.environ, HALO_CACHE_DIR=os.path.join(folder, "used"))
            done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120)
            self.assertEqual((done.returncode, done.stdout), (0, "42.0\n"), done.stderr)
            stat = subprocess.run([command, "cache", "stat", "--json"], env=env, check=True, capture_output=True)
            self.assertEqual(json.loads(stat.stdout)["compiles"], 0)

    def test_a_missing_library(self):
        env = dict(os.environ, HALO_RUNTIME_LIBRARY="/nowhere/libhalo_runtime.so.1")
        done = subprocess.run(
            [sys.executable, "-c", "import halo"], env=env, capture_output=True, text=True, timeout=60
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("ImportError: halo: the runtime library cannot be loaded (/nowhere", done.stderr)

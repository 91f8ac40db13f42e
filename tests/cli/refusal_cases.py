"""What `halo run` must refuse, and how: wrong tensors, wrong words, broken files."""

import json
import os
import struct
import unittest

import safetensors_io as st
from cli_case import SIM, CliCase


class RunRefusals(CliCase):
    def setUp(self):
        super().setUp()
        self.good = {
            "x": ("f32", [1, 12, 8], [0.5] * 96),
            "weight": ("f32", [12, 4], [0.25] * 48),
        }

    def run_refused(self, naming, words=(), status=2, remove=(), kernel="causal_conv1d", **changed):
        tensors = {name: t for name, t in {**self.good, **changed}.items() if name not in remove}
        given = self.write(**tensors)
        return self.refused(
            "run", kernel, "--in", given, "--out", self.path("out.safetensors"), *(words or SIM), status=status, naming=naming
        )

    def test_rank(self):
        self.run_refused(["x", "2", "3"], x=("f32", [12, 8], [0.0] * 96))
        self.run_refused(["weight", "3", "2"], weight=("f32", [12, 1, 4], [0.0] * 48))
        self.run_refused(["bias", "2", "1"], bias=("f32", [12, 1], [0.0] * 12))
        self.run_refused(["initial_state", "2", "3"], initial_state=("f32", [12, 3], [0.0] * 36))

    def test_shapes(self):
        self.run_refused(["bias", "11", "12"], bias=("f32", [11], [0.0] * 11))
        self.run_refused(["initial_state", "3", "4"], initial_state=("f32", [1, 12, 2], [0.0] * 24))
        self.run_refused(["initial_state", "2", "1"], initial_state=("f32", [2, 12, 3], [0.0] * 72))
        self.run_refused(["initial_state", "11", "12"], initial_state=("f32", [1, 11, 3], [0.0] * 33))
        self.run_refused(["residual", "7", "8"], residual=("f32", [1, 12, 7], [0.0] * 84))

    def test_groups(self):
        self.run_refused(["conv_c1", "12", "5"], weight=("f32", [5, 4], [0.0] * 20))
        self.run_refused(["conv_c1", "12", "24"], weight=("f32", [24, 4], [0.0] * 96))
        self.run_refused(["weight", "0"], weight=("f32", [0, 4], []))

    def test_zero_sizes(self):
        self.run_refused(["conv_c3", "weight", "0"], weight=("f32", [12, 0], []))
        self.run_refused(["x", "0"], x=("f32", [1, 0, 8], []))

    def test_dtypes(self):
        self.run_refused(["x", "i32"], x=("i32", [1, 12, 8], [0] * 96))
        self.run_refused(["residual", "f16", "f32"], residual=("f16", [1, 12, 8], [0.0] * 96))
        self.run_refused(["bias", "bf16", "f32"], bias=("bf16", [12], [0.0] * 12))
        self.run_refused(["initial_state", "f16"], initial_state=("f16", [1, 12, 3], [0.0] * 36))

    def test_operands(self):
        self.run_refused(["foo", "weight"], foo=("f32", [1], [0.0]))
        self.run_refused(["weight"], remove=["weight"])
        self.run_refused(["'x'"], remove=["x"])
        self.run_refused(["'y'"], y=("f32", [1, 12, 8], [0.0] * 96))

    def test_settings(self):
        for setting, naming in (
            ("activation=gelu", ["activation", "gelu", "silu"]),
            ("activaton=silu", ["activaton", "'activation'"]),
            ("K=5", ["K", "5", "4", "weight"]),
            ("K=four", ["K", "four"]),
            ("K=-4", ["K", "-4"]),
            ("group=2", ["group", "2", "1"]),
            ("T=f16", ["f16", "f32", "x"]),
            ("layout=dbl", ["dbl", "'bdl'"]),
            ("layout", ["layout", "NAME=VALUE"]),
            ("=3", ["NAME=VALUE"]),
            ("final_state=maybe", ["final_state", "maybe"]),
            ("align=7", ["align", "7"]),
        ):
            with self.subTest(setting):
                self.run_refused(naming, [*SIM, "--set", setting])
        self.run_refused(["layout", "bdl", "bld"], [*SIM, "--set", "layout=bdl", "--set", "layout=bld"])

    def test_schedules(self):
        for schedule, naming in (
            ("block_n=0x10", ["block_n"]),
            ("blockn=16", ["blockn"]),
            ("num_warps=1000", ["num_warps", "1000", "32"]),
            ("num_warps=0", ["num_warps", "0"]),
            ("num_warps", ["num_warps"]),
            ("vector=3", ["vector", "3"]),
            ("block_l=-4", ["block_l", "-4"]),
        ):
            with self.subTest(schedule):
                self.run_refused(naming, [*SIM, "--schedule", schedule])

    def test_kernels_and_options(self):
        self.run_refused(["causal_conv1", "'causal_conv1d'"], kernel="causal_conv1")
        self.run_refused(["none.mlir"], kernel=self.path("none.mlir"))
        self.run_refused(["--devise", "'--device'"], ["--devise", "sim"])
        self.run_refused(["--schedule"], [*SIM, "--schedule"])
        self.run_refused(["extra"], [*SIM, "extra"])
        self.run_refused(["--check"], ["--device", "null", "--check"])
        self.run_refused(["tpu"], ["--device", "tpu"])
        self.refused("run", "causal_conv1d", naming=["--in"])
        self.refused("run", naming=["KERNEL"])

    def test_a_kernel_text_that_does_not_parse(self):
        with open(self.path("bad.mlir"), "w") as file:
            file.write("halo.kernel @bad\nthis is no kernel\n")
        self.run_refused([], kernel=self.path("bad.mlir"))

    def test_no_gpu(self):
        # Devices hidden from the driver are devices that are not there.
        given = self.write(**self.good)
        self.refused(
            "run", "causal_conv1d", "--in", given, "--out", self.path("o"), "--device", "cuda", status=1, CUDA_VISIBLE_DEVICES=""
        )

    def test_no_compiler(self):
        given = self.write(**self.good)
        self.refused(
            "run", "causal_conv1d", "--in", given, "--out", self.path("o"), *SIM, status=1, naming=["none.so"],
            HALO_COMPILER_LIBRARY=self.path("none.so"),
        )  # fmt: skip

    def test_paths(self):
        given = self.write(**self.good)
        out = self.path("out.safetensors")
        run = ("run", "causal_conv1d", *SIM)
        self.refused(*run, "--in", self.path("none"), "--out", out, naming=["none"])
        self.refused(*run, "--in", self.folder, "--out", out, naming=["folder"])
        self.refused(*run, "--in", given, "--out", self.path("no/such/out"), naming=["no/such"])
        self.refused(*run, "--in", given, "--out", self.folder, naming=["folder"])
        self.refused(*run, "--in", given, "--out", "/dev/null", naming=["/dev/null"])

    @unittest.skipIf(os.geteuid() == 0, "root may read and write everything")
    def test_permissions(self):
        given = self.write(**self.good)
        os.chmod(given, 0)
        self.refused("run", "causal_conv1d", *SIM, "--in", given, "--out", self.path("o"), naming=["in.safetensors"])
        os.chmod(given, 0o600)
        os.chmod(self.folder, 0o500)
        self.refused("run", "causal_conv1d", *SIM, "--in", given, "--out", self.path("o"), naming=["/o"])
        os.chmod(self.folder, 0o700)

    def test_an_old_output_survives_a_refusal(self):
        out = self.path("out.safetensors")
        with open(out, "w") as file:
            file.write("old")
        self.run_refused(["weight"], remove=["weight"])
        with open(out) as file:
            self.assertEqual(file.read(), "old")


class BrokenFiles(CliCase):
    def file_refused(self, content, naming=()):
        with open(self.path("in.safetensors"), "wb") as file:
            file.write(content)
        self.refused(
            "run", "causal_conv1d", "--in", self.path("in.safetensors"), "--out", self.path("out"), *SIM,
            naming=["in.safetensors", *naming],
        )  # fmt: skip

    def header_refused(self, naming=(), data=b"\0" * 16, **changes):
        entry = {"dtype": "F32", "shape": [1, 1, 4], "data_offsets": [0, 16], **changes}
        text = json.dumps({"x": entry}).encode()
        self.file_refused(struct.pack("<Q", len(text)) + text + data, naming)

    def test_truncated(self):
        good = {"x": ("f32", [1, 1, 4], [1, 2, 3, 4]), "weight": ("f32", [1, 1], [1])}
        with open(self.write(**good), "rb") as file:
            content = file.read()
        for size in (0, 1, 7, 8, 9, len(content) // 2, len(content) - 1):
            with self.subTest(size=size):
                self.file_refused(content[:size])
        self.file_refused(content + b"\0")

    def test_header_length(self):
        for length in (0, 1 << 20, 1 << 63, (1 << 64) - 1):
            with self.subTest(length=length):
                self.file_refused(struct.pack("<Q", length) + b"{}")

    def test_header_text(self):
        for text in (b"", b"[]", b"null", b"{", b'{"x": 1}', b"\xff\xfe", b"[" * 5000):
            with self.subTest(text[:8]):
                self.file_refused(struct.pack("<Q", len(text)) + text)

    def test_lies(self):
        self.header_refused(["x"], shape=[1, 1, 5])
        self.header_refused(["x"], shape=[1, 1, -4])
        self.header_refused(["x"], shape=[1 << 40, 1 << 40, 1 << 40])
        self.header_refused(["x"], shape="4")
        self.header_refused(["x"], shape=[1, 1, 4.5])
        self.header_refused(["x", "F64"], dtype="F64")
        self.header_refused(["x"], dtype=7)
        self.header_refused(["x"], data_offsets=[0, 1 << 50])
        self.header_refused(["x"], data_offsets=[16, 0])
        self.header_refused(["x"], data_offsets=[8, 24])
        self.header_refused(["x"], data_offsets=[0])

    def test_overlap(self):
        entry = {"dtype": "F32", "shape": [1, 1, 4], "data_offsets": [0, 16]}
        text = json.dumps({"x": entry, "weight": {**entry, "shape": [4, 1]}}).encode()
        self.file_refused(struct.pack("<Q", len(text)) + text + b"\0" * 16)

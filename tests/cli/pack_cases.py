"""Kernel packs as the command builds, reads and serves them."""

import hashlib
import io
import json
import os
import random
import signal
import subprocess
import tempfile
import time
import zipfile

from cli_case import HALO, SIM, CliCase

PACKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "kernels", "packs")
CONV = {"kernel": "causal_conv1d", "dtype": "f32", "set": {"K": 4, "layout": "bld"}}
NONE = {"HALO_COMPILER_LIBRARY": "/nonexistent/libhalo_compiler.so"}
TEXT = """halo.kernel @twice params(T : type) ins(@x : view<T, bld>) outs(@y : view<T, bld>) {
  %x = halo.load @x
  %y = arith.addf %x, %x : f32
  halo.store %y, @y
}
"""


class Packs(CliCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = os.path.join(folder.name, "cache")

    def halo(self, *words, **environment):
        return super().halo(*words, **{"HALO_CACHE_DIR": self.cache, **environment})

    def refuses(self, *words, **environment):
        return self.refused(*words, **environment).stderr

    def spec(self, *problems, **fields):
        path = self.path("spec.json")
        with open(path, "w") as file:
            json.dump({"name": "small", "architectures": ["sim"], "problems": list(problems), **fields}, file)
        return path

    def build(self, *problems, name="a.halopack", **fields):
        path = self.path(name)
        return path, self.succeeds_json("pack", "build", self.spec(*problems, **fields), "-o", path)

    def read(self, path):
        with open(path, "rb") as file:
            return file.read()

    def inputs(self):
        return self.write(x=("f32", [1, 2, 8], [1.0] * 16), weight=("f32", [8, 4], [1.0] * 32))

    def test_build_is_deterministic_and_a_plain_zip(self):
        problems = [CONV, {**CONV, "with": "bias"}, {"kernel": "hcs_step", "set": {"K": 7, "group": [1, 2]}, "align": 16}]
        path, said = self.build(*problems, architectures=["sm_90", "sim"])
        first = self.read(path)
        self.assertEqual((said["compiled"], said["kept"]), (18, 0))
        self.assertEqual(said["bytes"], len(first))
        self.assertEqual(sum(part["bytes"] for part in said["sizes"].values()), len(first))
        again = self.path("b.halopack")
        words = ("pack", "build", self.path("spec.json"), "-o", again, "--jobs", "1")
        self.assertEqual(self.succeeds_json(*words, HALO_CACHE_DIR=self.cache + "2")["compiled"], 18)
        self.assertEqual(self.read(again), first)

        with zipfile.ZipFile(io.BytesIO(first)) as archive:
            self.assertIsNone(archive.testzip())
            entries = archive.infolist()
            self.assertEqual(entries[0].filename, "halopack-1.json")
            manifest = json.loads(archive.read(entries[0]))
            for entry, blob in zip(entries[1:], manifest["blobs"]):
                content = archive.read(entry)
                self.assertEqual((entry.filename, len(content)), (blob["name"], blob["bytes"]))
                self.assertEqual(hashlib.sha256(content).hexdigest(), blob["sha256"])
                self.assertEqual(entry.compress_type, zipfile.ZIP_STORED)
                if blob["page"]:
                    self.assertEqual(first.index(content) % 4096, 0)
            self.assertIn(b"\x7fELF", archive.read("codes/0000-causal_conv1d/sm_90.cubin")[:4])
            self.assertIn(b".target sm_80", archive.read("codes/0000-causal_conv1d/sm_80.ptx"))
        self.assertEqual(manifest["toolchain"]["compiler"] != "", True)
        listed = self.succeeds("pack", "list", path).stdout
        self.assertIn(b"sm_90, sim, ptx sm_80", listed)
        run = self.succeeds_json("pack", "run", path, *SIM)
        self.assertEqual((run["passed"], run["failed"], run["absent"]), (6, 0, 0))

    def test_verify_refuses_damage(self):
        path, _ = self.build(CONV)
        content = self.read(path)
        self.assertIn(hashlib.sha256(content[:-64]).hexdigest().encode(), self.succeeds("pack", "verify", path).stdout)
        places = random.Random(5).sample(range(len(content)), 12)
        for place in places + [0, len(content) - 1]:
            with self.subTest(place), open(path, "wb") as file:
                file.write(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1:])
                file.flush()
                self.refuses("pack", "verify", path)
        with open(path, "wb") as file:
            file.write(content[:-700])
        for action in ("verify", "list", "run"):
            self.assertIn("damaged", self.refuses("pack", action, path))
        self.assertIn("no Halo pack", self.refuses("pack", "verify", self.inputs()))
        self.assertIn("version 7", self.refuses("pack", "verify", self.changed(content, b"halopack-1", b"halopack-7")))

    def changed(self, content, old, new):
        path = self.path("changed.halopack")
        with open(path, "wb") as file:
            file.write(content.replace(old, new, 1))
        return path

    def test_run_is_served_from_a_pack(self):
        path, _ = self.build(CONV)
        before = self.succeeds_json("cache", "stat")
        run = ("run", "causal_conv1d", "--in", self.inputs(), "--out", self.path("out"), "--set", "layout=bld")
        self.assertEqual(list(self.succeeds_json(*run, *SIM, "--pack", path)["times"]), ["pack", "load"])
        said = self.succeeds_json(*run, *SIM, HALO_PACKS=self.folder, HALO_PACK_SELF_TEST="on")
        self.assertEqual(list(said["times"]), ["pack", "load", "self-test"])
        after = self.succeeds_json("cache", "stat")
        self.assertEqual((after["pack_hits"], before["pack_hits"]), (2, 0))
        self.assertEqual(after["compiles"], before["compiles"])
        # The null device needs no compiler; what the pack lacks does.
        self.succeeds_json(*run, "--device", "null", "--pack", path, **NONE)
        status = self.halo(*run, "--device", "null", "--pack", path, "--set", "activation=silu", **NONE)
        self.assertEqual(status.returncode, 1)
        self.assertIn("none of 1 packs has it", status.stderr)
        # A pack of the environment that is none is a warning.
        broken = self.changed(self.read(path), b"halopack manifest", b"halopack munifest")
        said = self.succeeds(*run, *SIM, HALO_PACKS=broken + ":" + path)
        self.assertIn("damaged", said.stderr)
        self.assertIn("damaged", self.refuses(*run, *SIM, "--pack", broken))

    def test_a_users_kernel(self):
        text = self.path("twice.mlir")
        with open(text, "w") as file:
            file.write(TEXT)
        path, said = self.build({"kernel": "twice.mlir", "dtype": "f32"})
        self.assertEqual(said["kernels"], ["twice"])
        self.assertEqual([problem["test"] for problem in said["problems"]], [False, False])
        inputs = self.write(x=("f32", [1, 2, 8], [3.0] * 16))
        for name in (text, "twice"):
            out = self.path("out")
            said = self.succeeds_json("run", name, "--in", inputs, "--out", out, "--device", "null", "--pack", path, **NONE)
            self.assertIn("pack", said["times"])
        with open(text, "a") as file:
            file.write("// Another text: the compiler's again.\n")
        said = self.succeeds_json("run", text, "--in", inputs, "--out", out, *SIM, "--pack", path)
        self.assertNotIn("pack", said["times"])
        with open(text, "w") as file:
            file.write(TEXT.replace("twice", "hcs"))
        self.assertIn("built-in kernel hcs", self.refuses("pack", "build", self.spec({"kernel": "twice.mlir"}), "-o", path))

    def test_a_killed_build_goes_on(self):
        words = ("pack", "build", self.spec({**CONV, "set": {"K": list(range(2, 14)), "layout": "bld"}}), "-o",
                 self.path("k.halopack"), "--jobs", "1", "--json")
        total, kernels = 48, lambda: sum(".kernel-" in name for _, _, names in os.walk(self.cache) for name in names)
        environment = {**os.environ, "HALO_CACHE_DIR": self.cache}
        build = subprocess.Popen([HALO, *words], env=environment, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while kernels() < 5 and build.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        build.send_signal(signal.SIGKILL)
        self.assertEqual(build.wait(), -signal.SIGKILL)
        self.assertFalse(os.path.exists(self.path("k.halopack")))
        kept = kernels()
        self.assertTrue(5 <= kept < total, kept)
        said = self.succeeds_json(*words[:-1])
        self.assertEqual((said["compiled"], said["kept"]), (total - kept, kept))
        self.succeeds("pack", "verify", self.path("k.halopack"))

    def test_tuned_schedules(self):
        gpu, text = "NVIDIA H200, 132 SMs", "block_n=256,num_warps=2"
        plain = self.succeeds_json("compile", "causal_conv1d", "--set", "K=4", "--set", "layout=bld", "--dtype", "f32",
                                   "--emit", "gpu", "--arch", "sm_90")["info"]
        other = self.succeeds_json("compile", "causal_conv1d", "--set", "K=4", "--set", "layout=bld", "--dtype", "f32",
                                   "--emit", "gpu", "--arch", "sm_90", "--schedule", text)["info"]["schedule"]
        record = {"gpu": gpu, "driver": "d", "toolkit": "t", "problem": plain["problem"], "b": 1, "d": 64, "l": 64,
                  "schedule": other, "block_l": 8, "ms": 1.0, "low": 0.9, "high": 1.1, "default": plain["schedule"],
                  "default_ms": 2.0, "date": "2026-01-01T00:00:00Z", "pinned": False}
        with open(self.path("my.tuned"), "w") as file:
            file.write(json.dumps(record) + "\n")
        _, said = self.build({**CONV, "schedule": "tuned", "align": 16}, architectures=["sm_90"], ptx="",
                             records="my.tuned", tuned={"sm_90": gpu})
        codes = said["problems"][0]["codes"]
        self.assertEqual([(code["gpu"], code["schedule"]) for code in codes], [("", plain["schedule"]), (gpu, other)])

    def test_specs_are_checked(self):
        for needle, problems, fields in (
            ("no list of problems", [], {}),
            ("'kernal'", [{"kernal": "hcs"}], {}),
            ("problem 1: unknown kernel 'hcz'", [{"kernel": "hcz"}], {}),
            ("problem 2: K of causal_conv1d has no default", [CONV, {"kernel": "causal_conv1d"}], {}),
            ("is in", [CONV, CONV], {}),
            ("sm_900", [CONV], {"architectures": ["sm_900"]}),
            ("architectures", [CONV], {"architectures": []}),
            ("channels are -4", [{**CONV, "channels": -4}], {}),
            ("set is no JSON object", [{**CONV, "set": 5}], {}),
            ("'colour'", [CONV], {"colour": 1}),
            ("for sm_86: schedule: block_n 8192", [{**CONV, "schedule": "block_n=8192,num_warps=32,stages=8", "align": 16}], {"architectures": ["sm_86"]}),
        ):
            with self.subTest(needle):
                out = self.path("no.halopack")
                self.assertIn(needle, self.refuses("pack", "build", self.spec(*problems, **fields), "-o", out))
                self.assertFalse(os.path.exists(out))
        with open(self.path("bad.json"), "w") as file:
            file.write("{")
        self.assertIn("no JSON object", self.refuses("pack", "build", self.path("bad.json"), "-o", out))
        self.assertIn("-o", self.refuses("pack", "build", self.spec(CONV)))
        self.assertIn("takes no --jobs", self.refuses("pack", "list", "x", "--jobs", "1"))
        self.assertIn("did you mean", self.refuses("pack", "verfy", "x"))

    def test_shipped_specs(self):
        for name, least in (("evo2", 140), ("mamba", 120)):
            said = self.succeeds_json("pack", "list", os.path.join(PACKS, name + ".json"))
            self.assertEqual(said["name"], name)
            self.assertGreaterEqual(len(said["problems"]), least)
            self.assertTrue(all(problem["compiles"] >= 6 for problem in said["problems"]))

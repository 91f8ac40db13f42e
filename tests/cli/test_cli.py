"""The command as its users meet it, on the simulator: HALO=build/bin/halo python3 tests/cli/test_cli.py"""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from cache_cases import Cache  # noqa: E402, F401
from cli_case import SIM, CliCase, setUpModule  # noqa: E402, F401
from refusal_cases import BrokenFiles, RunRefusals  # noqa: E402, F401
from run_cases import Run, Split  # noqa: E402, F401
from tune_cases import Tune, TuneFaults, TuneRecords, TuneSuite  # noqa: E402, F401


class Compile(CliCase):
    BASE = ("compile", "causal_conv1d", "--set", "K=4")

    def test_texts(self):
        for emit, needle in (("halo", b"halo."), ("gpu", b"gpu."), ("llvm", b"define"), ("ptx", b".version")):
            with self.subTest(emit):
                self.assertIn(needle, self.succeeds(*self.BASE, "--emit", emit).stdout)

    def test_one_entry_and_the_target(self):
        ptx = self.succeeds(*self.BASE, "--arch", "sm_90", "--emit", "ptx").stdout
        self.assertEqual(ptx.count(b".entry"), 1)
        self.assertIn(b".target sm_90", ptx)

    def test_output_file(self):
        text = self.succeeds(*self.BASE, "--arch", "sm_90").stdout
        self.assertEqual(self.succeeds(*self.BASE, "--arch", "sm_90", "-o", self.path("a.ptx")).stdout, b"")
        with open(self.path("a.ptx"), "rb") as file:
            self.assertEqual(file.read(), text)
        self.assertEqual(os.listdir(self.folder), ["a.ptx"])

    def test_options_change_the_code(self):
        plain = self.succeeds(*self.BASE).stdout
        for words in (
            ("--set", "layout=bld"),
            ("--set", "align=1"),
            ("--set", "activation=silu"),
            ("--set", "group=4"),
            ("--set", "final_state=true"),
            ("--with", "bias,initial_state"),
            ("--dtype", "f16"),
            ("--wdtype", "f32"),
        ):
            with self.subTest(words):
                self.assertNotEqual(self.succeeds(*self.BASE, *words).stdout, plain)

    def test_weights_follow_the_activations(self):
        one = self.succeeds(*self.BASE, "--dtype", "f16").stdout
        self.assertEqual(one, self.succeeds(*self.BASE, "--dtype", "f16", "--wdtype", "f16").stdout)

    def test_times(self):
        done = self.succeeds(*self.BASE, "--time", "--repeat", "2")
        self.assertIn("total", done.stderr)
        report = self.succeeds_json(*self.BASE, "--repeat", "2")
        self.assertGreater(report["times"]["total"], 0)
        self.assertIn(".version", report["text"])
        self.assertEqual(report["info"]["kernel"], "causal_conv1d")

    def test_refusals(self):
        base = self.BASE
        self.refused("compile", "causal_conv1d", naming=["K"])
        self.refused("compile", naming=["KERNEL"])
        self.refused(*base, "--emit", "ptxx", naming=["ptxx", "'ptx'"])
        self.refused(*base, "--arch", "sm_1", naming=["sm_1"])
        self.refused(*base, "--arch", "hopper", naming=["hopper"])
        self.refused(*base, "--dtype", "fp16", naming=["fp16", "'f16'"])
        self.refused(*base, "--wdtype", "i32", naming=["i32"])
        self.refused(*base, "--with", "biass", naming=["biass", "'bias'"])
        self.refused(*base, "--with", "y", naming=["'y'"])
        self.refused(*base, "--set", "K=0", naming=["K"])
        self.refused(*base, "--set", "K=5", naming=["K", "4", "5"])
        self.refused(*base, "--repeat", "0", naming=["--repeat", "0"])
        self.refused(*base, "--repeat", "many", naming=["many"])
        self.refused(*base, "--schedule", "num_warps=64", naming=["num_warps", "64"])
        self.refused(*base, "-o", self.path("no/a.ptx"), naming=["no"])
        self.refused(*base, "-o", self.path("a"), "--emit", "nothing", naming=["nothing"])
        self.refused("compile", "causal_conv1d", "--set", "K=0", naming=["K"])

    def test_sass_without_a_disassembler(self):
        self.refused(*self.BASE, "--emit", "sass", status=1, HALO_NVDISASM=self.path("none"))


class ListDoctorBench(CliCase):
    def test_list(self):
        text = self.succeeds("list").stdout.decode()
        for word in ("causal_conv1d", "causal_conv1d_split", "weight", "bias?", "activation=none|silu|sigmoid"):
            self.assertIn(word, text)
        kernels = {kernel["name"]: kernel for kernel in self.succeeds_json("list")}
        operands = {operand["name"]: operand for operand in kernels["causal_conv1d"]["operands"]}
        self.assertTrue(operands["bias"]["optional"])
        self.assertFalse(operands["x"]["optional"])
        self.assertTrue(operands["y"]["output"])
        self.assertIn(b"halo.kernel @causal_conv1d", self.succeeds("list", "--source", "causal_conv1d").stdout)
        self.refused("list", "--source", "causal_conv", naming=["'causal_conv1d'"])

    def test_doctor(self):
        self.assertIn(b"compiler", self.succeeds("doctor").stdout)
        report = self.succeeds_json("doctor", CUDA_VISIBLE_DEVICES="")
        found = {finding["what"]: finding for finding in report["findings"]}
        self.assertTrue(found["compiler"]["present"])
        self.assertTrue(found["simulator"]["present"])
        for finding in report["findings"]:
            self.assertEqual(finding["present"], "mend" not in finding)
        missing = self.succeeds_json("doctor", HALO_COMPILER_LIBRARY=self.path("none.so"))
        found = {finding["what"]: finding for finding in missing["findings"]}
        self.assertIn("libhalo_compiler.so", found["compiler"]["mend"])

    def test_bench(self):
        base = ("bench", "causal_conv1d", "--shape", "B=2,L=64,D=32", "--set", "K=4", *SIM, "--repeat", "2")
        self.assertIn("not of a GPU", self.succeeds(*base).stderr)
        report = self.succeeds_json(*base, "--with", "bias", "-o", self.path("bench.json"), HALO_COMMIT="abc")
        with open(self.path("bench.json")) as file:
            self.assertEqual(json.load(file), report)
        self.assertEqual((report["commit"], report["repeat"]), ("abc", 2))
        (row,) = report["results"]
        self.assertEqual(row["bytes"], 2 * 2 * 64 * 32 * 2)
        self.assertEqual(row["copy"]["bytes"], row["bytes"])
        self.assertIsNone(row["fraction"])
        self.assertGreater(row["ms"], 0)
        self.assertLessEqual(row["ms_p10"], row["ms_p90"])
        both = self.succeeds_json(*base, "--schedule", "num_warps=1", "--schedule", "num_warps=2", "--hot")
        self.assertEqual(len(both["results"]), 2)
        copy = self.succeeds_json(*base, "--peer-copy-only")["results"]
        self.assertNotIn("ms", copy[0])
        self.succeeds("bench", "causal_conv1d_split", "--shape", "L=16,D=24", "--set", "split=q:8,k:16", "--set", "K=3", *SIM)

    def suite(self, entries):
        with open(self.path("suite.json"), "w") as file:
            json.dump(entries, file)
        return ("bench", "--suite", self.path("suite.json"), *SIM, "--repeat", "1")

    def test_suite(self):
        entry = {"kernel": "causal_conv1d", "shape": {"L": 16, "D": 8}, "set": {"K": 4}, "with": ["bias"], "dtype": "f32"}
        rows = self.succeeds_json(*self.suite([entry, {**entry, "shape": "B=2,L=8,D=8", "with": "bias"}]))["results"]
        self.assertEqual([row["shape"]["B"] for row in rows], [1, 2])
        done = self.halo(*self.suite([entry, {**entry, "set": {"K": 0}}]))
        self.assertEqual(done.returncode, 1)
        self.assertIn("1 of 2", done.stderr)
        self.refused(*self.suite([{**entry, "shapes": 1}]), naming=["entry 1", "'shape'"])
        self.refused(*self.suite([entry, {"kernel": "causal_conv1d"}]), naming=["entry 2", "shape"])
        self.refused(*self.suite({}), naming=["array"])
        self.refused(*self.suite([entry]), "causal_conv1d", naming=["--suite"])

    def test_bench_refusals(self):
        base = ("bench", "causal_conv1d", "--set", "K=4", *SIM, "--shape")
        for shape in ("B=1,L=8", "L=8,D=0", "L=-8,D=8", "L=8,D=8,D=8", "L=8,D=x", "L=8,D=8,X=1", "L=8,D=99999999999", ""):
            with self.subTest(shape):
                self.refused(*base, shape, naming=["--shape"])
        self.refused("bench", "causal_conv1d", "--set", "K=4", naming=["--shape"])
        self.refused("bench", naming=["KERNEL"])
        self.refused(*base, "L=8,D=9", "--set", "group=4", naming=["9", "4"])
        self.refused(*base, "L=8,D=8", "--schedule", "warps=1", naming=["warps"])
        self.refused("bench", "causal_conv1d_split", *SIM, "--shape", "L=8,D=8", "--set", "K=4", "--set", "split=a:7", naming=["8", "7"])


class Commands(CliCase):
    def test_help(self):
        overview = self.succeeds("--help").stdout.decode()
        for command in ("list", "compile", "run", "bench", "cache", "doctor"):
            self.assertIn(command, overview)
            text = self.succeeds(command, "--help").stdout.decode()
            self.assertIn("usage: halo " + command, text)
            self.assertIn("--json", text)
        self.assertNotIn("tune", overview)

    def test_unknown(self):
        self.refused("tune", naming=["unknown command 'tune'"])
        self.refused("compil", naming=["'compile'"])
        self.refused(naming=["--help"])
        self.refused("list", "--jsn", naming=["'--json'"])
        self.refused("list", "--json=yes", naming=["--json"])
        self.refused("doctor", "--json", "--json", naming=["twice"])

    def test_a_full_disk(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("this system has no /dev/full")
        self.refused("compile", "causal_conv1d", "--set", "K=4", "-o", "/dev/full", status=1, naming=["/dev/full"])

    def test_no_escapes_in_files(self):
        for words in (("list",), ("doctor",), ("run", "--help")):
            self.assertNotIn(b"\x1b", self.succeeds(*words).stdout)


if __name__ == "__main__":
    unittest.main()

"""The command as its users meet it, on the simulator: HALO=build/bin/halo python3 tests/cli/test_cli.py"""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from cache_cases import Cache  # noqa: E402, F401
from cli_case import SIM, CliCase, setUpModule  # noqa: E402, F401
from environment_cases import Environment  # noqa: E402, F401
from hyena_cases import Hyena, Steps  # noqa: E402, F401
from inspect_cases import Inspect  # noqa: E402, F401
from invariant_cases import Invariant  # noqa: E402, F401
from modal_cases import Modal, ModalFilter, ModalSteps  # noqa: E402, F401
from pack_cases import Packs  # noqa: E402, F401
from packed_cases import Labels, Packed, PackedHyena  # noqa: E402, F401
from refusal_cases import BrokenFiles, RunRefusals  # noqa: E402, F401
from run_cases import Run, Split  # noqa: E402, F401
from stage_cases import Lines, Reproducers, Stages  # noqa: E402, F401
from tune_cases import Tune, TuneFaults, TuneRecords, TuneSuite  # noqa: E402, F401
from update_cases import Rings, Update  # noqa: E402, F401


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

    def test_states(self):
        base = ("bench", "causal_conv1d", "--shape", "L=32,D=16", "--set", "K=4", *SIM, "--repeat", "2")
        (row,) = self.succeeds_json(*base)["results"]
        self.assertEqual((row["l2"], row["clock"]), ("cold", "unpaced"))
        self.assertEqual(self.succeeds_json(*base, "--hot")["results"][0]["l2"], "hot")
        rows = self.succeeds_json(*base, "--l2", "both", "--clock", "both")["results"]
        self.assertEqual([(row["l2"], row["clock"]) for row in rows],
                         [(l2, clock) for l2 in ("cold", "hot") for clock in ("burst", "sustained")])
        self.assertEqual(len({row["copy"]["ms"] for row in rows}), 4, "each state has a copy of its own")
        text = self.succeeds(*base, "--l2", "both").stdout.decode()
        self.assertRegex(text, r"(?s)L2 +clock.* cold +unpaced.* hot +unpaced")
        self.assertEqual(len(self.succeeds_json(*base, "--peer-copy-only", "--l2", "both")["results"]), 2)
        self.refused(*base, "--l2", "warm", naming=["--l2", "'warm'"])
        self.refused(*base, "--clock", "bursts", naming=["--clock", "'burst'"])
        self.refused(*base, "--hot", "--l2", "both", naming=["--hot", "--l2"])

    def test_graph(self):
        base = ("bench", "causal_conv1d", "--shape", "L=32,D=16", "--set", "K=4", *SIM, "--repeat", "6")
        (row,) = self.succeeds_json(*base)["results"]
        self.assertNotIn("graph", row)
        for row in self.succeeds_json(*base, "--graph", "--l2", "both", "--schedule", "num_warps=1", "--schedule", "num_warps=2")["results"]:
            self.assertEqual(row["graph"]["bytes"], row["bytes"])
            self.assertGreater(row["graph"]["ms"], 0)
            self.assertIsNone(row["graph"]["fraction"])
            self.assertNotEqual(row["graph"]["ms"], row["ms"], "plain launches and replays are timed apart")
        self.assertIn("graph ms", self.succeeds(*base, "--graph").stdout.decode())
        (compared,) = self.succeeds_json(*base, "--graph", "--compare", "num_warps=1", "num_warps=2")["comparisons"]
        self.assertEqual(compared["graph"]["rounds"], 6)
        self.assertNotEqual(compared["graph"]["ratio"], compared["ratio"])
        self.assertNotIn("ms", self.succeeds_json(*base, "--graph", "--peer-copy-only")["results"][0])
        self.assertNotIn("empty_ms", row["graph"], "the simulator has no empty kernel")
        (row,) = self.succeeds_json(*base[:-4], "--device", "null", "--graph")["results"]
        self.assertGreater(row["graph"]["empty_ms"], 0)

    def own_kernel(self, name, body):
        with open(self.path(name), "w") as file:
            file.write("halo.kernel @own params(K : int, layout : enum<bdl, bld>, T : type, W : type = T)\n"
                       "  ins(@x : view<T, layout>, @weight : taps<W, K>) outs(@y : view<T, layout>) {\n"
                       "  %%x = halo.load @x\n  %%f = halo.fir %%x, @weight\n  %s\n  halo.store %%y, @y\n}\n" % body)
        return self.path(name)

    def test_compare_schedules(self):
        base = ("bench", "causal_conv1d", "--shape", "B=2,L=32,D=16", "--set", "K=4", *SIM, "--compare", "num_warps=1", "num_warps=2")
        report = self.succeeds_json(*base, "--repeat", "8", "--l2", "both")
        self.assertEqual([row["l2"] for row in report["results"]], ["cold", "hot"] * 2)
        cold, hot = report["comparisons"]
        self.assertEqual((cold["l2"], hot["l2"], cold["rounds"]), ("cold", "hot", 8))
        self.assertIn("num_warps=1", cold["a"]["schedule"])
        self.assertIn("num_warps=2", cold["b"]["schedule"])
        self.assertEqual(cold["a"]["ms"], report["results"][0]["ms"])
        self.assertEqual(cold["b"]["ms"], report["results"][2]["ms"])
        self.assertLessEqual(cold["ratio_low"], cold["ratio"])
        self.assertLessEqual(cold["ratio"], cold["ratio_high"])
        self.assertEqual(cold["significant"], not cold["ratio_low"] <= 1 <= cold["ratio_high"])
        self.assertGreaterEqual(cold["confidence"], 0.95)
        self.assertTrue(cold["outputs"]["y"]["within_tolerance"])
        text = self.succeeds(*base).stdout.decode()
        self.assertIn("too few", text)
        self.assertIn("y: within tolerance, largest difference 0,", text)

    def test_compare_kernels(self):
        base = ("bench", "--shape", "B=2,L=32,D=16", *SIM, "--set", "K=4", "layout=bld", "activation=silu", "--repeat", "1", "--compare")
        same = self.own_kernel("same.mlir", "%y = halo.silu %f")
        other = self.own_kernel("other.mlir", "%y = arith.addf %f, %f : f32")
        (agreed,) = self.succeeds_json(*base, "causal_conv1d", same)["comparisons"]
        self.assertEqual((agreed["a"]["kernel"], agreed["b"]["kernel"]), ("causal_conv1d", same))
        self.assertLess(agreed["outputs"]["y"]["max_abs"], 0.05)
        done = self.halo(*base, "causal_conv1d", other, "--json", "-o", self.path("differ.json"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("compute different things: y", done.stderr)
        (differ,) = json.loads(done.stdout)["comparisons"]
        self.assertFalse(differ["outputs"]["y"]["within_tolerance"])
        self.assertGreater(differ["outputs"]["y"]["max_abs"], 0.1)
        with open(self.path("differ.json")) as file:
            self.assertEqual(json.load(file), json.loads(done.stdout))
        null = [word if word != "sim" else "null" for word in base]
        (unknown,) = self.succeeds_json(*null, "causal_conv1d", other)["comparisons"]
        self.assertIsNone(unknown["outputs"], "the null device computes nothing")

    def test_compare_refusals(self):
        base = ("bench", "--shape", "L=8,D=8", "--set", "K=4", *SIM)
        own = self.own_kernel("own.mlir", "%y = halo.silu %f")
        self.refused(*base, "causal_conv1d", "--compare", "num_warps=1", naming=["--compare", "2 values"])
        self.refused(*base, "causal_conv1d", "--compare", "num_warps=1", own, naming=["schedule", "kernel"])
        self.refused(*base, "--compare", "num_warps=1", "num_warps=2", naming=["KERNEL"])
        self.refused(*base, "causal_conv1d", "--compare", own, own, naming=["exclude"])
        self.refused(*base, "causal_conv1d", "--compare", "num_warps=1", "warps=2", naming=["'warps'"])
        self.refused(*base, "causal_conv1d", "--compare", "a=1", "b=2", "--schedule", "c=3", naming=["--schedule"])
        self.refused(*base, "--compare", own, "causal_conv1d", "--set", "final_state=true", naming=["final_state", own])
        self.refused(*base, "--compare", own, "causal_conv1d", "--set", "nonsense=1", naming=["nonsense"])

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
        compared = {**entry, "compare": ["num_warps=1", "num_warps=2"]}
        both = self.succeeds_json(*self.suite([entry, compared]), "--l2", "both")
        self.assertEqual([row["l2"] for row in both["results"]], ["cold", "hot"] * 3)
        self.assertEqual(len(both["comparisons"]), 2)
        self.refused(*self.suite([{**compared, "compare": ["num_warps=1"]}]), naming=["entry 1", "two"])
        self.refused(*self.suite([{**compared, "schedule": "num_warps=1"}]), naming=["entry 1", "'compare'"])
        self.refused(*self.suite({}), naming=["array"])
        self.refused(*self.suite([entry]), "causal_conv1d", naming=["--suite"])

    def test_bench_refusals(self):
        base = ("bench", "causal_conv1d", "--set", "K=4", *SIM, "--shape")
        for shape in ("B=1,L=8", "D=8", "L=8,D=0", "L=-8,D=8", "L=8,D=8,D=8", "L=8,D=x", "L=8,D=8,X=1", "L=8,D=99999999999", ""):
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
        for command in ("list", "compile", "run", "bench", "cache", "inspect", "doctor"):
            self.assertIn(command, overview)
            text = self.succeeds(command, "--help").stdout.decode()
            self.assertIn("usage: halo " + command, text)
            self.assertIn("--json", text)
        self.assertNotIn("tune-worker", overview)

    def test_unknown(self):
        self.refused("prefetch", naming=["unknown command 'prefetch'"])
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

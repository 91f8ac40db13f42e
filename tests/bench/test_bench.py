"""The suites name problems that compile, and report.py says what was measured: HALO=build/bin/halo test_bench.py"""

import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
HALO = os.environ.get("HALO", "halo")
REPORT = os.path.join(ROOT, "bench", "report.py")
PICTURE = os.path.join(ROOT, "bench", "picture.py")
SETTINGS = {"K": "4", "layout": "bld", "activation": "silu", "T": "bf16", "W": "bf16"}
SHAPE = {"B": 1, "D": 64, "L": 128}
README = "before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n"


def bench(**changes):
    row = {"kernel": "causal_conv1d", "problem": "causal_conv1d --set K=4", "schedule": "block_n=64", "params": SETTINGS,
           "with": ["bias"], "shape": SHAPE, "ms": 0.01, "gb_per_s": 3000.0, "copy": {"gb_per_s": 4000.0}, "fraction": 0.75}
    return {"device": "Some GPU 1", "device_kind": "cuda", "arch": "sm_90", "date": "2026-01-02T03:04:05Z", "commit": "abc",
            "repeat": 50, "protocol": "cold L2", "results": [row, {"kernel": "causal_conv1d", "error": "out of memory"}], **changes}


def peers():
    entry = {"kernel": "causal_conv1d", "shape": SHAPE, "set": {"K": 4, "layout": "bld", "activation": "silu"},
             "dtype": "bf16", "with": ["bias"], "peers": {"triton": {"fraction": 0.5}, "causal-conv1d": {"skipped": "absent"}}}
    return {"device": "Some GPU 1", "date": "2026-01-02", "versions": {"triton": "3"}, "repeat": 50, "protocol": "cold L2",
            "results": [entry]}


def states():
    """One convolution in four states, with graphs, and a kernel without taps."""
    (row, _) = bench()["results"]
    rows = [{**row, "l2": l2, "clock": clock, "fraction": fraction, "ms": ms, "graph": {"ms": ms - 0.001}}
            for l2, clock, fraction, ms in (("cold", "sustained", 0.7, 0.011), ("hot", "sustained", 1.1, 0.007),
                                            ("cold", "burst", 0.75, 0.01), ("hot", "burst", 1.25, 0.006))]
    rows += [{**row, "kernel": "scan", "problem": "scan %d" % s, "params": {"S": str(s), "layout": "bld"}, "with": []} for s in (8, 16)]
    return bench(results=rows, protocol="cold L2, burst; cold L2, sustained; hot L2; interleaved")


def replays():
    """A step beside an empty kernel, hot and cold: the hot one counts."""
    (row, _) = bench()["results"]
    step = {**row, "kernel": "scan_step", "problem": "scan_step", "params": {"S": "8"}, "with": []}
    return bench(results=[{**step, "l2": l2, "ms": ms, "graph": {"ms": ms - 0.002, "empty_ms": 0.0025}}
                          for l2, ms in (("cold", 0.008), ("hot", 0.0053))])


class Suites(unittest.TestCase):
    def test_every_case_compiles(self):
        problems = set()
        for path in glob.glob(os.path.join(ROOT, "bench", "suites", "*.json")):
            with open(path, encoding="utf-8") as file:
                for entry in json.load(file):
                    self.assertLess(0, min(entry["shape"][size] for size in "BDL"))
                    words = ["--set=%s=%s" % (name, json.dumps(value).strip('"')) for name, value in sorted(entry["set"].items())]
                    words += ["--dtype", entry["dtype"], "--with", ",".join(entry.get("with", []))]
                    problems.add((entry["kernel"], *words))
        self.assertTrue(problems)
        for words in sorted(problems):
            with self.subTest(words):
                done = subprocess.run([HALO, "compile", *words, "--emit", "halo"], capture_output=True, text=True, timeout=120)
                self.assertEqual(done.returncode, 0, done.stderr)


class HyenaPeers(unittest.TestCase):
    def test_they_compute_the_operators(self):
        try:
            import torch  # noqa: F401
        except ImportError:
            self.skipTest("torch is not installed for this Python")
        sys.path.insert(0, os.path.join(ROOT, "bench"))
        import hyena_peers as peers
        for kernel, settings in (("hcs", {"K": 7, "group": 4}), ("hcm", {"K": 128, "group": 4}), ("hcl", {"S": 16})):
            for names, batch, length in ((["skip"], 2, 300), ([], 1, 128)):
                with self.subTest(kernel=kernel, names=names):
                    case = peers.HyenaCase({"kernel": kernel, "shape": {"B": batch, "D": 16, "L": length}, "dtype": "bf16",
                                            "set": {**settings, "layout": "bld"}, "with": names})
                    case.allocate("cpu")
                    case.check([peers.stock(case)()])
                    case.check([peers.fused(case, compiled=False)()])
                    case.z = case.z + 1
                    wrong = peers.stock(case)()
                    case.z = case.z - 1
                    with self.assertRaises(ArithmeticError):
                        case.check([wrong])
        entry = {"kernel": "hcl", "shape": {"B": 1, "D": 16, "L": 1 << 20}, "dtype": "bf16", "set": {"S": 16, "layout": "bld"}}
        for changed in (entry, {**entry, "set": {"S": 16, "layout": "bdl"}}):
            with self.assertRaises(peers.NotTimed):
                peers.HyenaCase(changed)


class Report(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text if isinstance(text, str) else json.dumps(text))
        return path

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    def report(self, *words):
        return subprocess.run([sys.executable, REPORT, *words, "--results", self.folder], capture_output=True, text=True, timeout=60)

    def test_merges_and_rewrites(self):
        readme = self.write("README.md", README)
        done = self.report(self.write("b", bench()), "--peers", self.write("p", peers()), "--readme", readme)
        self.assertEqual(done.returncode, 0, done.stderr)
        text = self.read("README.md")
        self.assertTrue(text.startswith("before\n<!-- bench:begin -->\n") and text.endswith("\n<!-- bench:end -->\nafter\n"))
        self.assertIn("| conv | bld | 1, 64, 128 | 0.0100 | 3000 | 4000 | 0.75 | 0.50 |", text)
        for word in ("Some GPU 1, 2026-01-02, commit abc, bf16, silu, bias; ", "Not measured: 1 of 2", "out of memory"):
            self.assertIn(word, text)
        merged = json.loads(self.read("some-gpu-1.json"))
        self.assertEqual(merged["results"][0]["peers"]["triton"]["fraction"], 0.5)
        self.assertEqual(merged["results"][0]["problem"], "causal_conv1d --set K=4")

    def test_the_readme_shows_the_results(self):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            text = file.read()
        shown = text.split("<!-- bench:begin -->")[1].split("<!-- bench:end -->")[0].strip()
        with open(os.path.join(ROOT, "bench", "results", "nvidia-h200.json"), encoding="utf-8") as file:
            results = json.load(file)
        sys.path.insert(0, os.path.join(ROOT, "bench"))
        import report
        self.assertEqual(report.tables(results), shown)

    def test_alone(self):
        done = self.report(self.write("b", bench()))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("triton", done.stdout)

    def test_over_an_empty_kernel(self):
        done = self.report(self.write("b", replays()))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("| graph ms | us over empty |", done.stdout)
        self.assertRegex(done.stdout, r"scan_step.*\| 0.0060 \| 0.8 \|")

    def test_refresh(self):
        out = os.path.join(self.folder, "out")
        os.makedirs(out)
        summary = {"steps": {"latency": {"status": 1}, "stages": {"status": 0}, "regret": {"status": 1}},
                   "stages_ms": {"conv": {"llvm": 2.5}},
                   "latency": {"device": "Some GPU 1", "date": "2026-01-02", "commit": "abc", "threads": []}}
        with open(os.path.join(out, "summary.json"), "w") as file:
            json.dump(summary, file)
        words = [sys.executable, os.path.join(ROOT, "bench", "refresh.py"), out, "--results", self.folder]
        done = subprocess.run(words, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([os.path.basename(path) for path in done.stdout.split()],
                         ["some-gpu-1-latency.json", "some-gpu-1-compile.json"], "a regret that failed is not kept")
        kept = json.loads(self.read("some-gpu-1-compile.json"))
        self.assertEqual((kept["commit"], kept["stages_ms"]), ("abc", {"conv": {"llvm": 2.5}}))
        os.remove(os.path.join(out, "summary.json"))
        self.assertEqual(subprocess.run(words, capture_output=True).returncode, 2)

    def test_states(self):
        done = self.report(self.write("b", states()), "--peers", self.write("p", peers()))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("| fraction | sustained | hot L2 ms | graph ms | triton |", done.stdout)
        self.assertIn("| conv | bld | 1, 64, 128 | 0.0100 | 3000 | 4000 | 0.75 | 0.70 | 0.0060 | 0.0090 | 0.50 |", done.stdout)
        self.assertIn("Also measured: cold L2, sustained; hot L2.", done.stdout)
        self.assertIn("commit abc; the median", done.stdout, "what only some rows have is no heading")
        self.assertIn("| scan | S=8 | 1, 64, 128 |", done.stdout)
        merged = json.loads(self.read("some-gpu-1.json"))["results"]
        self.assertEqual([row["clock"] for row in merged[:4]], ["sustained", "sustained", "burst", "burst"])
        self.assertEqual(["triton" in row["peers"] for row in merged[:4]], [True, False, True, False], "peers ran with a cold L2")

    def test_what_invariance_costs(self):
        (row, _) = bench()["results"]
        rows = [row, {**row, "invariant": True, "problem": "p --set invariant=true", "ms": 0.015}]
        rows.append({**rows[1], "shape": {**SHAPE, "L": 256}})  # Nothing to compare it with.
        one, two = self.write("b", bench(results=rows[:1])), self.write("c", bench(results=rows[1:]))
        done = self.report(one, two)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("| causal_conv1d | K=4 layout=bld | 1, 64, 128 | 0.0100 | 0.0150 | 1.50 |", done.stdout)
        self.assertEqual(done.stdout.count("1, 64, 128"), 2, "the mode's rows are in their own table alone")
        self.assertNotIn("256", done.stdout)
        other = self.report(one, self.write("d", bench(repeat=7)))
        self.assertEqual((other.returncode, other.stderr.count("\n")), (1, 1))
        self.assertIn("repeats 50 and 7", other.stderr)

    def test_the_operators_peers(self):
        (row, _) = bench()["results"]
        settings = {"K": "128", "group": "16", "layout": "bld", "precision": "accurate", "T": "bf16", "W": "f32"}
        operator = {**row, "kernel": "hcm", "problem": "hcm", "params": settings, "with": ["skip"]}
        entry = {"kernel": "hcm", "shape": SHAPE, "set": {"K": 128, "group": 16, "layout": "bld"}, "dtype": "bf16", "with": ["skip"],
                 "halo_extra_bytes": 0, "peers": {"torch": {"ms": 41.2, "fraction": 0.01, "peak_extra_bytes": 15 << 30},
                                                  "torch-fused": {"skipped": "it is out of memory"}}}
        beside = {**peers(), "results": [{**entry, "wdtype": "f32"}, {**entry, "peers": {"torch": {"ms": 7}}}]}
        others = [self.write("p0", peers()), self.write("p", beside)]
        done = self.report(self.write("b", bench(results=[operator])), "--peers", *others)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("| fraction | extra GiB | torch ms, extra GiB |", done.stdout)
        self.assertIn("| 0.75 | 0 | 41.2, 15 |", done.stdout, "the case of the same types")

    def test_refusals(self):
        good = self.write("b", bench())
        for words, naming in (
            ([self.write("sim", bench(device_kind="sim"))], "sim device"),
            ([self.write("none", bench(results=[]))], "no case"),
            ([good, "--peers", self.write("other", {**peers(), "device": "Another"})], "Another"),
            ([good, "--readme", self.write("R", "no markers")], "bench:begin"),
            ([os.path.join(self.folder, "absent")], "absent"),
        ):
            with self.subTest(naming):
                done = self.report(*words)
                self.assertEqual(done.returncode, 1)
                self.assertIn(naming, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def picture(self, results, name="x.svg"):
        return subprocess.run([sys.executable, PICTURE, results, "-o", os.path.join(self.folder, name)], capture_output=True, text=True, timeout=60)

    def test_committed_pictures(self):
        folder = os.path.join(ROOT, "bench", "results")
        pictures = glob.glob(os.path.join(folder, "*.svg"))
        self.assertTrue(pictures)
        for path in pictures:
            with self.subTest(path):
                done = self.picture(path[:-len("svg")] + "json")
                self.assertEqual(done.returncode, 0, done.stderr)
                with open(path, encoding="utf-8") as file:
                    self.assertEqual(self.read("x.svg"), file.read(), "draw it again: bench/picture.py")

    def test_picture(self):
        done = self.report(self.write("b", states()), "--peers", self.write("p", peers()))
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.picture(os.path.join(self.folder, "some-gpu-1.json"))
        self.assertEqual(done.returncode, 0, done.stderr)
        svg = xml.etree.ElementTree.fromstring(self.read("x.svg"))
        elements = [element for element in svg.iter() if element.get("class")]
        bars = [float(bar.get("width")) for bar in elements if bar.get("class") == "halo"][1:]  # The first is the legend's.
        (peer,) = [float(bar.get("width")) for bar in elements if bar.get("class") == "peer0"][1:]
        self.assertEqual(len(bars), 3, "one for each case, whatever its states")
        self.assertAlmostEqual(peer / bars[0], 0.5 / 0.75, delta=0.01)
        self.assertEqual(len([mark for mark in elements if mark.get("class") == "mark"]), 2, "the sustained load, and its legend")
        text = [element.text for element in elements]
        for word in ("causal_conv1d, bld, K = 4", "scan, bld", "S = 8", "0.75", "0.50", "copy", "1, 64, 128"):
            self.assertIn(word, text)
        self.assertNotIn("http", self.read("x.svg").replace("http://www.w3.org/2000/svg", ""), "nothing outside the picture")

    def test_no_picture(self):
        for results, naming in ((self.write("empty", {**bench(results=[]), "peers": {}}), "no row"), (os.path.join(self.folder, "absent"), "absent")):
            done = self.picture(results)
            self.assertEqual(done.returncode, 1)
            self.assertIn(naming, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertFalse(os.path.exists(os.path.join(self.folder, "x.svg")))


if __name__ == "__main__":
    unittest.main()

"""halo tune on the simulator: the machinery, not the speed."""

import json
import os
import tempfile
import time
import unittest

from cli_case import SIM, CliCase

KERNEL = ("causal_conv1d", "--set", "K=4", "--set", "layout=bld", "--dtype", "f32")
SHAPE = ("--shape", "B=1,L=40,D=200")
FAST = {"--candidates": "6", "--budget-ms": "3000", "--threads": "2"}
FAULTY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fault_worker.py")


def fast(**changes):
    """Options of a short tune: fast(candidates=2)."""
    named = {"--" + name.replace("_", "-"): str(value) for name, value in changes.items()}
    return [word for pair in dict(FAST, **named).items() for word in pair]


class TuneCase(CliCase):
    def setUp(self):
        super().setUp()
        # Apart from self.folder, where a refusal must leave nothing.
        cache = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(cache.cleanup)
        self.cache = cache.name

    def halo(self, *words, **environment):
        environment.setdefault("HALO_CACHE_DIR", self.cache)
        return super().halo(*words, **environment)

    def tune(self, *words, options=(), **environment):
        return self.succeeds_json("tune", *KERNEL, *SHAPE, *SIM, *(options or fast()), *words, **environment)

    def records(self):
        folder = os.path.join(self.cache, "tuned")
        lines = []
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            if name.endswith(".tuned"):
                with open(os.path.join(folder, name)) as file:
                    lines += [json.loads(line) for line in file]
        return lines

    def write_records(self, *records):
        path = self.path("records.tuned")
        with open(path, "w") as file:
            file.writelines(json.dumps(record) + "\n" for record in records)
        return path

    def run_kernel(self, length=40, **environment):
        path = self.write(
            x=("f32", [1, length, 200], self.normal("f32", length * 200)), weight=("f32", [200, 4], self.normal("f32", 200 * 4))
        )
        return self.succeeds_json("run", "causal_conv1d", "--in", path, "--out", self.path("o"), "--set", "layout=bld", *SIM,
                                  "--check", **environment)


class Tune(TuneCase):
    def test_a_record_appears_and_is_used(self):
        report = self.tune()
        self.assertEqual(report["checked_against"], "oracle")
        self.assertEqual(report["default"]["rank"], 1)
        self.assertEqual({row["status"] for row in report["candidates"]} - {"won", "tie", "lost", "skipped"}, set())
        self.assertEqual(sum(row["status"] == "won" for row in report["candidates"]), 1)
        (record,) = self.records()
        self.assertEqual(record, report["record"])
        self.assertEqual((record["b"], record["d"], record["l"]), (1, 200, 32))

        # Whatever won: a record of our own making shows that it is read.
        other = next(row for row in report["candidates"] if row["rank"] > 1 and row["rounds"])
        analytic = self.run_kernel(HALO_TUNING="off")
        record.update(schedule=other["schedule"], block_l=other["block_l"] * 2, pinned=True)
        self.succeeds("tune", "--import", self.write_records(record))
        used = self.run_kernel()
        self.assertEqual(used["schedule"], record["schedule"])
        self.assertEqual(used["block_l"], record["block_l"])
        self.assertNotEqual(used["schedule"], analytic["schedule"])
        # The next bucket, and an explicit schedule, know nothing of it.
        self.assertEqual(self.run_kernel(length=80)["schedule"], analytic["schedule"])
        # A pinned record stays, and goes when told to.
        self.assertFalse(self.tune()["recorded"])
        self.assertEqual(self.records(), [record])
        self.succeeds("tune", *KERNEL, *SHAPE, *SIM, "--forget")
        self.assertEqual(self.records(), [])
        self.assertEqual(self.run_kernel()["schedule"], analytic["schedule"])

    def test_the_table_names_the_winner(self):
        done = self.succeeds("tune", *KERNEL, *SHAPE, *SIM, *fast(), "--pin")
        text = done.stdout.decode()
        for word in ("won", "(default)", "winner: ", "compared with the oracle", "legal schedules"):
            self.assertIn(word, text)
        self.assertIn("not of a GPU", done.stderr)
        self.assertTrue(self.records()[0]["pinned"])

    def test_ones_own_kernel_is_compared_with_the_default(self):
        source = self.succeeds("list", "--source", "causal_conv1d").stdout
        with open(self.path("mine.mlir"), "wb") as file:
            file.write(source)
        report = self.succeeds_json("tune", self.path("mine.mlir"), *KERNEL[1:], *SHAPE, *SIM, *fast(candidates=2))
        self.assertEqual(report["checked_against"], "default")
        self.assertNotIn(self.folder, self.records()[0]["problem"])

    def test_a_recurrence_and_a_fast_class_are_judged_as_such(self):
        shape = ("--shape", "B=1,L=40,D=16", *SIM, *fast(candidates=2))
        for words in (("hcl", "--set", "S=4", "states=true"), ("hcm", "--set", "K=24", "group=8", "precision=fast", "--wdtype", "f32")):
            report = self.succeeds_json("tune", *words, "--set", "layout=bld", "--dtype", "bf16", *shape)
            self.assertEqual(report["checked_against"], "oracle")
            raced = [row["schedule"] for row in report["candidates"] if row["rounds"]]
            self.assertEqual({"fir=toeplitz" in schedule for schedule in raced}, {True, False}, raced)
            self.assertIn("precision=%s" % ("fast" if words[0] == "hcm" else "accurate"), report["record"]["problem"])

    def test_null_device(self):
        report = self.succeeds_json("tune", *KERNEL, *SHAPE, "--device", "null", *fast())
        self.assertEqual(report["checked_against"], "nothing")
        self.assertEqual(self.records()[0]["gpu"].split(",")[0], report["device"])

    def test_dry_run(self):
        report = self.succeeds_json("tune", *KERNEL, *SHAPE, "--dry-run")
        self.assertEqual(report["candidates"][0]["rank"], 1)
        self.assertGreater(len(report["candidates"]), 50)
        self.assertTrue(all(any(c.isdigit() for c in row["why"]) for row in report["rejected"]))
        text = self.succeeds("tune", *KERNEL, *SHAPE, "--dry-run", "--candidates", "3").stdout.decode()
        self.assertIn("(default)", text)
        self.assertIn("rejected", text)
        self.assertEqual(self.records(), [])

    def test_repeats(self):
        report = self.tune("--repeat", "3", options=fast(candidates=3))
        self.assertEqual(len(report["repeats"]["winners"]), 3)
        self.assertLessEqual(report["repeats"]["flip_rate"], 1)

    def test_on_first_use_tunes_in_the_background(self):
        first = self.run_kernel(HALO_TUNING="on-first-use")
        self.wait_for(lambda: len(self.records()) == 1)
        (record,) = self.records()
        self.assertEqual((record["problem"], record["l"]), (first["problem"], 32))
        self.assertEqual(self.run_kernel(HALO_TUNING="on-first-use")["schedule"], record["schedule"])

    def test_background_says_nothing(self):
        done = self.succeeds("tune", *KERNEL, *SHAPE, *SIM, *fast(), "--background")
        self.assertEqual((done.stdout, done.stderr), (b"", ""))
        self.wait_for(lambda: len(self.records()) == 1)

    def wait_for(self, ready):
        for _ in range(600):
            if ready():
                return
            time.sleep(0.1)
        self.fail("nothing happened in the background")


class TuneFaults(TuneCase):
    def faulty(self, faults):
        # Time enough for a worker that is started again.
        return self.tune(options=fast(budget_ms=20000), HALO_TEST_TUNE_WORKER=FAULTY, HALO_FAULTS=faults, HALO=os.environ["HALO"])

    def only_fault(self, report, rank):
        """The failed row; all others were measured."""
        failed = [row for row in report["candidates"] if row["status"] == "failed"]
        self.assertEqual({row["rank"] for row in failed}, {rank}, report["candidates"])
        others = [row for row in report["candidates"] if row["status"] in ("won", "tie", "lost")]
        self.assertEqual(len({row["rank"] for row in others}) + 1, report["compiled"])
        self.assertEqual(len(self.records()), 1)
        return failed[0]

    def test_a_wrong_answer_is_found_before_it_is_timed(self):
        row = self.only_fault(self.faulty("load:half:2"), 3)
        self.assertIn("wrong answer at the small shape: y differs from the oracle", row["why"])
        self.assertEqual(row["rounds"], 0)

    def test_a_crash_while_checking(self):
        row = self.only_fault(self.faulty("load:crash:3"), 4)
        self.assertIn("signal 11", row["why"])

    def test_a_hang_while_checking(self):
        row = self.only_fault(self.faulty("load:hang:1"), 2)
        self.assertIn("hung: no answer within", row["why"])

    def test_a_crash_while_measuring(self):
        row = self.only_fault(self.faulty("time:crash:2"), 3)
        self.assertIn("crashed", row["why"])

    def test_a_hang_while_measuring(self):
        row = self.only_fault(self.faulty("time:hang:4"), 5)
        self.assertIn("hung", row["why"])

    def test_without_the_default_there_is_no_tune(self):
        self.refused("tune", *KERNEL, *SHAPE, *SIM, *fast(), status=1, naming=["default schedule", "signal 11"],
                     HALO_TEST_TUNE_WORKER=FAULTY, HALO_FAULTS="load:crash:0", HALO=os.environ["HALO"])
        self.assertEqual(self.records(), [])


class TuneRecords(TuneCase):
    def record(self, **changes):
        record = {
            "gpu": "NVIDIA H200, 132 SMs", "driver": "580", "toolkit": "nvJitLink 13.0", "problem": "causal_conv1d --set K=4",
            "b": 1, "d": 64, "l": 1024, "schedule": "block_n=64", "block_l": 64, "ms": 0.1, "low": 0.1, "high": 0.1,
            "default": "block_n=64", "default_ms": 0.1, "date": "2026-11-21T10:00:00Z", "pinned": False,
        }
        return dict(record, **changes)

    def test_import_and_export(self):
        path = self.write_records(self.record(), self.record(l=2048), self.record(date="2025-01-01T00:00:00Z"))
        self.assertIn(b"2 of 2 records", self.succeeds("tune", "--import", path).stdout)
        self.assertIn(b"0 of 2 records", self.succeeds("tune", "--import", path).stdout)
        self.succeeds("tune", "--export", self.path("all.tuned"))
        with open(self.path("all.tuned")) as file:
            text = file.read()
        self.assertEqual(len(text.splitlines()), 2)
        # What one machine exports, another one imports to the same.
        self.succeeds("tune", "--import", self.path("all.tuned"), HALO_CACHE_DIR=self.path("other"))
        self.succeeds("tune", "--export", self.path("again.tuned"), HALO_CACHE_DIR=self.path("other"))
        with open(self.path("again.tuned")) as file:
            self.assertEqual(file.read(), text)

    def test_bad_records(self):
        path = self.write_records(self.record(), self.record(l=1000))
        done = self.succeeds("tune", "--import", path)
        self.assertIn("line 2", done.stderr)
        self.assertIn("1000", done.stderr)
        self.assertEqual(len(self.records()), 1)
        self.refused("tune", "--import", self.write_records({"gpu": 1}), naming=["tuning record", "'gpu'"])
        self.refused("tune", "--import", self.path("none"), naming=["none"])

        # A damaged file in the cache: one warning, and the kernel runs.
        folder = os.path.join(self.cache, "tuned")
        with open(os.path.join(folder, "broken.tuned"), "wb") as file:
            file.write(b"\xff\xfe{{{\n")
        path = self.write(x=("f32", [1, 8, 16], self.normal("f32", 128)), weight=("f32", [8, 4], self.normal("f32", 32)))
        done = self.succeeds("run", "causal_conv1d", "--in", path, "--out", self.path("o"), *SIM)
        self.assertEqual(done.stderr.count("broken.tuned, line 1"), 1)

    def test_a_schedule_that_is_none_falls_back(self):
        (good,) = [self.tune(options=fast(candidates=1))["record"]]
        good.update(schedule="block_n=48,num_warps=1,vector=4", pinned=True)  # 12 threads: no power of two
        self.succeeds("tune", "--import", self.write_records(good))
        self.assertNotIn("block_n=48", self.run_kernel()["schedule"])

    def test_refusals(self):
        self.refused("tune", naming=["KERNEL"])
        self.refused("tune", *KERNEL, naming=["--shape"])
        self.refused("tune", *KERNEL, "--shape", "L=4", naming=["no D"])
        self.refused("tune", *KERNEL, *SHAPE, "--device", "cpu", naming=["cpu"])
        self.refused("tune", *KERNEL, *SHAPE, "--candidates", "0", naming=["--candidates", "0"])
        self.refused("tune", "causal_conv1d", *SHAPE, naming=["K"])
        self.refused("tune", "--import", "a", "--export", self.path("b"), naming=["--import", "--export"])
        self.refused("tune", *KERNEL, "--suite", "a.json", naming=["--suite"])


class TuneSuite(TuneCase):
    def test_a_suite_tells_what_the_choice_reaches(self):
        suite = self.path("suite.json")
        case = {"kernel": "causal_conv1d", "shape": {"B": 1, "L": 40, "D": 200}, "set": {"K": 4, "layout": "bdl"}, "dtype": "f32"}
        with open(suite, "w") as file:
            json.dump([case, dict(case, shape={"B": 1, "L": 36, "D": 200}), dict(case, kernel="nothing")], file)
        done = self.halo("tune", "--suite", suite, *SIM, "--candidates=3", "--budget-ms=2000", "--repeat=2", "-o", self.path("r.json"))
        self.assertEqual(done.returncode, 1, done.stderr)
        with open(self.path("r.json")) as file:
            report = json.load(file)
        self.assertEqual(len(report["results"]), 2)
        for row in report["results"]:
            self.assertGreater(row["reached"], 0)
            self.assertLessEqual(row["reached"], 1)
        (pair,) = report["buckets"]
        self.assertEqual((pair["tuned_at"]["L"], pair["used_at"]["L"]), (40, 36))
        self.assertLessEqual(pair["reached"], 1)
        self.assertIn("nothing", report["errors"][0]["error"])
        self.assertEqual(report["repeats"]["times"], 2)
        self.assertEqual(self.records(), [])


if __name__ == "__main__":
    unittest.main()

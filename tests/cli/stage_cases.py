"""Stages shown, written by hand and continued from; line tables; what a compiler's failure leaves."""

import json
import os
import re
import stat
import struct

from cli_case import SIM, CliCase

CONV = ("causal_conv1d", "--set", "K=4", "--set", "layout=bld")
HCM = ("hcm", "--set", "K=128", "--set", "group=16", "--set", "layout=bld")
STAGES = ("halo", "gpu", "llvm", "opt", "ptx")


def sections(elf):
    """The bytes of an ELF file's sections by name."""
    table, count, names = struct.unpack_from("<Q", elf, 40)[0], *struct.unpack_from("<HH", elf, 60)
    heads = [struct.unpack_from("<IIQQQQ", elf, table + 64 * i) for i in range(count)]
    texts = elf[heads[names][4] :]
    return {texts[h[0] : texts.index(b"\0", h[0])].decode(): elf[h[4] : h[4] + h[5]] for h in heads}


class Stages(CliCase):
    def dumped(self, *problem):
        """The dumped texts by stage."""
        self.succeeds("compile", *problem, "--arch", "sm_90", "--dump", self.path("dump"), "-o", self.path("dumped.ptx"))
        files = sorted(os.listdir(self.path("dump")))
        self.assertEqual([name.split("-")[1].split(".")[0] for name in files], list(STAGES))
        return {stage: os.path.join(self.path("dump"), name) for stage, name in zip(STAGES, files)}

    def text(self, path):
        with open(path) as file:
            return file.read()

    def test_every_stage_continues_to_the_same_code(self):
        for problem in (CONV, HCM, ("hcl_step", "--set", "S=16")):
            plain = self.succeeds("compile", *problem, "--arch", "sm_90").stdout
            for stage, path in self.dumped(*problem).items():
                with self.subTest(problem=problem[0], stage=stage):
                    given = "%s=%s" % (stage, path)
                    self.assertEqual(self.succeeds("compile", *problem, "--arch", "sm_90", "--override", given).stdout, plain)
            self.assertEqual(self.text(self.path("dumped.ptx")).encode(), plain)

    def test_a_text_by_hand_never_answers_for_the_kernel(self):
        x = self.normal("f32", 2 * 8 * 4)
        w = self.normal("f32", 4 * 3)
        path = self.write(x=("f32", [2, 8, 4], x), weight=("f32", [4, 3], w))
        base = ("causal_conv1d", "--set", "layout=bld")
        other = self.path("silu.ll")
        self.succeeds("compile", *base, "--set", "K=3", "--set", "align=16", "--dtype", "f32", "--set", "activation=silu", "--emit", "llvm", "-o", other)

        def run(name, *words):
            self.succeeds("run", *base, "--in", path, "--out", self.path(name), *SIM, *words)
            with open(self.path(name), "rb") as file:
                return file.read()

        plain, silu = run("a", "--set", "activation=none"), run("b", "--set", "activation=silu")
        self.assertNotEqual(plain, silu)
        self.assertEqual(run("c", "--set", "activation=none", "--override", "llvm=" + other), silu)
        self.assertEqual(run("d", "--set", "activation=none"), plain)
        # Nor where it came first: a folder of its own, twice the same question.
        fresh = dict(os.environ, HALO_CACHE_DIR=self.path("cache"))
        words = ("compile", *CONV, "--arch", "sm_90")
        before = self.succeeds(*words).stdout
        with open(self.path("edited.ptx"), "wb") as file:
            file.write(b"// by hand\n" + before)
        for _ in range(2):
            edited = self.succeeds(*words, "--override", "ptx=" + self.path("edited.ptx"), **fresh).stdout
            self.assertTrue(edited.startswith(b"// by hand"))
        self.assertEqual(self.succeeds(*words, **fresh).stdout, before)

    def test_a_schedule_by_hand(self):
        text = self.text(self.dumped(*CONV)["halo"])
        changed = re.sub(r"unroll = \d+", "unroll = 2", text)
        self.assertNotEqual(changed, text)
        with open(self.path("k.mlir"), "w") as file:
            file.write(changed)
        report = self.succeeds_json("compile", *CONV, "--arch", "sm_90", "--override", "halo=" + self.path("k.mlir"))
        self.assertIn("unroll=2", report["info"]["schedule"])
        self.assertEqual(report["info"]["stepL"], 2)

    def test_a_benchmark_of_it(self):
        words = ("bench", *CONV, "--shape", "L=64,D=32", *SIM, "--repeat", "1")
        path = self.dumped(*CONV)["llvm"]
        self.succeeds(*words, "--override", "llvm=" + path)
        self.refused(*words, "--override", "llvm=" + path, "--schedule", "num_warps=1", "--schedule", "num_warps=2", naming=["--override", "2"])

    def test_refusals(self):
        words = ("compile", *CONV, "--arch", "sm_90")
        for stage, text, naming in (
            ("halo", "halo.kernel @other", ["override-halo.mlir:1"]),
            ("gpu", "module {}", ["stage gpu", "0 gpu.module", "expected 1"]),
            ("llvm", "define void @f() {", ["stage llvm", "line 1"]),
            ("llvm", "define void @f() {\n ret void\n}", ["'causal_conv1d'"]),
            ("opt", "; nothing", ["stage opt", "'causal_conv1d'"]),
        ):
            with self.subTest(stage=stage, text=text):
                with open(self.path("given"), "w") as file:
                    file.write(text)
                self.refused(*words, "--override", "%s=%s" % (stage, self.path("given")), naming=naming)
        # A text of another schedule would be launched with the wrong number of threads.
        for stage, path in self.dumped(*CONV, "--schedule", "block_n=1024,num_warps=8").items():
            if stage != "halo":
                self.refused(*words, "--override", "%s=%s" % (stage, path), naming=["stage " + stage, "256 threads", "128"])
        given = self.path("given")
        self.refused(*words, "--override", "ptxx=" + given, naming=["ptxx", "'ptx'"])
        self.refused(*words, "--override", "ptx", naming=["--override", "="])
        self.refused(*words, "--override", "ptx=" + self.path("none"), naming=["none"])
        self.refused(*words, "--emit", "gpu", "--override", "ptx=" + given, naming=["ptx", "gpu"])
        self.refused(*words, "--override", "cubin=" + given, naming=["cubin", "ptx"])
        open(given, "w").close()
        self.refused(*words, "--override", "ptx=" + given, naming=["given", "ptx"])

    def test_what_llvm_cannot_select_ends_no_process(self):
        text = self.text(self.dumped(*CONV)["llvm"])
        text = text.replace("  ret void", "  call void @llvm.x86.sse2.pause()\n  ret void", 1)
        text += "\ndeclare void @llvm.x86.sse2.pause()\n"
        with open(self.path("given.ll"), "w") as file:
            file.write(text)
        done = self.halo("compile", *CONV, "--arch", "sm_90", "--override", "llvm=" + self.path("given.ll"), TMPDIR=self.path("dump"))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("LLVM gave up", done.stderr)
        self.assertIn("halo reproduce", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("halo: error: "), done.stderr)


class Lines(CliCase):
    MARKS = re.compile(r"^\s*\.(loc|file|section)\b|^\$L__(tmp|func_)")

    def test_the_code_stays_the_same(self):
        for problem in (CONV, HCM, ("hcl", "--set", "S=16", "--set", "layout=bdl"), ("hcs_step", "--set", "K=7")):
            with self.subTest(problem[0]):
                words = ("compile", *problem, "--arch", "sm_90")
                plain = self.succeeds(*words).stdout.decode()
                lined = self.succeeds(*words, "--lines").stdout.decode()
                self.assertEqual("".join(l for l in lined.splitlines(True) if not self.MARKS.match(l)), plain)
                self.assertIn('.file\t1 "%s.mlir"' % problem[0], lined)
                source = self.succeeds("list", "--source", problem[0]).stdout.decode().splitlines()
                used = {source[int(n) - 1] for n in re.findall(r"\.loc\t1 (\d+)", lined) if int(n)}
                for needle in ("halo.load", "halo.fir" if "hcl" not in problem[0] else "halo.modal", "halo.store"):
                    self.assertTrue(any(needle in line for line in used), "no line of %s in %s" % (needle, used))

    def test_nor_does_a_cubins(self):
        for problem in (CONV, HCM):
            code = []
            for words in ((), ("--lines",)):
                done = self.halo("compile", *problem, "--arch", "sm_90", "--emit", "cubin", *words, "-o", self.path("k.cubin"))
                if done.returncode == 1 and "no assembler" in done.stderr:
                    self.skipTest("no assembler here")
                self.assertEqual(done.returncode, 0, done.stderr)
                with open(self.path("k.cubin"), "rb") as file:
                    code.append(sections(file.read()))
            name = ".text." + problem[0]
            self.assertEqual(code[0][name], code[1][name])
            self.assertNotIn(".debug_line", code[0])
            self.assertIn(".debug_line", code[1])

    def test_no_path_is_in_it(self):
        source = self.succeeds("list", "--source", "causal_conv1d").stdout
        with open(self.path("mine.mlir"), "wb") as file:
            file.write(source)
        lined = self.succeeds("compile", self.path("mine.mlir"), *CONV[1:], "--arch", "sm_90", "--lines").stdout
        self.assertNotIn(self.folder.encode(), lined)
        self.assertEqual(lined, self.succeeds("compile", *CONV, "--arch", "sm_90", "--lines").stdout)


class Reproducers(CliCase):
    def test_a_failure_leaves_what_repeats_it(self):
        broken = self.path("ptxas")
        with open(broken, "w") as file:
            file.write("#!/bin/sh\necho 'ptxas fatal: out of luck' >&2\nexit 255\n")
        os.chmod(broken, stat.S_IRWXU)
        os.mkdir(self.path("tmp"))
        machine = {"HALO_NVJITLINK": "none", "HALO_PTXAS": broken, "TMPDIR": self.path("tmp")}
        words = ("compile", *CONV, "--arch", "sm_90", "--emit", "cubin")
        done = self.refused(*words, status=1, naming=["out of luck", "halo reproduce"], **machine)
        path = re.search(r"halo reproduce (\S+)", done.stderr).group(1)
        with open(path) as file:
            kept = json.load(file)
        self.assertIn("halo.kernel", kept["request"]["source"])
        self.assertIn("block_n=", kept["request"]["schedule"])
        self.assertIn("causal_conv1d", kept["problem"])
        self.assertRegex(kept["build"], "^[0-9a-f]+$")
        self.assertIn("out of luck", kept["error"])
        self.refused(*words, status=1, **machine)
        self.assertEqual(os.listdir(self.path("tmp")), [os.path.basename(path)])

        again = self.halo("reproduce", path, **machine)
        self.assertEqual(again.returncode, 1, again.stderr)
        self.assertIn("out of luck", again.stderr.splitlines()[-1])
        # What does not depend on the broken tool goes through.
        kept["request"]["emit"] = "ptx"
        with open(path, "w") as file:
            json.dump(kept, file)
        self.assertIn(b"compiles now", self.succeeds("reproduce", path).stdout)

    def test_a_refusal_leaves_nothing(self):
        os.mkdir(self.path("tmp"))
        self.refused("compile", "causal_conv1d", "--set", "K=4", "--schedule", "block_n=77", TMPDIR=self.path("tmp"))
        self.assertEqual(os.listdir(self.path("tmp")), [])
        self.refused("reproduce", self.path("none.json"), naming=["none.json"])
        with open(self.path("foreign.json"), "w") as file:
            file.write("[1, 2]")
        self.refused("reproduce", self.path("foreign.json"), naming=["foreign.json", "request"])

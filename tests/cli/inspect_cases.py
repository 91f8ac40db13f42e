"""halo inspect: what it says, with and without NVIDIA's tools."""

import json
import os
import stat

from cli_case import CliCase

CONV = ("causal_conv1d", "--set", "K=4", "--set", "layout=bld")
# What nvdisasm would print: enough of it for a loop.
SASS = """	.target	sm_90
.text.causal_conv1d:
	//## File "causal_conv1d.mlir", line 14
        /*0000*/                   LDC R1, c[0x0][0x28] ;
.L_x_1:
        /*0010*/                   LDG.E.128.CONSTANT R4, desc[UR8][R12.64] ;
        /*0020*/                   FFMA R4, R5, R6, R7 ;
        /*0030*/                   STG.E.128 desc[UR8][R12.64], R4 ;
        /*0040*/               @P1 BRA `(.L_x_1) ;
        /*0050*/                   EXIT ;
"""


class Inspect(CliCase):
    def disassembler(self):
        """A stand-in for nvdisasm, which few machines have."""
        path = self.path("nvdisasm")
        with open(self.path("sass.txt"), "w") as file:
            file.write(SASS)
        with open(path, "w") as file:
            file.write("#!/bin/sh\nexec cat %s\n" % self.path("sass.txt"))
        os.chmod(path, stat.S_IRWXU)
        return {"HALO_NVDISASM": path}

    def test_what_it_knows_of_a_problem(self):
        report = self.succeeds_json("inspect", *CONV, "--arch", "sm_90", HALO_COMMIT="abc")
        self.assertEqual((report["kernel"], report["arch"], report["commit"]), ("causal_conv1d", "sm_90", "abc"))
        loop = report["code"]["ptx"]["main_loop"]
        self.assertTrue(loop["found"])
        self.assertEqual(loop["depth"], 1)
        self.assertGreater(loop["mix"]["fma"], 0)
        self.assertGreater(loop["mix"]["global_store"], 0)
        self.assertEqual(report["per_output"]["bytes"], 4)
        self.assertEqual(report["roofline"]["gpu"], "H200")
        self.assertEqual(report["roofline"]["stands_at"], "DRAM")
        occupancy = report["occupancy"]
        self.assertLessEqual(set(occupancy["limiter"].split(" and ")), {"registers", "shared memory", "warps", "blocks"})
        self.assertGreater(occupancy["blocks_per_sm"], 0)
        # Rows of a ring slot lie side by side: nothing conflicts.
        self.assertGreater(report["accesses"]["shared"]["requests"], 0)
        self.assertEqual(report["accesses"]["shared"]["factor"], 1)
        self.assertNotIn("listings", report)

    def test_text(self):
        text = self.succeeds("inspect", *CONV, "--arch", "sm_90").stdout.decode()
        for needle in ("resources", "occupancy", "main loop", "per output", "roofline", "H200 stands at: DRAM", "global store", "local load"):
            self.assertIn(needle, text)
        self.assertLessEqual(max(map(len, text.splitlines())), 100)

    def test_other_gpus(self):
        report = self.succeeds_json("inspect", *CONV, "--gpu", "a100", "--no-sim")
        self.assertEqual((report["arch"], report["roofline"]["gpu"]), ("sm_80", "A100"))
        self.assertNotIn("accesses", report)
        report = self.succeeds_json("inspect", *CONV, "--arch", "sm_103", "--no-sim")
        self.assertNotIn("roofline", report)
        self.assertTrue(any("sm_103" in note for note in report["notes"]))
        self.refused("inspect", *CONV, "--gpu", "H20", naming=["H20", "'H200'"])
        self.refused("inspect", *CONV, "--gpu", "H200", "--arch", "sm_80", naming=["H200", "sm_90", "sm_80"])
        self.refused("inspect", *CONV, "--arch", "sm_91", naming=["sm_91"])

    def test_every_kernel_and_ones_own(self):
        for problem in (("hcl", "--set", "S=16", "--set", "layout=bld"), ("hcs_step", "--set", "K=7", "--set", "group=16"), ("modal_filter", "--set", "S=4")):
            with self.subTest(problem[0]):
                self.assertIn("per_output", self.succeeds_json("inspect", *problem))
        source = self.succeeds("list", "--source", "causal_conv1d").stdout
        with open(self.path("mine.mlir"), "wb") as file:
            file.write(source)
        mine, builtin = (self.succeeds_json("inspect", kernel, *CONV[1:]) for kernel in (self.path("mine.mlir"), CONV[0]))
        self.assertEqual(mine["code"], builtin["code"])

    def test_a_filters_loop_by_its_taps(self):
        report = self.succeeds_json("inspect", "causal_conv1d", "--set", "K=128", "--set", "layout=bld", "--no-sim")
        self.assertTrue(report["per_output"]["by_taps"])
        self.assertAlmostEqual(report["per_output"]["fma"], 128)
        self.assertGreater(report["per_output"]["instructions"], 128)
        self.assertTrue(any("128 taps" in note for note in report["notes"]))

    def test_matrix_instructions_and_their_banks(self):
        report = self.succeeds_json("inspect", "hcm", "--set", "K=128", "--set", "group=16", "--set", "layout=bld")
        mix = report["code"]["ptx"]["total"]
        self.assertGreater(mix["mma"], 50)
        self.assertGreater(mix["matrix_load"], 0)
        self.assertTrue(any("ldmatrix" in place["op"] for place in report["accesses"]["shared"]["places"]))
        self.assertGreaterEqual(report["accesses"]["shared"]["factor"], 1)

    def test_lines_side_by_side(self):
        report = self.succeeds_json("inspect", *CONV, "--lines", "--no-sim", **self.disassembler())
        source = report["source"]
        (store,) = [i + 1 for i, line in enumerate(source) if "halo.store %" in line]
        stores = [row for row in report["listings"]["ptx"] if row["text"].startswith("st.global") or " st.global" in row["text"]]
        self.assertTrue(stores)
        self.assertEqual({row["line"] for row in stores}, {store})
        self.assertEqual(report["listings"]["sass"][0], {"text": "LDC R1, c[0x0][0x28]", "line": 14, "index": 0})
        text = self.succeeds("inspect", *CONV, "--lines", "--no-sim", **self.disassembler()).stdout.decode()
        self.assertIn("| LDG.E.128.CONSTANT R4", text)

    def test_with_and_without_a_disassembler(self):
        if self.succeeds_json("inspect", *CONV, "--no-sim")["resources"].get("registers") is None:
            self.skipTest("no assembler here")
        loop = self.succeeds_json("inspect", *CONV, "--no-sim", **self.disassembler())["code"]["sass"]["main_loop"]
        self.assertEqual((loop["label"], loop["mix"]["read_only_load"], loop["mix"]["instructions"]), (".L_x_1", 1, 4))
        nowhere = {"PATH": self.folder, "CUDA_HOME": self.folder, "HALO_NVDISASM": ""}
        if not os.path.exists("/usr/local/cuda/bin/nvdisasm"):
            report = self.succeeds_json("inspect", *CONV, "--no-sim", **nowhere)
            self.assertNotIn("sass", report["code"])
            self.assertTrue(any("nvdisasm" in note for note in report["notes"]), report["notes"])

    def test_a_saved_artifact(self):
        self.succeeds("compile", *CONV, "--arch", "sm_90", "-o", self.path("k.ptx"))
        report = self.succeeds_json("inspect", self.path("k.ptx"))
        self.assertEqual((report["kernel"], report["arch"]), ("causal_conv1d", "sm_90"))
        self.assertEqual(report["resources"]["threads"], self.succeeds_json("inspect", *CONV, "--no-sim")["resources"]["threads"])
        self.assertEqual(self.halo("compile", *CONV, "--arch", "sm_90", "--emit", "cubin", "-o", self.path("k.cubin")).returncode in (0, 1), True)
        if os.path.exists(self.path("k.cubin")):
            known = self.succeeds_json("inspect", self.path("k.cubin"), **self.disassembler())
            whole = self.succeeds_json("inspect", *CONV, "--no-sim")
            self.assertEqual(known["resources"]["registers"], whole["resources"]["registers"])
            self.assertEqual(known["code"]["sass"]["main_loop"]["label"], ".L_x_1")
        self.refused("inspect", self.path("k.ptx"), "--set", "K=4", naming=["--set", "k.ptx"])
        self.refused("inspect", self.path("none.ptx"), naming=["none.ptx"])
        with open(self.path("bad.cubin"), "w") as file:
            file.write("no cubin")
        self.refused("inspect", self.path("bad.cubin"), naming=[".entry"])

    def test_diff(self):
        diff = self.succeeds_json("inspect", *CONV, "--no-sim", "--diff", "num_warps=8,block_n=1024")
        rows = {row["what"]: row for row in diff["rows"]}
        self.assertEqual(rows["resources.threads"]["b"], 256)
        with open(self.path("old.json"), "wb") as file:
            file.write(self.succeeds("inspect", *CONV, "--no-sim", "--json", HALO_COMMIT="old").stdout)
        text = self.succeeds("inspect", *CONV, "--no-sim", "--diff-with", self.path("old.json"), HALO_COMMIT="new").stdout.decode()
        self.assertIn("a  old: ", text)
        self.assertIn("no number differs", text)
        self.refused("inspect", *CONV, "--diff", "unroll=2", "--diff-with", self.path("old.json"), naming=["--diff-with"])
        with open(self.path("foreign.json"), "w") as file:
            json.dump({"a": 1}, file)
        self.refused("inspect", *CONV, "--no-sim", "--diff-with", self.path("foreign.json"), naming=["--json"])
        self.refused("inspect", *CONV, "--diff", "unroll=0", naming=["unroll"])

    def test_shape(self):
        report = self.succeeds_json("inspect", *CONV, "--no-sim", "--shape", "B=2,L=4096,D=1024")
        self.assertEqual([report["shape"][n] for n in "BLD"], [2, 4096, 1024])
        self.assertEqual(report["roofline"]["outputs"], 2 * 4096 * 1024)
        held = report["occupancy"]["blocks_per_sm"] * 132
        self.assertAlmostEqual(report["shape"]["waves"], report["shape"]["blocks"] / held)
        self.refused("inspect", *CONV, "--shape", "L=x", naming=["--shape"])

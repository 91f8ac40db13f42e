"""hcl and what belongs to it through `halo run`: against plain Python, in chunks, with slow poles, refused."""

import math

import modal_reference
import safetensors_io as st
from cli_case import SIM, CliCase
from hyena_cases import flat


class Problem:
    """One problem's numbers, nested as in the reference: z[b][c][t]."""

    def __init__(self, case, d=6, l=20, b=2, s=4, kp=3, dtype="f32", wdtype=None, layout="bld", streams="interleave",
                 skip=False, states_in=False, scale=1):  # fmt: skip
        self.case, self.dtype, self.wdtype = case, dtype, wdtype or dtype
        self.d, self.b, self.s, self.kp, self.layout, self.streams = d, b, s, kp, layout, streams

        def numbers(dtype, scale, *sizes):
            if len(sizes) == 1:
                return case.normal(dtype, sizes[0], scale)
            return [numbers(dtype, scale, *sizes[1:]) for _ in range(sizes[0])]

        self.z = numbers(dtype, scale, b, 3 * d, l)
        self.proj = numbers(self.wdtype, kp**-0.5, 3 * d, kp)
        # From hardly any decay to none left after one position.
        self.log_poles = [st.rounded("f32", [-(10 ** case.random.uniform(-5, 1.5)) for _ in range(s)]) for _ in range(d)]
        self.residues = numbers("f32", s**-0.5, d, s)
        self.skip = numbers(self.wdtype, 1, d) if skip else None
        self.proj_state = numbers(dtype, scale, b, 3 * d, kp - 1) if states_in else None
        self.modal_state = numbers("f32", 2 * scale, b, d, s) if states_in else None

    def tensors(self, begin=0, end=None, states=None):
        """Positions [begin, end) as tensors; `states` are tensors that take the place of the problem's own."""
        z = [[row[begin:end] for row in rows] for rows in self.z]
        length = len(z[0][0])
        sizes = [self.b, 3 * self.d, length]
        if self.layout == "bld":
            z = [[[row[t] for row in rows] for t in range(length)] for rows in z]
            sizes = [self.b, length, 3 * self.d]
        tensors = {
            "z": (self.dtype, sizes, flat(z)),
            "proj_weight": (self.wdtype, [3 * self.d, self.kp], flat(self.proj)),
            "log_poles": ("f32", [self.d, self.s], flat(self.log_poles)),
            "residues": ("f32", [self.d, self.s], flat(self.residues)),
        }
        if self.skip:
            tensors["skip"] = (self.wdtype, [self.d], self.skip)
        if self.proj_state:
            tensors["proj_state"] = (self.dtype, [self.b, 3 * self.d, self.kp - 1], flat(self.proj_state))
            tensors["modal_state"] = ("f32", [self.b, self.d, self.s], flat(self.modal_state))
        tensors.update(states or {})
        return tensors

    def run(self, tensors, *extra):
        out = self.case.path("out.safetensors")
        words = ["--set", "states=true", "layout=" + self.layout, "streams=" + self.streams]
        self.case.succeeds("run", "hcl", "--in", self.case.write(**tensors), "--out", out, *SIM, *words, *extra)
        return st.read(out)

    def check(self, *extra):
        got = self.run(self.tensors(), "--check", *extra)
        y, proj_out, modal_out = modal_reference.hcl(
            self.z, self.proj, self.log_poles, self.residues, self.skip, self.proj_state, self.modal_state, self.streams, self.dtype
        )
        if self.layout == "bld":
            y = [[[row[t] for row in rows] for t in range(len(rows[0]))] for rows in y]
        self.case.assertEqual(sorted(got), ["modal_state", "proj_state", "y"])
        self.case.assertEqual(got["proj_state"][1:], ([self.b, 3 * self.d, self.kp - 1], flat(proj_out)))
        self.case.assertEqual(got["modal_state"][:2], ("f32", [self.b, self.d, self.s]))
        self.case.assert_close(got["modal_state"][2], flat(modal_out), self.dtype, "modal_state")
        self.case.assert_close(got["y"][2], flat(y), self.dtype, "y")
        return got


SCHEDULES = (
    ("bld", "fir=direct,vector=2,block_n=64,num_warps=1,unroll=3"),
    ("bld", "fir=direct,block_n=4,num_warps=4,unroll=1"),
    ("bld", "fir=direct,block_n=32,num_warps=2,unroll=16"),
    ("bdl", "fir=direct,block_n=8,vector=4,unroll=2"),
    ("bdl", "fir=direct,block_n=1,num_warps=1,vector=1,unroll=5"),
)


class Modal(CliCase):
    def test_layouts_and_types(self):
        for layout, dtype, wdtype in (("bld", "bf16", "bf16"), ("bdl", "bf16", "f32"), ("bld", "f32", "f16"), ("bdl", "f16", "f16"), ("bdl", "f32", "f32")):
            for full in (False, True):
                with self.subTest(layout=layout, dtype=dtype, full=full):
                    Problem(self, d=8, l=24, dtype=dtype, wdtype=wdtype, layout=layout, skip=full, states_in=full).check()

    def test_streams(self):
        for streams in ("split", "column_split:4"):
            with self.subTest(streams=streams):
                Problem(self, d=16, l=24, dtype="bf16", streams=streams, states_in=True).check()

    def test_modes_channels_and_lengths(self):
        for d, l, s, kp in ((1, 1, 1, 3), (5, 9, 16, 3), (35, 7, 3, 1), (3, 2, 64, 5), (33, 0, 2, 3)):
            for layout in ("bld", "bdl"):
                with self.subTest(d=d, l=l, s=s, kp=kp, layout=layout):
                    Problem(self, d=d, l=l, s=s, kp=kp, layout=layout, skip=True, states_in=kp > 1).check("--set", "Kp=%d" % kp)

    def test_schedules(self):
        for layout, schedule in SCHEDULES:
            with self.subTest(layout=layout, schedule=schedule):
                Problem(self, d=16, l=32, dtype="bf16", layout=layout, skip=True, states_in=True).check("--schedule", schedule)

    def test_tensor_cores(self):
        """The tiles of fir=toeplitz: sequences that end within a chunk, with one and within a tile. (The class fast is
        drawn at unit scale, by the random problems.)"""
        schedule = "fir=toeplitz,block_n=32,num_warps=16,vector=2,unroll=4,stages=2"
        for l, s in ((16, 16), (150, 5), (128, 20), (131, 16)):
            with self.subTest(l=l, s=s):
                Problem(self, d=8, l=l, s=s, dtype="bf16", skip=True, states_in=True).check("--schedule", schedule)

    def test_tensor_cores_of_runs(self):
        """The same in bdl: tiles of one, two and four rounds, stripes of any number of channels, streams of both kinds; warps
        alone and, with taps of f32, together."""
        tiles = "fir=toeplitz,vector=8,stages=2,cluster=1,min_blocks=1,block_n=%d,num_warps=%d,unroll=%d"
        for d, l, s, numbers, streams in (
            (7, 8, 16, (8, 2, 4), "interleave"),
            (9, 296, 5, (8, 4, 4), "split"),
            (3, 256, 20, (3, 1, 4), "interleave"),
            (4, 520, 16, (4, 2, 4), "split"),
            (2, 0, 3, (2, 1, 2), "interleave"),
            (2, 1304, 3, (4, 4, 4), "interleave"),
        ):
            for wdtype in ("bf16", "f32"):
                if wdtype == "f32" and l > 1000:  # No chunks that long.
                    continue
                with self.subTest(d=d, l=l, s=s, streams=streams, wdtype=wdtype):
                    sizes = dict(d=d, l=l, s=s, dtype="bf16", wdtype=wdtype)
                    problem = Problem(self, layout="bdl", skip=True, states_in=True, streams=streams, **sizes)
                    problem.check("--schedule", tiles % numbers)

    def test_chunks(self):
        """hyena_c1: in one go or in two, states included; the same bits where the cut lies between two steps of 8."""
        for layout in ("bld", "bdl"):
            # Small sums: the bounds below are some roundings of numbers near 1.
            problem = Problem(self, d=4, l=24, layout=layout, skip=True, states_in=True, scale=0.25)
            whole = problem.run(problem.tensors())
            for cut in (0, 1, 2, 8, 23, 24):
                with self.subTest(layout=layout, cut=cut):
                    first = problem.run(problem.tensors(0, cut))
                    states = {name: first[name] for name in ("proj_state", "modal_state")}
                    second = problem.run(problem.tensors(cut, None, states))
                    self.assertEqual(second["proj_state"], whole["proj_state"])
                    for got, want in zip(second["modal_state"][2], whole["modal_state"][2]):
                        self.assertAlmostEqual(got, want, delta=1e-6 * max(1, abs(want)))
                    begin = cut * problem.d
                    if layout == "bld":
                        for b in range(problem.b):
                            tail = whole["y"][2][b * 24 * problem.d + begin : (b + 1) * 24 * problem.d]
                            size = len(tail)
                            for got, want in zip(second["y"][2][b * size : (b + 1) * size], tail):
                                self.assertAlmostEqual(got, want, delta=1e-5 * max(1, abs(want)))

    def test_clusters(self):
        """Blocks that take tiles in turn: the bits of a block alone, whatever the length and where it ends."""
        tiles = "block_n=32,num_warps=%d,vector=2,unroll=%d,stages=2,fir=toeplitz"
        for l, cluster, precision in ((700, 2, "accurate"), (1, 3, "accurate"), (512, 8, "fast"), (1025, 5, "fast")):
            with self.subTest(l=l, cluster=cluster):
                problem = Problem(self, d=40, l=l, b=1, s=5, dtype="bf16", layout="bld", skip=True, states_in=True)
                tensors = problem.tensors()
                schedule = tiles % (8, 16) if precision == "fast" else tiles % (16, 8)
                words = ["--set", "precision=" + precision, "--schedule"]
                alone = problem.run(tensors, *words, schedule)
                together = problem.run(tensors, *words, f"{schedule},cluster={cluster}")
                self.assertEqual(alone, together)
        for l, cluster, precision in ((776, 3, "accurate"), (8, 2, "fast"), (512, 8, "accurate")):
            with self.subTest(layout="bdl", l=l, cluster=cluster):
                problem = Problem(self, d=6, l=l, b=2, s=5, dtype="bf16", layout="bdl", skip=True, states_in=True)
                tensors = problem.tensors()
                schedule = "block_n=4,num_warps=2,vector=8,unroll=2,stages=2,min_blocks=1,fir=toeplitz"
                words = ["--set", "precision=" + precision, "--schedule"]
                alone = problem.run(tensors, *words, schedule + ",cluster=1")
                self.assertEqual(alone, problem.run(tensors, *words, f"{schedule},cluster={cluster}"))
        words = ["--set", "S=4", "layout=bld", "--dtype", "bf16", "--arch", "sm_80", "--emit", "ptx"]
        self.refused("compile", "hcl", *words, "--schedule", tiles % (8, 8) + ",cluster=2",
                     naming=["cluster", "2", "1", "sm_80"])  # fmt: skip

    def test_slow_poles(self):
        """hyena_c3: an impulse at t = 0 and a constant, under poles that multiplied up would be 4 % off."""
        length, poles = 1 << 20, (-1e-6, -1e-5)
        tensors = {
            "z": ("f32", [1, 6, length], ([1.0] * length * 2) + [1.0] + [0.0] * (length - 1) + [1.0] * length * 3),
            "proj_weight": ("f32", [6, 1], [1.0] * 6),
            "log_poles": ("f32", [2, 1], list(poles)),
            "residues": ("f32", [2, 1], [1.0, 1.0]),
        }
        out = self.path("out.safetensors")
        words = ("--set", "states=true", "layout=bdl", "streams=split", "Kp=1")
        self.succeeds("run", "hcl", "--in", self.write(**tensors), "--out", out, *SIM, *words, "--schedule", "block_n=2,num_warps=1")
        got = st.read(out)["y"][2]
        exact = st.rounded("f32", poles)
        for t in (0, 1, 7, 8, 999, length - 1):
            self.assertAlmostEqual(got[t] / math.exp(exact[0] * t), 1, delta=1e-6)
            ones = math.expm1(exact[1] * (t + 1)) / math.expm1(exact[1])
            self.assertAlmostEqual(got[length + t] / ones, 1, delta=1e-6)

    def test_refusals(self):
        good = Problem(self, d=6, l=4, states_in=True)

        def refused(naming, *words, **tensors):
            given = self.write(**dict(good.tensors(), **tensors))
            self.refused("run", "hcl", "--in", given, "--out", self.path("o"), *SIM, "--set", "layout=bld", *words, naming=naming)

        refused(["residues", "log_poles", "S", "3", "4"], residues=("f32", [6, 3], [0.0] * 18))
        refused(["log_poles", "D", "5", "6"], log_poles=("f32", [5, 4], [0.0] * 20))
        refused(["modal_state", "S", "5"], modal_state=("f32", [2, 6, 5], [0.0] * 60))
        refused(["log_poles", "f32", "bf16"], log_poles=("bf16", [6, 4], [0.0] * 24))
        refused(["modal_state", "rank 2", "[B, D, S]"], modal_state=("f32", [6, 4], [0.0] * 24))
        refused(["block_l", "256", "whole sequence"], "--schedule", "block_l=256")
        refused(["stages", "3"], "--schedule", "stages=3")
        refused(["window", "shared"], "--schedule", "window=shared,vector=1")


class ModalSteps(CliCase):
    """hyena_c1: a prompt, then tokens one by one from its states, against one prefill of all of them."""

    def decode(self, prompt, tokens, **options):
        problem = Problem(self, l=prompt + tokens, layout="bld", **options)
        whole = problem.run(problem.tensors())
        b, d = problem.b, problem.d
        tensors = problem.tensors(0, prompt)
        now = problem.run(tensors)
        states = ("proj_state", "modal_state")
        fixed = {name: tensors[name] for name in ("proj_weight", "log_poles", "residues", "skip") if name in tensors}
        for t in range(prompt, prompt + tokens):
            z = [row[c][t] for row in problem.z for c in range(3 * d)]
            given = self.write("step.safetensors", z=(problem.dtype, [b, 3 * d], z), **fixed, **{n: now[n] for n in states})
            out = self.path("out.safetensors")
            self.succeeds("run", "hcl_step", "--in", given, "--out", out, "--check", *SIM, "--set", "streams=" + problem.streams)
            now = st.read(out)
            self.assertEqual(sorted(now), ["modal_state", "proj_state", "y"])
            self.assertEqual(now["y"][1], [b, d])
            want = [whole["y"][2][(i * (prompt + tokens) + t) * d + c] for i in range(b) for c in range(d)]
            self.assert_close(now["y"][2], want, problem.dtype, "token %d" % t)
        self.assertEqual(now["proj_state"], whole["proj_state"])
        self.assert_close(now["modal_state"][2], whole["modal_state"][2], "f32", "modal_state")

    def test_after_prompts_of_any_length(self):
        for prompt in (0, 1, 9):
            with self.subTest(prompt=prompt):
                self.decode(prompt, 3, d=6, s=16, dtype="bf16", skip=True)

    def test_variants(self):
        self.decode(2, 2, d=16, s=3, dtype="f16", streams="split")
        self.decode(2, 2, d=8, s=6, dtype="f32", streams="column_split:4", skip=True)
        self.decode(1, 2, d=135, b=1, s=1, kp=1, dtype="bf16")

    def test_refusals(self):
        problem = Problem(self, d=4, l=1, states_in=True)
        tensors = dict(problem.tensors(), z=("f32", [2, 12], [0.0] * 24))
        rest = {key: value for key, value in tensors.items() if key != "modal_state"}
        self.refused("run", "hcl_step", "--in", self.write(**rest), "--out", self.path("o"), *SIM, naming=["modal_state", "missing"])


class ModalFilter(CliCase):
    def run_filter(self, length, *extra):
        d, s = 5, 3
        poles = [st.rounded("f32", [-(10 ** self.random.uniform(-6, 1.5)) for _ in range(s)]) for _ in range(d)]
        residues = [self.normal("f32", s) for _ in range(d)]
        given = self.write(log_poles=("f32", [d, s], flat(poles)), residues=("f32", [d, s], flat(residues)))
        out = self.path("h.safetensors")
        self.succeeds("run", "modal_filter", "--in", given, "--out", out, *SIM, "--check", "--set", "length=%d" % length, *extra)
        got = st.read(out)["h"]
        self.assertEqual(got[:2], ("f32", [d, length]))
        self.assert_close(got[2], flat(modal_reference.modal_filter(poles, residues, length)), "f32", "h")

    def test_lengths(self):
        for length in (1, 100, 101, 4000):
            with self.subTest(length=length):
                self.run_filter(length)

    def test_refusals(self):
        given = self.write(log_poles=("f32", [2, 1], [-1.0, -2.0]), residues=("f32", [2, 1], [1.0, 1.0]))
        words = ("run", "modal_filter", "--in", given, "--out", self.path("h"), *SIM)
        self.refused(*words, naming=["length", "modal_filter"])
        self.refused(*words, "--set", "length=0", naming=["length", "0", "1"])
        self.refused(*words, "--set", "length=many", naming=["length", "many"])

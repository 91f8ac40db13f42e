"""The Hyena operators through `halo run`: outputs and states against plain Python, chunked prefill bit by bit."""

import hyena_reference
import safetensors_io as st
from cli_case import SIM, CliCase

NAMES = {"b2b_causal_conv1d": ("x", "w_proj", "w_mixer")}


def flat(nested):
    return [v for row in nested for v in flat(row)] if isinstance(nested, list) else [nested]


class Problem:
    """One problem's numbers, nested as in the reference: z[b][c][t]."""

    def __init__(self, case, kind, d=6, l=20, b=2, k=7, kp=3, group=1, dtype="f32", wdtype=None, layout="bld",
                 streams="interleave", skip=False, states_in=False):  # fmt: skip
        self.case, self.kind, self.dtype, self.wdtype = case, kind, dtype, wdtype or dtype
        self.d, self.b, self.k, self.kp, self.layout, self.streams = d, b, k, kp, layout, streams

        def numbers(dtype, scale, *sizes):
            if len(sizes) == 1:
                return case.normal(dtype, sizes[0], scale)
            return [numbers(dtype, scale, *sizes[1:]) for _ in range(sizes[0])]

        self.z = numbers(dtype, 1, b, 3 * d, l)
        self.proj = numbers(self.wdtype, kp**-0.5, 3 * d, kp)
        self.filter = numbers(self.wdtype, k**-0.5, d // group, k)
        self.skip = numbers(self.wdtype, 1, d) if skip else None
        self.proj_state = numbers(dtype, 1, b, 3 * d, kp - 1) if states_in else None
        self.fir_state = numbers(dtype, 1, b, d, k - 1) if states_in else None

    def tensors(self, begin=0, end=None, states=None):
        """Positions [begin, end) as tensors; `states` are tensors that take the place of the problem's own."""
        z = [[row[begin:end] for row in rows] for rows in self.z]
        length = len(z[0][0])
        sizes = [self.b, 3 * self.d, length]
        if self.layout == "bld":
            z = [[[row[t] for row in rows] for t in range(length)] for rows in z]
            sizes = [self.b, length, 3 * self.d]
        x, proj, filt = NAMES.get(self.kind, ("z", "proj_weight", "filter"))
        tensors = {
            x: (self.dtype, sizes, flat(z)),
            proj: (self.wdtype, [3 * self.d, self.kp], flat(self.proj)),
            filt: (self.wdtype, [len(self.filter), self.k], flat(self.filter)),
        }
        if self.skip:
            tensors["skip"] = (self.wdtype, [self.d], self.skip)
        if self.proj_state:
            tensors["proj_state"] = (self.dtype, [self.b, 3 * self.d, self.kp - 1], flat(self.proj_state))
            tensors["fir_state"] = (self.dtype, [self.b, self.d, self.k - 1], flat(self.fir_state))
        tensors.update(states or {})
        return tensors

    def words(self):
        words = ["--set", "states=true", "layout=" + self.layout]
        return words if self.kind in NAMES else [*words, "streams=" + self.streams]

    def run(self, tensors, *extra):
        case = self.case
        out = case.path("out.safetensors")
        given = case.write(**tensors)
        case.succeeds("run", self.kind, "--in", given, "--out", out, *SIM, *self.words(), *extra)
        return st.read(out)

    def check(self, *extra):
        got = self.run(self.tensors(), "--check", *extra)
        y, proj_out, fir_out = hyena_reference.gated_pair(
            self.kind, self.z, self.proj, self.filter, self.skip, self.proj_state, self.fir_state, self.streams, self.dtype
        )
        if self.layout == "bld":
            y = [[[row[t] for row in rows] for t in range(len(rows[0]))] for rows in y]
        self.case.assertEqual(sorted(got), ["fir_state", "proj_state", "y"])
        self.case.assertEqual(got["proj_state"][1:], ([self.b, 3 * self.d, self.kp - 1], flat(proj_out)))
        self.case.assertEqual(got["fir_state"][1], [self.b, self.d, self.k - 1])
        self.case.assert_close(got["fir_state"][2], flat(fir_out), self.dtype, "fir_state")
        self.case.assert_close(got["y"][2], flat(y), self.dtype, "y")
        return got


class Hyena(CliCase):
    KINDS = ("hcs", "hcm", "b2b_causal_conv1d")

    def test_kinds_layouts_and_types(self):
        for kind in self.KINDS:
            for layout, dtype, wdtype in (("bld", "bf16", "bf16"), ("bdl", "bf16", "f32"), ("bld", "f32", "f16"), ("bdl", "f16", "f16")):
                for full in (False, True):
                    with self.subTest(kind=kind, layout=layout, dtype=dtype, full=full):
                        Problem(self, kind, d=8, l=24, dtype=dtype, wdtype=wdtype, layout=layout, skip=full, states_in=full).check()

    def test_streams(self):
        for layout in ("bld", "bdl"):
            for streams in ("interleave", "split", "column_split:4", "column_split:2"):
                with self.subTest(layout=layout, streams=streams):
                    Problem(self, "hcs", d=16, l=24, dtype="bf16", layout=layout, streams=streams, states_in=True).check()

    def test_groups_and_lengths(self):
        for k, group in ((1, 3), (2, 1), (7, 15), (11, 5), (16, 1)):
            with self.subTest(k=k, group=group):
                Problem(self, "hcs", d=15, l=9, k=k, group=group, skip=True).check()
        Problem(self, "hcs", d=4, l=9, kp=1, k=4).check()
        Problem(self, "hcs", d=4, l=9, kp=5, k=4, states_in=True).check("--set", "Kp=5")

    def test_128_taps(self):
        for kind in ("hcm", "b2b_causal_conv1d"):
            for layout in ("bld", "bdl"):
                with self.subTest(kind=kind, layout=layout):
                    Problem(self, kind, d=4, l=150, b=1, k=128, group=2, dtype="bf16", layout=layout, skip=True, states_in=True).check()

    def test_128_taps_on_the_tensor_cores(self):
        """Groups of channels, whole accesses, states in and out; a tile, less than one, more than two."""
        for kind, layout, wdtype, l in (("hcm", "bdl", "bf16", 272), ("hcm", "bdl", "f32", 128), ("b2b_causal_conv1d", "bdl", "bf16", 8),
                                        ("hcm", "bld", "bf16", 137), ("b2b_causal_conv1d", "bdl", "f32", 144)):
            with self.subTest(kind=kind, layout=layout, wdtype=wdtype, l=l):
                Problem(self, kind, d=16, l=l, b=1, k=128, group=8, dtype="bf16", wdtype=wdtype, layout=layout, skip=True, states_in=True).check()

    def test_chunks(self):
        """hyena_c1: in one go or in two, the same bits, states included; also where a chunk is shorter than a state."""
        for kind, k in (("hcs", 7), ("hcm", 40), ("b2b_causal_conv1d", 9)):
            for layout in ("bld", "bdl"):
                problem = Problem(self, kind, d=4, l=16, k=k, dtype="bf16", layout=layout, skip=True, states_in=True)
                whole = problem.run(problem.tensors())
                for cut in (0, 1, 5, 15, 16):
                    with self.subTest(kind=kind, layout=layout, cut=cut):
                        first = problem.run(problem.tensors(0, cut))
                        states = {name: first[name] for name in ("proj_state", "fir_state")}
                        second = problem.run(problem.tensors(cut, None, states))
                        for name in states:
                            self.assertEqual(second[name], whole[name])
                        self.assertEqual(self.joined(problem, first["y"], second["y"]), whole["y"][2])

    def joined(self, problem, first, second):
        """Two y along positions."""
        pieces = []
        for dtype, sizes, values in (first, second):
            rows = problem.b * (problem.d if problem.layout == "bdl" else 1)
            width = len(values) // rows
            pieces.append([values[i * width : (i + 1) * width] for i in range(rows)])
        return [v for a, b in zip(*pieces) for v in a + b]

    def test_refusals(self):
        good = Problem(self, "hcs", d=6, l=4, states_in=True)

        def refused(naming, *words, **tensors):
            given = self.write(**dict(good.tensors(), **tensors))
            self.refused("run", "hcs", "--in", given, "--out", self.path("o"), *SIM, "--set", "layout=bld", *words, naming=naming)

        refused(["column_split:4", "6", "4"], "--set", "streams=column_split:4")
        refused(["streams", "column_split"], "--set", "streams=column_split")
        refused(["streams", "interleave"], "--set", "streams=thirds")
        refused(["precision", "fast"], "--set", "precision=sloppy")
        refused(["y", "z"], y=("f32", [1], [0.0]))
        refused(["conv_c4", "fir_state", "filter"], fir_state=("f32", [2, 6, 7], [0.0] * 84))
        refused(["proj_state"], proj_state=("f32", [2, 6, 2], [0.0] * 24))


class Steps(CliCase):
    """hyena_c1 and hyena_c2: a prompt, then tokens one by one from its states, as one prefill of all of them."""

    def decode(self, kind, prompt, tokens, **options):
        problem = Problem(self, kind, l=prompt + tokens, layout="bld", **options)
        whole = problem.run(problem.tensors())
        b, d = problem.b, problem.d
        tensors = problem.tensors(0, prompt)
        now = problem.run(tensors)
        states = ("proj_state", "fir_state")
        fixed = {name: tensors[name] for name in ("proj_weight", "filter", "skip") if name in tensors}
        for t in range(prompt, prompt + tokens):
            z = [row[c][t] for row in problem.z for c in range(3 * d)]
            given = self.write("step.safetensors", z=(problem.dtype, [b, 3 * d], z), **fixed, **{n: now[n] for n in states})
            out = self.path("out.safetensors")
            self.succeeds(
                "run", kind + "_step", "--in", given, "--out", out, "--check", *SIM, "--set", "streams=" + problem.streams
            )  # fmt: skip
            now = st.read(out)
            self.assertEqual(sorted(now), ["fir_state", "proj_state", "y"])
            self.assertEqual(now["y"][1], [b, d])
            want = [whole["y"][2][(i * (prompt + tokens) + t) * d + c] for i in range(b) for c in range(d)]
            self.assertEqual(now["y"][2], want, "token %d, seed %s" % (t, self.id()))
        for name in states:
            self.assertEqual(now[name], whole[name])

    def test_after_prompts_of_any_length(self):
        for kind, k in (("hcs", 7), ("hcm", 24)):
            for prompt in (0, 1, 3, 9):
                with self.subTest(kind=kind, prompt=prompt):
                    self.decode(kind, prompt, 3, k=k, d=6, dtype="bf16", skip=True)

    def test_variants(self):
        self.decode("hcs", 2, 2, d=16, dtype="f16", streams="split")
        self.decode("hcs", 2, 2, d=8, dtype="f32", streams="column_split:4", group=2)
        self.decode("hcs", 4, 2, d=30, k=4, dtype="bf16", group=15, kp=1)
        self.decode("hcs", 1, 2, d=5, k=1, dtype="bf16")

    def test_128_taps_of_shared_filters(self):
        """Two tiles of channels, the second one half full; a filter for 15 channels straddles them."""
        self.decode("hcm", 2, 1, d=45, b=2, k=128, group=15, dtype="bf16", skip=True)
        self.decode("hcm", 1, 1, d=64, b=1, k=128, group=16, dtype="bf16")

    def test_refusals(self):
        problem = Problem(self, "hcs", d=4, l=1, states_in=True)
        tensors = problem.tensors()
        tensors["z"] = ("f32", [2, 12], tensors["z"][2])
        for name in ("proj_state", "fir_state"):
            rest = {key: value for key, value in tensors.items() if key != name}
            self.refused("run", "hcs_step", "--in", self.write(**rest), "--out", self.path("o"), *SIM, naming=[name, "missing"])
        rank3 = dict(tensors, z=("f32", [2, 1, 12], tensors["z"][2]))
        self.refused("run", "hcs_step", "--in", self.write(**rank3), "--out", self.path("o"), *SIM, naming=["z", "rank 3", "[B, D]"])
        self.refused("bench", "hcs_step", *SIM, "--set", "K=7", "--shape", "B=2,D=8,L=2", naming=["hcs_step", "2", "1"])

    def test_bench_counts_states(self):
        words = ("bench", "hcm_step", "--set", "K=128", "--shape", "B=2,D=8", *SIM, "--repeat", "1")
        row = self.succeeds_json(*words)["results"][0]
        self.assertEqual(row["bytes"], 2 * 8 * 2 * (3 + 1 + 2 * (3 * 2 + 127)))

    def test_bench_compares_steps(self):
        """Poisoning the state that is written leaves the one that is read alone."""
        words = ("bench", "hcs_step", "--set", "K=7", "--shape", "B=2,D=8", *SIM, "--repeat", "1")
        (compared,) = self.succeeds_json(*words, "--compare", "num_warps=4", "num_warps=8")["comparisons"]
        self.assertEqual(set(compared["outputs"]), {"y", "proj_state", "fir_state"})
        for output in compared["outputs"].values():
            self.assertEqual((output["max_abs"], output["within_tolerance"]), (0, True))

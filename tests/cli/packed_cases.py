"""Packed sequences through `halo run`: cu_seqlens and seq_idx against plain Python, and each sequence alone, bit by bit."""

import math

import hyena_reference
import modal_cases
import modal_reference
import packed_reference
import reference
import safetensors_io as st
from cli_case import SIM, CliCase
from hyena_cases import NAMES, flat


class Conv:
    """One causal_conv1d over packed sequences: numbers by channel and position, tensors by layout."""

    def __init__(self, case, cuts, d=8, k=4, layout="bld", dtype="f32", wdtype=None, states=False, activation="none"):
        self.case, self.cuts, self.d, self.k, self.layout = case, cuts, d, k, layout
        self.dtype, self.wdtype, self.activation = dtype, wdtype or dtype, activation
        self.n, self.l = len(cuts) - 1, cuts[-1]
        self.x = [case.normal(dtype, self.l) for _ in range(d)]
        self.w = [case.normal(self.wdtype, k, k**-0.5) for _ in range(d)]
        self.bias = case.normal(self.wdtype, d)
        self.states = [[case.normal(dtype, k - 1) for _ in range(d)] for _ in range(self.n)] if states else None

    def view(self, rows):
        length = len(rows[0])
        if self.layout == "bdl":
            return (self.dtype, [1, self.d, length], flat(rows))
        return (self.dtype, [1, length, self.d], [rows[c][t] for t in range(length) for c in range(self.d)])

    def rows(self, tensor):
        """Of a view's flat values, by channel."""
        length = len(tensor[2]) // self.d
        if self.layout == "bdl":
            return [tensor[2][c * length : (c + 1) * length] for c in range(self.d)]
        return [tensor[2][c :: self.d] for c in range(self.d)]

    def tensors(self, n=None):
        """All sequences packed, or sequence n alone."""
        begin, end = (0, self.l) if n is None else self.cuts[n : n + 2]
        tensors = {
            "x": self.view([row[begin:end] for row in self.x]),
            "weight": (self.wdtype, [self.d, self.k], flat(self.w)),
            "bias": (self.wdtype, [self.d], self.bias),
        }
        if self.states:
            states = self.states if n is None else self.states[n : n + 1]
            tensors["initial_state"] = (self.dtype, [len(states), self.d, self.k - 1], flat(states))
        if n is None:
            tensors["cu_seqlens"] = ("i32", [self.n + 1], self.cuts)
        return tensors

    def run(self, tensors, *words):
        case = self.case
        out = case.path("out.safetensors")
        options = ["--set", "layout=" + self.layout, "final_state=true", "activation=" + self.activation]
        case.succeeds("run", "causal_conv1d", "--in", case.write(**tensors), "--out", out, *SIM, *options, *words)
        return st.read(out)

    def check(self, *words):
        """The packed run against each sequence in plain Python."""
        case = self.case
        got = self.run(self.tensors(), "--check", *words)
        case.assertEqual(got["final_state"][:2], (self.dtype, [self.n, self.d, self.k - 1]))
        y, kept = [[] for _ in range(self.d)], []
        for n in range(self.n):
            for c in range(self.d):
                state = self.states[n][c] if self.states else [0.0] * (self.k - 1)
                samples = self.x[c][self.cuts[n] : self.cuts[n + 1]]
                outputs, last = reference.channel(
                    samples, self.w[c], state, self.bias[c], activation=self.activation
                )
                y[c] += outputs
                kept += last
        case.assert_close(flat(self.rows(got["y"])), flat(y), self.dtype, "y of %s" % self.cuts)
        case.assertEqual(got["final_state"][2], kept)
        return got

    def check_alone(self, schedule):
        """Bit by bit: a packed row is its sequences one by one, under one schedule."""
        got = self.run(self.tensors(), *schedule)
        whole = self.rows(got["y"])
        for n in range(self.n):
            begin, end = self.cuts[n : n + 2]
            alone = self.run(self.tensors(n), *schedule)
            self.case.assertEqual([row[begin:end] for row in whole], self.rows(alone["y"]), "sequence %d of %s" % (n, self.cuts))
            size = self.d * (self.k - 1)
            self.case.assertEqual(got["final_state"][2][n * size : (n + 1) * size], alone["final_state"][2])


class Packed(CliCase):
    def cuts(self, length, count):
        return packed_reference.cuts(self.random, length, count)

    def test_random_partitions(self):
        sizes = ((8, 64, 4), (5, 37, 3), (3, 40, 8), (7, 19, 1), (16, 200, 2), (9, 61, 5))
        for layout in ("bdl", "bld"):
            for i, (d, l, k) in enumerate(sizes):
                with self.subTest(layout=layout, d=d, l=l, k=k):
                    Conv(self, self.cuts(l, 2 + i % 4 * 3), d, k, layout, states=i % 2 == 0, activation="silu").check()

    def test_types(self):
        pairs = [(t, w) for t in ("f32", "f16", "bf16") for w in ("f32", "f16", "bf16")]
        for i, (dtype, wdtype) in enumerate(pairs):
            with self.subTest(dtype=dtype, wdtype=wdtype):
                layout = ("bld", "bdl")[i % 2]
                Conv(self, self.cuts(48, 5), 16, 4, layout, dtype, wdtype, states=i % 3 > 0).check()

    def test_long_filters(self):
        for layout in ("bdl", "bld"):
            for states in (False, True):
                with self.subTest(layout=layout, states=states):
                    Conv(self, self.cuts(150, 6), 5, 70, layout, states=states).check()

    def test_no_sequence_and_no_position(self):
        Conv(self, [0], 4).check()
        Conv(self, [0, 0, 0], 4, states=True).check()
        Conv(self, [0, 0, 9, 9], 4, layout="bdl", states=True).check()

    def test_alone_bit_by_bit(self):
        schedules = {
            "bld": ("align=1,block_n=8,num_warps=1,vector=1,unroll=3", "block_n=8,num_warps=2,vector=1,unroll=4,stages=1"),
            "bdl": ("block_n=2,num_warps=1,vector=1,unroll=2",),
        }
        for layout, texts in schedules.items():
            for i, text in enumerate(texts):
                with self.subTest(layout=layout, schedule=text):
                    words = ("--set", "align=1", "--schedule", text.replace("align=1,", ""))
                    Conv(self, self.cuts(45, 5), 8, 4, layout, "bf16", states=i == 0).check_alone(words)
        shared = "block_n=32,num_warps=4,vector=1,unroll=4,stages=1,window=shared"
        for states in (False, True):
            Conv(self, self.cuts(45, 4), 8, 12, "bld", states=states).check_alone(
                ("--set", "align=1", "--schedule", shared)
            )

    # conv_c6
    def test_a_nan_stays_in_its_sequence(self):
        for k, layout, states in ((4, "bld", True), (4, "bdl", False), (70, "bld", True), (70, "bdl", False)):
            with self.subTest(k=k, layout=layout, states=states):
                conv = Conv(self, [0, 10, 10, 23, 40], 4, k, layout, states=states)
                clean = conv.run(conv.tensors())
                conv.x[1][20] = math.nan
                if states:
                    conv.states[0][2] = [math.inf] * (k - 1)
                got = conv.run(conv.tensors())
                for c, (row, want) in enumerate(zip(conv.rows(got["y"]), conv.rows(clean["y"]))):
                    for t, (g, w) in enumerate(zip(row, want)):
                        own = (c == 1 and 20 <= t < min(23, 20 + k)) or (states and c == 2 and t < min(10, k - 1))
                        if own:
                            self.assertFalse(math.isfinite(g), (c, t))
                        else:
                            self.assertEqual(g, w, (c, t))

    def test_split(self):
        cuts, d = self.cuts(33, 5), 12
        for layout, norm in (("bld", "q:4"), ("bdl", ""), ("bld", "q:2")):
            with self.subTest(layout=layout, l2norm=norm):
                conv = Conv(self, cuts, d, 4, layout, states=True)
                words = ["--set", "layout=" + layout, "split=q:8,v:4", "final_state=true", "activation=silu"]
                words += ["l2norm=" + norm] if norm else []
                out = self.path("out.safetensors")
                self.succeeds("run", "causal_conv1d_split", "--in", self.write(**conv.tensors()), "--out", out, *SIM, *words, "--check")
                got = st.read(out)
                rows = []
                for c in range(d):
                    row = []
                    for n in range(conv.n):
                        samples = conv.x[c][cuts[n] : cuts[n + 1]]
                        row += reference.channel(samples, conv.w[c], conv.states[n][c], conv.bias[c], activation="silu")[0]
                    rows.append(row)
                heads = {norm.split(":")[0]: int(norm.split(":")[1])} if norm else None
                want = reference.parts(flat(rows), (1, d, 33), "bdl", {"q": 8, "v": 4}, heads)
                for name, values in want.items():
                    self.assert_close(got[name][2], values, "f32", name)

    def test_refusals(self):
        conv = Conv(self, [0, 3, 9], 4)

        def refused(*naming, **changes):
            tensors = {**conv.tensors(), **changes}
            given = self.write(**tensors)
            self.refused("run", "causal_conv1d", "--in", given, "--out", self.path("out"), *SIM, "--set", "layout=bld", naming=naming)

        refused("cu_seqlens", "starts at 1", cu_seqlens=("i32", [3], [1, 3, 9]))
        refused("cu_seqlens", "ends at 8", "L = 9", cu_seqlens=("i32", [3], [0, 3, 8]))
        refused("cu_seqlens[2] is 3", "less than 5", cu_seqlens=("i32", [4], [0, 5, 3, 9]))
        refused("cu_seqlens", "0 numbers", cu_seqlens=("i32", [0], []))
        refused("cu_seqlens", "rank 2", cu_seqlens=("i32", [1, 3], [0, 3, 9]))
        refused("cu_seqlens", "f32", "i32", cu_seqlens=("f32", [3], [0, 3, 9]))
        refused("cu_seqlens", "B is 2", x=("f32", [2, 9, 4], [0.0] * 72))
        refused("initial_state", "[1, 4, 3]", "[2, 4, 3]", initial_state=("f32", [1, 4, 3], [0.0] * 12))
        refused("'cu_seqlens' and 'seq_idx'", seq_idx=("i32", [1, 9], [0] * 9))
        given = self.write(**conv.tensors())
        self.refused("run", "causal_conv1d", "--in", given, "--out", self.path("out"), *SIM, "--set", "layout=bld",
                     "--schedule", "fir=toeplitz,stages=2", naming=("fir=toeplitz", "cu_seqlens"))  # fmt: skip


class Labels(CliCase):
    """seq_idx, the other spelling."""

    def check(self, b, d, l, k, layout, dtype="f32", states=False, longest=9, norm=False):
        rows = [packed_reference.labels(self.random, l, longest) for _ in range(b)]
        x = [[self.normal(dtype, l) for _ in range(d)] for _ in range(b)]
        w, bias = [self.normal(dtype, k, k**-0.5) for _ in range(d)], self.normal(dtype, d)
        given = [[self.normal(dtype, k - 1) if states else [0.0] * (k - 1) for _ in range(d)] for _ in range(b)]
        y, kept = [], []
        for i in range(b):
            made = [
                packed_reference.labelled_channel(x[i][c], rows[i], w[c], given[i][c], bias[c], "silu") for c in range(d)
            ]
            y.append([row for row, _ in made])
            kept += [last for _, last in made]

        def view(numbers):
            if layout == "bdl":
                return flat(numbers)
            return [row[t] for channels in numbers for t in range(l) for row in channels]

        tensors = {
            "x": (dtype, [b, d, l] if layout == "bdl" else [b, l, d], view(x)),
            "weight": (dtype, [d, k], flat(w)),
            "bias": (dtype, [d], bias),
            "seq_idx": ("i32", [b, l], flat(rows)),
        }
        if states:
            tensors["initial_state"] = (dtype, [b, d, k - 1], flat(given))
        out = self.path("out.safetensors")
        words = ["--set", "layout=" + layout, "activation=silu", "final_state=true"]
        kernel = "causal_conv1d"
        if norm:
            kernel = "causal_conv1d_split"
            words += ["split=q:%d" % d, "l2norm=q:2"]
        self.succeeds("run", kernel, "--in", self.write(**tensors), "--out", out, *SIM, *words, "--check")
        got = st.read(out)
        self.assertEqual(got["final_state"], (dtype, [b, d, k - 1], flat(kept)))
        if norm:
            want = reference.parts(flat(y), (b, d, l), "bdl", {"q": d}, {"q": 2})["q"]
            self.assert_close(got["q"][2], want, dtype, "q")
        else:
            self.assert_close(got["y"][2], view(y), dtype, "y")
            for i in range(b):
                for t in (t for t in range(l) if rows[i][t] < 0):
                    at = [(i * d + c) * l + t if layout == "bdl" else (i * l + t) * d + c for c in range(d)]
                    self.assertEqual([got["y"][2][place] for place in at], [0.0] * d)

    def test_random_labels(self):
        for layout in ("bdl", "bld"):
            for b, d, l, k, states in ((1, 8, 64, 4, False), (2, 5, 33, 3, True), (3, 4, 21, 7, True), (1, 6, 17, 1, False)):
                with self.subTest(layout=layout, d=d, l=l, k=k, states=states):
                    self.check(b, d, l, k, layout, "bf16" if d == 8 else "f32", states)

    def test_long_runs_and_long_filters(self):
        for layout in ("bdl", "bld"):
            self.check(1, 16, 200, 4, layout, "f16", longest=90)
            self.check(2, 4, 120, 70, layout, states=True, longest=60)

    def test_norms_and_empty_rows(self):
        self.check(2, 8, 30, 4, "bld", norm=True)
        self.check(2, 4, 0, 4, "bld", states=True)

    def test_contiguous_runs_are_sequences(self):
        conv = Conv(self, [0, 7, 30, 31, 52], 4, layout="bdl")
        tensors = conv.tensors()
        got = conv.run(tensors)
        del tensors["cu_seqlens"]
        row = [n for n in range(conv.n) for _ in range(conv.cuts[n], conv.cuts[n + 1])]
        tensors["seq_idx"] = ("i32", [1, conv.l], row)
        self.assertEqual(conv.run(tensors)["y"], got["y"])


class PackedHyena(CliCase):
    """The gated pair over packed sequences: boundaries hold for every FIR, states are per sequence."""

    def problem(self, kind, cuts, d, k, kp, layout, dtype, states, skip=True):
        count, l = len(cuts) - 1, cuts[-1]
        z = [self.normal(dtype, l) for _ in range(3 * d)]
        proj = [self.normal(dtype, kp, kp**-0.5) for _ in range(3 * d)]
        filt = [self.normal(dtype, k, k**-0.5) for _ in range(d)]
        skips = self.normal(dtype, d) if skip else None
        proj_state = [[self.normal(dtype, kp - 1) for _ in range(3 * d)] for _ in range(count)] if states else None
        fir_state = [[self.normal(dtype, k - 1) for _ in range(d)] for _ in range(count)] if states else None
        x, weight, name = NAMES.get(kind, ("z", "proj_weight", "filter"))
        values = flat(z) if layout == "bdl" else [row[t] for t in range(l) for row in z]
        tensors = {
            x: (dtype, [1, 3 * d, l] if layout == "bdl" else [1, l, 3 * d], values),
            weight: (dtype, [3 * d, kp], flat(proj)),
            name: (dtype, [d, k], flat(filt)),
            "cu_seqlens": ("i32", [count + 1], cuts),
        }
        if skip:
            tensors["skip"] = (dtype, [d], skips)
        if states:
            tensors["proj_state"] = (dtype, [count, 3 * d, kp - 1], flat(proj_state))
            tensors["fir_state"] = (dtype, [count, d, k - 1], flat(fir_state))
        y, projs, firs = [[] for _ in range(d)], [], []
        for n in range(count):
            rows = [row[cuts[n] : cuts[n + 1]] for row in z]
            made, proj_out, fir_out = hyena_reference.gated_pair(
                kind, [rows], proj, filt, skips, proj_state and [proj_state[n]], fir_state and [fir_state[n]], "interleave", dtype
            )
            for c in range(d):
                y[c] += made[0][c]
            projs += proj_out
            firs += fir_out
        want = flat(y) if layout == "bdl" else [row[t] for t in range(l) for row in y]
        return tensors, want, flat(projs), flat(firs)

    def check(self, kind, length, count, d, k, kp, layout, dtype, states, *words):
        cuts = packed_reference.cuts(self.random, length, count)
        tensors, y, projs, firs = self.problem(kind, cuts, d, k, kp, layout, dtype, states)
        out = self.path("out.safetensors")
        options = ("--set", "layout=" + layout, "states=true")
        self.succeeds("run", kind, "--in", self.write(**tensors), "--out", out, *SIM, *options, "--check", *words)
        got = st.read(out)
        self.assert_close(got["y"][2], y, dtype, "y of %s" % cuts)
        self.assertEqual(got["proj_state"][1:], ([count, 3 * d, kp - 1], projs))
        self.assertEqual(got["fir_state"][1], [count, d, k - 1])
        self.assert_close(got["fir_state"][2], firs, dtype, "fir_state")

    def test_short_filters(self):
        for kind, layout, dtype, d, k, kp, states in (
            ("hcs", "bld", "bf16", 8, 7, 3, True), ("hcs", "bdl", "f32", 5, 7, 3, False),
            ("hcs", "bdl", "bf16", 4, 5, 2, True), ("hcs", "bld", "f32", 6, 3, 5, False),
            ("b2b_causal_conv1d", "bld", "f16", 8, 4, 3, True), ("b2b_causal_conv1d", "bdl", "f32", 3, 6, 4, True),
        ):  # fmt: skip
            with self.subTest(kind=kind, layout=layout, states=states):
                self.check(kind, 48, 6, d, k, kp, layout, dtype, states)

    def test_medium_filters(self):
        for layout, dtype, k, states in (("bld", "bf16", 20, True), ("bdl", "f32", 33, False), ("bdl", "bf16", 70, True)):
            with self.subTest(layout=layout, k=k, states=states):
                self.check("hcm", 96, 5, 4, k, 3, layout, dtype, states)

    def test_groups_take_no_tensor_cores(self):
        """What would choose fir=toeplitz chooses another schedule."""
        cuts = [0, 10, 64]
        tensors, y, _, _ = self.problem("hcm", cuts, 16, 17, 3, "bld", "bf16", False)
        tensors["filter"] = ("bf16", [1, 17], tensors["filter"][2][:17])
        del tensors["skip"]
        done = self.succeeds_json("run", "hcm", "--in", self.write(**tensors), "--out", self.path("out"), *SIM, "--set", "layout=bld", "--check")
        self.assertNotIn("toeplitz", done["schedule"])

    def test_long_operator(self):
        """hcl: states are per sequence, and a recurrence starts anew."""
        for layout, dtype, d, s, states in (
            ("bld", "f32", 5, 4, True), ("bld", "bf16", 8, 16, False), ("bdl", "bf16", 4, 3, True), ("bdl", "f32", 3, 4, False),
        ):  # fmt: skip
            with self.subTest(layout=layout, dtype=dtype, states=states):
                cuts = packed_reference.cuts(self.random, 90, 6)
                count = len(cuts) - 1
                # As many rows of states as sequences; z is of one row.
                made = modal_cases.Problem(self, d=d, l=90, b=count, s=s, dtype=dtype, layout=layout, skip=True, states_in=states)
                z = made.z[0]
                tensors = made.tensors()
                sizes = [1, 3 * d, 90] if layout == "bdl" else [1, 90, 3 * d]
                values = flat(z) if layout == "bdl" else [row[t] for t in range(90) for row in z]
                tensors.update(z=(dtype, sizes, values), cu_seqlens=("i32", [count + 1], cuts))
                got = made.run(tensors, "--check")
                y, projs, modals = [[] for _ in range(d)], [], []
                for n in range(count):
                    own = [[row[cuts[n] : cuts[n + 1]] for row in z]]
                    rows, proj_out, modal_out = modal_reference.hcl(
                        own, made.proj, made.log_poles, made.residues, made.skip,
                        made.proj_state and [made.proj_state[n]], made.modal_state and [made.modal_state[n]],
                        "interleave", dtype,
                    )  # fmt: skip
                    for c in range(d):
                        y[c] += rows[0][c]
                    projs += flat(proj_out)
                    modals += flat(modal_out)
                want = flat(y) if layout == "bdl" else [row[t] for t in range(90) for row in y]
                self.assert_close(got["y"][2], want, dtype, "y of %s" % cuts)
                self.assertEqual(got["proj_state"][1:], ([count, 3 * d, 2], projs))
                self.assertEqual(got["modal_state"][1], [count, d, s])
                self.assert_close(got["modal_state"][2], modals, dtype, "modal_state")

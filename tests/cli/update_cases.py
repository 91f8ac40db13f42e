"""causal_conv1d_update through `halo run`: states longer than needed, rings, slots and padding, in place; refused."""

import math

import safetensors_io as st
from cli_case import SIM, CliCase

TYPES = ("f32", "f16", "bf16")


def reference(x, state, weight, bias, seqlens, slots, activation):
    """x[b][c][t], state[slot][c][n] (a copy is returned), weight[row][k]; plain floats."""
    state = [[list(row) for row in rows] for rows in state]
    group, y = len(x[0]) // len(weight) if x else 1, []
    for b, channels in enumerate(x):
        slot = slots[b] if slots else b
        y.append([])
        for c, tokens in enumerate(channels):
            if slot < 0:
                y[b].append([0.0] * len(tokens))
                continue
            taps, kept = weight[c // group], state[slot][c]
            n, k = len(kept), len(taps)
            old = [kept[(seqlens[b] - (k - 1) + j) % n if seqlens else n - (k - 1) + j] for j in range(k - 1)]
            line, out = old + list(tokens), []
            for t in range(len(tokens)):
                acc = (bias[c] if bias else 0.0) + sum(w * u for w, u in zip(taps, line[t : t + k]))
                out.append({"none": acc, "silu": acc / (1 + math.exp(-acc)), "sigmoid": 1 / (1 + math.exp(-acc))}[activation])
            y[b].append(out)
            if seqlens:
                for t, value in enumerate(tokens):
                    if n:
                        kept[(seqlens[b] + t) % n] = value
            else:
                state[slot][c] = (kept + list(tokens))[len(tokens) :]
    return y, state


def flat(nested):
    return [v for rows in nested for row in rows for v in row]


class Problem:
    def __init__(self, case, b=3, d=5, t=1, k=4, n=None, group=1, dtype="f32", wdtype=None, flat_x=False, ring=False,
                 slots=None, bias=True, activation="silu"):  # fmt: skip
        self.case, self.dtype, self.wdtype, self.flat_x, self.activation = case, dtype, wdtype or dtype, flat_x, activation
        self.b, self.d, self.t, self.k, self.n = b, d, t, k, k - 1 if n is None else n
        self.slots = slots

        def numbers(dtype, count, inner, scale=1.0):
            return [case.normal(dtype, inner, scale) for _ in range(count)]

        self.x = [numbers(dtype, d, t) for _ in range(b)]
        self.state = [numbers(dtype, d, self.n) for _ in range(max(slots) + 2 if slots else b)]
        self.weight = numbers(self.wdtype, d // group, k, k**-0.5)
        self.bias = case.normal(self.wdtype, d) if bias else None
        self.seqlens = [case.random.randrange(1000) for _ in range(b)] if ring else None

    def tensors(self):
        tensors = {
            "x": (self.dtype, [self.b, self.d] + ([] if self.flat_x else [self.t]), flat(self.x)),
            "conv_state": (self.dtype, [len(self.state), self.d, self.n], flat(self.state)),
            "weight": (self.wdtype, [len(self.weight), self.k], [v for row in self.weight for v in row]),
        }
        if self.bias:
            tensors["bias"] = (self.wdtype, [self.d], self.bias)
        if self.seqlens is not None:
            tensors["cache_seqlens"] = ("i32", [self.b], self.seqlens)
        if self.slots is not None:
            tensors["conv_state_indices"] = ("i32", [self.b], self.slots)
        return tensors

    def check(self, *extra, **tensors):
        given = dict(self.tensors(), **tensors)
        out = self.case.path("out.safetensors")
        words = ("--set", "activation=" + self.activation, "--check", *SIM, *extra)
        self.case.succeeds("run", "causal_conv1d_update", "--in", self.case.write(**given), "--out", out, *words)
        got = st.read(out)
        y, state = reference(self.x, self.state, self.weight, self.bias, self.seqlens, self.slots, self.activation)
        self.case.assertEqual(sorted(got), ["conv_state", "y"])
        self.case.assertEqual(got["y"][:2], given["x"][:2])
        self.case.assert_close(got["y"][2], flat(y), self.dtype, "y")
        self.case.assertEqual(got["conv_state"], (self.dtype, given["conv_state"][1], flat(state)))
        return got


class Update(CliCase):
    def test_types(self):
        for i, (dtype, wdtype) in enumerate((d, w) for d in TYPES for w in TYPES):
            with self.subTest(dtype=dtype, wdtype=wdtype):
                Problem(self, dtype=dtype, wdtype=wdtype, d=8, flat_x=i % 2 == 0, ring=i % 3 == 0).check()

    def test_states_of_any_length(self):
        for n in (3, 4, 9):
            for t in (0, 1, 2, 5, 12):
                for ring in (False, True):
                    with self.subTest(n=n, t=t, ring=ring):
                        Problem(self, b=2, d=3, n=n, t=t, ring=ring, dtype="bf16").check()

    def test_slots_and_padding(self):
        for ring in (False, True):
            for flat_x in (False, True):
                with self.subTest(ring=ring, flat_x=flat_x):
                    got = Problem(self, b=4, d=6, n=5, ring=ring, flat_x=flat_x, slots=[6, -1, 0, 3], dtype="bf16").check()
                    self.assertEqual(set(got["y"][2][6:12]), {0.0})
        Problem(self, b=2, d=4, t=3, slots=[-1, -1]).check()

    def test_widths_and_groups(self):
        for k, n in ((1, 0), (1, 2), (2, 1), (7, 6), (24, 30), (100, 99)):
            for ring in (False, True):
                with self.subTest(k=k, n=n, ring=ring):
                    Problem(self, b=2, d=4, t=2, k=k, n=n, ring=ring, group=2, bias=k > 1).check()

    def test_ragged_and_empty(self):
        Problem(self, b=2, d=133, flat_x=True, dtype="bf16", slots=[1, 0]).check()
        Problem(self, b=0, d=4, flat_x=True).check()
        Problem(self, b=1, d=1, activation="none").check()
        Problem(self, b=1, d=40, t=8, n=6, activation="sigmoid", dtype="f16").check()

    def test_schedules(self):
        for schedule in ("block_n=4,num_warps=1", "block_n=32,num_warps=4,unroll=2", "block_n=1,num_warps=1,unroll=4"):
            with self.subTest(schedule):
                Problem(self, b=2, d=9, t=6, n=7, dtype="bf16", slots=[1, -1]).check("--schedule", schedule)
                Problem(self, b=2, d=9, t=6, n=5, dtype="bf16", ring=True).check("--schedule", schedule)

    def test_tokens_one_by_one(self):
        """Four tokens at once are four launches of one, bit by bit, whatever way the state is kept."""
        for ring in (False, True):
            with self.subTest(ring=ring):
                problem = Problem(self, b=2, d=6, t=4, n=6, ring=ring, slots=[2, 0], dtype="bf16")
                whole = problem.check()
                given, y = problem.tensors(), []
                for t in range(4):
                    given["x"] = ("bf16", [2, 6], [row[t] for rows in problem.x for row in rows])
                    out = self.path("out.safetensors")
                    path = self.write("one.safetensors", **given)
                    self.succeeds("run", "causal_conv1d_update", "--in", path, "--out", out, *SIM, "--set", "activation=silu")
                    one = st.read(out)
                    y.append(one["y"][2])
                    given["conv_state"] = one["conv_state"]
                    if ring:
                        given["cache_seqlens"] = ("i32", [2], [v + t + 1 for v in problem.seqlens])
                self.assertEqual([y[t][i] for i in range(12) for t in range(4)], whole["y"][2])
                self.assertEqual(given["conv_state"], whole["conv_state"])

    def test_refusals(self):
        def refused(naming, *words, with_slots=(2, 0), **tensors):
            problem = Problem(self, b=2, d=4, n=4, slots=list(with_slots), ring=True)
            path = self.write(**dict(problem.tensors(), **tensors))
            self.refused("run", "causal_conv1d_update", "--in", path, "--out", self.path("o"), *SIM, *words, naming=naming)

        refused(["update_c3", "conv_state_indices[1]", "9", "4 slots"], conv_state_indices=("i32", [2], [0, 9]))
        refused(["update_c3", "conv_state_indices[0]", "-2"], conv_state_indices=("i32", [2], [-2, 0]))
        refused(["update_c3", "conv_state_indices[0] and conv_state_indices[1]", "both 3"], conv_state_indices=("i32", [2], [3, 3]))
        refused(["update_c4", "cache_seqlens[1]", "-7"], cache_seqlens=("i32", [2], [0, -7]))
        refused(["update_c1", "conv_state", "2", "3", "K 4"], conv_state=("f32", [4, 4, 2], [0.0] * 32))
        refused(["conv_c2", "conv_state_indices", "rank 2", "[B]"], conv_state_indices=("i32", [2, 1], [0, 1]))
        refused(["conv_c2", "B is 2", "3", "cache_seqlens"], cache_seqlens=("i32", [3], [0, 0, 0]))
        refused(["conv_c2", "cache_seqlens", "i64", "i32"], cache_seqlens=("i64", [2], [0, 0]))
        refused(["conv_c2", "conv_state", "[4, 5, 4]", "slots"], conv_state=("f32", [4, 5, 4], [0.0] * 80))
        refused(["conv_state", "[slots, D, N]"], conv_state=("f32", [4, 4], [0.0] * 16))
        refused(["block_l", "4"], "--schedule", "block_l=4")
        refused(["activation"], "--set", "activation=tanh")

    def test_rows_without_slots(self):
        problem = Problem(self, b=2, d=4, n=4)
        given = dict(problem.tensors(), conv_state=("f32", [3, 4, 4], [0.0] * 48))
        self.refused("run", "causal_conv1d_update", "--in", self.write(**given), "--out", self.path("o"), *SIM,
                     naming=["conv_c2", "conv_state", "[3, 4, 4]", "[2, 4, N]"])  # fmt: skip

    def test_bench_counts_what_moves(self):
        words = ("bench", "causal_conv1d_update", "--set", "K=4", *SIM, "--repeat", "1")
        row = self.succeeds_json(*words, "--shape", "B=2,D=8")["results"][0]
        self.assertEqual(row["bytes"], 2 * 8 * 2 * (1 + 1 + 3 + 3))
        row = self.succeeds_json(*words, "--shape", "B=2,D=8,L=2", "--set", "layout=bdl", "--with", "cache_seqlens")["results"][0]
        self.assertEqual(row["bytes"], 2 * 8 * 2 * (2 + 2 + 3 + 2))
        (compared,) = self.succeeds_json(*words, "--shape", "B=2,D=8", "--with", "cache_seqlens", "--compare", "num_warps=4",
                                         "block_n=4,num_warps=1")["comparisons"]  # fmt: skip
        for output in compared["outputs"].values():
            self.assertEqual((output["max_abs"], output["within_tolerance"]), (0, True))

    def test_listed(self):
        text = self.succeeds("list", "causal_conv1d_update").stdout.decode()
        for words in ("conv_state (state T K longer ring(cache_seqlens) slots(conv_state_indices))", "cache_seqlens? (indices i32 rows)"):
            self.assertIn(words, text)


class Rings(CliCase):
    """The states of hcs and hcm as rings: what a plain one gives, turned."""

    def test_steps(self):
        for kind, k, dtype in (("hcs", 7, "bf16"), ("hcm", 24, "f16"), ("hcs", 1, "f32"), ("hcm", 2, "bf16")):
            for d in (6, 32):
                with self.subTest(kind=kind, k=k, d=d):
                    self.steps(kind, k, d, dtype)

    def steps(self, kind, k, d, dtype, b=3):
        n = k - 1
        state = [[self.normal(dtype, n) for _ in range(d)] for _ in range(b)]
        at = [self.random.randrange(0, 500) for _ in range(b)]
        at[0] = 0
        given = {
            "proj_weight": (dtype, [3 * d, 3], self.normal(dtype, 9 * d, 0.5)),
            "filter": (dtype, [d, k], self.normal(dtype, d * k, k**-0.5)),
            "skip": (dtype, [d], self.normal(dtype, d)),
            "proj_state": (dtype, [b, 3 * d, 2], self.normal(dtype, 6 * b * d)),
        }
        # Sample i, the oldest being 0, of row r lies at (at[r] + i) mod n.
        turned = [[[row[(j - at[r]) % n] for j in range(n)] for row in rows] for r, rows in enumerate(state)]
        plain = dict(given, fir_state=(dtype, [b, d, n], flat(state)))
        ring = dict(given, fir_state=(dtype, [b, d, n], flat(turned)), fir_position=("i32", [b], at))
        for _ in range(2):
            z = (dtype, [b, 3 * d], self.normal(dtype, 3 * b * d))
            want, got = (self.step(kind, dict(tensors, z=z)) for tensors in (plain, ring))
            self.assertEqual(sorted(got), ["fir_state", "proj_state", "y"])
            for name in ("y", "proj_state"):
                self.assertEqual(got[name], want[name], name)
            at = [v + 1 for v in at]
            rows = [want["fir_state"][2][i * n : (i + 1) * n] for i in range(b * d)]
            back = [rows[i][(j - at[i // d]) % n] for i in range(b * d) for j in range(n)]
            self.assertEqual(got["fir_state"], (dtype, [b, d, n], back))
            for tensors, now in ((plain, want), (ring, got)):
                tensors.update({name: now[name] for name in ("proj_state", "fir_state")})
            ring["fir_position"] = ("i32", [b], at)

    def step(self, kind, tensors):
        out = self.path("out.safetensors")
        self.succeeds("run", kind + "_step", "--in", self.write(**tensors), "--out", out, "--check", *SIM)
        return st.read(out)

    def test_bench_counts_half(self):
        words = ("bench", "hcm_step", "--set", "K=128", "--shape", "B=2,D=8", *SIM, "--repeat", "1", "--with", "fir_position")
        row = self.succeeds_json(*words)["results"][0]
        self.assertEqual(row["bytes"], 2 * 8 * 2 * (3 + 1 + 2 * 3 * 2 + 127 + 1))

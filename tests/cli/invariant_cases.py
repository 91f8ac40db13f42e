"""conv_c5 across calls: with `--set invariant=true`, a row up to a position has the same bits whatever B and L are."""

import math

import safetensors_io as st
from cli_case import SIM
from tune_cases import TuneCase

D, L, B, KP = 16, 104, 3, 3
# (row, positions): all rows, or one alone. 37 and 5 positions are unaligned in bdl.
CALLS = ((None, L), (2, L), (1, 56), (0, 37), (None, 5), (1, 1))
GATED = ("hcs", "hcm", "hcl", "b2b_causal_conv1d")


class Invariant(TuneCase):
    def problem(self, kernel, layout, dtype="f32", wdtype=None, k=4, group=1, modes=4):
        """(view, tensors, what is set): the numbers of a call of all rows and positions, views as [B, C, L]."""
        wdtype, normal = wdtype or dtype, self.normal
        words = ["layout=" + layout]
        if kernel == "hcl":
            words.append("states=true")
        if kernel not in GATED:
            tensors = {
                "x": (dtype, [B, D, L], normal(dtype, B * D * L)),
                "weight": (wdtype, [D // group, k], normal(wdtype, D // group * k)),
                "bias": (wdtype, [D], normal(wdtype, D)),
                "initial_state": (dtype, [B, D, k - 1], normal(dtype, B * D * (k - 1))),
            }
            if kernel == "causal_conv1d_split":
                words += ["split=q:4,v:12", "l2norm=v:4"]
            return "x", tensors, words
        view, proj, taps = ("x", "w_proj", "w_mixer") if kernel[0] == "b" else ("z", "proj_weight", "filter")
        tensors = {
            view: (dtype, [B, 3 * D, L], normal(dtype, B * 3 * D * L)),
            proj: (wdtype, [3 * D, KP], normal(wdtype, 3 * D * KP, KP**-0.5)),
            "skip": (wdtype, [D], normal(wdtype, D)),
        }
        if kernel == "hcl":
            poles = st.rounded("f32", [-(10 ** self.random.uniform(-3, 1)) for _ in range(D * modes)])
            tensors["log_poles"] = ("f32", [D, modes], poles)
            tensors["residues"] = ("f32", [D, modes], normal("f32", D * modes, modes**-0.5))
        else:
            tensors[taps] = (wdtype, [D // group, k], normal(wdtype, D // group * k, k**-0.5))
        return view, tensors, words

    def cut(self, tensors, view, layout, row, count):
        """The tensors of one call."""
        rows = range(B) if row is None else [row]
        made = {}
        for name, (dtype, shape, values) in tensors.items():
            if name not in (view, "initial_state"):
                made[name] = (dtype, shape, values)
                continue
            _, c, n = shape
            length = count if name == view else n
            per = [[[values[(b * c + ch) * n + t] for t in range(length)] for ch in range(c)] for b in rows]
            if name == view and layout == "bld":
                per = [[[channel[t] for channel in channels] for t in range(length)] for channels in per]
            sizes = [len(per), length, c] if name == view and layout == "bld" else [len(per), c, length]
            made[name] = (dtype, sizes, [v for channels in per for channel in channels for v in channel])
        return made

    def call(self, kernel, problem, layout, row, count, *words):
        """(the schedule, the bits of every output by name: [row][position] for views, [row] for states)."""
        view, tensors, settings = problem
        out = self.path("out.safetensors")
        path = self.write(**self.cut(tensors, view, layout, row, count))
        said = self.succeeds_json("run", kernel, "--in", path, "--out", out, *SIM, "--set", *settings, *words)
        bits = {}
        for name, (dtype, shape, values) in st.read(out).items():
            size = math.prod(shape[1:])
            whole = [values[b * size : (b + 1) * size] for b in range(shape[0])]
            if not name.endswith("state"):
                # The parts of a split are [B, L, n] in both layouts.
                across = layout == "bld" or kernel == "causal_conv1d_split"
                whole = [
                    [part[t * shape[2] : (t + 1) * shape[2]] if across else part[t :: shape[2]] for t in range(count)]
                    for part in whole
                ]
                bits[name] = [[st.encode(dtype, position) for position in part] for part in whole]
            else:
                bits[name] = [st.encode(dtype, part) for part in whole]
        return said["schedule"], bits

    def differences(self, kernel, layout, problem, *words):
        """(schedules met, what differs from the call of everything)."""
        schedules, differing, whole = [], [], None
        for row, count in CALLS:
            schedule, bits = self.call(kernel, problem, layout, row, count, *words)
            if schedule not in schedules:
                schedules.append(schedule)
            whole = whole or bits
            for name, rows in bits.items():
                for i, got in enumerate(rows):
                    want = whole[name][i if row is None else row]
                    if isinstance(want, list):
                        want = want[:count]
                    elif count < L:
                        continue  # A state of another length.
                    if got != want:
                        differing.append("%s of row %s, L %d" % (name, row, count))
        return schedules, differing

    def test_rows_and_prefixes_have_their_bits(self):
        for kernel, layout, settings in (
            ("causal_conv1d", "bld", {}),
            ("causal_conv1d", "bdl", {"dtype": "bf16"}),
            ("causal_conv1d", "bdl", {"k": 40}),
            ("causal_conv1d_split", "bld", {"dtype": "bf16"}),
            ("causal_conv1d_split", "bdl", {"dtype": "f16"}),
            ("hcs", "bld", {"dtype": "bf16", "k": 7, "group": 4}),
            ("hcs", "bdl", {"k": 7}),
            ("hcm", "bld", {"k": 40}),
            ("hcm", "bld", {"dtype": "bf16", "wdtype": "f32", "k": 40, "group": 8}),
            ("hcm", "bdl", {"dtype": "bf16", "wdtype": "f32", "k": 40, "group": 8}),
            ("hcl", "bld", {}),
            ("hcl", "bld", {"dtype": "bf16"}),
            ("hcl", "bdl", {"dtype": "bf16"}),
            ("b2b_causal_conv1d", "bld", {"dtype": "bf16", "k": 24, "group": 16}),
            ("b2b_causal_conv1d", "bdl", {"dtype": "bf16", "k": 24, "group": 16}),
        ):
            with self.subTest(kernel=kernel, layout=layout, **settings):
                problem = self.problem(kernel, layout, **settings)
                schedules, differing = self.differences(kernel, layout, problem, "invariant=true")
                self.assertEqual(differing, [])
                if layout == "bld":
                    self.assertEqual(len(schedules), 1)
                staged = kernel in GATED[1:] and settings.get("dtype") == "bf16"
                self.assertEqual(["fir=toeplitz" in one for one in schedules], [staged and layout == "bld"] * len(schedules))

    def test_without_it_bits_follow_the_sizes(self):
        """What the mode is for, and that the test above sees it: alignment in bdl, records of a bucket."""
        coarse = self.problem("hcm", "bdl", dtype="bf16", wdtype="f32", k=40, group=8)
        schedules, differing = self.differences("hcm", "bdl", coarse, "precision=fast")
        self.assertEqual(len(schedules), 2)
        self.assertIn("y of row 0, L 37", differing)
        self.assertEqual(self.differences("hcm", "bdl", coarse, "precision=fast", "invariant=true")[1], [])

        hcl = self.problem("hcl", "bld")
        self.record("hcl", b=1, l=64, unroll=2)
        schedules, differing = self.differences("hcl", "bld", hcl)
        self.assertEqual(len(schedules), 2)
        self.assertTrue(any("L 56" in one for one in differing), differing)
        schedules, differing = self.differences("hcl", "bld", hcl, "invariant=true")
        self.assertEqual((len(schedules), differing), (1, []))

    SHAPE = ("--shape", "B=1,L=%d,D=%d" % (L, D))
    HCL = ("--set", "S=4", "layout=bld", "states=true", "--dtype", "f32", "--with", "skip")

    def record(self, kernel, b, l, unroll, *words):
        """Records the analytic choice with another unroll."""
        report = self.succeeds_json("tune", kernel, *self.HCL, *self.SHAPE, *SIM, "--candidates", "1", "--set", "align=16", *words)
        record = report["record"]
        schedule = ",".join("unroll=%d" % unroll if part.startswith("unroll=") else part for part in record["schedule"].split(","))
        self.assertNotEqual(schedule, record["schedule"])
        self.succeeds("tune", kernel, *self.HCL, *self.SHAPE, *SIM, "--forget", *words)
        record.update(b=b, l=l, schedule=schedule, block_l=0)
        self.succeeds("tune", "--import", self.write_records(record))
        return schedule

    def test_its_records_serve_every_size(self):
        schedule = self.record("hcl", 0, 0, 2, "--set", "invariant=true")
        hcl = self.problem("hcl", "bld")
        schedules, differing = self.differences("hcl", "bld", hcl, "invariant=true")
        self.assertEqual((schedules, differing), ([schedule], []))
        # No record of a launch without the mode.
        self.assertNotEqual(self.call("hcl", hcl, "bld", None, L)[0], schedule)
        # Nor does a first use tune.
        path = self.write(**self.cut(hcl[1], "z", "bld", None, L))
        self.succeeds("tune", "hcl", *self.HCL, *self.SHAPE, *SIM, "--forget", "--set", "invariant=true")
        self.succeeds("run", "hcl", "--in", path, "--out", self.path("o"), *SIM, "--set", *hcl[2], "invariant=true", HALO_TUNING="on-first-use")
        self.assertEqual(self.records(), [])

    def test_refusals(self):
        self.refused("compile", "hcs", "--set", "K=7", "invariant=yes", naming=("invariant", "'yes'", "true or false"))
        tune = ("tune", "hcl", "--set", "S=4", "layout=bdl", "--dtype", "f32", *self.SHAPE, *SIM)
        self.refused(*tune, "--set", "invariant=true", naming=("invariant hcl in bdl takes no record",))

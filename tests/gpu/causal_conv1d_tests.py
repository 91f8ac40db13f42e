#!/usr/bin/env python3
"""causal-conv1d's own tests, unmodified, with Halo's functions in the place of its own.

    CAUSAL_CONV1D_PATH=FOLDER causal_conv1d_tests.py [-o OUT.json] [--seconds 150] [--tests FILE]

FOLDER holds the package causal_conv1d; its tests are FOLDER/tests/test_causal_conv1d.py, or FILE. The package is
imported as it is, without its extension; then causal_conv1d_fn and causal_conv1d_update are those of halo.compat. Its
references stay. Cases are drawn in an order of their own until the seconds are up. Per test function:

    passed     to its end
    forward    all that is asserted of the forward pass held; then it asks for gradients, which Halo has not
    refused    by a sentence of Halo's; the sentences are counted
    gradients  it asks for gradients before it asserts anything of ours
    skipped    by its own means
    failed     anything else: exit status 1

No pytest and no einops are needed: what the tests use of them is below.
"""

import argparse
import collections
import contextlib
import io
import itertools
import json
import os
import random
import sys
import time
import types

import torch

import halo
from halo.compat import causal_conv1d as compat

#: Tests whose assertions on the forward pass come before they ask for gradients.
FORWARD_FIRST = ("test_causal_conv1d", "test_causal_conv1d_varlen")
#: They test no function of ours, or only gradients.
NOT_OURS = {"test_causal_conv1d_get_states": "tests a function that is not replaced"}


class NoGradients(RuntimeError):
    pass


class Skipped(Exception):
    pass


class Forward(torch.autograd.Function):
    """Halo's convolution where gradients are recorded: the tests assert the forward pass on such tensors."""

    @staticmethod
    def forward(ctx, *arguments):
        return compat.causal_conv1d_fn(*arguments)

    @staticmethod
    def backward(ctx, *gradients):
        raise NoGradients("halo computes forward only")


def causal_conv1d_fn(x, weight, bias=None, seq_idx=None, initial_states=None, return_final_states=False,
                     final_states_out=None, activation=None):  # fmt: skip
    return Forward.apply(x, weight, bias, seq_idx, initial_states, return_final_states, final_states_out, activation)


def causal_conv1d_update(*arguments, **named):
    # As the function it replaces, which records no gradient.
    with torch.no_grad():
        return compat.causal_conv1d_update(*arguments, **named)


class Mark:
    @staticmethod
    def parametrize(names, values):
        def mark(function):
            function.parameters = [*getattr(function, "parameters", []), (names, list(values))]
            return function

        return mark

    @staticmethod
    def skipif(condition, reason=""):
        def mark(function):
            function.skip = reason if condition else None
            return function

        return mark


def stand_ins():
    """What the tests import, and the package without its extension."""

    def skip(reason=""):
        raise Skipped(reason)

    def rearrange(tensor, pattern):
        assert pattern == "b s d -> b d s", pattern
        return tensor.transpose(1, 2)

    for name, contents in (
        ("pytest", {"mark": Mark, "skip": skip, "xfail": skip}),
        ("einops", {"rearrange": rearrange}),
        ("causal_conv1d_cuda", {}),
    ):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__dict__.update(contents)


def load(folder, path, device):
    stand_ins()
    sys.path.insert(0, folder)
    import causal_conv1d.causal_conv1d_interface as interface

    interface.causal_conv1d_fn, interface.causal_conv1d_update = causal_conv1d_fn, causal_conv1d_update
    with open(path, encoding="utf-8") as file:
        source = file.read()
    if device != "cuda":  # To try this script without a GPU.
        source = source.replace('device = "cuda"', "device = %r" % device)
    module = types.ModuleType("test_causal_conv1d")
    exec(compile(source, path, "exec"), module.__dict__)
    return {name: value for name, value in vars(module).items() if name.startswith("test_") and callable(value)}


def cases(tests, seed):
    """(name, arguments) of all, in a drawn order; what cannot be run is said in the group's own words."""
    drawn = []
    for name, function in tests.items():
        names = [name for name, _ in getattr(function, "parameters", [])]
        drawn += [
            (name, dict(zip(names, values)))
            for values in itertools.product(*[v for _, v in getattr(function, "parameters", [])])
        ]
    random.Random(seed).shuffle(drawn)
    return drawn


def outcome(name, function, arguments):
    """(what became of it, why)."""
    if name in NOT_OURS or "_bwd_" in name:
        return "skipped", NOT_OURS.get(name, "tests gradients only")
    if getattr(function, "skip", None):
        return "skipped", function.skip
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            function(**arguments)
    except Skipped as reason:
        return "skipped", str(reason)
    except NoGradients as reason:
        return ("forward" if name in FORWARD_FIRST else "gradients"), str(reason)
    except halo.Error as sentence:
        return "refused", str(sentence)
    except Exception as error:  # The report is the point: one broken case must not end it.
        return "failed", "%s: %s" % (type(error).__name__, (str(error).splitlines() or ["an assertion"])[0])
    return "passed", ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", dest="out")
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--tests")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda")
    options = parser.parse_args()
    folder = os.environ.get("CAUSAL_CONV1D_PATH", "")
    path = options.tests or os.path.join(folder, "tests", "test_causal_conv1d.py")
    if not os.path.isdir(os.path.join(folder, "causal_conv1d")) or not os.path.exists(path):
        print("skipped: CAUSAL_CONV1D_PATH names no folder with causal_conv1d/ and tests/ in it")
        return 77
    tests = load(folder, path, options.device)
    drawn, end = cases(tests, options.seed), time.monotonic() + options.seconds
    groups = {name: collections.Counter() for name in tests}
    reasons = {name: collections.Counter() for name in tests}
    failures = []
    ran = 0
    for name, arguments in drawn:
        if time.monotonic() > end:
            break
        what, why = outcome(name, tests[name], arguments)
        groups[name][what] += 1
        ran += 1
        if why:
            reasons[name][what + ": " + why] += 1
        if what == "failed":
            failures.append("%s(%s): %s" % (name, ", ".join("%s=%s" % pair for pair in arguments.items()), why))
    report = {"cases": len(drawn), "ran": ran, "torch": torch.__version__, "halo": halo.__version__, "groups": {}}
    total = collections.Counter()
    for name, counts in groups.items():
        total += counts
        report["groups"][name] = {"counts": dict(counts), "reasons": dict(reasons[name])}
        print("%-55s %s" % (name, ", ".join("%s %d" % pair for pair in sorted(counts.items()))))
        for why, count in reasons[name].most_common(3):
            print("    %5d  %s" % (count, why[:160]))
    for failure in failures[:10]:
        print("failed: " + failure)
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
            file.write("\n")
    print("%d of %d cases run: %s" % (ran, len(drawn), ", ".join("%s %d" % pair for pair in sorted(total.items()))))
    print(
        "%d passed, %d failed, %d skipped"
        % (
            total["passed"] + total["forward"],
            total["failed"],
            ran - total["passed"] - total["forward"] - total["failed"],
        )
    )
    return 1 if total["failed"] or not total["forward"] + total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())

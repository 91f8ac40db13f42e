#!/usr/bin/env python3
"""Which kernels a change changes: the PTX of every problem in kernels/shipped.txt, before and after.

    tools/replay.py record before.json [--halo build/bin/halo]
    tools/replay.py compare before.json build/bin/halo

`record` keeps the PTX and its digest. `compare` takes two sides, each a record or a `halo` command to ask, and
shows what differs. A refactoring shows nothing. Exit status: 0 no difference, 1 some, 2 it could not be told.
"""

import argparse
import base64
import concurrent.futures
import difflib
import hashlib
import json
import os
import subprocess
import sys
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MARK = "halo replay"


class Trouble(Exception):
    pass


def problems(path):
    with open(path) as file:
        lines = [line.strip() for line in file]
    return [line for line in lines if line and not line.startswith("#")]


def ptx(halo, problem, arch):
    """What this build makes of a problem by its own choice of a schedule; a refusal is a text too."""
    words = [halo, "compile", *problem.split(), "--arch", arch, "--emit", "ptx", "--no-cache"]
    done = subprocess.run(words, capture_output=True, text=True, env=dict(os.environ, HALO_TUNING="off"))
    if done.returncode not in (0, 2):
        raise Trouble("%s: status %d: %s" % (problem, done.returncode, done.stderr.strip()))
    return done.stdout if done.returncode == 0 else "// refused: %s" % done.stderr


def record(halo, archs, listed):
    if not os.access(halo, os.X_OK):
        raise Trouble("no halo command at '%s': build it, or name one with --halo" % halo)
    named = {"%s --arch %s" % (problem, arch): (problem, arch) for problem in listed for arch in archs}
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        texts = list(pool.map(lambda item: ptx(halo, *item), named.values()))
    return dict(zip(named, texts))


def pack(texts):
    kept = {}
    for name, text in texts.items():
        data = text.encode()
        kept[name] = {"sha256": hashlib.sha256(data).hexdigest(), "ptx": base64.b64encode(zlib.compress(data, 9)).decode()}
    return {MARK: 1, "commit": os.environ.get("HALO_COMMIT", ""), "problems": kept}


def unpack(path):
    with open(path) as file:
        document = json.load(file)
    if not isinstance(document, dict) or MARK not in document:
        raise Trouble("'%s' is no record: write one with tools/replay.py record" % path)
    texts = {}
    for name, entry in document["problems"].items():
        data = zlib.decompress(base64.b64decode(entry["ptx"]))
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise Trouble("'%s': the PTX of '%s' is not what its digest says" % (path, name))
        texts[name] = data.decode()
    return texts


def side(path, archs, listed):
    return unpack(path) if path.endswith(".json") else record(path, archs, listed)


def compare(before, after, context, most):
    """Prints what differs; the number of problems that do."""
    changed = 0
    for name in list(before) + [name for name in after if name not in before]:
        if before.get(name) == after.get(name):
            continue
        changed += 1
        print("== %s" % name)
        if name not in before or name not in after:
            print("   only %s" % ("before" if name in before else "after"))
            continue
        lines = list(difflib.unified_diff(before[name].splitlines(), after[name].splitlines(), "before", "after", n=context, lineterm=""))
        print("\n".join(lines[:most]))
        if len(lines) > most:
            print("   ... %d more lines" % (len(lines) - most))
    print("%d problems, %d the same, %d differ" % (len(set(before) | set(after)), len(set(before) | set(after)) - changed, changed))
    return changed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("record", "compare"))
    parser.add_argument("sides", nargs="+", metavar="FILE", help="record: where to; compare: two records or commands")
    parser.add_argument("--halo", default=os.path.join(ROOT, "build", "bin", "halo"))
    parser.add_argument("--arch", default="sm_90", help="several by commas; default sm_90")
    parser.add_argument("--problems", default=os.path.join(ROOT, "kernels", "shipped.txt"))
    parser.add_argument("--context", type=int, default=2, help="lines around a difference")
    parser.add_argument("--lines", type=int, default=200, help="at most so many of a difference")
    options = parser.parse_args()
    archs = options.arch.split(",")
    listed = problems(options.problems)
    if options.verb == "record":
        if len(options.sides) != 1:
            raise Trouble("record takes one file, and %d are given" % len(options.sides))
        texts = record(options.halo, archs, listed)
        with open(options.sides[0], "w") as file:
            json.dump(pack(texts), file, indent=1)
        print("%d problems in %s" % (len(texts), options.sides[0]))
        return 0
    if len(options.sides) != 2:
        raise Trouble("compare takes two sides, and %d are given" % len(options.sides))
    before, after = (side(path, archs, listed) for path in options.sides)
    return 1 if compare(before, after, options.context, options.lines) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Trouble, OSError, ValueError, KeyError) as error:
        print("replay.py: error: %s" % error, file=sys.stderr)
        sys.exit(2)

#!/usr/bin/env python3
"""compute-sanitizer over the cases of sanitize.txt and sanitize-clusters.txt: any finding is a failure.

    tests/gpu/sanitize.py HALO_PROPERTY [--tools memcheck,racecheck]

Each tool has a process for each of the two files, since it takes longer to begin than to check a case. Of racecheck on the
clusters MESSAGES pairs are meant: in each a store to another block's shared memory and the load that looks for it.
"""

import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# The stores of a lane's states to the next block, in the schedule of sanitize-clusters.txt.
MESSAGES = 8
BETWEEN = re.compile(r"Race reported between (Write|Read) access at (.+?) *(?=and (?:Write|Read) access at|$)")
AND = re.compile(r"and (Write|Read) access at (.+?)(?: \[|$)")
FINDING = re.compile(r"^========= *(?:Error|ERROR|Warning|WARNING|Invalid|Uninitialized|Race|Leaked|Barrier)\b(?! SUMMARY)")


def races(output):
    """Pairs of accesses ("Write" or "Read", place), and the number of other findings. The second access of a pair is on the
    line of the first or on its own, and a first one may have several."""
    pairs, others, first = [], 0, None
    for line in output.splitlines():
        between = BETWEEN.search(line)
        if between:
            first = between.groups()
        elif FINDING.search(line):
            first, others = None, others + 1
        second = AND.search(line)
        if first and second:
            pairs.append((first, second.groups()))
    return pairs, others


def messages_only(output, expected=MESSAGES):
    """Whether what racecheck reports is `expected` pairs of a write and a read, each access in one of them, and no more."""
    pairs, others = races(output)
    if others or any({kind for kind, _ in pair} != {"Write", "Read"} for pair in pairs):
        return False
    distinct = {tuple(sorted(pair)) for pair in pairs}
    accesses = {access for pair in distinct for access in pair}
    return len(distinct) == expected and len(accesses) == 2 * expected


def check(tool, cases, program):
    """One process of compute-sanitizer; true if it finds nothing that is not meant."""
    words = ["compute-sanitizer", "--tool", tool, "--report-api-errors", "no", "--error-exitcode", "9", "--print-limit", "100",
             program, "--device", "cuda", "--file", os.path.join(HERE, cases)]
    began = time.monotonic()
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    ran = re.search(r"^[1-9]\d* passed, 0 failed, 0 skipped$", done.stdout, re.MULTILINE) is not None
    meant = tool == "racecheck" and "clusters" in cases and done.returncode == 9 and messages_only(done.stdout)
    good = ran and (done.returncode == 0 or meant)
    print("%s %s: %s, %.0f s%s" % (tool, cases, "passed" if good else "failed", time.monotonic() - began,
                                   ", %d messages between blocks" % MESSAGES if good and meant else ""))
    if not good:
        print(done.stdout[-6000:])
    sys.stdout.flush()
    return good


def main(words):
    tools = ["memcheck", "racecheck"]
    if len(words) == 3 and words[1] == "--tools":
        tools = words[2].split(",")
    elif len(words) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    results = [check(tool, cases, words[0]) for tool in tools for cases in ("sanitize.txt", "sanitize-clusters.txt")]
    print("%d passed, %d failed, 0 skipped" % (sum(results), len(results) - sum(results)))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

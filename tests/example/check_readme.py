"""The README's examples are the files that are compiled and run: check_readme.py README CPP MLIR.

Its one block of C++ is the beginning of CPP, up to the marker; its one block of MLIR is all of MLIR.
"""

import re
import sys

MARKER = "\n// The README shows what is above this line"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def difference(readme, language, want):
    """What is wrong with the README's block in this language; None if nothing is."""
    blocks = re.findall(r"^```%s\n(.*?)^```$" % language, readme, re.MULTILINE | re.DOTALL)
    if len(blocks) != 1:
        return "the README has %d blocks of %s, expected 1" % (len(blocks), language)
    shown, wanted = blocks[0].rstrip("\n").split("\n"), want.rstrip("\n").split("\n")
    for number, pair in enumerate(zip(shown, wanted), 1):
        if pair[0] != pair[1]:
            return "line %d of the README's %s is %r, the file has %r" % (number, language, *pair)
    if len(shown) != len(wanted):
        return "the README's %s has %d lines, the file has %d" % (language, len(shown), len(wanted))
    return None


def main(readme, cpp, mlir):
    text, source = read(readme), read(cpp)
    if MARKER not in source:
        return "%s has no line that starts with %r" % (cpp, MARKER.strip())
    return difference(text, "cpp", source.split(MARKER)[0]) or difference(text, "mlir", read(mlir))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: check_readme.py README CPP MLIR")
    sys.exit(main(*sys.argv[1:]))

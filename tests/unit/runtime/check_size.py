"""What a deployment carries stays small: check_size.py LIBRARY LIMIT. Stripped, and by what it links."""

import os
import subprocess
import sys
import tempfile

LINKED = ("libc.so", "libm.so", "libstdc++.so", "libgcc_s.so", "libdl.so", "libpthread.so", "ld-linux")


def main(library, limit):
    with tempfile.TemporaryDirectory() as folder:
        stripped = os.path.join(folder, "stripped.so")
        subprocess.run(["strip", "-o", stripped, library], check=True)
        size = os.path.getsize(stripped)
        needed = subprocess.run(["readelf", "-d", stripped], check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
    names = [line.split("[")[1].rstrip("]") for line in needed.splitlines() if "(NEEDED)" in line]
    foreign = [name for name in names if not name.startswith(LINKED)]
    print("%d bytes stripped, links %s" % (size, " ".join(names)))
    if size > limit:
        return "%d bytes are more than the %d a deployment may carry: runtime/README.md says what is costly" % (size, limit)
    if foreign:
        return "it links %s, which a deployment does not have" % ", ".join(foreign)
    return None


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: check_size.py LIBRARY LIMIT")
    sys.exit(main(sys.argv[1], int(sys.argv[2])))

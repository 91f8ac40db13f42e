"""Programs of earlier versions run with today's library: old_client.py FOLDER_OF_THE_LIBRARY DEVICE

Each of prebuilt/*.x86_64 was compiled and linked when its version was new. Exit status 77: skipped, with a reason.
"""

import glob
import os
import platform
import subprocess
import sys

PREBUILT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "prebuilt")


def main(library, device):
    machine = platform.machine()
    programs = sorted(glob.glob(os.path.join(PREBUILT, "*." + machine)))
    if not programs:
        print("skipped: nothing is kept for %s" % machine)
        return 77
    for program in programs:
        done = subprocess.run([program, device], env=dict(os.environ, LD_LIBRARY_PATH=library), timeout=60)
        if done.returncode:
            print("%s: status %d" % (os.path.basename(program), done.returncode))
            return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: old_client.py FOLDER_OF_THE_LIBRARY DEVICE")
    sys.exit(main(*sys.argv[1:]))

"""A pack is built, and a C program launches out of it: HALO=build/bin/halo check_packed.py PROGRAM COMPILER SPEC.

The program finds no compiler and no cache, but for the simulator, which runs what the pack holds.
"""

import os
import subprocess
import sys
import tempfile

ALONE = {"HALO_COMPILER_LIBRARY": "/nonexistent/libhalo_compiler.so", "HALO_CACHE_LIMIT": "0"}


def run(words, **environment):
    return subprocess.run(words, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, timeout=300)


def main(program, compiler, spec):
    with tempfile.TemporaryDirectory() as folder:
        pack = os.path.join(folder, "packed.halopack")
        subprocess.run([os.environ["HALO"], "pack", "build", spec, "-o", pack], check=True, timeout=300)
        done = run([program, pack, "null"], **ALONE)
        assert (done.returncode, done.stdout) == (0, "512 values on null device\n"), done
        done = run([program, pack, "sim"], HALO_COMPILER_LIBRARY=compiler, HALO_CACHE_LIMIT="0", HALO_PACK_SELF_TEST="on")
        assert done.returncode == 0 and done.stdout.startswith("512 values on simulator"), done

        # Without the pack there is no kernel, and it says so.
        done = run([program, folder + "/none", "null"], **ALONE)
        assert done.returncode == 1 and "No such file" in done.stderr, done
        with open(pack, "rb") as file:
            content = file.read()
        with open(pack, "wb") as file:
            file.write(content[:-1])
        done = run([program, pack, "null"], **ALONE)
        assert done.returncode == 1 and "damaged" in done.stderr and done.stderr.count("\n") == 1, done
    print("the pack's kernel ran")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: check_packed.py PROGRAM COMPILER SPEC")
    main(*sys.argv[1:])

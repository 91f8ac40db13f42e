"""An installation as C programs find it: check_install.py BUILD_DIR

Installs the build into a folder of its own, moves that elsewhere, and there builds and runs consumer/ twice: by
find_package(Halo), and by pkg-config where this machine has it.
"""

import os
import shutil
import subprocess
import sys
import tempfile

CONSUMER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "consumer")


def run(*words, **environment):
    done = subprocess.run(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        env=dict(os.environ, **environment),
    )
    if done.returncode:
        sys.exit("%s: status %d\n%s" % (" ".join(words), done.returncode, done.stdout))
    return done.stdout


def expect(how, output):
    if not output.startswith("halo ") or "null device" not in output:
        sys.exit("%s: the consumer printed %r" % (how, output))
    print("%s: %s" % (how, output.strip()))


def main(build):
    with tempfile.TemporaryDirectory() as folder:
        prefix, work = os.path.join(folder, "moved"), os.path.join(folder, "work")
        run("cmake", "--install", build, "--prefix", os.path.join(folder, "installed"))
        os.rename(os.path.join(folder, "installed"), prefix)
        run("cmake", "-S", CONSUMER, "-B", work, "-DCMAKE_PREFIX_PATH=" + prefix)
        run("cmake", "--build", work)
        expect("find_package", run(os.path.join(work, "consumer")))

        if not shutil.which("pkg-config"):
            print("pkg-config: skipped, this machine has none")
            return
        package = {"PKG_CONFIG_PATH": os.path.join(prefix, "lib", "pkgconfig")}
        flags = run("pkg-config", "--cflags", "--libs", "halo", **package).split()
        program = os.path.join(work, "by-pkg-config")
        run("cc", os.path.join(CONSUMER, "main.c"), "-o", program, *flags)
        expect("pkg-config", run(program, LD_LIBRARY_PATH=os.path.join(prefix, "lib")))
        version = run("pkg-config", "--modversion", "halo", **package).strip()
        said = run(program, LD_LIBRARY_PATH=os.path.join(prefix, "lib")).split()[1].rstrip(":")
        if version != said:
            sys.exit("pkg-config says version %s where the library says %s" % (version, said))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: check_install.py BUILD_DIR")
    main(sys.argv[1])

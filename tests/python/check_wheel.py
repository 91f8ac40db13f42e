"""The wheel as a user gets it: check_wheel.py BUILD_DIR

Builds it from a copy of runtime/python, installs it elsewhere, and there runs a kernel with the libraries inside; the
package alone, without numpy and torch, too. Exit status 77: skipped, with a reason.
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

ALONE = """
import sys, halo
op = halo.Operator("causal_conv1d", {"K": 4, "layout": "bld"}, dtype="f32", device="null")
print([operand.name for operand in op.operands], halo.__version__)
assert "numpy" not in sys.modules and "torch" not in sys.modules
"""
WITH_NUMPY = """
import numpy as np, halo
y = halo.causal_conv1d(np.ones((1, 2, 8), "f"), np.ones((2, 3), "f"))
assert (y[0, 0] == [1, 2, 3, 3, 3, 3, 3, 3]).all(), y
print(y.shape)
"""


def run(*words, **environment):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("HALO_", "PYTHON"))}
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, env={**env, **environment}
    )
    if done.returncode:
        sys.exit("%s: status %d\n%s" % (" ".join(words), done.returncode, done.stdout))
    return done.stdout


def main(build):
    packages = os.path.join(build, "python")  # setup.sh's.
    for module in ("pip", "setuptools", "wheel"):
        found = subprocess.run(
            [sys.executable, "-c", "import " + module], env={**os.environ, "PYTHONPATH": packages}, capture_output=True
        )
        if found.returncode:
            print("skipped: %s is not installed for this Python" % module)
            return 77
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "source"), os.path.join(folder, "target")
        os.makedirs(source)
        shutil.copy(os.path.join(ROOT, "CMakeLists.txt"), source)
        shutil.copytree(os.path.join(ROOT, "runtime", "python"), os.path.join(source, "runtime", "python"),
                        ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))  # fmt: skip
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
        run(*pip, "wheel", "--no-build-isolation", "--no-deps", "-w", folder, os.path.join(source, "runtime", "python"),
            PYTHONPATH=packages, HALO_BUILD_DIR=build)  # fmt: skip
        (wheel,) = glob.glob(os.path.join(folder, "*.whl"))
        if "-py3-none-linux_" not in wheel:
            sys.exit("the wheel is named %s, where one for any Python 3 on this platform is expected" % wheel)
        run(*pip, "install", "--no-deps", "--no-index", "--target", target, wheel)
        libraries = sorted(os.listdir(os.path.join(target, "halo", "lib")))
        if libraries != ["libhalo_compiler.so", "libhalo_runtime.so.1"]:
            sys.exit("the wheel holds %s" % libraries)
        cache = {"HALO_CACHE_DIR": os.path.join(folder, "cache")}
        print(run(sys.executable, "-S", "-c", ALONE, PYTHONPATH=target, **cache).strip())
        if os.path.isdir(os.path.join(packages, "numpy")):
            print(
                run(sys.executable, "-c", WITH_NUMPY, PYTHONPATH=target + os.pathsep + packages, **cache)
                .strip()
                .splitlines()[-1]
            )
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: check_wheel.py BUILD_DIR")
    sys.exit(main(os.path.abspath(sys.argv[1])))

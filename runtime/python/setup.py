"""Puts the libraries of a build into the wheel: `pip install runtime/python` after Halo has been built.

HALO_BUILD_DIR is the build, by default build/ of this tree. The runtime's library must be there; the compiler's goes
with it where it is (without it only kernel packs and cached kernels are available), unless HALO_WHEEL_COMPILER=off.
"""

import os
import re
import shutil
import sys

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.dist import Distribution

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIBRARIES = os.path.join(os.environ.get("HALO_BUILD_DIR") or os.path.join(ROOT, "build"), "lib")
RUNTIME, COMPILER = "libhalo_runtime.so.1", "libhalo_compiler.so"


def version():
    with open(os.path.join(ROOT, "CMakeLists.txt"), encoding="utf-8") as file:
        return re.search(r"project\(Halo VERSION (\S+)", file.read()).group(1)


class BuildWithLibraries(build_py):
    def run(self):
        super().run()
        folder = os.path.join(self.build_lib, "halo", "lib")
        os.makedirs(folder, exist_ok=True)
        names = [RUNTIME]
        if os.environ.get("HALO_WHEEL_COMPILER") != "off" and os.path.exists(os.path.join(LIBRARIES, COMPILER)):
            names.append(COMPILER)
        for name in names:
            path = os.path.join(LIBRARIES, name)
            if not os.path.exists(path):
                sys.exit("halo: %s does not exist: build Halo first (./setup.sh), or set HALO_BUILD_DIR" % path)
            shutil.copy(path, os.path.join(folder, name))


class WithLibraries(Distribution):
    def has_ext_modules(self):
        return True  # The wheel is this platform's.


def any_python():
    """A wheel of this platform for every Python 3: the libraries know none."""
    try:
        from setuptools.command.bdist_wheel import bdist_wheel
    except ImportError:
        from wheel.bdist_wheel import bdist_wheel

    class AnyPython(bdist_wheel):
        def get_tag(self):
            return ("py3", "none", super().get_tag()[2])

    return AnyPython


commands = {"build_py": BuildWithLibraries}
if "bdist_wheel" in sys.argv:
    commands["bdist_wheel"] = any_python()
setup(version=version(), cmdclass=commands, distclass=WithLibraries)

"""The Python package with numpy, in the simulator: PYTHONPATH=runtime/python python3 tests/python/test_numpy.py

Exit status 77: skipped, numpy is not there.
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

try:
    import numpy  # noqa: F401
except ImportError:
    print("skipped: numpy is not installed for this Python (setup.sh --all brings it)")
    sys.exit(77)

from session import SEED  # noqa: E402
from convolution_cases import Convolution  # noqa: E402, F401
from package_cases import Operators, Package, Readmes  # noqa: E402, F401
from prefill_cases import Hyena  # noqa: E402, F401
from update_cases import Update  # noqa: E402, F401

if __name__ == "__main__":
    print("HALO_TEST_SEED=%d" % SEED)
    unittest.main(warnings="ignore")

"""The Python package with torch: PYTHONPATH=runtime/python python3 tests/python/test_torch.py [--device cuda]

On the CPU, in the simulator, where torch is installed (exit status 77 where it is not); on a GPU in tests/gpu/run.sh,
where there is more to test: streams, graphs, devices.
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

try:
    import torch
except ImportError:
    print("skipped: torch is not installed for this Python")
    sys.exit(77)

from session import SEED  # noqa: E402, I001: before halo is imported.
import torch_case  # noqa: E402

if "--device" in sys.argv:
    place = sys.argv.index("--device")
    torch_case.DEVICE = sys.argv[place + 1]
    del sys.argv[place : place + 2]

from torch_cases import Compat, Compile, Functions  # noqa: E402, F401

if torch_case.DEVICE == "cuda":
    from torch_cuda_cases import Foreign, Graphs, Streams  # noqa: F401


if __name__ == "__main__":
    print("HALO_TEST_SEED=%d" % SEED)
    torch.manual_seed(SEED)
    done = unittest.main(warnings="ignore", exit=False).result
    bad, skipped = len(done.failures) + len(done.errors), len(done.skipped)
    print("%d passed, %d failed, %d skipped" % (done.testsRun - bad - skipped, bad, skipped))
    sys.exit(1 if bad or done.testsRun == skipped else 0)

"""What a run of these tests has of its own: a seed, and a kernel cache, so that the user's folder stays as it is."""

import os
import random
import sys
import tempfile

CACHE = tempfile.TemporaryDirectory()
os.environ["HALO_CACHE_DIR"] = CACHE.name
SEED = int(os.environ.get("HALO_TEST_SEED", random.randrange(1 << 32)))

# The references of the command's tests: plain Python, nothing shared with what they judge.
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))

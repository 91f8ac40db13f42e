"""What every test of the command needs: a folder of its own, running `halo`, and the shape of a refusal."""

import json
import os
import random
import subprocess
import tempfile
import unittest

import safetensors_io as st

SIM = ("--device", "sim")
HALO = os.environ.get("HALO", "halo")
TOLERANCE = {"f32": (3e-4, 1e-3), "f16": (3e-3, 5e-3), "bf16": (1e-2, 5e-2)}
SEED = int(os.environ.get("HALO_TEST_SEED", random.randrange(1 << 32)))


# A cache of this run's own: what is tested is this build, and the user's folder stays as it is.
CACHE = tempfile.TemporaryDirectory()
os.environ["HALO_CACHE_DIR"] = CACHE.name
os.environ.pop("HALO_CACHE_LIMIT", None)


def setUpModule():
    print("HALO_TEST_SEED=%d" % SEED)


class CliCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.random = random.Random("%s %s" % (SEED, self.id()))

    def path(self, name):
        return os.path.join(self.folder, name)

    def halo(self, *words, **environment):
        """Runs the command; stdout stays bytes, stderr is text."""
        env = dict(os.environ, **environment)
        done = subprocess.run([HALO, *words], capture_output=True, timeout=600, env=env)
        done.stderr = done.stderr.decode(errors="replace")
        return done

    def succeeds(self, *words, **environment):
        done = self.halo(*words, **environment)
        self.assertEqual(done.returncode, 0, "seed %d: %s: %s" % (SEED, " ".join(words), done.stderr))
        return done

    def succeeds_json(self, *words, **environment):
        return json.loads(self.succeeds(*words, "--json", **environment).stdout)

    def refused(self, *words, status=2, naming=(), **environment):
        """One line on stderr that names what it must, the right status, and nothing left behind."""
        before = sorted(os.listdir(self.folder))
        done = self.halo(*words, **environment)
        said = "%s: status %d, stderr %r" % (" ".join(words), done.returncode, done.stderr)
        self.assertEqual(done.returncode, status, said)
        self.assertEqual(done.stdout, b"", said)
        self.assertTrue(done.stderr.startswith("halo: error: "), said)
        self.assertEqual(done.stderr.count("\n"), 1, said)
        for dump in ("Assertion", "Stack dump", "PLEASE submit", "terminate called", "gave up"):
            self.assertNotIn(dump, done.stderr)
        for word in naming:
            self.assertIn(word, done.stderr, said)
        self.assertEqual(sorted(os.listdir(self.folder)), before, said)
        return done

    def normal(self, dtype, count, scale=1.0):
        return st.rounded(dtype, [self.random.gauss(0, scale) for _ in range(count)])

    def write(self, name="in.safetensors", **tensors):
        path = self.path(name)
        st.write(path, tensors)
        return path

    def assert_close(self, got, want, dtype, what):
        relative, absolute = TOLERANCE[dtype]
        self.assertEqual(len(got), len(want), what)
        for i, (g, w) in enumerate(zip(got, want)):
            # Written so that a NaN fails.
            self.assertTrue(abs(g - w) <= absolute + relative * abs(w), "%s[%d]: %r, want %r, seed %d" % (what, i, g, w, SEED))

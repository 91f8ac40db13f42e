"""What every test of the Python package needs: random arrays, comparison by type, the shape of a refusal."""

import unittest

from session import SEED

TOLERANCE = {"f32": (3e-4, 1e-3), "f16": (3e-3, 5e-3), "bf16": (1e-2, 5e-2)}

try:
    import ml_dtypes
except ImportError:
    ml_dtypes = None
import halo  # noqa: E402
import numpy  # noqa: E402


def flat(nested):
    return [v for row in nested for v in flat(row)] if isinstance(nested, (list, tuple)) else [nested]


class ArrayCase(unittest.TestCase):
    def setUp(self):
        self.random = numpy.random.default_rng([SEED, *self.id().encode()])

    def dtype(self, name):
        if name == "bf16":
            if ml_dtypes is None:
                self.skipTest("ml_dtypes, numpy's bfloat16, is not installed for this Python")
            return numpy.dtype(ml_dtypes.bfloat16)
        return numpy.dtype({"f32": "float32", "f16": "float16"}[name])

    def normal(self, dtype, *sizes, scale=1.0):
        return (self.random.standard_normal(sizes) * scale).astype(self.dtype(dtype))

    def assert_close(self, got, want, dtype, what="y"):
        got = numpy.asarray(got, numpy.float64).ravel()
        want = numpy.array(flat(want) if isinstance(want, (list, tuple)) else want, numpy.float64).ravel()
        relative, absolute = TOLERANCE[dtype]
        self.assertEqual(got.shape, want.shape, what)
        # Written so that a NaN fails.
        wrong = numpy.flatnonzero(~(abs(got - want) <= absolute + relative * abs(want)))
        if len(wrong):
            i = wrong[0]
            self.fail("%s[%d]: %r, want %r (%d wrong), seed %d" % (what, i, got[i], want[i], len(wrong), SEED))

    def refused(self, *parts, kind=halo.InvalidError):
        """A context in which the call is refused, with one sentence that has all the parts."""
        case = self

        class Refusal:
            def __enter__(self):
                return self

            def __exit__(self, _type, error, _trace):
                case.assertIsInstance(error, kind)
                text = str(error)
                for part in parts:
                    case.assertIn(part, text)
                case.assertFalse(text.endswith("."), text)
                case.assertNotIn("\n", text)
                return True

        return Refusal()

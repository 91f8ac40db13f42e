"""What every test with torch needs: the device, tensors, results by torch's own operators."""

import unittest

import torch
import torch.nn.functional as F

DEVICE = "cpu"
TOLERANCE = {torch.float32: (3e-4, 1e-3), torch.float16: (3e-3, 5e-3), torch.bfloat16: (1e-2, 5e-2)}


def convolution(x, weight, bias=None, initial_state=None, activation=None):
    """[B, D, L] in f32, and the last inputs."""
    k = weight.shape[1]
    state = torch.zeros_like(x[:, :, :1]).expand(-1, -1, k - 1) if initial_state is None else initial_state
    padded = torch.cat([state, x], 2)
    weight = weight.float().repeat_interleave(x.shape[1] // len(weight), 0)
    y = F.conv1d(padded.float(), weight[:, None], bias if bias is None else bias.float(), groups=x.shape[1])
    return (F.silu(y) if activation else y), padded[:, :, padded.shape[2] - (k - 1) :]


class TorchCase(unittest.TestCase):
    def normal(self, *sizes, dtype=torch.float32, scale=1.0):
        return (torch.randn(*sizes) * scale).to(DEVICE, dtype)

    def conv(self, b=2, d=16, l=24, k=4, dtype=torch.float32, wdtype=None):
        return (
            self.normal(b, d, l, dtype=dtype),
            self.normal(d, k, dtype=wdtype or dtype),
            self.normal(d, dtype=wdtype or dtype),
        )

    def assert_close(self, got, want, dtype=None):
        relative, absolute = TOLERANCE[dtype or got.dtype]
        torch.testing.assert_close(got.float(), want.float(), rtol=relative, atol=absolute)

"""Causal convolutions as GPU kernels that are generated for the problem at hand: Halo from Python.

    import halo
    y = halo.causal_conv1d(x, weight, bias, activation="silu")   # torch tensors, or arrays

Functions take torch tensors on a GPU, on torch's current stream and device, and enqueue one launch; torch.compile
traces them, CUDA graphs capture them once a first call has loaded the kernel. Tensors and numpy arrays in host memory
run in the simulator, which is for correctness and says so once. Forward only for now.

`Operator` runs any kernel, a text of your own too; `halo.compat.causal_conv1d` has the functions of the package
causal-conv1d. What is refused is a `halo.Error` with one sentence.
"""

from ._engine import freeze, prepare, set_host_device
from ._library import Error, InvalidError, SimulatorWarning, UnavailableError, open_pack
from ._library import lib as _lib
from .convolution import causal_conv1d, causal_conv1d_split, causal_conv1d_update
from .hyena import b2b_causal_conv1d, hcl, hcl_step, hcm, hcm_step, hcs, hcs_step, modal_filter
from .operator import Operand, Operator

__version__ = _lib.halo_version().decode()

__all__ = [
    "Error", "InvalidError", "Operand", "Operator", "SimulatorWarning", "UnavailableError", "b2b_causal_conv1d",
    "causal_conv1d", "causal_conv1d_split", "causal_conv1d_update", "freeze", "hcl", "hcl_step", "hcm", "hcm_step",
    "hcs", "hcs_step", "modal_filter", "open_pack", "prepare", "set_host_device",
]  # fmt: skip

"""Which of the ways to run a call its first tensor wants. torch is looked for only when it is loaded already."""

import sys

from ._library import InvalidError

#: By the type of the first tensor.
_paths = {}


def _not_compiling():
    return False


_compiling = _not_compiling
_trace = None


def load_torch():
    """Registers the custom ops and the quick way for torch's own tensors."""
    global _compiling, _trace
    import torch

    from . import _torch

    _paths[torch.Tensor] = _paths[torch.nn.Parameter] = _torch.call
    _compiling, _trace = torch.compiler.is_compiling, _torch.trace


def _find(kernel, options, tensors, outs):
    """For types that were not met before."""
    first = tensors[0]
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "Tensor"):
        if _trace is None:
            load_torch()
        if isinstance(first, torch.Tensor):
            # A subclass: what its operators mean is for torch's dispatcher.
            return (_paths.get(type(first)) or _trace)(kernel, options, tensors, outs)
        numpy = sys.modules.get("numpy")
        if hasattr(first, "__dlpack__") and not (numpy and isinstance(first, numpy.ndarray)):
            return _with_torch(torch, kernel, options, tensors, outs)
    from . import _arrays

    if first is None:
        raise InvalidError("operand %s of kernel %s is missing" % (kernel.inputs[0][0], kernel.name))
    return _arrays.call(kernel, options, tensors, outs)


def _with_torch(torch, kernel, options, tensors, outs):
    def converted(tensor):
        return tensor if tensor is None or isinstance(tensor, torch.Tensor) else torch.from_dlpack(tensor)

    results = _paths[torch.Tensor](
        kernel, options, tuple(map(converted, tensors)), None if outs is None else tuple(map(converted, outs))
    )
    for i, out in enumerate(outs or ()):
        if out is not None:
            results[i] = out
    return results


def compiling():
    """Whether torch.compile is tracing."""
    return _compiling()


def call(kernel, options, tensors, outs=None):
    """The results of a kernel, in its order. `options`: values in the order of the kernel's; `outs`: a tuple with None
    for what is to be allocated, or None where all is."""
    if _compiling():
        return _trace(kernel, options, tensors, outs)
    return _paths.get(type(tensors[0]), _find)(kernel, options, tensors, outs)


if "torch" in sys.modules:
    load_torch()

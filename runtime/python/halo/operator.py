"""Any kernel, built in or a text of the user's own, by the names of its operands."""

import ctypes
from typing import NamedTuple

from . import _arrays, _engine
from . import _library as library
from ._library import DTYPES, InvalidError, check, lib

_KINDS = ("view", "taps", "channel", "state", "modes", "modal_state", "indices")
_LAYOUTS = ("bdl", "bld", "bd", "dl")
_DTYPE_NAMES = {number: name for name, number in DTYPES.items()}


class Operand(NamedTuple):
    """What an operator takes or writes. Sizes are those of halo.h."""

    name: str
    kind: str  # "view", "taps", "channel", "state", "modes", "modal_state", "indices"
    dtype: str  # "f32", "f16", "bf16", "i32"
    output: bool
    layout: str  # Of a view: "bdl", "bld", "bd", "dl".
    rank: int
    streams: int
    taps: int
    group: int
    channels: int
    modes: int


class Operator:
    """One problem on one device, for whatever tensors come.

        conv = halo.Operator("gated_pair.mlir", {"K": 4, "G": 7, "layout": "bld"}, dtype="bf16", device="cuda:0")
        conv.prepare()
        y = conv(x=x, value=value, gate=gate)["y"]

    kernel: a built-in name or the path of a text. params: its constants. with_: names of optional operands that will be
    there. schedule: how, as "block_n=64,stages=2"; else tuned or chosen. device: "cuda:N", "sim" (tensors anywhere in
    this process), "null"; by default the one of the host's arrays. Thread-safe.
    """

    def __init__(self, kernel, params=None, *, dtype=None, wdtype=None, with_=(), schedule=None, device=None):
        texts = {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in (params or {}).items()
        }
        if dtype:
            texts["T"] = dtype
        if wdtype:
            texts["W"] = wdtype
        self.device = device or _engine.host_device()
        self._op = library.create_operator(_engine.device(self.device), kernel, texts, with_, schedule)
        self._operands = None

    @property
    def problem(self):
        """The problem's text, which the command line takes; with all defaults once prepared."""
        return lib.halo_operator_problem(self._op.value).decode()

    def prepare(self):
        """Compiles and loads for any tensors now, so that no launch has to."""
        check(lib.halo_operator_prepare(self._op.value))

    def freeze(self):
        """From now on this operator refuses to compile."""
        lib.halo_operator_freeze(self._op.value)

    @property
    def operands(self):
        """All operands, inputs before outputs. Prepares the operator."""
        if self._operands is None:
            self.prepare()
            count = ctypes.c_size_t()
            check(lib.halo_operator_operand_count(self._op.value, count))
            self._operands = [self._operand(i) for i in range(count.value)]
        return self._operands

    def _operand(self, index):
        info = library.OperandInfo(ctypes.sizeof(library.OperandInfo))
        check(lib.halo_operator_operand(self._op.value, index, info))
        return Operand(
            info.name.decode(), _KINDS[info.kind], _DTYPE_NAMES[info.dtype], bool(info.output), _LAYOUTS[info.layout],
            info.rank, info.streams, info.taps, info.group, info.channels, info.modes,
        )  # fmt: skip

    def sizes(self, index, b, d, l):
        """The sizes of operand `index` in a launch of B, D, L."""
        sizes, rank = (ctypes.c_int64 * library.MAX_RANK)(), ctypes.c_int32()
        check(lib.halo_operator_operand_sizes(self._op.value, index, b, d, l, sizes, rank))
        return tuple(sizes[: rank.value])

    def _bdl(self, arrays):
        """B, D and L, as the first view among the inputs says them."""
        for operand in self.operands:
            if operand.kind == "view" and not operand.output and operand.name in arrays:
                sizes = arrays[operand.name].sizes
                if len(sizes) != operand.rank:
                    raise InvalidError(
                        "operand %s has rank %d where a view has rank %d" % (operand.name, len(sizes), operand.rank)
                    )
                if operand.layout == "dl":
                    return 1, sizes[0] // operand.streams, sizes[1]
                b, c = sizes[0], sizes[2 if operand.layout == "bld" else 1]
                l = 1 if operand.layout == "bd" else sizes[1 if operand.layout == "bld" else 2]
                return b, c // operand.streams, l
        raise InvalidError("kernel %s has no input view to take sizes from: give its outputs" % self.problem)

    def __call__(self, outs=None, stream=None, **inputs):
        """Launches. `inputs`: arrays by operand; `outs`: arrays for the outputs by operand, allocated where missing (in
        host memory by numpy, for torch tensors by torch). `stream`: a stream's address; None is torch's current one for
        torch tensors, else the default stream. A state that is updated where it is, conv_state of causal_conv1d_update
        say, is given in `outs` too. Returns all outputs by name."""
        outs = dict(outs or {})
        any_input = next(iter(inputs.values()), None)
        wrapper = _wrapper(any_input)
        arrays = {name: wrapper.wrap(array, name) for name, array in inputs.items()}
        for i, operand in enumerate(self.operands):
            if operand.output and operand.name not in outs:
                outs[operand.name] = wrapper.empty(any_input, self.sizes(i, *self._bdl(arrays)), operand.dtype)
        written = {name: wrapper.wrap(array, name, True) for name, array in outs.items()}
        for array in [*arrays.values(), *written.values()]:
            here = self.device if self.device.startswith("cuda") else "host"
            if array.device != here and array.device + ":0" != here and array.device != here + ":0":
                raise InvalidError("an array is on %s where this operator is on %s" % (array.device, self.device))
        everything = [*arrays.values(), *written.values()]
        described = [(array.dtype, array.sizes, array.strides, array.data) for array in everything]
        tensors = library.tensor_array(described, [*arrays, *written])
        if stream is None:
            stream = wrapper.stream(any_input)
        check(lib.halo_launch(self._op.value, tensors, len(everything), stream))
        return outs


class _HostWrapper:
    wrap = staticmethod(_arrays.wrap)

    @staticmethod
    def empty(_like, sizes, dtype):
        return _arrays.empty(sizes, dtype)

    @staticmethod
    def stream(_like):
        return None


def _wrapper(array):
    import sys

    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        from . import _torch

        return _torch.Wrapper
    return _HostWrapper

"""Arrays that are no torch tensors: numpy's, on the host device, and whatever has DLPack.

Where torch is loaded, an array with DLPack is taken as a torch tensor and so are the results. Elsewhere results of
arrays in host memory are numpy's, and those of a GPU's arrays must be given: nobody here could allocate them.
"""

import ctypes
import sys

from . import _engine
from ._engine import ALIAS, EMPTY_F32, GIVEN, LIKE, make_plan, plans
from ._library import DTYPES, InvalidError, UnavailableError, lib, refusal

_NAMES = {"float32": "f32", "float16": "f16", "bfloat16": "bf16", "int32": "i32", "int64": "i64"}
_CPU, _CUDA, _CUDA_HOST, _CUDA_MANAGED = 1, 2, 3, 13
#: (code, bits) of DLPack.
_DLPACK_TYPES = {(2, 32): "f32", (2, 16): "f16", (4, 16): "bf16", (0, 32): "i32", (0, 64): "i64"}


class Array:
    """What a launch needs to know of an array; keeps it alive."""

    __slots__ = ("dtype", "sizes", "strides", "data", "device", "owner")

    def __init__(self, dtype, sizes, strides, data, device, owner):
        self.dtype, self.sizes, self.strides, self.data = dtype, sizes, strides, data
        self.device, self.owner = device, owner

    def form(self):
        return self.dtype, self.sizes, self.strides, None


def _of_numpy(array, name, written):
    dtype = _NAMES.get(array.dtype.name)
    if dtype is None or not array.dtype.isnative:
        raise InvalidError("operand %s has dtype %s where %s is expected" % (name, array.dtype, ", ".join(DTYPES)))
    if written and not array.flags.writeable:
        raise InvalidError("operand %s is written, and this array is read-only" % name)
    item = array.itemsize
    if any(stride % item for stride in array.strides):
        raise InvalidError(
            "operand %s has strides of %s bytes, no multiples of its element size %d" % (name, array.strides, item)
        )
    strides = tuple(stride // item for stride in array.strides)
    return Array(dtype, array.shape, strides, array.ctypes.data, "host", array)


class _DLTensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]  # fmt: skip


_get_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def _of_dlpack(array, name):
    kind, index = array.__dlpack_device__()
    if kind not in (_CPU, _CUDA, _CUDA_HOST, _CUDA_MANAGED):
        raise UnavailableError(
            "operand %s is on a device of DLPack's type %d where the CPU or CUDA is expected" % (name, kind)
        )
    # 1 is the legacy default stream, on which this array is launched with. The capsule stays unconsumed: its destructor
    # gives back what it holds.
    capsule = array.__dlpack__(stream=1) if kind in (_CUDA, _CUDA_MANAGED) else array.__dlpack__()
    tensor = _DLTensor.from_address(_get_pointer(capsule, b"dltensor"))
    dtype = _DLPACK_TYPES.get((tensor.code, tensor.bits))
    if dtype is None or tensor.lanes != 1:
        raise InvalidError(
            "operand %s has DLPack's type code %d of %d bits in %d lanes where %s is expected"
            % (name, tensor.code, tensor.bits, tensor.lanes, ", ".join(DTYPES))
        )
    sizes = tuple(tensor.shape[: tensor.ndim])
    if tensor.strides:
        strides = tuple(tensor.strides[: tensor.ndim])
    else:
        strides, step = [], 1
        for size in reversed(sizes):
            strides.insert(0, step)
            step *= size
        strides = tuple(strides)
    where = "host" if kind in (_CPU, _CUDA_HOST) else "cuda:%d" % index
    return Array(dtype, sizes, strides, (tensor.data or 0) + tensor.byte_offset, where, (array, capsule))


def _numpy():
    return sys.modules.get("numpy")


def wrap(array, name, written=False):
    if array is None:
        return None
    numpy = _numpy()
    if numpy and isinstance(array, numpy.ndarray):
        return _of_numpy(array, name, written)
    if hasattr(array, "__dlpack__") and hasattr(array, "__dlpack_device__"):
        return _of_dlpack(array, name)
    raise InvalidError("operand %s is a %s where an array is expected" % (name, type(array).__name__))


def empty(sizes, dtype):
    """A numpy array; bf16 is ml_dtypes'."""
    import numpy

    if dtype == "bf16":
        import ml_dtypes

        return numpy.empty(sizes, ml_dtypes.bfloat16)
    return numpy.empty(sizes, {"f32": numpy.float32, "f16": numpy.float16}[dtype])


def _allocate(first, like, what, argument):
    """A result for arrays in host memory."""
    if first.device != "host":
        raise InvalidError("arrays on %s need their outputs given: nobody here allocates on it" % first.device)
    if what == LIKE:
        return empty(like.sizes, like.dtype)
    return empty(argument, "f32" if what == EMPTY_F32 else first.dtype)


def call(kernel, options, tensors, outs):
    """Launches; the results, in the kernel's order."""
    names = [name for name, _, _ in kernel.inputs]
    inputs = [wrap(tensor, name, name in kernel.inplace) for tensor, name in zip(tensors, names)]
    given = None if outs is None else [wrap(out, "output %d" % i, True) for i, out in enumerate(outs)]
    first = inputs[0]
    for array in inputs + (given or []):
        if array is not None and array.device != first.device:
            raise InvalidError("an operand is on %s where the first is on %s" % (array.device, first.device))
    where = _engine.host_device() if first.device == "host" else first.device
    key = (kernel, options, where) + tuple(array and array.form() for array in inputs + (given or []))
    made = {}

    def make(what, argument):
        result = _allocate(first, inputs[argument] if what == LIKE else None, what, argument)
        made[what, argument] = result
        return wrap(result, "output").form()

    plan = plans.get(key)
    if plan is None:
        forms = [array and array.form() for array in inputs]
        plan = make_plan(
            key, kernel, options, forms, given and [array and array.form() for array in given], where, make
        )
    arrays, results = [array for array in inputs if array is not None], []
    for what, argument in plan.results:
        if what == GIVEN:
            array, result = given[argument], outs[argument]
            if 0 not in array.sizes and any(array.data == other.data for other in arrays):
                raise _engine.shared(kernel, argument)
        elif what == ALIAS:
            array, result = inputs[argument], tensors[argument]
        else:
            result = _allocate(first, inputs[argument] if what == LIKE else None, what, argument)
            array = wrap(result, "output")
        arrays.append(array)
        results.append(result)
    status = lib.halo_form_launch(plan.form, plan.pack(*[array.data for array in arrays]), plan.count, None)
    if status:
        raise refusal(status)
    return results

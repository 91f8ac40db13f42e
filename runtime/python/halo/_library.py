"""libhalo_runtime.so by ctypes: where it lies, the structs and functions of halo.h, errors."""

import atexit
import ctypes
import os
import sys
import warnings
from ctypes import POINTER, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

SONAME = "libhalo_runtime.so.1"
ABI_VERSION = 1
MAX_RANK = 8

#: Element types of halo.h by their names.
DTYPES = {"f32": 0, "f16": 1, "bf16": 2, "i32": 3, "i64": 4}


class Error(RuntimeError):
    """What Halo refuses or cannot do, in one sentence."""


class InvalidError(Error, ValueError):
    """The request was wrong: nothing was launched or written."""


class UnavailableError(Error):
    """This machine lacks something the request needs."""


class SimulatorWarning(UserWarning):
    """Tensors in host memory run in the simulator: for correctness, not for speed."""


class DeviceOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("sim_unchecked", c_int32),
        ("reserved", c_int32),
        ("sim_seed", c_uint64),
    ]


class Tensor(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("data", c_void_p),
        ("dtype", c_int32),
        ("rank", c_int32),
        ("sizes", c_int64 * MAX_RANK),
        ("strides", c_int64 * MAX_RANK),
    ]


class OperatorOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("problem", c_char_p),
        ("kernel", c_char_p),
        ("dtype", c_char_p),
        ("wdtype", c_char_p),
        ("set", POINTER(c_char_p)),
        ("set_count", c_size_t),
        ("with_", POINTER(c_char_p)),
        ("with_count", c_size_t),
        ("schedule", c_char_p),
        ("b", c_int64),
        ("d", c_int64),
        ("l", c_int64),
    ]


class OperandInfo(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("kind", c_int32),
        ("dtype", c_int32),
        ("output", c_int32),
        ("layout", c_int32),
        ("rank", c_int32),
        ("reserved", c_int32),
        ("streams", c_int64),
        ("taps", c_int64),
        ("group", c_int64),
        ("channels", c_int64),
        ("modes", c_int64),
    ]


WarningSink = ctypes.CFUNCTYPE(None, c_char_p, c_void_p)

_HANDLE_OUT = POINTER(c_void_p)
_PROTOTYPES = {
    "halo_abi_version": (c_uint32,),
    "halo_version": (c_char_p,),
    "halo_last_error": (c_char_p,),
    "halo_set_warning_sink": (None, WarningSink, c_void_p),
    "halo_set_frozen": (None, c_int32),
    "halo_device_open": (c_int32, POINTER(DeviceOptions), _HANDLE_OUT),
    "halo_device_close": (None, c_void_p),
    "halo_device_kind": (c_char_p, c_void_p),
    "halo_device_name": (c_char_p, c_void_p),
    "halo_device_arch": (c_char_p, c_void_p),
    "halo_operator_create": (c_int32, c_void_p, POINTER(OperatorOptions), _HANDLE_OUT),
    "halo_operator_destroy": (None, c_void_p),
    "halo_operator_prepare": (c_int32, c_void_p),
    "halo_operator_freeze": (None, c_void_p),
    "halo_operator_problem": (c_char_p, c_void_p),
    "halo_operator_operand_count": (c_int32, c_void_p, POINTER(c_size_t)),
    "halo_operator_operand": (c_int32, c_void_p, c_size_t, POINTER(OperandInfo)),
    "halo_operator_operand_sizes": (
        (c_int32, c_void_p, c_size_t, c_int64, c_int64, c_int64, POINTER(c_int64), POINTER(c_int32))
    ),
    "halo_launch": (c_int32, c_void_p, POINTER(Tensor), c_size_t, c_void_p),
    "halo_form_create": (c_int32, c_void_p, POINTER(Tensor), c_size_t, _HANDLE_OUT),
    "halo_form_destroy": (None, c_void_p),
    # The pointers come as the bytes of an array: made by one call, and nobody else writes them.
    "halo_form_launch": (c_int32, c_void_p, c_char_p, c_size_t, c_void_p),
}
#: Of later libraries: what is missing is refused where it is asked for.
_LATER = {"halo_pack_open": (c_int32, c_char_p)}


def candidates():
    """Where the library may lie, best first: as named, in the package, in the source tree's build, anywhere."""
    here = os.path.dirname(os.path.abspath(__file__))
    named = os.environ.get("HALO_RUNTIME_LIBRARY")
    if named:
        return [named]
    build = os.path.join(here, "..", "..", "..", "build", "lib", SONAME)
    found = [path for path in (os.path.join(here, "lib", SONAME), build) if os.path.exists(path)]
    return [*map(os.path.abspath, found), SONAME]


def load():
    problems = []
    for path in candidates():
        try:
            library = ctypes.CDLL(path)
            break
        except OSError as error:
            problems.append(str(error))
    else:
        raise ImportError(
            "halo: the runtime library cannot be loaded (%s): name it in HALO_RUNTIME_LIBRARY" % "; ".join(problems)
        )
    later = {name: prototype for name, prototype in _LATER.items() if hasattr(library, name)}
    for name, (result, *arguments) in {**_PROTOTYPES, **later}.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    if library.halo_abi_version() != ABI_VERSION:
        raise ImportError(
            "halo: %s has ABI version %d where this package speaks %d" % (path, library.halo_abi_version(), ABI_VERSION)
        )
    return library


lib = load()


def refusal(status):
    """The exception of a call that has failed in this thread."""
    kind = {2: InvalidError, 3: UnavailableError}.get(status, Error)
    return kind(lib.halo_last_error().decode(errors="replace"))


def check(status):
    if status:
        raise refusal(status)


def open_pack(path):
    """Opens a kernel pack, or all in a folder (*.halopack), for the rest of the process: its kernels need no
    compiler."""
    if not hasattr(lib, "halo_pack_open"):
        raise UnavailableError("version %s of %s opens no packs" % (lib.halo_version().decode(), SONAME))
    check(lib.halo_pack_open(os.fspath(path).encode()))


@WarningSink
def _warn(sentence, _user):
    warnings.warn("halo: " + sentence.decode(errors="replace"), RuntimeWarning, stacklevel=2)


lib.halo_set_warning_sink(_warn, None)
# No thread may call into an interpreter that is gone.
atexit.register(lib.halo_set_warning_sink, WarningSink(), None)


class Handle:
    """Owns what a create function made. At the interpreter's end nothing is given back: the process ends anyway."""

    __slots__ = ("value", "_destroy", "_keep")

    def __init__(self, value, destroy, keep=None):
        self.value, self._destroy, self._keep = value, destroy, keep

    def __del__(self, finalizing=sys.is_finalizing):
        if not finalizing():
            self._destroy(self.value)


def open_device(name):
    """A device's handle. Tensors on the simulator may lie anywhere in this process."""
    options = DeviceOptions(ctypes.sizeof(DeviceOptions), name.encode(), 1, 0, 0)
    device = c_void_p()
    check(lib.halo_device_open(options, device))
    return Handle(device.value, lib.halo_device_close)


def _texts(words):
    return (c_char_p * len(words))(*[word.encode() for word in words])


def create_operator(device, kernel, params, with_, schedule=None, hint=(0, 0, 0)):
    """An operator's handle. `params`: texts by name, "T" and "W" for the element types."""
    named = {"set": _texts(["%s=%s" % item for item in params.items()]), "with_": _texts(sorted(with_))}
    options = OperatorOptions(
        ctypes.sizeof(OperatorOptions), None, os.fspath(kernel).encode(), None, None,
        ctypes.cast(named["set"], POINTER(c_char_p)), len(params), ctypes.cast(named["with_"], POINTER(c_char_p)),
        len(with_), schedule.encode() if schedule else None, *hint,
    )  # fmt: skip
    op = c_void_p()
    check(lib.halo_operator_create(device.value, options, op))
    return Handle(op.value, lib.halo_operator_destroy, device)


def tensor_array(described, names=None):
    """halo_tensors of (dtype, sizes, strides, data) each."""
    array = (Tensor * len(described))()
    for i, (place, (dtype, sizes, strides, data)) in enumerate(zip(array, described)):
        place.struct_size = ctypes.sizeof(Tensor)
        place.name = names[i].encode() if names else None
        place.data, place.dtype = data, DTYPES[dtype]
        # More than fit is refused by the library, by the rank alone.
        place.rank = len(sizes)
        held = min(len(sizes), MAX_RANK)
        place.sizes[:held] = sizes[:held]
        place.strides[:held] = strides[:held]
    return array


def create_form(op, described):
    form = c_void_p()
    check(lib.halo_form_create(op.value, tensor_array(described), len(described), form))
    return Handle(form.value, lib.halo_form_destroy)

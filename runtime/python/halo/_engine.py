"""From a call to a launch. What a call's tensors say is worked out once, as a Plan; later calls only find it.

A plan's key is all of the call but the memory: kernel, options, and of each tensor its type, sizes, strides and device.
A plan holds a form of the library (halo.h), whose launch takes pointers. Everything else a call touches is its own, so
that threads share plans without a lock.
"""

import ctypes
import struct
import threading
import warnings

from . import _library as library
from ._library import InvalidError, SimulatorWarning

#: Forms kept; more are dropped all at once. A form is about a kilobyte.
PLAN_LIMIT = 4096

# What a plan does for a result.
LIKE, EMPTY, EMPTY_F32, GIVEN, ALIAS = range(5)

_lock = threading.Lock()
_devices = {}
_operators = {}
plans = {}
_host_device = "sim"
_warned = False


class Plan:
    """How to launch: a form, and what to do for each result. `stream_of` is the caller's, to find its stream."""

    __slots__ = ("form", "pack", "count", "results", "stream_of", "keep")

    def __init__(self, form, count, results, stream_of):
        self.keep = form  # Gives it back with the plan.
        self.form = form.value
        self.pack = struct.Struct("%dQ" % count).pack
        self.count = count
        self.results = results
        self.stream_of = stream_of


def device(name):
    """The handle of "cuda:0", "sim", "null", opened once."""
    found = _devices.get(name)
    if found is None:
        with _lock:
            found = _devices.get(name)
            if found is None:
                found = _devices[name] = library.open_device(name)
    return found


def is_open(name):
    return name in _devices


def host_device():
    """Where tensors in host memory run."""
    global _warned
    if _host_device == "sim" and not _warned:
        _warned = True
        warnings.warn(
            "halo: tensors in host memory run in the simulator, which is for correctness, not for speed",
            SimulatorWarning, stacklevel=2,
        )  # fmt: skip
    return _host_device


def set_host_device(name):
    """Where tensors in host memory run: "sim", the default, or "null", which checks everything and runs nothing."""
    global _host_device
    if name not in ("sim", "null"):
        raise InvalidError("the host device is %r where 'sim' or 'null' is expected" % (name,))
    _host_device = name
    plans.clear()


def prepare():
    """Compiles and loads, for every problem that was called so far, what tensors of any sizes, strides and alignment
    will need: after a warm-up, before freeze() or a capture."""
    with _lock:
        called = list(_operators.values())
    count = ctypes.c_size_t()
    for op in called:
        # What is not loaded was refused when it was called.
        if not library.lib.halo_operator_operand_count(op.value, count):
            library.check(library.lib.halo_operator_prepare(op.value))


def freeze(frozen=True):
    """From now on no kernel is compiled or loaded in this process: a call that would have to is refused."""
    library.lib.halo_set_frozen(1 if frozen else 0)


def operator(device_name, kernel, params, with_):
    """The handle of an operator, made once per problem and device."""
    key = (device_name, kernel, tuple(sorted(params.items())), tuple(with_))
    found = _operators.get(key)
    if found is None:
        opened = device(device_name)
        with _lock:
            found = _operators.get(key)
            if found is None:
                found = _operators[key] = library.create_operator(opened, kernel, params, with_)
    return found


def result_plan(kernel, out, given):
    """(what to do, its argument)."""
    if out.alias:
        return ALIAS, kernel.places[out.alias]
    if given is not None:
        return GIVEN, given
    if out.like:
        return LIKE, kernel.places[out.like]
    return (EMPTY_F32 if out.f32 else EMPTY), out.shape


def shared(kernel, index):
    """The refusal of an output that lies where an input does."""
    return InvalidError(
        "output %d of kernel %s starts where another operand does: only the states of a step are updated in place"
        % (index, kernel.name)
    )


def make_plan(key, kernel, options, inputs, outs, device_name, make, stream_of=None):
    """Plans a call and keeps the plan. `inputs`, `outs`: (dtype, sizes, strides, data) each, or None; `make(what,
    argument)` allocates a result as the call will, and describes it."""
    shapes = [described and described[1] for described in inputs]
    params = kernel.params(shapes, options, [described and described[0] for described in inputs])
    wanted = kernel.outputs(shapes, options)
    allocated = [out for out in wanted if not out.alias]
    if outs is not None and len(outs) != len(allocated):
        raise InvalidError(
            "%d outputs are given where kernel %s has %s"
            % (len(outs), kernel.name, ", ".join(out.name for out in allocated))
        )
    results, described, place = [], [one for one in inputs if one is not None], 0
    for out in wanted:
        given = None
        if not out.alias:
            given = place if outs is not None and outs[place] is not None else None
            place += 1
        what, argument = result_plan(kernel, out, given)
        results.append((what, argument))
        if what == GIVEN:
            described.append(outs[argument])
        elif what == ALIAS:
            described.append(inputs[argument])
        else:
            described.append(make(what, argument))
    op = operator(device_name, kernel.name, params, kernel.present(inputs))
    plan = Plan(library.create_form(op, described), len(described), tuple(results), stream_of)
    if len(plans) >= PLAN_LIMIT:
        plans.clear()
    plans[key] = plan
    return plan

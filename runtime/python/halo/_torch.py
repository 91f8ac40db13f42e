"""torch tensors: on their device and torch's current stream, eagerly or as custom ops, which torch.compile traces."""

import torch

from . import _engine
from ._arrays import Array
from ._engine import ALIAS, EMPTY, GIVEN, LIKE, make_plan, plans
from ._kernels import KERNELS
from ._library import Error, InvalidError, UnavailableError, lib, refusal

DTYPES = {
    torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16", torch.int32: "i32", torch.int64: "i64",
}  # fmt: skip

HAS_OPS = hasattr(torch.library, "custom_op")

_launch = lib.halo_form_launch
_grad_enabled = torch.is_grad_enabled
_empty_like = torch.empty_like
# Torch's own names for what its public ones take a microsecond to say.
_modes = getattr(torch._C, "_len_torch_dispatch_stack", lambda: 0)
_raw_stream = getattr(torch._C, "_cuda_getCurrentRawStream", None)


def _current_stream(index):
    return _raw_stream(index) if _raw_stream else torch.cuda.current_stream(index).cuda_stream


def _refuse_gradients(kernel, tensors):
    for (name, _, _), tensor in zip(kernel.inputs, tensors):
        if tensor is not None and tensor.requires_grad:
            raise InvalidError(
                "operand %s of kernel %s requires a gradient, and Halo computes forward only for now: call it under "
                "torch.no_grad() or torch.inference_mode(), or detach the tensor" % (name, kernel.name)
            )


def _check(kernel, tensors):
    """What a plan's tensors must have in common, before any of it is read."""
    names = [name for name, _, _ in kernel.inputs]
    first = tensors[0]
    if first.device.type not in ("cuda", "cpu"):
        raise UnavailableError("tensors are on %s where cuda or cpu is expected" % first.device)
    for i, tensor in enumerate(tensors):
        if tensor is None:
            continue
        name = names[i] if i < len(names) else "output %d" % (i - len(names))
        if not isinstance(tensor, torch.Tensor):
            raise InvalidError("operand %s is a %s where the first is a torch tensor" % (name, type(tensor).__name__))
        if tensor.device != first.device:
            raise InvalidError("operand %s is on %s where the first is on %s" % (name, tensor.device, first.device))
        if tensor.layout is not torch.strided or tensor.is_neg():
            raise InvalidError("operand %s is no plain strided tensor: give its .contiguous() or .resolve_neg()" % name)
        if tensor.dtype not in DTYPES:
            raise InvalidError(
                "operand %s has dtype %s where %s is expected" % (name, tensor.dtype, ", ".join(DTYPES.values()))
            )


def _describe(tensor):
    return None if tensor is None else (DTYPES[tensor.dtype], tuple(tensor.shape), tensor.stride(), None)


def _plan(key, kernel, options, tensors, outs):
    """A plan for these tensors, or the refusal."""
    _check(kernel, tensors + (outs or ()))
    first = tensors[0]
    where = first.device
    name = "cuda:%d" % where.index if where.type == "cuda" else _engine.host_device()
    if where.type == "cuda" and not _engine.is_open(name) and torch.cuda.is_current_stream_capturing():
        raise InvalidError(
            "kernel %s is called in a capture, and %s is not open yet, which would break it: call it once before"
            % (kernel.name, name)
        )

    def make(what, argument):
        return _describe(allocate(what, argument, tensors))

    given = None if outs is None else [_describe(out) for out in outs]
    stream_of = where.index if where.type == "cuda" else None
    return make_plan(key, kernel, options, [_describe(tensor) for tensor in tensors], given, name, make, stream_of)


def allocate(what, argument, tensors):
    if what == LIKE:
        return _empty_like(tensors[argument])
    if what == EMPTY:
        return tensors[0].new_empty(argument)
    return tensors[0].new_empty(argument, dtype=torch.float32)


def run(kernel, options, tensors, outs=None, graded=False):
    """Launches on torch's current stream; the results, in the kernel's order. All tensors are plain torch.Tensors.
    `graded`: refuses those that require a gradient. One loop: each call into torch is a twentieth of a microsecond."""
    key = [kernel, options]
    pointers = []
    for tensor in tensors:
        if tensor is None:
            key.append(None)
            continue
        if graded and tensor.requires_grad:
            _refuse_gradients(kernel, tensors)
        # Contiguous is quicker to ask than the strides that say so. A negated view is every other element of a
        # complex tensor, and so never contiguous.
        form = tensor.is_contiguous() or (tensor.stride(), tensor.is_neg())
        key += (tensor.dtype, tensor.shape, form, tensor.get_device())
        pointers.append(tensor.data_ptr())
    for tensor in outs or ():
        if tensor is None:
            key.append(None)
        else:
            form = tensor.is_contiguous() or (tensor.stride(), tensor.is_neg())
            key += (tensor.dtype, tensor.shape, form, tensor.get_device())
    key = tuple(key)
    plan = plans.get(key) or _plan(key, kernel, options, tensors, outs)
    results = []
    for what, argument in plan.results:
        if what == GIVEN:
            result = outs[argument]
            pointer = result.data_ptr()
            if pointer in pointers and result.numel():
                raise _engine.shared(kernel, argument)
            pointers.append(pointer)
            results.append(result)
            continue
        if what == LIKE:
            result = _empty_like(tensors[argument])
        elif what == ALIAS:
            result = tensors[argument]
        elif what == EMPTY:
            result = tensors[0].new_empty(argument)
        else:
            result = tensors[0].new_empty(argument, dtype=torch.float32)
        pointers.append(result.data_ptr())
        results.append(result)
    index = plan.stream_of
    status = _launch(plan.form, plan.pack(*pointers), plan.count, None if index is None else _current_stream(index))
    if status:
        why = refusal(status)
        _check(kernel, tensors + (outs or ()))  # A device that get_device() does not tell from the CPU, say.
        raise why
    return results


def call(kernel, options, tensors, outs):
    """What the public functions call with plain tensors outside of any tracing."""
    try:
        if _modes():
            return trace(kernel, options, tensors, outs)
        return run(kernel, options, tensors, outs, _grad_enabled())
    except Error:
        raise
    except Exception:
        _check(kernel, tensors + (outs or ()))  # Says which tensor is none, or has no strides.
        raise


def trace(kernel, options, tensors, outs):
    """The call as its custom op, for torch.compile, other tracers and tensor subclasses."""
    if torch.is_grad_enabled():
        _refuse_gradients(kernel, tensors)
    if not HAS_OPS:
        raise UnavailableError(
            "torch %s has no torch.library.custom_op, which tracing needs: 2.4 has" % torch.__version__
        )
    results = getattr(torch.ops.halo, kernel.name)(*op_arguments(kernel, tensors, options))
    results = [results] if kernel.inplace else list(results)
    if outs is not None:
        for i, out in enumerate(outs):
            if out is not None:
                results[i] = out.copy_(results[i])
    return results


class Wrapper:
    """What halo.Operator needs of torch tensors."""

    @staticmethod
    def wrap(tensor, name, written=False):
        if not isinstance(tensor, torch.Tensor):
            raise InvalidError("operand %s is a %s where a torch tensor is expected" % (name, type(tensor).__name__))
        if tensor.requires_grad and torch.is_grad_enabled():
            raise InvalidError("operand %s requires a gradient, and Halo computes forward only for now" % name)
        if tensor.dtype not in DTYPES or tensor.layout is not torch.strided or tensor.is_neg():
            raise InvalidError("operand %s is no plain tensor of %s" % (name, ", ".join(DTYPES.values())))
        where = "host" if tensor.device.type == "cpu" else str(tensor.device)
        return Array(DTYPES[tensor.dtype], tuple(tensor.shape), tensor.stride(), tensor.data_ptr(), where, tensor)

    @staticmethod
    def empty(like, sizes, dtype):
        types = {name: known for known, name in DTYPES.items()}
        return torch.empty(sizes, dtype=types[dtype], device=like.device)

    @staticmethod
    def stream(like):
        return None if like.device.type == "cpu" else _current_stream(like.device.index)


def op_arguments(kernel, tensors, options):
    """In the order of the custom op."""
    return [tensors[i] for i in kernel.early] + list(options) + [tensors[i] for i in kernel.late]


def _schema(kernel):
    words = []
    for i in kernel.early:
        name, _, optional = kernel.inputs[i]
        written = "(a%d!)" % i if name in kernel.inplace else ""
        words.append("Tensor%s%s %s" % (written, "?" if optional else "", name))
    # What came later has a default, so that a call that was written before stays one.
    words += [
        "%s %s%s" % (kind, name, "=False" if name == "invariant" else "") for name, kind in kernel.options.items()
    ]
    words += ["Tensor? %s=None" % kernel.inputs[i][0] for i in kernel.late]
    # torch traces no operator that writes an input and returns a list.
    return "(%s) -> %s" % (", ".join(words), "Tensor" if kernel.inplace else "Tensor[]")


def _register(kernel):
    count, end = len(kernel.early), len(kernel.early) + len(kernel.options)

    def given(arguments):
        """(tensors, options) in the kernel's order; the dispatcher leaves out last ones that are their defaults."""
        options, late = arguments[count:end], arguments[end:]
        tensors = [None] * len(kernel.inputs)
        for place, tensor in zip(kernel.early + kernel.late, arguments[:count] + late):
            tensors[place] = tensor
        return tuple(tensors), options + (False,) * (len(kernel.options) - len(options))

    def implementation(*arguments):
        tensors, options = given(arguments)
        results = run(kernel, options, tensors)
        return results[0] if kernel.inplace else results

    def fake(*arguments):
        tensors, options = given(arguments)
        shapes = [None if tensor is None else tuple(tensor.shape) for tensor in tensors]
        made = [
            allocate(*_engine.result_plan(kernel, out, None), tensors)
            for out in kernel.outputs(shapes, options)
            if not out.alias
        ]
        return made[0] if kernel.inplace else made

    op = torch.library.custom_op(
        "halo::" + kernel.name, implementation, mutates_args=kernel.inplace, schema=_schema(kernel)
    )
    op.register_fake(fake)


if HAS_OPS:
    for _kernel in KERNELS.values():
        _register(_kernel)

"""The built-in kernels as a table: operands in the library's order, what their tensors say of the problem, results.

Adding a kernel: an entry here, its function with a docstring in convolution.py or hyena.py, its name in __init__.py,
its case in tests/python.
"""

from typing import NamedTuple, Optional, Tuple

from ._library import InvalidError


class Out(NamedTuple):
    """A result. With `like`, it has the form of that input; with `alias`, it is that input, updated in place."""

    name: str
    shape: Optional[Tuple[int, ...]] = None
    f32: bool = False
    like: Optional[str] = None
    alias: Optional[str] = None


class Kernel:
    """`inputs`: {"x": rank, "bias?": rank}; (2, 3) for either rank. `options`: {"layout": "str"} with the types of a
    torch schema; every kernel with an input view has `invariant` as its last one.

    `params(t, o)` gives the constants that tensors and options fix, by name; `outputs(t, o)` the results. `t` holds the
    sizes of the inputs that are there, `o` the options, both by name. `inplace`: inputs that are results too, after the
    others. A Kernel is compared by its identity, so that it is quick as a part of a key.
    """

    def __init__(self, name, inputs, options, params, outputs, weight, inplace=()):
        self.name = name
        self.inputs = [(text.rstrip("?"), rank, text.endswith("?")) for text, rank in inputs.items()]
        self.options = options
        self._params, self._outputs = params, outputs
        self.inplace = inplace
        self.places = {input_name: i for i, (input_name, _, _) in enumerate(self.inputs)}
        self.weight = self.places.get(weight)
        # What came later than the first version stands last in a custom op, so that older calls stay calls.
        late = {"cu_seqlens", "seq_idx", "fir_position"}
        self.early = [i for i, (name, _, _) in enumerate(self.inputs) if name not in late]
        self.late = [i for i, (name, _, _) in enumerate(self.inputs) if name in late]

    def sizes(self, shapes):
        """`shapes`: a tuple per input, or None. Refuses what is missing or has another rank."""
        by_name = {}
        for (name, rank, optional), shape in zip(self.inputs, shapes):
            if shape is None:
                if not optional:
                    raise InvalidError("operand %s of kernel %s is missing" % (name, self.name))
            elif len(shape) not in (rank if isinstance(rank, tuple) else (rank,)):
                takes = " or ".join(map(str, rank)) if isinstance(rank, tuple) else rank
                raise InvalidError(
                    "operand %s has rank %d where kernel %s takes %s" % (name, len(shape), self.name, takes)
                )
            else:
                by_name[name] = shape
        return by_name

    def named(self, options):
        return dict(zip(self.options, options))

    def params(self, shapes, options, dtypes):
        """Texts by name. `dtypes`: names of the inputs' element types, None where they are absent."""
        params = {"T": dtypes[0]} if self.weight is not None else {}
        if self.weight is not None and dtypes[self.weight] != dtypes[0]:
            params["W"] = dtypes[self.weight]
        for name, value in self._params(self.sizes(shapes), self.named(options)).items():
            if value is not None and value != "" and value is not False:
                params[name] = "true" if value is True else str(value)
        return params

    def present(self, tensors):
        """The optional inputs that are there."""
        return [name for (name, _, optional), tensor in zip(self.inputs, tensors) if optional and tensor is not None]

    def outputs(self, shapes, options):
        return self._outputs(self.sizes(shapes), self.named(options))


def _group(channels, rows):
    """Channels that share a filter row; what does not divide is the library's to refuse."""
    return max(1, channels // rows) if rows else 1


def _bdl(shape, layout, streams=1):
    """B, D, L of a view."""
    b, c, l = shape if layout == "bdl" else (shape[0], shape[2], shape[1])
    return b, c // streams, l


def _view(b, d, l, layout):
    return (b, d, l) if layout == "bdl" else (b, l, d)


def _conv_params(t, o):
    _, d, _ = _bdl(t["x"], o["layout"])
    rows, k = t["weight"]
    names = ("layout", "activation", "taps", "final_state", "split", "l2norm", "invariant")
    return {"K": k, "group": _group(d, rows), **{name: o[name] for name in names if name in o}}


def _state_rows(t, b):
    """Packed sequences have a row of the states each."""
    return max(t["cu_seqlens"][0] - 1, 0) if "cu_seqlens" in t else b


def _update_params(t, o):
    layout = "bd" if len(t["x"]) == 2 else "bdl"
    rows, k = t["weight"]
    return {"K": k, "group": _group(t["x"][1], rows), "layout": layout, "activation": o["activation"]}


def _conv_state(t, o):
    b, d, _ = _bdl(t["x"], o["layout"])
    rows = _state_rows(t, b)
    return [Out("final_state", (rows, d, max(t["weight"][1] - 1, 0)))] if o["final_state"] else []


def parts(split):
    """[(name, channels)] of "q:2048,k:2048"."""
    try:
        return [(name, int(size)) for name, size in (part.split(":") for part in split.split(","))]
    except ValueError:
        raise InvalidError("split is '%s' where 'name:channels,...' is expected" % split) from None


def _split_outputs(t, o):
    b, _, l = _bdl(t["x"], o["layout"])
    return [Out(name, (b, l, n)) for name, n in parts(o["split"])] + _conv_state(t, o)


def _hyena_d(t, o, z="z"):
    return t[z][1] // 3 if len(t[z]) == 2 else _bdl(t[z], o["layout"], 3)[1]


def _hyena_params(z, proj, filt):
    def params(t, o):
        made = dict(o)
        if proj in t:
            made["Kp"] = t[proj][1]
        if "log_poles" in t:
            return {**made, "S": t["log_poles"][1]}
        return {**made, "K": t[filt][1], "group": _group(_hyena_d(t, o, z), t[filt][0])}

    return params


def _hyena_outputs(z, proj, filt):
    def outputs(t, o):
        b, d, l = _bdl(t[z], o["layout"], 3)
        made = [Out("y", _view(b, d, l, o["layout"]))]
        if o["states"]:
            rows = _state_rows(t, b)
            made.append(Out("proj_state", (rows, 3 * d, max(t[proj][1] - 1, 0))))
            if filt:
                made.append(Out("fir_state", (rows, d, max(t[filt][1] - 1, 0))))
            else:
                made.append(Out("modal_state", (rows, d, t["log_poles"][1]), f32=True))
        return made

    return outputs


def _step_outputs(*states):
    return lambda t, o: [
        Out("y", (t["z"][0], t["z"][1] // 3)),
        *[Out(state, alias=state) for state in states],
    ]


_CONV_INPUTS = {
    "x": 3, "weight": 2, "bias?": 1, "initial_state?": 3, "cu_seqlens?": 1, "seq_idx?": 2, "residual?": 3,
}  # fmt: skip
_INVARIANT = {"invariant": "bool"}
_CONV_OPTIONS = {"layout": "str", "activation": "str", "taps": "str", "final_state": "bool"}
_HYENA_OPTIONS = {"layout": "str", "streams": "str", "states": "bool", "precision": "str", **_INVARIANT}
_B2B_OPTIONS = {"layout": "str", "states": "bool", "precision": "str", **_INVARIANT}
_FIR = {"filter": 2, "skip?": 1}
_PACKED = {"cu_seqlens?": 1}
_MODAL = {"log_poles": 2, "residues": 2, "skip?": 1}


def _hyena(name, tail, states, filt):
    return Kernel(
        name, {"z": 3, "proj_weight": 2, **tail, **{state + "?": 3 for state in states}, **_PACKED}, _HYENA_OPTIONS,
        _hyena_params("z", "proj_weight", filt), _hyena_outputs("z", "proj_weight", filt), "proj_weight",
    )  # fmt: skip


def _step(name, tail, states, filt):
    ring = {"fir_position?": 1} if filt else {}
    return Kernel(
        name, {"z": 2, "proj_weight": 2, **tail, **dict.fromkeys(states, 3), **ring}, {"streams": "str", **_INVARIANT},
        _hyena_params("z", "proj_weight", filt), _step_outputs(*states), "proj_weight", states,
    )  # fmt: skip


_FIR_STATES, _MODAL_STATES = ("proj_state", "fir_state"), ("proj_state", "modal_state")

KERNELS = {
    kernel.name: kernel
    for kernel in (
        Kernel("causal_conv1d", _CONV_INPUTS, {**_CONV_OPTIONS, **_INVARIANT}, _conv_params,
               lambda t, o: [Out("y", like="x"), *_conv_state(t, o)], "weight"),
        Kernel("causal_conv1d_split", _CONV_INPUTS,
               {**_CONV_OPTIONS, "split": "str", "l2norm": "str", **_INVARIANT}, _conv_params, _split_outputs,
               "weight"),
        Kernel("causal_conv1d_update",
               {"x": (2, 3), "conv_state": 3, "weight": 2, "bias?": 1, "cache_seqlens?": 1, "conv_state_indices?": 1},
               {"activation": "str", **_INVARIANT}, _update_params,
               lambda t, o: [Out("y", like="x"), Out("conv_state", alias="conv_state")], "weight", ("conv_state",)),
        _hyena("hcs", _FIR, _FIR_STATES, "filter"),
        _hyena("hcm", _FIR, _FIR_STATES, "filter"),
        _hyena("hcl", _MODAL, _MODAL_STATES, None),
        _step("hcs_step", _FIR, _FIR_STATES, "filter"),
        _step("hcm_step", _FIR, _FIR_STATES, "filter"),
        _step("hcl_step", _MODAL, _MODAL_STATES, None),
        Kernel("b2b_causal_conv1d",
               {"x": 3, "w_proj": 2, "w_mixer": 2, "skip?": 1, "proj_state?": 3, "fir_state?": 3, **_PACKED},
               _B2B_OPTIONS,
               _hyena_params("x", "w_proj", "w_mixer"), _hyena_outputs("x", "w_proj", "w_mixer"), "w_proj"),
        Kernel("modal_filter", {"log_poles": 2, "residues": 2}, {"length": "int"},
               lambda t, o: {"S": t["log_poles"][1]},
               lambda t, o: [Out("h", (t["log_poles"][0], o["length"]), f32=True)], None),
    )
}  # fmt: skip

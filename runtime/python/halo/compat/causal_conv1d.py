"""causal_conv1d_fn and causal_conv1d_update as users of the package causal-conv1d call them.

    from halo.compat.causal_conv1d import causal_conv1d_fn

Any width, states in any layout, seq_idx and states together. Forward only; what is not there is refused.
"""

import torch

from .. import _dispatch, convolution
from .._library import UnavailableError


def _activation(activation):
    if activation not in (None, "silu", "swish"):
        raise NotImplementedError("activation is %r where None, 'silu' or 'swish' is expected" % (activation,))
    return None if activation is None else "silu"


def causal_conv1d_fn(
    x, weight, bias=None, seq_idx=None, initial_states=None, return_final_states=False, final_states_out=None,
    activation=None,
):  # fmt: skip
    """x (batch, dim, seqlen), weight (dim, width), bias (dim,), initial_states (batch, dim, width - 1); activation
    None, "silu" or "swish"; seq_idx (batch, seqlen) int32, whose negative positions come out as 0. Returns out, with the
    form of x; with return_final_states (out, final_states), the latter (batch, dim, width - 1) and in final_states_out
    where that is given."""
    activation = _activation(activation)
    if not return_final_states:
        final_states_out = None
    options = {
        "activation": activation, "final_state": return_final_states, "final_state_out": final_states_out,
        "seq_idx": seq_idx,
    }  # fmt: skip
    # (batch, seqlen, dim) in memory is a layout of its own.
    if x.stride(1) != 1 or x.stride(2) == 1:
        return convolution.causal_conv1d(x, weight, bias, initial_state=initial_states, **options)
    # Autograd's rules for views are not for an output: where nothing is traced it is no view of another.
    out = None if _dispatch.compiling() else torch.empty_like(x)
    results = convolution.causal_conv1d(
        x.transpose(1, 2), weight, bias, initial_state=initial_states, layout="bld",
        out=None if out is None else out.transpose(1, 2), **options,
    )  # fmt: skip
    y = results[0] if return_final_states else results
    y = y.transpose(1, 2) if out is None else out
    return (y, results[1]) if return_final_states else y


def causal_conv1d_update(
    x, conv_state, weight, bias=None, activation=None, cache_seqlens=None, conv_state_indices=None
):
    """x (batch, dim) or (batch, dim, seqlen), conv_state (batch, dim, state_len) with state_len >= width - 1, updated in
    place, weight (dim, width), bias (dim,); activation None, "silu" or "swish". cache_seqlens (batch,) int32 makes
    conv_state a circular buffer, written from cache_seqlens % state_len on. conv_state_indices (batch,) int32 says which
    row of a larger conv_state is whose; a negative one is padding. Returns out, with the form of x."""
    return convolution.causal_conv1d_update(
        x, conv_state, weight, bias, cache_seqlens=cache_seqlens, conv_state_indices=conv_state_indices,
        activation=_activation(activation),
    )  # fmt: skip

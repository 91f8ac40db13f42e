"""causal_conv1d_fn and causal_conv1d_update as users of the package causal-conv1d call them.

    from halo.compat.causal_conv1d import causal_conv1d_fn

Any width, states in any layout. Forward only, and no seq_idx; what is not there is refused.
"""

from .. import convolution
from .._library import UnavailableError


def _activation(activation):
    if activation not in (None, "silu", "swish"):
        raise NotImplementedError("activation is %r where None, 'silu' or 'swish' is expected" % (activation,))
    return None if activation is None else "silu"


def causal_conv1d_fn(
    x, weight, bias=None, seq_idx=None, initial_states=None, return_final_states=False, final_states_out=None,
    activation=None,
):  # fmt: skip
    """x (batch, dim, seqlen), weight (dim, width), bias (dim,), initial_states (batch, dim, width - 1); activation None,
    "silu" or "swish". Returns out, with the form of x; with return_final_states (out, final_states), the latter
    (batch, dim, width - 1) and in final_states_out where that is given."""
    activation = _activation(activation)
    if seq_idx is not None:
        raise UnavailableError("seq_idx is given, and Halo's convolution knows no packed sequences yet")
    if not return_final_states:
        final_states_out = None
    # (batch, seqlen, dim) in memory is a layout of its own.
    channel_last = x.stride(1) == 1 and x.stride(2) != 1
    results = convolution.causal_conv1d(
        x.transpose(1, 2) if channel_last else x, weight, bias, initial_state=initial_states,
        layout="bld" if channel_last else "bdl", activation=activation, final_state=return_final_states,
        final_state_out=final_states_out,
    )  # fmt: skip
    if not channel_last:
        return results
    if return_final_states:
        return results[0].transpose(1, 2), results[1]
    return results.transpose(1, 2)


def causal_conv1d_update(x, conv_state, weight, bias=None, activation=None, cache_seqlens=None, conv_state_indices=None):
    """Not there yet: refuses."""
    _activation(activation)
    raise UnavailableError(
        "causal_conv1d_update has no kernel in Halo yet: causal_conv1d_fn with initial_states and return_final_states "
        "continues a sequence"
    )

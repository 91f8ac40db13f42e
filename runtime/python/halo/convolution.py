"""Short causal convolutions."""

from ._dispatch import call
from ._kernels import KERNELS

_CONV, _SPLIT, _UPDATE = (KERNELS["causal_conv1d" + name] for name in ("", "_split", "_update"))


def causal_conv1d(
    x, weight, bias=None, *, initial_state=None, residual=None, layout="bdl", activation=None, taps="correlation",
    final_state=False, invariant=False, out=None, final_state_out=None, cu_seqlens=None, seq_idx=None,
):  # fmt: skip
    """y = activation(causal convolution of x + bias) + residual, each channel on its own.

    ============= ================================= =====================================================
    x             [B, D, L]; layout "bld": [B, L, D] f32, f16, bf16; any strides, contiguous ones are quickest
    weight        [D, K] or [G, K]                  f32, f16, bf16; a row serves D / G consecutive channels
    bias          [D]                               as weight
    initial_state [B, D, K-1]                       as x: the inputs before the first, newest last
    residual      as x                              as x
    cu_seqlens    [N+1]                             int32: sequence n of N is positions [n] to [n+1]-1 of one row
    seq_idx       [B, L]                            int32: which sequence a position belongs to
    ============= ================================= =====================================================

    activation: None, "silu" or "sigmoid". taps: "correlation" (weight[:, -1] meets the current sample, as in PyTorch)
    or "convolution" (weight[:, 0] does).

    Returns y, with the form of x; with final_state also the last K-1 inputs, [B, D, K-1], those of the initial state
    included where L < K-1. `out` and `final_state_out` are written instead where they are given. Sums are f32.

    Packed sequences, by one of two spellings: taps never reach another sequence. cu_seqlens, from 0 to L and never
    falling, packs N sequences into one row (B = 1), some of them empty if you like; the states are [N, D, K-1]. Its
    values are not looked at. seq_idx gives each position a number: taps of another number count as 0, y is 0 where the
    number is negative; the initial state goes with the first position's number, the final state with the last one's.
    invariant: calls of other B and L give a row, up to any position, the same bits (more in the README).
    """
    if final_state_out is not None:
        final_state = True
    outs = None
    if out is not None or final_state_out is not None:
        outs = (out, final_state_out) if final_state else (out,)
    options = (layout, activation or "none", taps, final_state, invariant)
    results = call(_CONV, options, (x, weight, bias, initial_state, cu_seqlens, seq_idx, residual), outs)
    return tuple(results) if final_state else results[0]


def _text(value):
    """{"q": 2048, "k": 2048} as "q:2048,k:2048"."""
    return value if isinstance(value, str) else ",".join("%s:%d" % item for item in (value or {}).items())


def causal_conv1d_split(
    x, weight, bias=None, *, split, l2norm=None, initial_state=None, residual=None, layout="bdl", activation=None,
    taps="correlation", final_state=False, invariant=False, out=None, final_state_out=None, cu_seqlens=None,
    seq_idx=None,
):  # fmt: skip
    """causal_conv1d whose channels are stored as several contiguous parts, in one launch: q, k and v, say.

    split: {"q": 2048, "k": 2048, "v": 4096}, the parts' channels in order, D in all. l2norm: {"q": 128, "k": 128},
    heads of so many channels of these parts are divided by their norm, sqrt(sum of squares + 1e-6), in f32. All else as
    in causal_conv1d.

    Returns the parts in order, each [B, L, channels] whatever the layout of x; with final_state that too, last.
    `out`: a tuple of the parts.
    """
    if final_state_out is not None:
        final_state = True
    split = _text(split)
    outs = None
    if out is not None or final_state_out is not None:
        outs = tuple(out) if out is not None else (None,) * (split.count(",") + 1)
        outs += (final_state_out,) if final_state else ()
    options = (layout, activation or "none", taps, final_state, split, _text(l2norm), invariant)
    return tuple(call(_SPLIT, options, (x, weight, bias, initial_state, cu_seqlens, seq_idx, residual), outs))


def causal_conv1d_update(
    x, conv_state, weight, bias=None, *, cache_seqlens=None, conv_state_indices=None, activation=None, invariant=False,
    out=None,
):  # fmt: skip
    """A few tokens of causal_conv1d in decoding, from conv_state, which is updated in place.

    ================== ============================== ====================================================
    x                  [B, D], or [B, D, T]           f32, f16, bf16; T is small: each token is a step of a walk
    conv_state         [B, D, N], N >= K-1            as x: the last N inputs, newest last
    weight             [D, K] or [G, K]               f32, f16, bf16; the last tap meets the current sample
    bias               [D]                            as weight
    cache_seqlens      [B] int32                      conv_state is a ring: x[b, :, t] goes to place
                                                      (cache_seqlens[b] + t) mod N, and no other is written
    conv_state_indices [B] int32                      conv_state is [slots, D, N]: row b has slot
                                                      conv_state_indices[b]; -1: y is 0, no slot is touched
    ================== ============================== ====================================================

    activation: None, "silu" or "sigmoid". Returns y, with the form of x. The values of the indices are not looked at:
    slots are below their number and no two rows have one, places are not negative.
    """
    tensors = (x, conv_state, weight, bias, cache_seqlens, conv_state_indices)
    return call(_UPDATE, (activation or "none", invariant), tensors, None if out is None else (out,))[0]

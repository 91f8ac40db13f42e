"""The Hyena operators whole, from the projection's output z to y, each in one launch; their steps; what they share.

z holds three streams per channel, [B, L, 3D] or [B, 3D, L]. Where they lie is `streams`: "interleave" (channels 3d,
3d+1, 3d+2), "split" (thirds) or "column_split:H" (thirds within each of H heads). A featurizer of Kp taps per channel
goes over each, then y = x2 * f(x1 * v), and f is what the operators differ in. Between them values are rounded to the
type of z, so that what a prefill leaves a step continues.
"""

from ._dispatch import call
from ._kernels import KERNELS

_HCS, _HCM, _HCL, _B2B, _MODAL = (KERNELS[name] for name in ("hcs", "hcm", "hcl", "b2b_causal_conv1d", "modal_filter"))
_HCS_STEP, _HCM_STEP, _HCL_STEP = (KERNELS[name + "_step"] for name in ("hcs", "hcm", "hcl"))


def _prefill(kernel, options, tensors, states, out, states_out):
    outs = None
    if out is not None or states_out is not None:
        outs = (out, *(states_out or (None, None))) if states else (out,)
    results = call(kernel, options, tensors, outs)
    return tuple(results) if states else results[0]


def hcs(
    z, proj_weight, filter, skip=None, *, proj_state=None, fir_state=None, layout="bdl", streams="interleave",
    states=False, precision="accurate", invariant=False, out=None, states_out=None, cu_seqlens=None,
):  # fmt: skip
    """The Hyena short operator: f(u) = the convolution of u with `filter`, plus skip.

    =========== ================================== ==============================================
    z           [B, 3D, L]; layout "bld": [B, L, 3D] f32, f16, bf16
    proj_weight [3D, Kp]                           f32, f16, bf16; the last tap meets the current sample
    filter      [D, K] or [G, K]                   as proj_weight; likewise
    skip        [D]                                as proj_weight; added to f
    proj_state  [B, 3D, Kp-1]                      as z: the last projections, newest last
    fir_state   [B, D, K-1]                        as z: the last gated inputs x1 * v
    cu_seqlens  [N+1]                              int32: N sequences in one row, as in causal_conv1d
    =========== ================================== ==============================================

    Returns y, [B, D, L] or [B, L, D]; with `states`, (y, proj_state, fir_state) as they are after L positions, for the
    next prefill or for hcs_step. The states given are not written. `states_out`: tensors for the new ones. invariant:
    calls of other B and L give a row, up to any position, the same bits (more in the README). With cu_seqlens, from 0
    to L, no convolution reaches another sequence, and states have N rows in the place of B.
    """
    tensors = (z, proj_weight, filter, skip, proj_state, fir_state, cu_seqlens)
    return _prefill(_HCS, (layout, streams, states or states_out is not None, precision, invariant), tensors,
                    states or states_out is not None, out, states_out)  # fmt: skip


def hcm(
    z, proj_weight, filter, skip=None, *, proj_state=None, fir_state=None, layout="bdl", streams="interleave",
    states=False, precision="accurate", invariant=False, out=None, states_out=None, cu_seqlens=None,
):  # fmt: skip
    """The Hyena medium operator: as hcs, but filter[:, 0] meets the current sample, and skip * u is added to f."""
    tensors = (z, proj_weight, filter, skip, proj_state, fir_state, cu_seqlens)
    return _prefill(_HCM, (layout, streams, states or states_out is not None, precision, invariant), tensors,
                    states or states_out is not None, out, states_out)  # fmt: skip


def hcl(
    z, proj_weight, log_poles, residues, skip=None, *, proj_state=None, modal_state=None, layout="bdl",
    streams="interleave", states=False, precision="accurate", invariant=False, out=None, states_out=None, cu_seqlens=None,
):  # fmt: skip
    """The Hyena long operator: its filter, h[k] = sum over s of residues[s] * exp(log_poles[s] * k), has no end.

    As hcs, but for
    log_poles, residues  [D, S] f32, log_poles < 0
    modal_state          [B, D, S] f32: per mode, the decayed sum of the gated inputs
    skip                 [D]: f(u) = convolution + skip * u

    Returns y; with `states`, (y, proj_state, modal_state).
    """
    tensors = (z, proj_weight, log_poles, residues, skip, proj_state, modal_state, cu_seqlens)
    return _prefill(_HCL, (layout, streams, states or states_out is not None, precision, invariant), tensors,
                    states or states_out is not None, out, states_out)  # fmt: skip


def b2b_causal_conv1d(
    x, w_proj, w_mixer, skip=None, *, proj_state=None, fir_state=None, layout="bdl", states=False,
    precision="accurate", invariant=False, out=None, states_out=None, cu_seqlens=None,
):  # fmt: skip
    """Two causal convolutions back to back, with gates: y = p0 * (convolution of g + skip * g) of g = p1 * p2, where p
    is the convolution of x with w_proj and p0, p1, p2 its channels 0::3, 1::3, 2::3.

    x [B, 3D, L] or [B, L, 3D], w_proj [3D, Kp], w_mixer [D, K] or [G, K], both with the last tap on the current sample;
    skip [D]; proj_state [B, 3D, Kp-1], fir_state [B, D, K-1]; cu_seqlens as in hcs. Returns y, with `states` also the new states, as hcs.
    """
    tensors = (x, w_proj, w_mixer, skip, proj_state, fir_state, cu_seqlens)
    return _prefill(_B2B, (layout, states or states_out is not None, precision, invariant), tensors,
                    states or states_out is not None, out, states_out)  # fmt: skip


def hcs_step(
    z, proj_weight, filter, skip=None, *, proj_state, fir_state, fir_position=None, streams="interleave", invariant=False,
    out=None,
):  # fmt: skip
    """One token of hcs: z [B, 3D] to y [B, D]. proj_state and fir_state are read and updated in place.

    fir_position [B] int32 makes fir_state a ring, of which the newest sample alone is written: half of the memory's
    traffic. It goes to place fir_position[b] mod (K - 1); the caller adds 1 to fir_position after each step. The states
    of a prefill are the ring of fir_position = 0.
    """
    tensors = (z, proj_weight, filter, skip, proj_state, fir_state, fir_position)
    return call(_HCS_STEP, (streams, invariant), tensors, None if out is None else (out,))[0]


def hcm_step(
    z, proj_weight, filter, skip=None, *, proj_state, fir_state, fir_position=None, streams="interleave", invariant=False,
    out=None,
):  # fmt: skip
    """One token of hcm: z [B, 3D] to y [B, D]. proj_state and fir_state are read and updated in place; as in hcs_step,
    fir_position makes fir_state a ring."""
    tensors = (z, proj_weight, filter, skip, proj_state, fir_state, fir_position)
    return call(_HCM_STEP, (streams, invariant), tensors, None if out is None else (out,))[0]


def hcl_step(
    z, proj_weight, log_poles, residues, skip=None, *, proj_state, modal_state, streams="interleave", invariant=False,
    out=None,
):  # fmt: skip
    """One token of hcl: z [B, 3D] to y [B, D]. proj_state and modal_state are read and updated in place."""
    tensors = (z, proj_weight, log_poles, residues, skip, proj_state, modal_state)
    return call(_HCL_STEP, (streams, invariant), tensors, None if out is None else (out,))[0]


def modal_filter(log_poles, residues, length, *, out=None):
    """The filter of hcl written out: h [D, length] f32 of log_poles and residues [D, S] f32."""
    return call(_MODAL, (length,), (log_poles, residues), None if out is None else (out,))[0]

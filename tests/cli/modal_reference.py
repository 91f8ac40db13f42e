"""The long operator and its filter as direct sums in plain Python floats, apart from the C++ oracle."""

import math

import safetensors_io as st
from hyena_reference import STREAMS, fir, memory_channel


def modal_filter(log_poles, residues, length):
    """h[d][k] of [d][s] lists."""
    return [
        [sum(r * math.exp(lp * k) for lp, r in zip(poles, weights)) for k in range(length)]
        for poles, weights in zip(log_poles, residues)
    ]


def hcl(z, proj, log_poles, residues, skip, proj_state, modal_state, streams, dtype):
    """z[b][c][t], proj[c][j], states [b][c][j] and [b][d][s] or None; returns y[b][d][t] and both states."""

    def rounded(value):
        return value if dtype == "f32" else st.rounded(dtype, [value])[0]

    d_size, kp, length = len(log_poles), len(proj[0]), len(z[0][0])
    h = modal_filter(log_poles, residues, length + 1)
    y, proj_out, modal_out = [], [], []
    for b, sequence in enumerate(z):
        raw = [(proj_state[b][c] if proj_state else [0.0] * (kp - 1)) + row for c, row in enumerate(sequence)]
        rows, ends = [], []
        for d in range(d_size):
            c2, c1, cv = (memory_channel(streams, d_size, d, s) for s in range(STREAMS))
            before = modal_state[b][d] if modal_state else [0.0] * len(log_poles[d])
            u, row = [], []
            for t in range(length):
                x2, x1, v = (rounded(fir(proj[c], raw[c], t)) for c in (c2, c1, cv))
                u.append(rounded(x1 * v))
                conv = sum(h[d][k] * u[t - k] for k in range(t + 1))
                conv += sum(r * math.exp(lp * (t + 1)) * s for lp, r, s in zip(log_poles[d], residues[d], before))
                f = rounded(conv)
                if skip:
                    f = rounded(f + skip[d] * u[t])
                row.append(x2 * f)
            rows.append(row)
            ends.append(
                [
                    math.exp(lp * length) * s + sum(math.exp(lp * (length - 1 - t)) * u[t] for t in range(length))
                    for lp, s in zip(log_poles[d], before)
                ]
            )
        y.append(rows)
        modal_out.append(ends)
        proj_out.append([row[len(row) - (kp - 1) :] for row in raw])
    return y, proj_out, modal_out

"""The gated pair of convolutions (hcs, hcm, b2b_causal_conv1d) in plain Python floats, apart from the C++ oracle."""

import safetensors_io as st

STREAMS = 3


def memory_channel(streams, d_size, c, s):
    if streams == "interleave":
        return c * STREAMS + s
    if streams == "split":
        return s * d_size + c
    width = d_size // int(streams.split(":")[1])
    return c // width * STREAMS * width + s * width + c % width


def fir(taps, history, t):
    """history holds len(taps) - 1 samples from before position 0, then the sequence."""
    return sum(w * u for w, u in zip(taps, history[t : t + len(taps)]))


def gated_pair(kind, z, proj, filt, skip, proj_state, fir_state, streams, dtype):
    """z[b][c][t], proj[c][j], filt[row][j], states [b][c][j] or None; returns y[b][d][t] and both states."""

    def rounded(value):
        return value if dtype == "f32" else st.rounded(dtype, [value])[0]

    d_size, kp, k = len(proj) // STREAMS, len(proj[0]), len(filt[0])
    group = d_size // len(filt)
    y, proj_out, fir_out = [], [], []
    for b, sequence in enumerate(z):
        raw = [(proj_state[b][c] if proj_state else [0.0] * (kp - 1)) + row for c, row in enumerate(sequence)]
        length = len(sequence[0])
        rows, ends = [], []
        for d in range(d_size):
            c2, c1, cv = (memory_channel(streams, d_size, d, s) for s in range(STREAMS))
            u = list(fir_state[b][d]) if fir_state else [0.0] * (k - 1)
            row = []
            for t in range(length):
                x2, x1, v = (rounded(fir(proj[c], raw[c], t)) for c in (c2, c1, cv))
                u.append(rounded(x1 * v))
                taps = filt[d // group]
                o = fir(taps[::-1] if kind == "hcm" else taps, u, t)
                if skip and kind != "hcs":
                    o += skip[d] * u[-1]
                o = rounded(o)
                if skip and kind == "hcs":
                    o = rounded(o + skip[d])
                row.append(x2 * o)
            rows.append(row)
            ends.append(u[len(u) - (k - 1) :])
        y.append(rows)
        fir_out.append(ends)
        proj_out.append([row[len(row) - (kp - 1) :] for row in raw])
    return y, proj_out, fir_out

"""causal_conv1d in plain Python floats (f64), written apart from the C++ oracle: the tests compare three answers."""

import math


def channel(samples, taps, state, bias=0.0, order="correlation", activation="none"):
    """One channel: the outputs and the last K-1 inputs."""
    k = len(taps)
    if order == "convolution":
        taps = taps[::-1]
    history = list(state) + list(samples)
    outputs = []
    for t in range(len(samples)):
        acc = bias + sum(w * u for w, u in zip(taps, history[t : t + k]))
        if activation == "silu":
            acc = acc / (1 + math.exp(-acc))
        elif activation == "sigmoid":
            acc = 1 / (1 + math.exp(-acc))
        outputs.append(acc)
    return outputs, history[len(history) - (k - 1) :]


def causal_conv1d(x, shape, weight, rows, k, layout="bdl", bias=None, state=None, residual=None, **options):
    """x flat in `layout`, shape (B, D, L); y flat in the same layout, final_state flat [B, D, K-1]."""
    b_size, d_size, l_size = shape

    def at(b, d, t):
        return (b * d_size + d) * l_size + t if layout == "bdl" else (b * l_size + t) * d_size + d

    y, final = [0.0] * len(x), []
    group = d_size // rows
    for b in range(b_size):
        for d in range(d_size):
            row = d // group
            start = (b * d_size + d) * (k - 1)
            initial = state[start : start + k - 1] if state else [0.0] * (k - 1)
            samples = [x[at(b, d, t)] for t in range(l_size)]
            outputs, last = channel(
                samples, weight[row * k : (row + 1) * k], initial, bias[d] if bias else 0.0, **options
            )
            final += last
            for t, value in enumerate(outputs):
                y[at(b, d, t)] = value + (residual[at(b, d, t)] if residual else 0.0)
    return y, final


def parts(y, shape, layout, sizes, heads=None):
    """y cut along channels: {name: flat [B, L, n]}, some of them normalised per head."""
    b_size, d_size, l_size = shape
    result, begin = {}, 0
    for name, n in sizes.items():
        flat = []
        for b in range(b_size):
            for t in range(l_size):
                row = [
                    y[(b * d_size + d) * l_size + t] if layout == "bdl" else y[(b * l_size + t) * d_size + d]
                    for d in range(begin, begin + n)
                ]
                head = (heads or {}).get(name, 0)
                for first in range(0, n, head or n):
                    piece = row[first : first + (head or n)]
                    norm = math.sqrt(sum(v * v for v in piece) + 1e-6) if head else 1.0
                    flat += [v / norm for v in piece]
        result[name] = flat
        begin += n
    return result

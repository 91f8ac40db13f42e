"""Packed sequences in plain Python: each sequence alone, or tap by tap by the numbers of seq_idx."""

import math
import random


def cuts(source: random.Random, length, count):
    """Bounds of `count` sequences over `length` positions: empty ones and short ones are common."""
    places = [source.randrange(length + 1) for _ in range(count - 1)]
    for i in range(1, len(places), 3):
        places[i] = min(length, places[i - 1] + source.randrange(3))
    return [0, *sorted(places), length]


def labels(source: random.Random, length, longest):
    """A row of seq_idx: runs of one number, now and then negative or a number that was there before."""
    row = []
    while len(row) < length:
        row += [source.choice([-1, 0, 1, 2, 7])] * source.randint(1, longest)
    return row[:length]


def labelled_channel(samples, row, taps, state, bias=0.0, activation="none"):
    """One channel: the outputs, and the last K-1 inputs that are the last position's sequence's."""
    k, length = len(taps), len(samples)
    history = list(state) + list(samples)
    own = [row[0] if length else 0] * (k - 1) + list(row)
    outputs = []
    for t in range(length):
        acc = bias
        for j in range(k):
            acc += taps[j] * (history[t + j] if own[t + j] == row[t] else 0.0)
        if activation == "silu":
            acc = acc / (1 + math.exp(-acc))
        outputs.append(acc if row[t] >= 0 else 0.0)
    if not length:
        return outputs, list(state)
    last = row[-1]
    kept = [u if n == last and last >= 0 else 0.0 for u, n in zip(history, own)]
    return outputs, kept[length:]

"""The Hyena operators by torch alone, for peers.py: what stands where there is no fused kernel, and the best of it.

    torch        the path of vortex, Evo 2's inference code: a depthwise conv1d for the featurizer and the short filter,
                 FFTs of 2 L for the medium and the long one, whose filter of L taps is written out, gates between them
    torch-fused  no FFT: short filters as shifted products, medium ones as products with two Toeplitz blocks per group, the
                 long one as a chunked recurrence; torch.compile fuses what lies between where there is a GPU

Each gives its time and the most memory that torch had allocated beyond inputs and output. So does Halo's own launch, where
the Python package is found. Needs torch; a GPU only for times and memory.
"""

import torch
import torch.nn.functional as F

KERNELS = ("hcs", "hcm", "hcl")
CHUNK = 128
#: vortex needs 32 GiB for the long operator at this length; beyond, no GPU is large enough.
LONGEST = 65536


def depthwise(x, weight):
    """Causal convolution of x [B, C, L] with weight [C, K], the last tap on the current sample; sums in f32."""
    k = weight.shape[1]
    y = F.conv1d(x.float(), weight.float()[:, None], padding=k - 1, groups=x.shape[1])
    return y[..., : x.shape[2]].to(x.dtype)


def by_fft(u, h):
    """Causal convolution of u [B, D, L] with h [D, K], the first tap on the current sample, by transforms of 2 L."""
    n = 2 * u.shape[2]
    return torch.fft.irfft(torch.fft.rfft(u.float(), n=n) * torch.fft.rfft(h.float(), n=n), n=n)[..., : u.shape[2]]


def modal_filter(log_poles, residues, length):
    """[D, L], by way of [D, S, L]."""
    t = torch.arange(length, device=log_poles.device, dtype=torch.float32)
    return (residues[..., None] * (log_poles[..., None] * t).exp()).sum(1)


def gated(kernel, z, proj_weight, filters, skip, convolve):
    """The operator around `convolve(u, *filters)` in f32: z [B, 3D, L] to y [B, D, L], rounded where the law rounds."""
    p = depthwise(z, proj_weight)
    x2, x1, v = p[:, 0::3], p[:, 1::3], p[:, 2::3]
    u = x1 * v
    f = convolve(u, *filters)
    if kernel == "hcm":
        f = f if skip is None else f + skip.float()[:, None] * u.float()
    elif skip is not None:
        f = f.to(z.dtype).float() + (skip.float()[:, None] * u.float() if kernel == "hcl" else skip.float()[:, None])
    return x2 * f.to(z.dtype)


def stock(case):
    """[B, L, 3D] in, [B, L, D] out, as a view: what the model's next layer takes."""
    group = case.channels // case.filters[0].shape[0]

    def convolve(u, *filters):
        if case.kernel == "hcl":
            return by_fft(u, modal_filter(*filters, u.shape[2]))
        h = filters[0].repeat_interleave(group, 0)
        return by_fft(u, h) if case.kernel == "hcm" else depthwise(u, h).float()

    return lambda: gated(case.kernel, case.z.transpose(1, 2), case.proj_weight, case.filters, case.skip, convolve).transpose(1, 2)


def shifted(x, weight):
    """Causal convolution of x [B, L, C] with weight [C, K] by shifted products, the last tap on the current sample."""
    k, length = weight.shape[1], x.shape[1]
    padded = F.pad(x, (0, 0, k - 1, 0)).float()
    return sum(padded[:, j : j + length] * weight[:, j].float() for j in range(k))


def chunks_of(u):
    """[B, L, D] as [D, CHUNK, B * chunks], a column per chunk."""
    b, length, d = u.shape
    padded = F.pad(u, (0, 0, 0, -length % CHUNK))
    return padded.reshape(b, -1, CHUNK, d).permute(3, 2, 0, 1).reshape(d, CHUNK, -1)


def from_chunks(y, b, length):
    d = y.shape[0]
    return y.reshape(d, CHUNK, b, -1).permute(2, 3, 1, 0).reshape(b, -1, d)[:, :length]


def before(columns, b):
    """Each chunk's predecessor in its sequence, zeros before the first: [.., rows, B * chunks]."""
    rows = columns.reshape(*columns.shape[:-1], b, -1)
    return F.pad(rows, (1, 0))[..., :-1].reshape(columns.shape)


def toeplitz_blocks(h):
    """Of h [G, K <= CHUNK + 1], the first tap on the current sample: what a chunk and the one before it add to a chunk."""
    padded = F.pad(h, (CHUNK, 2 * CHUNK - h.shape[1]))
    lag = torch.arange(CHUNK, device=h.device)[:, None] - torch.arange(CHUNK, device=h.device)[None]
    return padded[:, lag + CHUNK], F.pad(h, (0, 2 * CHUNK + 1 - h.shape[1]))[:, lag + CHUNK]


def grouped_toeplitz(u, h):
    """[B, L, D] by h [G, K]: a batched product for each group, whose channels are columns side by side."""
    (b, length, d), groups = u.shape, h.shape[0]
    own, last = toeplitz_blocks(h.to(u.dtype))
    columns = chunks_of(u)
    n = columns.shape[2]

    def beside(x):
        return x.reshape(groups, d // groups, CHUNK, n).transpose(1, 2).reshape(groups, CHUNK, -1)

    y = torch.bmm(own, beside(columns)) + torch.bmm(last, beside(before(columns, b)))
    y = y.reshape(groups, CHUNK, d // groups, n).transpose(1, 2).reshape(d, CHUNK, n)
    return from_chunks(y, b, length).float()


def recurrence(u, log_poles, residues):
    """[B, L, D]: within a chunk a Toeplitz block per channel, between them S states, whose scan doubles its stride."""
    b, length, d = u.shape
    t = torch.arange(CHUNK, device=u.device, dtype=torch.float32)
    own, _ = toeplitz_blocks((residues[..., None] * (log_poles[..., None] * t).exp()).sum(1))
    out = (residues[..., None] * (log_poles[..., None] * (t + 1)).exp()).transpose(1, 2)
    into = (log_poles[..., None] * (CHUNK - 1 - t)).exp()
    columns = chunks_of(u)
    states = torch.bmm(into.to(u.dtype), columns).float().reshape(d, log_poles.shape[1], b, -1)
    stride, count = 1, states.shape[3]
    while stride < count:
        decay = (log_poles * (CHUNK * stride)).exp()[..., None, None]
        states = states + decay * F.pad(states, (stride, 0))[..., :count]
        stride *= 2
    states = before(states.reshape(d, log_poles.shape[1], -1), b)
    y = torch.bmm(own.to(u.dtype), columns).float() + torch.bmm(out.to(u.dtype), states.to(u.dtype)).float()
    return from_chunks(y, b, length)


def fused(case, compiled=True):
    kernel, dtype = case.kernel, case.z.dtype

    def run(z, proj_weight, skip, *filters):
        p = shifted(z, proj_weight).to(dtype)
        x2, x1, v = p[..., 0::3], p[..., 1::3], p[..., 2::3]
        u = x1 * v
        if kernel == "hcs":
            f = shifted(u, filters[0].repeat_interleave(case.channels // filters[0].shape[0], 0))
        else:
            f = grouped_toeplitz(u, *filters) if kernel == "hcm" else recurrence(u, *filters)
        if skip is not None:
            f = f if kernel == "hcm" else f.to(dtype).float()
            f = f + skip.float() * (1 if kernel == "hcs" else u.float())
        return x2 * f.to(dtype)

    run = torch.compile(run, dynamic=False) if compiled else run
    return lambda: run(case.z, case.proj_weight, case.skip, *case.filters)


class NotTimed(Exception):
    """Why a case has no peers here."""


class HyenaCase:
    """One entry of a suite, [B, L, 3D] interleaved, with its tensors. Refuses what is not timed here."""

    def __init__(self, entry):
        self.entry, settings = entry, entry["set"]
        self.kernel = entry["kernel"]
        self.batch, self.channels, self.length = (entry["shape"][name] for name in "BDL")
        if settings.get("layout", "bdl") != "bld" or entry.get("dtype") != "bf16" or settings.get("precision") == "fast":
            raise NotTimed("only bf16, bld and the class accurate are timed here")
        if self.length > LONGEST:
            raise NotTimed("L is %d, beyond %d, where vortex's path is out of memory" % (self.length, LONGEST))
        self.taps, self.modes, self.group = (int(settings.get(name, 1)) for name in ("K", "S", "group"))
        if self.kernel == "hcm" and self.taps > CHUNK + 1:
            raise NotTimed("K is %d, beyond the %d of two Toeplitz blocks" % (self.taps, CHUNK + 1))
        self.wdtype = torch.float32 if entry.get("wdtype") == "f32" else torch.bfloat16
        self.has_skip = "skip" in entry.get("with", [])

    def allocate(self, device="cuda"):
        torch.manual_seed(1)

        def normal(*sizes, dtype=self.wdtype, scale=1.0):
            return (torch.randn(*sizes, device=device) * scale).to(dtype)

        d = self.channels
        self.z = normal(self.batch, self.length, 3 * d, dtype=torch.bfloat16)
        self.proj_weight = normal(3 * d, 3, scale=3**-0.5)
        if self.kernel == "hcl":
            poles = -torch.exp(torch.randn(d, self.modes, device=device) - 3)
            self.filters = (poles, normal(d, self.modes, dtype=torch.float32, scale=0.25 / self.modes**0.5))
        else:
            self.filters = (normal(d // self.group, self.taps, scale=self.taps**-0.5),)
        self.skip = normal(d) if self.has_skip else None
        self.output_bytes = 2 * self.batch * self.length * d
        self.bytes = 4 * self.output_bytes

    def check(self, results):
        """Compares channels at both ends with the law in f64."""
        (y,) = results
        channels = torch.tensor(sorted({*range(4), *range(self.channels - 4, self.channels)}), device=y.device)
        rows = (3 * channels[:, None] + torch.arange(3, device=y.device)).flatten()
        z = self.z[..., rows].transpose(1, 2).double()
        weight = self.proj_weight[rows].double()
        p = sum(F.pad(z, (2 - j, 0))[..., : self.length] * weight[:, j, None] for j in range(3)).to(self.z.dtype).double()
        u = (p[:, 1::3] * p[:, 2::3]).to(self.z.dtype).double()
        if self.kernel == "hcl":
            t = torch.arange(self.length, device=y.device, dtype=torch.float64)
            h = sum(self.filters[1][channels, s, None].double() * (self.filters[0][channels, s, None].double() * t).exp()
                    for s in range(self.modes))  # fmt: skip
        else:
            h = self.filters[0][channels // self.group].double()
            h = h.flip(1) if self.kernel == "hcs" else h
        f = torch.fft.irfft(torch.fft.rfft(u, n=2 * self.length) * torch.fft.rfft(h[:, : self.length], n=2 * self.length),
                            n=2 * self.length)[..., : self.length]  # fmt: skip
        if self.skip is not None:
            f = f + self.skip[channels].double()[:, None] * (1 if self.kernel == "hcs" else u)
        want = (p[:, 0::3] * f).transpose(1, 2)
        got = y[..., channels].double()
        norm = ((got - want).norm() / want.norm()).item()
        if not norm <= 1e-2:
            raise ArithmeticError("the result is wrong by a relative norm of %.3g" % norm)


def stock_peer(case, clock):
    work = stock(case)
    return lambda: [work()], "conv1d" if case.kernel == "hcs" else "FFTs of 2 L"


def fused_peer(case, clock):
    work = fused(case)
    how = {"hcs": "shifted products", "hcm": "Toeplitz products", "hcl": "chunked recurrence"}[case.kernel]
    return lambda: [work()], how + ", torch.compile"


PEERS = {"torch": stock_peer, "torch-fused": fused_peer}


def peak_extra_bytes(case, work):
    """The most that torch has allocated while `work` runs, beyond what was there and the output."""
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before_work = torch.cuda.memory_allocated()
    result = work()
    torch.cuda.synchronize()
    del result
    return torch.cuda.max_memory_allocated() - before_work - case.output_bytes


def halo_extra_bytes(case):
    """The same of Halo's launch, and what it has taken of the device behind torch's back: none, once it is loaded."""
    import halo

    def work():
        arguments = [case.z, case.proj_weight, *case.filters]
        return [getattr(halo, case.kernel)(*arguments, case.skip, layout="bld")]

    case.check(work())
    peak = peak_extra_bytes(case, work)
    out = torch.empty(case.batch, case.length, case.channels, device=case.z.device, dtype=case.z.dtype)
    free, _ = torch.cuda.mem_get_info()
    getattr(halo, case.kernel)(case.z, case.proj_weight, *case.filters, case.skip, layout="bld", out=out)
    torch.cuda.synchronize()
    return peak + free - torch.cuda.mem_get_info()[0]

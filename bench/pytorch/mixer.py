"""The B'MOJO mixer and its small language model in plain PyTorch, the measure for our own training."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def rotate(x: torch.Tensor, base: float) -> torch.Tensor:
    """Rotary positions 0 .. L-1 on x [B, L, H, Dh], halves rotated."""
    length, half = x.shape[1], x.shape[3] // 2
    rates = base ** (-torch.arange(half, device=x.device, dtype=torch.float64) / half)
    angles = torch.arange(length, device=x.device, dtype=torch.float64)[:, None] * rates
    cos, sin = angles.cos().to(x.dtype)[:, None], angles.sin().to(x.dtype)[:, None]
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cos - second * sin, first * sin + second * cos], -1)


def innovation(y: torch.Tensor, span: int) -> torch.Tensor:
    """Distance of y [B, L, D] from the average of the span tokens before, weights 2^-1, 2^-2, ... renormalised."""
    length = y.shape[1]
    padded = F.pad(y, (0, 0, span, 0))
    weights = 0.5 ** torch.arange(1, span + 1, device=y.device, dtype=y.dtype)
    total = sum(w * padded[:, span - i - 1 : span - i - 1 + length] for i, w in enumerate(weights))
    steps = torch.arange(length, device=y.device).clamp(max=span)
    norm = torch.where(steps > 0, 1 - 0.5 ** steps.to(y.dtype), torch.ones((), dtype=y.dtype, device=y.device))
    return (y - total / norm[:, None]).norm(dim=2)


def select(scores: torch.Tensor, window: int, slots: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions [B, C, me] of the best scores before the chunk before, and which of them are real."""
    length = scores.shape[1]
    chunks = -(-length // window)
    limit = (torch.arange(chunks, device=scores.device) - 1) * window
    open_rows = torch.arange(length, device=scores.device) < limit[:, None]
    masked = scores[:, None].masked_fill(~open_rows, -math.inf)
    best = masked.topk(min(slots, length), dim=2)
    return best.indices, best.values > -math.inf


def memory_mask(length: int, window: int, device) -> torch.Tensor:
    """Which of the L window and L fading rows each query sees: [L, 2L]."""
    i = torch.arange(length, device=device)
    age = i[:, None] - i[None]
    return torch.cat([(age >= 0) & (age < window), (age >= window) & (age < 2 * window)], 1)


class Mixer(nn.Module):
    """Weights [in, out], named as the project's."""

    def __init__(self, width, heads, kv_heads, window, slots, states=8, expand=2, span=4, base=10000.0, scan=None):
        super().__init__()
        self.heads, self.kv_heads, self.window, self.slots, self.span, self.base = heads, kv_heads, window, slots, span, base
        self.scan = scan
        inner, rank, head = expand * width, -(-width // 16), width // heads
        self.rank, self.states = rank, states
        uniform = lambda rows, columns: nn.Parameter(torch.empty(rows, columns).uniform_(-1, 1) * rows**-0.5)
        self.in_proj = uniform(width, 2 * inner)
        self.conv_weight = nn.Parameter(torch.empty(4, inner).uniform_(-0.5, 0.5))
        self.conv_bias = nn.Parameter(torch.empty(inner).uniform_(-0.5, 0.5))
        self.x_proj = uniform(inner, rank + 2 * states)
        self.dt_proj = uniform(rank, inner)
        dt = torch.exp(torch.rand(inner) * math.log(100) + math.log(1e-3)).clamp(min=1e-4)
        self.dt_bias = nn.Parameter(dt + torch.log(-torch.expm1(-dt)))
        self.A_log = nn.Parameter(torch.arange(1.0, states + 1).log().repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))
        self.out_proj = uniform(inner, width)
        self.q_proj, self.o_proj = uniform(width, heads * head), uniform(heads * head, width)
        self.k_proj, self.v_proj = uniform(width, kv_heads * head), uniform(width, kv_heads * head)

    def fading(self, h):
        x, z = (h @ self.in_proj).chunk(2, -1)
        taps = self.conv_weight.t().unsqueeze(1)
        x = F.silu(F.conv1d(F.pad(x.transpose(1, 2), (3, 0)), taps, self.conv_bias, groups=taps.shape[0]).transpose(1, 2))
        dt, B, C = (x @ self.x_proj).split([self.rank, self.states, self.states], -1)
        return self.scan(x, dt @ self.dt_proj, -self.A_log.exp(), B, C, self.D, z, self.dt_bias) @ self.out_proj

    def forward(self, h):
        batch, length, _ = h.shape
        y = self.fading(h)
        split = lambda x, n: x.view(batch, length, n, -1)
        q = rotate(split(h @ self.q_proj, self.heads), self.base)
        keys = [rotate(split(x @ self.k_proj, self.kv_heads), self.base) for x in (h, y)]
        values = [split(x @ self.v_proj, self.kv_heads) for x in (h, y)]
        mask = memory_mask(length, self.window, h.device).expand(batch, length, 2 * length)
        if self.slots > 0:
            with torch.no_grad():
                positions, real = select(innovation(y, self.span), self.window, self.slots)
            rows = positions.flatten(1)[..., None, None]
            gather = lambda x: x.gather(1, rows.expand(-1, -1, x.shape[2], x.shape[3]))
            keys.append(gather(keys[0]))
            values.append(gather(values[0]))
            chunk = torch.arange(length, device=h.device) // self.window
            slot_chunk = torch.arange(positions.shape[1], device=h.device).repeat_interleave(positions.shape[2])
            own = (chunk[:, None] == slot_chunk[None])[None] & real.flatten(1)[:, None]
            mask = torch.cat([mask, own], 2)
        k, v = torch.cat(keys, 1), torch.cat(values, 1)
        out = F.scaled_dot_product_attention(
            q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), mask.unsqueeze(1), enable_gqa=self.heads != self.kv_heads
        )
        return out.transpose(1, 2).reshape(batch, length, -1) @ self.o_proj


class LanguageModel(nn.Module):
    """Embedding, pre-norm mixers, final norm, tied head; no MLP."""

    def __init__(self, vocabulary, width, layers, **mixer):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.norms = nn.ModuleList(nn.RMSNorm(width, eps=1e-5) for _ in range(layers + 1))
        self.mixers = nn.ModuleList(Mixer(width, **mixer) for _ in range(layers))

    def forward(self, tokens):
        x = self.embedding(tokens)
        for norm, mixer in zip(self.norms, self.mixers):
            x = x + mixer(norm(x))
        return self.norms[-1](x) @ self.embedding.weight.t()

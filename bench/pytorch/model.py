"""The MQAR model of the benchmark in PyTorch: B'MOJO layers without MLP, as `bmojo train mqar --model bmojo` builds it."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from attention import chunk_mask, chunked_attention, select
from scan import compiled_scan


def rotary_table(length, width):
    angles = torch.arange(length)[:, None] / 10000 ** (torch.arange(width // 2)[None, :] * 2 / width)
    return angles.cos(), angles.sin()


def rotate(x, table):
    """x [B, H, L, Dh]."""
    first, second = x.chunk(2, -1)
    cos, sin = table
    return torch.cat([first * cos - second * sin, first * sin + second * cos], -1)


class Mixer(nn.Module):
    def __init__(self, width, heads, window, slots, states=16, expand=2, taps=4, span=4):
        super().__init__()
        inner, rank = expand * width, math.ceil(width / 16)
        self.heads, self.window, self.slots, self.states, self.rank, self.span = heads, window, slots, states, rank, span
        self.in_proj = nn.Linear(width, 2 * inner, bias=False)
        self.conv = nn.Conv1d(inner, inner, taps, groups=inner, padding=taps - 1)
        self.x_proj = nn.Linear(inner, rank + 2 * states, bias=False)
        self.dt_proj = nn.Linear(rank, inner, bias=False)
        self.dt_bias = nn.Parameter(torch.full((inner,), -4.6))
        self.A_log = nn.Parameter(torch.log(torch.arange(1.0, states + 1)).repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))
        self.out_proj = nn.Linear(inner, width, bias=False)
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(width, width, bias=False) for _ in range(4))

    def fading(self, h):
        length = h.shape[1]
        x, z = self.in_proj(h).chunk(2, -1)
        u = F.silu(self.conv(x.transpose(1, 2))[:, :, :length].transpose(1, 2))
        dt, B, C = self.x_proj(u).split([self.rank, self.states, self.states], -1)
        y = compiled_scan(u, self.dt_proj(dt), -torch.exp(self.A_log), B, C, self.D, z, self.dt_bias)
        return self.out_proj(y)

    def split(self, x):
        batch, length, width = x.shape
        return x.view(batch, length, self.heads, width // self.heads).transpose(1, 2)

    def innovation(self, y):
        with torch.no_grad():
            length, total, weights = y.shape[1], torch.zeros_like(y), torch.zeros(y.shape[1])
            for i in range(1, self.span + 1):
                total[:, i:] += 0.5**i * y[:, : length - i]
                weights[i:] += 0.5**i
            predicted = total / weights.clamp(min=1e-9)[None, :, None]
            return (y - predicted).norm(dim=-1)

    def forward(self, h, table):
        y = self.fading(h)
        positions = select(self.innovation(y), self.window, self.slots)
        k, v = rotate(self.split(self.k_proj(h)), table), self.split(self.v_proj(h))
        k_fading, v_fading = rotate(self.split(self.k_proj(y)), table), self.split(self.v_proj(y))
        q = rotate(self.split(self.q_proj(h)), table)
        mask = chunk_mask(h.shape[1], self.window, positions)
        out = chunked_attention(q, k, v, k_fading, v_fading, positions, mask, self.window)
        return self.o_proj(out.transpose(1, 2).reshape(h.shape))


class Model(nn.Module):
    def __init__(self, vocabulary, width, layers, heads, window, slots):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.mixers = nn.ModuleList(Mixer(width, heads, window, slots) for _ in range(layers))
        self.norms = nn.ModuleList(nn.RMSNorm(width, eps=1e-5) for _ in range(layers + 1))
        self.head_width = width // heads

    def forward(self, tokens, rows):
        """Logits of the flat `rows` that are asked for."""
        x, table = self.embedding(tokens), rotary_table(tokens.shape[1], self.head_width)
        for norm, mixer in zip(self.norms, self.mixers):
            x = x + mixer(norm(x), table)
        hidden = self.norms[-1](x).reshape(-1, x.shape[-1])[rows]
        return hidden @ self.embedding.weight.t()


def training_step(settings):
    """A function that takes one AdamW step on a batch drawn once."""
    torch.manual_seed(1)
    batch, length, pairs = settings["batch"], settings["length"], settings["pairs"]
    model = Model(*(settings[name] for name in ("vocabulary", "width", "layers", "heads", "window", "slots")))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1, fused=True)
    tokens = torch.randint(settings["vocabulary"], (batch, length))
    rows = torch.cat([b * length + torch.randperm(length)[:pairs] for b in range(batch)])
    labels = torch.randint(settings["vocabulary"], (batch * pairs,))

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(tokens, rows), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return step

"""PyTorch on an NVIDIA GPU beside `bmojo bench gpu` and `bmojo bench step lm --size 130m`: the same sizes, printed as JSON lines.

python3 bench/pytorch/on_gpu.py [linear] [attention] [transformer]
"""

import json
import sys

import torch
import torch.nn.functional as F
from torch import nn


def milliseconds(run, warm_up=3, repeats=10):
    """Median time of a call on the device's clock."""
    for _ in range(warm_up):
        run()
    times = []
    for _ in range(repeats):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        run()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end))
    return sorted(times)[repeats // 2]


def tell(what, **figures):
    print(json.dumps({"what": what, "torch": torch.__version__, **figures}), flush=True)


def linear(rows=16384, width=768, outputs=3072):
    """x [rows, width] times weight [width, outputs]."""
    for name, dtype, tf32 in (("float32", torch.float32, False), ("tf32", torch.float32, True), ("bfloat16", torch.bfloat16, False)):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        x = torch.randn(rows, width, device="cuda", dtype=dtype)
        weight = torch.randn(width, outputs, device="cuda", dtype=dtype)
        ms = milliseconds(lambda: x @ weight)
        tell("linear", precision=name, ms=ms, tflops=2e-9 * rows * width * outputs / ms)
    torch.backends.cuda.matmul.allow_tf32 = False


def seen(length, window, slots):
    """Which of 2 length + chunks slots keys a query sees: the window's, the fading tokens before them, its chunk's slots."""

    def mask(batch, head, query, key):
        fading = key - length
        stored = key - 2 * length
        in_window = (key < length) & (key <= query) & (key > query - window)
        in_fading = (key >= length) & (key < 2 * length) & (fading <= query - window) & (fading > query - 2 * window)
        in_slots = (stored >= 0) & (stored // slots == query // window) & (query >= 2 * window)
        return in_window | in_fading | in_slots

    return mask


def attention(batch=4, length=8192, heads=16, width=64, window=512, slots=64, device="cuda", dtype=torch.bfloat16):
    """flex_attention over window, fading tokens and slots, the latter gathered before: [B, H, L, Dh]."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    keys = 2 * length + length // window * slots
    mask = create_block_mask(seen(length, window, slots), None, None, length, keys, device=device)
    q, k, v = (
        torch.randn(batch, heads, n, width, device=device, dtype=dtype, requires_grad=True) for n in (length, keys, keys)
    )
    attend = torch.compile(flex_attention)
    cotangent = torch.randn_like(q)
    forward = milliseconds(lambda: attend(q, k, v, block_mask=mask))
    both = milliseconds(lambda: torch.autograd.grad(attend(q, k, v, block_mask=mask), (q, k, v), cotangent))
    # Pairs of a query and a key that it sees, two products forward and five more with the gradient.
    rows = range(length)
    pairs = sum(min(i + 1, window) + min(max(i + 1 - window, 0), window) + (slots if i >= 2 * window else 0) for i in rows)
    flops = 2e-9 * 2 * batch * heads * width * pairs
    tell("attention", precision="bfloat16", forwardMs=forward, gradientMs=both, forwardTflops=flops / forward, gradientTflops=3.5 * flops / both)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        inner = 64 * round(8 * width / 3 / 64)
        self.first, self.second = nn.RMSNorm(width), nn.RMSNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 2 * inner, bias=False), nn.Linear(inner, width, bias=False)

    def forward(self, x, cos, sin):
        batch, length, width = x.shape
        q, k, v = self.qkv(self.first(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)

        def turned(rows):
            left, right = rows.chunk(2, -1)
            return torch.cat((left * cos - right * sin, right * cos + left * sin), -1).to(rows.dtype)

        y = F.scaled_dot_product_attention(turned(q), turned(k), v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, width))
        gate, value = self.up(self.second(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * value)


class Transformer(nn.Module):
    def __init__(self, vocabulary, width, layers, heads, length):
        super().__init__()
        self.table = nn.Embedding(vocabulary, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.RMSNorm(width)
        half = width // heads // 2
        angles = torch.arange(length)[:, None] / 10000 ** (torch.arange(half)[None, :] / half)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, ids, labels):
        x = self.table(ids)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        logits = F.linear(self.norm(x), self.table.weight)
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten())


def transformer(vocabulary=4096, width=768, layers=13, heads=12, batch=8, length=2048):
    """Training steps of a compiled Transformer: AdamW in one kernel; float32, and bfloat16 by autocast."""
    for name, halves in (("float32", False), ("bfloat16", True)):
        torch.manual_seed(1)
        model = Transformer(vocabulary, width, layers, heads, length).cuda()
        compiled = torch.compile(model)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95), fused=True)
        ids = torch.randint(vocabulary, (batch, length + 1), device="cuda")

        def step():
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cuda", torch.bfloat16, enabled=halves):
                loss = compiled(ids[:, :-1], ids[:, 1:])
            loss.backward()
            optimizer.step()

        ms = milliseconds(step)
        parameters = sum(p.numel() for p in model.parameters())
        tell("transformer", precision=name, ms=ms, tokensPerSecond=1000 * batch * length / ms, parameters=parameters)


if __name__ == "__main__":
    known = {"linear": linear, "attention": attention, "transformer": transformer}
    wanted = sys.argv[1:] or list(known)
    for name in wanted:
        if name not in known:
            sys.exit(f"{name} is not measured here; known: {', '.join(known)}")
    for name in wanted:
        known[name]()

"""A GPT of nanoGPT's small CPU budget in PyTorch: the yardstick of `bmojo train lm` on the same cores.

4 layers, D 128, 4 heads, context 64, batch 12, no dropout, no biases; AdamW 1e-3 with 100 steps of warm-up and a cosine
down to 1e-4, beta2 0.99, decay 0.1, clip 1. Written for this project; the budget is the one that nanoGPT's README gives
for a CPU (github.com/karpathy/nanoGPT), whose own loss there is about 1.88 after 2,000 steps.

    python3 bench/pytorch/nanogpt_budget.py data/corpora/tiny-shakespeare/input.txt --steps 2000
"""

import argparse
import json
import math
import time

import torch
from torch import nn
from torch.nn import functional as F

LAYERS, WIDTH, HEADS, CONTEXT, BATCH = 4, 128, 4, 64, 12


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention_norm = nn.LayerNorm(WIDTH, bias=False)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.mlp_norm = nn.LayerNorm(WIDTH, bias=False)
        self.up = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.down = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x):
        batch, length, _ = x.shape
        heads = self.qkv(self.attention_norm(x)).view(batch, length, 3, HEADS, WIDTH // HEADS)
        q, k, v = heads.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, WIDTH))
        return x + self.down(F.gelu(self.up(self.mlp_norm(x))))


class Gpt(nn.Module):
    def __init__(self, vocabulary):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, WIDTH)
        self.positions = nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                residual = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / (math.sqrt(2 * LAYERS) if residual else 1))

    def forward(self, ids):
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.tokens.weight.T


def rate_at(step, steps):
    warmup = min(100, steps // 20)
    if step < warmup:
        return 1e-3 * (step + 1) / (warmup + 1)
    return 1e-4 + 0.5 * 9e-4 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--threads", type=int, help="default: what PyTorch chooses")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    torch.manual_seed(1337)
    text = open(given.text, encoding="utf-8").read()
    ids = {character: i for i, character in enumerate(sorted(set(text)))}
    data = torch.tensor([ids[character] for character in text])
    cut = int(0.9 * len(data))
    train, valid = data[:cut], data[cut:]
    model = Gpt(len(ids))
    matrices = [weight for weight in model.parameters() if weight.dim() == 2]
    gains = [weight for weight in model.parameters() if weight.dim() != 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": gains, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99))
    began = time.perf_counter()
    for step in range(given.steps):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, given.steps)
        starts = torch.randint(len(train) - CONTEXT, (BATCH,)).tolist()
        x = torch.stack([train[at : at + CONTEXT] for at in starts])
        y = torch.stack([train[at + 1 : at + 1 + CONTEXT] for at in starts])
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    seconds = time.perf_counter() - began
    model.eval()
    with torch.no_grad():
        windows = (len(valid) - 1) // CONTEXT
        x = valid[: windows * CONTEXT].view(windows, CONTEXT)
        y = valid[1 : windows * CONTEXT + 1].view(windows, CONTEXT)
        held = F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item()
    print(
        json.dumps(
            {
                "parameters": sum(weight.numel() for weight in model.parameters()),
                "threads": torch.get_num_threads(),
                "steps": given.steps,
                "seconds": round(seconds, 2),
                "tokens_per_second": round(given.steps * BATCH * CONTEXT / seconds),
                "validation_loss": round(held, 4),
            }
        )
    )


if __name__ == "__main__":
    main()

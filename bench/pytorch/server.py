"""Times PyTorch's side of `bmojo bench-tensorflow`: reads one JSON request a line, answers with one JSON line."""

import json
import sys
import time

import torch

from attention import chunk_mask, chunked_attention, dense_attention, dense_mask, select
from model import training_step
from scan import compiled_scan, scan_loop


def scan_inputs(B, L, E, N):
    torch.manual_seed(1)
    shapes = [(B, L, E), (B, L, E), (E, N), (B, L, N), (B, L, N), (E,), (B, L, E), (E,)]
    inputs = [torch.randn(shape) for shape in shapes]
    inputs[2] = -0.2 - 3 * torch.rand(E, N)
    return [x.requires_grad_() for x in inputs]


def scan(settings, function):
    inputs = scan_inputs(*(settings[name] for name in "BLEN"))
    cotangent = torch.randn(settings["B"], settings["L"], settings["E"])
    return lambda: torch.autograd.grad(function(*inputs), inputs, cotangent)


def attention(settings, form, gradient):
    B, L, H, Dh, window, slots = (settings[name] for name in ("B", "L", "H", "Dh", "window", "slots"))
    torch.manual_seed(1)
    inputs = [torch.randn(B, H, L, Dh, requires_grad=gradient) for _ in range(5)]
    cotangent = torch.randn(B, H, L, Dh)
    positions = select(torch.rand(B, L), window, slots)
    if form == "dense":
        mask = dense_mask(L, window, positions)
        run = lambda: dense_attention(*inputs, mask)
    else:
        mask = chunk_mask(L, window, positions)
        run = lambda: chunked_attention(*inputs, positions, mask, window)
    return (lambda: torch.autograd.grad(run(), inputs, cotangent)) if gradient else run


def check():
    """The compiled scan against the loop, the chunked attention against the dense one: relative errors."""
    inputs = scan_inputs(2, 100, 8, 16)
    cotangent = torch.randn(2, 100, 8)
    loop, compiled = (torch.autograd.grad(f(*inputs), inputs, cotangent) for f in (scan_loop, compiled_scan))
    errors = [((a - b).norm() / a.norm()).item() for a, b in zip(loop, compiled)]
    size = {"B": 2, "L": 64, "H": 2, "Dh": 8, "window": 8, "slots": 6}
    dense, chunked = (attention(size, form, True)() for form in ("dense", "chunked"))
    errors += [((a - b).norm() / a.norm()).item() for a, b in zip(dense, chunked)]
    return max(errors)


WORK = {
    "scan-loop": lambda s: scan(s, scan_loop),
    "scan-compiled": lambda s: scan(s, compiled_scan),
    "attention-forward-dense": lambda s: attention(s, "dense", False),
    "attention-dense": lambda s: attention(s, "dense", True),
    "attention-forward-chunked": lambda s: attention(s, "chunked", False),
    "attention-chunked": lambda s: attention(s, "chunked", True),
    "mqar": training_step,
}


def main():
    made = {}
    for line in sys.stdin:
        request = json.loads(line)
        if request["work"] == "start":
            torch.set_num_threads(request["threads"])
            answer = {"torch": torch.__version__, "threads": torch.get_num_threads(), "error": check()}
        else:
            name = request["work"]
            if name not in made:
                made[name] = WORK[name](request["settings"])
                made[name]()
            times = []
            for _ in range(request["runs"]):
                begin = time.perf_counter()
                made[name]()
                times.append(1000 * (time.perf_counter() - begin))
            answer = {"ms": times}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

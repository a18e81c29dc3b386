"""What PyTorch reaches on the same card: attention over the same mask, the selective scan, a training step of the same model.

    python3 cuda_reference.py --library build/cuda/libbmojo-cuda.so [--only attention,scan,training] [--json FILE]
    python3 cuda_reference.py --check test/golden      # no GPU: the model's mixer against the golden vectors

Each part runs PyTorch and our kernels in the same process, medians of CUDA events.
"""

import argparse
import json
import statistics
import struct
import sys
import traceback
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
import bmojo_library
from mixer import LanguageModel, Mixer

rows = []


def report(part: str, run: str, ms: float, note: str = "") -> None:
    rows.append({"part": part, "run": run, "ms": ms, "note": note})
    print(f"{part:<44} {run:<48} {ms:10.4f} ms  {note}", flush=True)


def attempt(part: str, run: str, body) -> None:
    """A run that this PyTorch cannot do is reported, and the others go on."""
    try:
        body()
    except Exception as error:  # noqa: BLE001
        text = str(error).strip().splitlines()[-1][:200] if str(error).strip() else type(error).__name__
        rows.append({"part": part, "run": run, "error": text})
        print(f"{part:<44} {run:<48} failed: {text}", flush=True)
        traceback.print_exc(limit=3)
    torch.cuda.empty_cache()


def median_ms(body, rounds: int = 15, least_ms: float = 3.0) -> float:
    def once(count: int) -> float:
        start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(count):
            body()
        stop.record()
        stop.synchronize()
        return start.elapsed_time(stop) / count

    once(3)
    count = max(1, min(100, int(least_ms / once(1))))
    return statistics.median(once(count) for _ in range(rounds))


def difference(actual: torch.Tensor, expected: torch.Tensor) -> float:
    return ((actual.double() - expected.double()).norm() / expected.double().norm()).item()


def attention(library) -> None:
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    B, L, H, D, w, me = 4, 8192, 16, 64, 512, 64
    part = f"memoryAttention B{B} L{L} H{H} Dh{D} w{w} me{me}"
    chunks, device = L // w, "cuda"
    torch.manual_seed(1)
    q, k, v, k_fading, v_fading, grad = [torch.randn(B, L, H, D, device=device) for _ in range(6)]
    scores = torch.rand(B, L, device=device)
    positions = torch.empty(B, chunks, me, dtype=torch.int32, device=device)
    library.run("innovation_select", [scores], [positions], [B, L, chunks, me, w, 0, 0, 0])
    seen = sum(min(t + 1, w) + max(0, min(t + 1 - w, w)) + (me if t // w >= 2 else 0) for t in range(L))
    flops = 4 * B * H * D * seen
    rate = lambda work, ms: f"{work / ms / 1e9:.2f} TFLOP/s"

    out, level = torch.empty_like(q), torch.empty(B, L, H, device=device)
    scalars = [B, L, L, H, H, D, chunks, me, w, 1, 0, 0, 0, 0]
    grads = [torch.empty_like(q) for _ in range(5)]
    inputs = [q, k, v, k_fading, v_fading, positions]
    for precision in bmojo_library.PRECISIONS:
        forward = lambda: library.run("memory_attention_forward", inputs, [out, level], scalars, precision)
        backward = lambda: library.run("memory_attention_backward", [*inputs, out, level, grad, None], grads, scalars, precision)
        name = f"ours, {precision}"
        ms = median_ms(forward)
        report(part, f"{name}, forward", ms, rate(flops, ms))
        both = ms + median_ms(backward)
        report(part, f"{name}, forward+backward", both, rate(3.5 * flops, both))
    library.run("memory_attention_forward", inputs, [out, level], scalars)

    # PyTorch's keys: the window's, the fading ones, each chunk's stored ones.
    rows_of = positions.long().flatten(1).clamp(min=0)[..., None, None].expand(-1, -1, H, D)
    join = lambda a, fading: torch.cat([a, fading, a.gather(1, rows_of)], 1).transpose(1, 2).contiguous()
    keys, values, queries = join(k, k_fading), join(v, v_fading), q.transpose(1, 2).contiguous()
    grad_out = grad.transpose(1, 2).contiguous()
    total = keys.shape[2]

    def mask(b, h, i, j):
        age = i - j % L
        window = (j < L) & (age >= 0) & (age < w)
        fading = (j >= L) & (j < 2 * L) & (age >= w) & (age < 2 * w)
        chunk = (j - 2 * L) // me
        stored = (j >= 2 * L) & (chunk == i // w) & (chunk >= 2)
        return window | fading | stored

    block_mask = create_block_mask(mask, None, None, L, total, device=device)

    def flex(dtype, precision: str) -> None:
        name = f"flex_attention, {str(dtype)[6:]}, matmul precision {precision}"
        torch.set_float32_matmul_precision(precision)
        torch._dynamo.reset()
        compiled = torch.compile(flex_attention, dynamic=False)
        x = [t.to(dtype).requires_grad_() for t in (queries, keys, values)]
        with torch.no_grad():
            error = difference(compiled(*x, block_mask=block_mask).transpose(1, 2), out)
            ms = median_ms(lambda: compiled(*x, block_mask=block_mask))
        report(part, f"{name}, forward", ms, f"{rate(flops, ms)}, differs from ours by {error:.1e}")

        def both():
            torch.autograd.grad(compiled(*x, block_mask=block_mask), x, grad_out.to(dtype))

        ms = median_ms(both)
        report(part, f"{name}, forward+backward", ms, rate(3.5 * flops, ms))

    for dtype, precision in ((torch.float32, "highest"), (torch.float32, "high"), (torch.bfloat16, "high")):
        attempt(part, f"flex_attention, {dtype}, {precision}", lambda: flex(dtype, precision))

    def dense(dtype) -> None:
        torch.set_float32_matmul_precision("high")
        i, j = torch.arange(L, device=device)[:, None], torch.arange(total, device=device)[None]
        shown = mask(0, 0, i, j)
        x = [t.to(dtype) for t in (queries, keys, values)]
        run = lambda: torch.nn.functional.scaled_dot_product_attention(*x, attn_mask=shown)
        ms = median_ms(run, rounds=5)
        report(part, f"scaled_dot_product_attention, {str(dtype)[6:]}, TF32 allowed, forward", ms, rate(flops, ms))

    attempt(part, "scaled_dot_product_attention", lambda: dense(torch.float32))
    torch.set_float32_matmul_precision("highest")


def scans(library) -> None:
    B, L, E, N = 8, 2048, 2048, 16
    part = f"selectiveScan B{B} L{L} E{E} N{N}"
    torch.manual_seed(2)
    wide = lambda: torch.randn(B, L, E, device="cuda")
    u, delta, z, grad = wide(), wide() - 1, wide(), wide()
    A = -0.2 - 3 * torch.rand(E, N, device="cuda")
    Bm, C = torch.randn(B, L, N, device="cuda"), torch.randn(B, L, N, device="cuda")
    D, bias = torch.randn(E, device="cuda"), torch.randn(E, device="cuda") - 1
    inputs = [x.requires_grad_() for x in (u, delta, A, Bm, C, D, z, bias)]
    ours = bmojo_library.scan_function(library)
    with torch.no_grad():
        expected = ours(*inputs)
        report(part, "ours, forward", median_ms(lambda: ours(*inputs)))
    report(part, "ours, forward+backward", median_ms(lambda: torch.autograd.grad(ours(*inputs), inputs, grad)))

    def triton_run() -> None:
        from triton_scan import scan

        with torch.no_grad():
            best = None
            for block, warps in ((8, 1), (16, 1), (32, 1), (16, 2), (32, 2), (64, 4)):
                error = difference(scan(*inputs, block, warps), expected)
                ms = median_ms(lambda: scan(*inputs, block, warps))
                if best is None or ms < best[0]:
                    best = (ms, block, warps, error)
        report(part, "Triton, forward", best[0], f"{best[1]} channels, {best[2]} warps, differs from ours by {best[3]:.1e}")

    attempt(part, "Triton, forward", triton_run)

    def mamba_run() -> None:
        from mamba_ssm.ops.selective_scan_interface import selective_scan_fn

        t = lambda x: x.transpose(1, 2).contiguous()
        x = [t(u), t(delta), A, t(Bm), t(C), D, t(z), bias]
        run = lambda: selective_scan_fn(*x[:5], D=x[5], z=x[6], delta_bias=x[7], delta_softplus=True)
        with torch.no_grad():
            report(part, "mamba_ssm, forward", median_ms(run))
        report(part, "mamba_ssm, forward+backward", median_ms(lambda: run().backward(t(grad))))

    try:
        import mamba_ssm  # noqa: F401
    except ImportError:
        print(f"{part:<44} mamba_ssm is not installed: not timed")
    else:
        attempt(part, "mamba_ssm", mamba_run)


def training(library) -> None:
    """Two layers, D 64, E 128, N 16, L 256, w 32, me 32, V 512, batch 128, no MLP: a step with AdamW."""
    part = "MQAR training step, batch 128, L 256, D 64"
    B, L, V = 128, 256, 512
    torch.manual_seed(3)
    tokens, labels = torch.randint(V, (B, L), device="cuda"), torch.randint(V, (B, L), device="cuda")
    labels[torch.rand(B, L, device="cuda") > 1 / 16] = -100
    scan = bmojo_library.scan_function(library)

    def run(name: str, compiled: bool, precision: str) -> None:
        torch._dynamo.reset()
        torch.set_float32_matmul_precision(precision)
        model = LanguageModel(V, 64, 2, heads=2, kv_heads=2, window=32, slots=32, states=16, scan=scan).cuda()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
        call = torch.compile(model) if compiled else model

        def step():
            loss = torch.nn.functional.cross_entropy(call(tokens).flatten(0, 1), labels.flatten())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

        for _ in range(5):
            step()
        ms = median_ms(step, rounds=9, least_ms=100)
        report(part, name, ms, f"{1000 / ms:.1f} steps/s")

    for precision in ("highest", "high"):
        for compiled in (False, True):
            name = f"PyTorch {'compiled' if compiled else 'eager'}, our scan, matmul precision {precision}"
            attempt(part, name, lambda: run(name, compiled, precision))


def read_safetensors(path: Path) -> tuple[dict, dict]:
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    types = {"F32": torch.float32, "F64": torch.float64, "I32": torch.int32, "I64": torch.int64}
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        raw = bytearray(data[8 + size + begin : 8 + size + end])
        tensors[name] = torch.frombuffer(raw, dtype=types[entry["dtype"]]).reshape(entry["shape"])
    return tensors, json.loads(header["__metadata__"]["attrs"])


def check(golden: Path) -> None:
    """The mixer, in float64 on the CPU, against an independent implementation: output and every gradient."""
    worst = 0.0
    paths = sorted(golden.glob("bmojo-layer-*.safetensors"))
    if not paths:
        raise SystemExit(f"no bmojo-layer-*.safetensors in {golden}")
    for path in paths:
        tensors, attrs = read_safetensors(path)
        h = tensors["in.h"].double().requires_grad_()
        states = tensors["in.ssm.A_log"].shape[1]
        mixer = Mixer(
            h.shape[2], attrs["heads"], attrs["kvHeads"], attrs["window"], attrs["capacity"], states,
            span=attrs["span"], base=attrs["rope"], scan=bmojo_library.scan_loop,
        ).double()
        for name, parameter in mixer.named_parameters():
            key = name if f"in.{name}" in tensors else f"ssm.{name}"
            parameter.data = tensors[f"in.{key}"].double()
        out = mixer(h)
        worst = max(worst, difference(out, tensors["out.out"]))
        (out * tensors["in.gradOut"].double()).sum().backward()
        worst = max(worst, difference(h.grad, tensors["grad.h"]))
        for name, parameter in mixer.named_parameters():
            key = name if f"grad.{name}" in tensors else f"ssm.{name}"
            worst = max(worst, difference(parameter.grad, tensors[f"grad.{key}"]))
    print(f"{len(paths)} golden layers, worst relative error of outputs and gradients {worst:.1e}")
    if not worst < 1e-6:
        raise SystemExit("the PyTorch model is not the project's: its times would compare different things")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", default="build/cuda/libbmojo-cuda.so")
    parser.add_argument("--only", default="attention,scan,training")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", type=Path, metavar="GOLDEN", help="compare the model with golden vectors, on the CPU")
    args = parser.parse_args()
    if args.check:
        check(args.check)
        return
    if not torch.cuda.is_available():
        raise SystemExit("no CUDA device: only --check runs here")
    parts = {"attention": attention, "scan": scans, "training": training}
    unknown = set(args.only.split(",")) - set(parts)
    if unknown:
        raise SystemExit(f"--only takes {', '.join(parts)}, got {', '.join(sorted(unknown))}")
    print(f"PyTorch {torch.__version__}, {torch.cuda.get_device_name()}")
    library = bmojo_library.Library(args.library)
    for name in args.only.split(","):
        attempt(name, "all", lambda: parts[name](library))
        if args.json:
            args.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()

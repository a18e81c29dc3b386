"""The project's CUDA kernels in PyTorch: build/cuda/libbmojo-cuda.so (node scripts/build-cuda.mjs --library) by ctypes."""

import ctypes

import torch

# Tokens between the scan's saved states, as in custom-ops/selective-scan/definition.ts.
CHUNK = 16

# As of Precision in custom-ops/native/cuda/call.h.
PRECISIONS = ["float32", "tf32", "float16", "bfloat16"]


class Library:
    def __init__(self, path: str):
        self._library = ctypes.CDLL(path)
        self._library.bmojo_cuda_workspace.restype = ctypes.c_int64

    def run(self, symbol: str, inputs: list, outputs: list, scalars: list, precision: str = "float32") -> None:
        """Runs a kernel on the current stream; None stands for an absent tensor. Ports and scalars: the op's definition."""
        tensors = [x for x in [*inputs, *outputs] if x is not None]
        for x in tensors:
            if not x.is_cuda or not x.is_contiguous() or x.dtype not in (torch.float32, torch.int32):
                raise ValueError(f"{symbol}: contiguous float32 or int32 CUDA tensors expected, got {x.dtype} {x.stride()}")
        pointers = lambda xs: (ctypes.c_void_p * len(xs))(*[None if x is None else x.data_ptr() for x in xs])
        numbers = (ctypes.c_double * len(scalars))(*scalars)
        name, given = symbol.encode(), pointers(inputs)
        size = self._library.bmojo_cuda_workspace(name, given, numbers, PRECISIONS.index(precision))
        if size < 0:
            raise ValueError(f"no CUDA kernel {symbol}")
        workspace = torch.empty(max(size, 1), dtype=torch.uint8, device=tensors[0].device)
        stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
        code = self._library.bmojo_cuda_launch(
            name, given, pointers(outputs), ctypes.c_void_p(workspace.data_ptr()), numbers, stream, PRECISIONS.index(precision)
        )
        if code != 0:
            raise RuntimeError(f"{symbol}: CUDA error {code}")


def scan_function(library: Library):
    """selectiveScan(u, delta, A, B, C, D, z, delta_bias) -> y, softplus on, as a differentiable PyTorch function."""

    class SelectiveScan(torch.autograd.Function):
        @staticmethod
        def forward(ctx, u, delta, A, B, C, D, z, delta_bias):
            (batch, length, channels), states = u.shape, A.shape[1]
            chunks = -(-length // CHUNK)
            y = torch.empty_like(u)
            final = u.new_empty(batch, channels, states)
            saved = u.new_empty(batch, chunks, channels, states)
            scalars = [batch, length, channels, states, CHUNK, 1]
            inputs = [u, delta, A, B, C, D, z, delta_bias, None]
            library.run("selective_scan_forward", inputs, [y, final, saved], scalars)
            ctx.save_for_backward(u, delta, A, B, C, D, z, delta_bias, saved)
            ctx.scalars = scalars
            return y

        @staticmethod
        def backward(ctx, grad_y):
            *inputs, saved = ctx.saved_tensors
            grads = [torch.empty_like(x) for x in inputs]
            batch, _, channels, states = ctx.scalars[:4]
            grad_final = grad_y.new_zeros(batch, channels, states)
            library.run(
                "selective_scan_backward",
                [*inputs, None, saved, grad_y.contiguous(), grad_final],
                [*grads, None],
                ctx.scalars,
            )
            return tuple(grads)

    @torch.compiler.disable
    def scan(*inputs):
        return SelectiveScan.apply(*[x.contiguous() for x in inputs])

    return scan


def scan_loop(u, delta, A, B, C, D, z, delta_bias):
    """The same as a loop over time, for CPUs."""
    step = torch.nn.functional.softplus(delta + delta_bias)
    state = u.new_zeros(u.shape[0], u.shape[2], A.shape[1])
    rows = []
    for t in range(u.shape[1]):
        write = (step[:, t] * u[:, t]).unsqueeze(2) * B[:, t].unsqueeze(1)
        state = torch.exp(step[:, t].unsqueeze(2) * A) * state + write
        rows.append((state * C[:, t].unsqueeze(1)).sum(2))
    y = torch.stack(rows, 1) + D * u
    return y * torch.nn.functional.silu(z)

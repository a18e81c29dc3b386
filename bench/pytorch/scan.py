"""The selective scan in PyTorch: token after token, and compiled from scan.cpp."""

import os

import torch
import torch.nn.functional as F
from torch.utils.cpp_extension import load

HERE = os.path.dirname(os.path.abspath(__file__))
_extension = None


def extension():
    """Compiled on first use, for this processor; ffast-math lets exp be vectorised."""
    global _extension
    if _extension is None:
        _extension = load(
            name="bmojo_scan",
            sources=[os.path.join(HERE, "scan.cpp")],
            extra_cflags=["-O3", "-march=native", "-ffast-math", "-fopenmp"],
        )
    return _extension


def scan_loop(u, delta, A, B, C, D, z, bias):
    """u, delta, z [B, L, E]; A [E, N]; B, C [B, L, N]; D, bias [E]: as in Mamba's reference."""
    step = F.softplus(delta + bias)
    state = torch.zeros(u.shape[0], u.shape[2], A.shape[1])
    decay = torch.exp(step.unsqueeze(-1) * A)
    write = (step * u).unsqueeze(-1) * B.unsqueeze(2)
    outputs = []
    # unbind: the gradient of indexing would fill the whole tensor with zeros for every token.
    for keep, new, read in zip(decay.unbind(1), write.unbind(1), C.unbind(1)):
        state = keep * state + new
        outputs.append(torch.einsum("ben,bn->be", state, read))
    return (torch.stack(outputs, 1) + u * D) * F.silu(z)


class CompiledScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, *inputs):
        inputs = [x.contiguous() for x in inputs]
        y, states = extension().forward(*inputs)
        ctx.save_for_backward(*inputs, states)
        return y

    @staticmethod
    def backward(ctx, grad):
        return tuple(extension().backward(grad.contiguous(), *ctx.saved_tensors))


def compiled_scan(*inputs):
    return CompiledScan.apply(*inputs)

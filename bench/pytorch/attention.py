"""Window, fading and stored keys in one softmax, by scaled_dot_product_attention and an equivalent mask."""

import torch
import torch.nn.functional as F


def select(scores, window, slots):
    """Best `slots` positions before each chunk's predecessor: [B, L] -> [B, C, slots], -1 where a slot is empty."""
    batch, length = scores.shape
    chunks = (length + window - 1) // window
    limits = (torch.arange(chunks) - 1).clamp(min=0) * window
    visible = torch.arange(length)[None, :] < limits[:, None]
    masked = scores[:, None, :].masked_fill(~visible, -1.0)
    best, positions = masked.topk(min(slots, length), dim=2)
    return positions.masked_fill(best < 0, -1)


def chunk_mask(length, window, positions):
    """[B, 1, C, w, 4 w + me] booleans for chunked keys: own and previous chunk, fading twice, stored."""
    chunks = length // window
    query = torch.arange(window)[:, None] + window
    key = torch.arange(2 * window)[None, :]
    own = (key <= query) & (key > query - window)
    # Fading rows t-2w+1 ... t-w, of the two chunks before the query's own.
    old = (key <= query - 0) & (key > query - window)
    own = own.expand(chunks, -1, -1).clone()
    old = old.expand(chunks, -1, -1).clone()
    own[0, :, :window] = False
    old[0] = False
    old[1, :, :window] = False
    stored = (positions >= 0)[:, :, None, :].expand(-1, -1, window, -1)
    near = torch.cat([own, old], 2).expand(positions.shape[0], -1, -1, -1)
    return torch.cat([near, stored], 3).unsqueeze(1)


def chunked(x, window):
    """[B, H, L, Dh] -> [B, H, C, 2 w, Dh]: each chunk with the one before it (zeros before the first)."""
    batch, heads, length, width = x.shape
    parts = x.view(batch, heads, length // window, window, width)
    before = F.pad(parts, (0, 0, 0, 0, 1, 0))[:, :, :-1]
    return torch.cat([before, parts], 3)


def gathered(x, positions):
    """Rows of [B, H, L, Dh] at positions [B, C, me]: [B, H, C, me, Dh]."""
    batch, heads, _, width = x.shape
    index = positions.clamp(min=0).view(batch, 1, -1, 1).expand(-1, heads, -1, width)
    return x.gather(2, index).view(batch, heads, positions.shape[1], positions.shape[2], width)


def chunked_attention(q, k, v, k_fading, v_fading, positions, mask, window):
    """All [B, H, L, Dh]; about 4 w + me keys for each chunk of w queries."""
    batch, heads, length, width = q.shape
    shift = lambda x: F.pad(x, (0, 0, window, 0))[:, :, :length]
    keys = torch.cat([chunked(k, window), chunked(shift(k_fading), window), gathered(k, positions)], 3)
    values = torch.cat([chunked(v, window), chunked(shift(v_fading), window), gathered(v, positions)], 3)
    queries = q.view(batch, heads, length // window, window, width)
    out = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    return out.reshape(batch, heads, length, width)


def dense_mask(length, window, positions):
    """[B, 1, L, 2 L] booleans over keys and fading keys."""
    query, key = torch.arange(length)[:, None], torch.arange(length)[None, :]
    own = (key <= query) & (key > query - window)
    fading = (key <= query - window) & (key > query - 2 * window)
    stored = torch.zeros(positions.shape[0], positions.shape[1], length + 1, dtype=torch.bool)
    stored.scatter_(2, positions.masked_fill(positions < 0, length), True)
    stored = stored[:, :, :length].repeat_interleave(window, 1)[:, :length]
    near = own | stored
    return torch.cat([near, fading.expand(positions.shape[0], -1, -1)], 2).unsqueeze(1)


def dense_attention(q, k, v, k_fading, v_fading, mask):
    return F.scaled_dot_product_attention(
        q, torch.cat([k, k_fading], 2), torch.cat([v, v_fading], 2), attn_mask=mask
    )

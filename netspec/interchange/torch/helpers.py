"""What generated code needs and PyTorch lacks. The sources of those that a file uses are copied into it; netspec itself
never imports this module.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


def rope(x: Any, base: float = 10000.0) -> Any:
    """Rotates the pairs of features (i, i + C/2) of step t by the angle t * base^(-2i/C); x is batch x T x … x C."""
    steps, half = x.shape[1], x.shape[-1] // 2
    rates = base ** (-torch.arange(half, device=x.device) / half)
    angle = torch.arange(steps, device=x.device)[:, None] * rates
    angle = angle.reshape(steps, *[1] * (x.ndim - 3), half)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], dim=-1)


def sinusoidal(x: Any, base: float = 10000.0) -> Any:
    """x plus sin(t / base^(2i/C)) at the features 2i and the cosine at 2i + 1 of step t; x is batch x T x C."""
    steps, features = x.shape[1:]
    rates = base ** (-2 * torch.arange((features + 1) // 2, device=x.device) / features)
    angle = torch.arange(steps, device=x.device)[:, None] * rates
    return x + torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :features]


class Attention(nn.Module):
    """Attention with several heads: of a sequence to itself, or to the steps of another one (`memory`).

    `kv_heads` are fewer heads for keys and values, each shared by adjacent heads of the queries; `rope` is the base of
    rotary positions. A step that may attend to nothing gets zeros before the last projection.
    """

    def __init__(
        self,
        features: int,
        heads: int,
        kv_features: Any = None,
        kv_heads: Any = None,
        head_size: Any = None,
        out_features: Any = None,
        causal: bool = False,
        rope: Any = None,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.head_size, self.causal, self.rope = head_size or features // heads, causal, rope
        width, kv_width = heads * self.head_size, (kv_heads or heads) * self.head_size
        self.query = nn.Linear(features, width, bias=bias)
        self.key = nn.Linear(kv_features or features, kv_width, bias=bias)
        self.value = nn.Linear(kv_features or features, kv_width, bias=bias)
        self.out = nn.Linear(width, out_features or features, bias=bias)

    def forward(self, x: Any, memory: Any = None, mask: Any = None) -> Any:
        """`mask`, batch x T of `memory` or `x`, is false for padded steps."""
        memory = x if memory is None else memory
        query, key, value = (
            y.unflatten(-1, (-1, self.head_size)) for y in (self.query(x), self.key(memory), self.value(memory))
        )
        if self.rope is not None:
            query, key = rope(query, self.rope), rope(key, self.rope)
        group = query.shape[2] // key.shape[2]
        query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
        key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
        seen = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool, device=x.device)
        seen = seen.tril() if self.causal else seen
        seen = seen if mask is None else seen & mask[:, None, None, :]
        y = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        y = torch.where(seen.any(-1, keepdim=True), y, 0.0)
        return self.out(y.transpose(1, 2).flatten(2))


def run_steps(layer: Any, x: Any, mask: Any = None, reverse: bool = False, last: bool = False) -> Any:
    """The outputs of a recurrent layer at all steps, or at the last one. Where the mask of batch x steps is false, the
    state stays: the real steps are moved to the front, and the outputs back."""
    if reverse:
        x, mask = x.flip(1), None if mask is None else mask.flip(1)
    if mask is None:
        y = layer(x)[0]
        y = y[:, -1:] if last else y
    else:
        order = torch.argsort((~mask).int(), dim=1, stable=True)[..., None]
        y = layer(x.gather(1, order.expand(-1, -1, x.shape[-1])))[0]
        y = torch.cat([torch.zeros_like(y[:, :1]), y], dim=1)
        count = mask.sum(1, keepdim=True) if last else mask.cumsum(1)
        y = y.gather(1, count[..., None].expand(-1, -1, y.shape[-1]))
    if last:
        return y[:, 0]
    return y.flip(1) if reverse else y


def first_step(x: Any, mask: Any) -> Any:
    """The first step for which the mask is true."""
    return x[torch.arange(len(x)), mask.int().argmax(1)]


def last_step(x: Any, mask: Any) -> Any:
    """The last step for which the mask is true."""
    return x[torch.arange(len(x)), x.shape[1] - 1 - mask.flip(1).int().argmax(1)]


def mean_of_steps(x: Any, mask: Any) -> Any:
    """The mean over the steps for which the mask is true, 0 for none."""
    return torch.where(mask[..., None], x, 0.0).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)

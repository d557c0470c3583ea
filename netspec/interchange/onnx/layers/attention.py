"""Attention, as products and a softmax."""

from __future__ import annotations

from netspec.interchange.onnx.layers.dense import project
from netspec.interchange.onnx.layers.steps import rotate, steps_of
from netspec.interchange.onnx.table import writes
from netspec.interchange.onnx.writer import FLOAT, Site, Value
from netspec.language.lazy import np
from netspec.language.shape import Shape
from netspec.layers.base import known
from netspec.layers.sequence.attention import ROPE_BASE, Attention


@writes(Attention)
def attention(site: Site, layer: Attention, x: Value, memory: Value | None = None) -> Value:
    """Heads of queries that share a head of keys and values are an axis of their own, which products broadcast over:
    batch x kv_heads x group x T x size."""
    x = site.last(x)
    memory = x if memory is None else site.last(memory)
    size = layer.head_size or known(layer, x.shape.channels, x.shape) // layer.heads
    kv_heads = layer.kv_heads or layer.heads
    group = layer.heads // kv_heads
    query = _heads(site, layer, x, "query", layer.heads, size)
    key, value = (_heads(site, layer, memory, name, kv_heads, size) for name in ("key", "value"))
    scaled = site.op("Mul", _grouped(site, query, kv_heads, group, size), site.number(size**-0.5))
    keys = site.op("Transpose", key, perm=(0, 2, 3, 1))
    values = site.op("Transpose", value, perm=(0, 2, 1, 3))
    if group > 1:
        keys, values = (site.op("Unsqueeze", part, site.integers(2)) for part in (keys, values))
    scores = site.op("MatMul", scaled, keys)
    seen = _seen(site, layer, x, memory, axes=[1, 2, 3] if group > 1 else [1, 2])
    if seen is not None:
        scores = site.op("Where", seen, scores, site.number(float(np.finfo(np.float32).min)))
    y = site.op("MatMul", site.op("Softmax", scores, axis=-1), values)
    if site.mask is not None and seen is not None:  # a step that may attend to nothing
        y = site.op("Mul", y, site.reduce("ReduceMax", site.op("Cast", seen, to=FLOAT), [-1], keep=True))
    y = site.op("Transpose", y, perm=(0, 3, 1, 2, 4) if group > 1 else (0, 2, 1, 3))
    joined = site.op("Reshape", y, site.integers(0, 0, layer.heads * size))
    return Value(project(site, joined, "out.", has_bias=layer.bias), layer.infer(x.shape, memory.shape))


def _heads(site: Site, layer: Attention, x: Value, name: str, heads: int, size: int) -> str:
    """A projection, batch x T x heads x size, with rotary positions for queries and keys."""
    y = project(site, x.name, f"{name}.", has_bias=layer.bias)
    y = site.op("Reshape", y, site.integers(0, 0, heads, size))
    if layer.rope is False or name == "value":
        return y
    base = ROPE_BASE if layer.rope is True else layer.rope
    return rotate(site, y, Value(x.name, Shape((x.shape.sizes[0], size))), base, heads=True)


def _grouped(site: Site, query: str, kv_heads: int, group: int, size: int) -> str:
    """Queries, batch x T x heads x size, with the heads before the steps."""
    if group == 1:
        return site.op("Transpose", query, perm=(0, 2, 1, 3))
    apart = site.op("Reshape", query, site.integers(0, 0, kv_heads, group, size))
    return site.op("Transpose", apart, perm=(0, 2, 3, 1, 4))


def _seen(site: Site, layer: Attention, x: Value, memory: Value, axes: list[int]) -> str | None:
    """Which keys a query may see, to be broadcast over the scores; None for all. `axes` are those to insert into a
    mask of the keys."""
    seen = None if site.mask is None else site.op("Unsqueeze", site.mask, site.integers(*axes))
    if layer.causal:
        queries = site.op("Unsqueeze", steps_of(site, x), site.integers(1))
        past = site.op("GreaterOrEqual", queries, steps_of(site, memory))
        seen = past if seen is None else site.op("And", seen, past)
    return seen

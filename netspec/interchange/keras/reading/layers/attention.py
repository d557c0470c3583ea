"""Attention."""

from __future__ import annotations

from math import prod
from typing import Any

from netspec.interchange.keras.reading.problems import Unreadable
from netspec.interchange.keras.reading.site import Site, Value
from netspec.interchange.keras.reading.table import reads
from netspec.interchange.keras.reading.training_options import of_kernel
from netspec.interchange.keras.reading.weights import ATTENTION, GROUPED, GROUPED_KINDS
from netspec.layers.sequence.attention import Attention

PROJECTIONS = ("query", "key", "value", "out")


@reads("MultiHeadAttention", *GROUPED_KINDS)
def attention(site: Site, *values: Value) -> Value:
    query, memory = _inputs(site, values)
    is_grouped = site.layer.kind in GROUPED_KINDS
    heads, size = (site.get(n) for n in (("num_query_heads", "head_dim") if is_grouped else ("num_heads", "key_dim")))
    _check(site, size)
    kv_heads = site.get("num_key_value_heads") if is_grouped else None
    options: dict[str, Any] = {
        "heads": heads,
        "kv_heads": None if kv_heads == heads else kv_heads,
        "head_size": None if query.step.shape.channels == heads * size else size,
        "out": _out(site, query),
        "causal": bool(site.kwargs.get("use_causal_mask")),
        "dropout": site.number("dropout", 0.0),
        "bias": site.flag("use_bias"),
        **of_kernel(site),
    }
    steps = [query.step] if memory is None else [query.step, memory.step]
    step = site.add(Attention, *steps, weights=_weights(site, is_grouped), **options)
    return Value(step, is_masked=query.is_masked, is_unmasked=query.is_unmasked)


def _inputs(site: Site, values: tuple[Value, ...]) -> tuple[Value, Value | None]:
    """The queries, and the tensor of keys and values; None for that of the queries."""
    named = [site.kwargs.get(name) for name in ("query", "value", "key")]
    given = [*values, *(value for value in named if isinstance(value, Value))]
    if not 2 <= len(given) <= 3:
        raise Unreadable("it is called with other arguments than `query`, `value` and `key`")
    query, value, key = (*given, given[1])[:3]
    if key.step is not value.step:
        raise Unreadable("keys and values come from different tensors")
    if site.kwargs.get("attention_mask") is not None or site.kwargs.get("return_attention_scores"):
        raise Unreadable("it is called with a mask, or returns its weights", "use `use_causal_mask`")
    if any(item.is_unmasked for item in given):
        raise Unreadable("a layer before it has dropped the mask of padded steps, which netspec keeps")
    return query, None if value.step is query.step else value


def _check(site: Site, size: Any) -> None:
    if site.get("value_dim", size) != size:
        raise Unreadable("its values have another size than its keys")
    for name in ("use_gate", "sliding_window"):
        if site.get(name):
            raise Unreadable(f"netspec has no `{name}`")
    if site.get("attention_axes", [1]) not in ([1], (1,), 1):
        raise Unreadable("it attends along several axes")


def _out(site: Site, query: Value) -> int | None:
    given = site.get("output_shape")
    given = given[0] if isinstance(given, list) and len(given) == 1 else given
    return None if given == query.step.shape.channels else given


def _weights(site: Site, is_grouped: bool) -> dict[str, Any]:
    """Kernels as matrices, biases as vectors: those of Keras have an axis for the heads."""
    found: dict[str, Any] = {}
    for name, part in zip(PROJECTIONS, GROUPED if is_grouped else ATTENTION, strict=True):
        kernel, bias = (site.array(f"{part}/vars/{index}") for index in range(2))
        if kernel is not None and kernel.ndim == 3:
            outer = kernel.shape[-1] if name == "out" else kernel.shape[0]
            rows = prod(kernel.shape) // max(outer, 1)
            kernel = kernel.reshape((rows, outer) if name == "out" else (outer, rows))
        found[f"{name}.kernel"] = kernel
        found[f"{name}.bias"] = None if bias is None else bias.reshape(-1)
    return found

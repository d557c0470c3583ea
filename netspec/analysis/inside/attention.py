"""Which steps of a sequence an attention layer looks at.

Input: a model and an example. Output: the attention weights of each head, and a picture of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from flax import nnx

from netspec.analysis.inside.embedding import shown_token
from netspec.analysis.inside.inputs import Inputs, given_inputs, input_tokens
from netspec.compiler.ir.cost import Row
from netspec.data.dataset.lazy_rows import Array
from netspec.display.charts.inside.matrix import Matrix, matrices_svg
from netspec.language.corrections import suggest
from netspec.runs.model import Model


@dataclass(frozen=True)
class Weights:
    """The attention weights of a layer for one example, of shape (heads, queries, keys), and which keys are not padding
    (None: all of them)."""

    values: Array
    is_real: Array | None


def attention_svg(model: Model, x: Any, layer: str | None) -> str:
    """See `Look.attention`."""
    row = attention_layer(model, layer)
    name = row.name
    example = given_inputs(model, x).first(1)
    weights = attention_weights(model, name, *example.ready)
    queries, keys = weights.values.shape[1:]
    is_of_itself = len(row.node.inputs) == 1
    labels = _labels(model, example)
    seen = (
        weights.is_real
        if weights.is_real is not None
        else np.arange(keys) < (example.last[0] + 1 if example.last else keys)
    )
    columns, rows = np.flatnonzero(seen), np.flatnonzero(seen) if is_of_itself else np.arange(queries)
    if not len(columns):
        raise ValueError("the example is all padding")
    values = weights.values[:, rows][:, :, columns]
    heads = [Matrix(f"head {i + 1}", head) for i, head in enumerate(values)]
    downward, across = (
        [labels[i] if len(labels) == size else str(i + 1) for i in part.tolist()]
        for part, size in ((rows, queries), (columns, keys))
    )
    cut = f", {len(columns)} of {keys} steps, the others are padding" if len(columns) < keys else ""
    title = f"{model.name}: attention weights of {name}{cut}"
    later = columns[None, :] > rows[:, None]
    masked = later if getattr(row.node.operation, "causal", False) else None
    return matrices_svg(title, heads, downward, across, ("query", "key", "weight"), masked)


def attention_layer(model: Model, layer: str | None) -> Row:
    """The attention layer of this name, or the first one; raises ValueError where there is none."""
    names = {row.name: row for row in model.layers if row.word == "attention"}
    if not names:
        raise ValueError("the network has no attention layers")
    if layer is not None and layer not in names:
        raise ValueError(f"no `{layer}` among the attention layers, {suggest(layer, names, what='there are')}")
    return names[layer] if layer is not None else next(iter(names.values()))


def attention_weights(model: Model, layer: str, *inputs: Any) -> Weights:
    """The softmax weights that a layer computes, in inference mode.

    The function that the layer calls is given unit vectors in the place of the values: what it gives then are its
    weights, with its masks and in its precision.

    Args:
        model: a model.
        layer: the name of an attention layer.
        inputs: one example for each input of the network, as its layers take them, with the batch axis.

    Returns:
        The weights of the first use of the layer. The row of a query that may see no key is zero.
    """
    module = nnx.clone(model.module)
    module.eval()
    part = reduce(getattr, layer.split("/"), module)
    found: list[Weights] = []
    part.attend = _reading(part.attend, found)
    module(*inputs)
    return found[0]


def _reading(attend: Callable[..., Any], found: list[Weights]) -> Callable[..., Any]:
    """The same function, which also adds the weights of every call to a list."""

    def call(query: Any, key: Any, value: Any, *, mask: Any = None, **options: Any) -> Any:
        steps, heads, size = key.shape[1], key.shape[2], key.shape[3]
        columns = []
        for begin in range(0, steps, size):
            units = np.eye(steps, dtype=np.float32)[:, begin : begin + size]
            units = np.pad(units, ((0, 0), (0, size - units.shape[1])))
            unit_values = np.broadcast_to(units[None, :, None], (len(key), steps, heads, size))
            columns.append(np.asarray(attend(query, key, unit_values.astype(value.dtype), mask=mask, **options)))
        weights = np.concatenate(columns, axis=-1)[0, :, :, :steps].astype(np.float32)
        found.append(Weights(weights.swapaxes(0, 1), None if mask is None else np.asarray(mask)[0]))
        return attend(query, key, value, mask=mask, **options)

    return call


def _labels(model: Model, example: Inputs) -> Sequence[str]:
    """The tokens of the only input of ids, as they are written; none where there is no such input."""
    names = [name for name, shape in model.inputs.items() if shape.is_tokens and shape.rank == 1]
    if len(names) != 1:
        return ()
    ids, known = example.raw[names[0]][0], input_tokens(model, names[0])
    return [shown_token(known.name(i)) if known is not None else str(i) for i in ids.tolist()]

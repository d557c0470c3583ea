"""What a layer makes of examples, as points of a plane: by principal components, or by t-SNE.

Input: a model and examples. Output: points, and a scatter chart of them.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from netspec.analysis.inside.inputs import Inputs, input_tokens, split_inputs
from netspec.compiler.ir.cost import Row as LayerRow
from netspec.data.dataset.lazy_rows import Array
from netspec.display.charts.plane import Series, large_svg
from netspec.language.corrections import suggest
from netspec.language.lazy import lazy
from netspec.runs.arguments import check_choice
from netspec.runs.evaluate_predict import BATCH, batches
from netspec.runs.model import Model

manifold = lazy("sklearn.manifold")

MAX_EXAMPLES = 2000
"""Examples, or tokens, that are points."""
Method = Literal["pca", "tsne"]
MOVES = ("flatten", "reshape", "dropout", "droppath", "identity", "noise")
"""Layers whose numbers are those of the layer before them."""
PERPLEXITY = 30
NAMES = {"pca": "PCA", "tsne": "t-SNE"}


def embedding_svg(model: Model, layer: str | None, method: str, split: str, data: Any) -> str:
    """See `Look.embedding`."""
    check_choice("method", method, get_args(Method))
    rows = {row.name: row for row in model.layers}
    name = layer if layer is not None else _layer_before_head(model.layers)
    if name not in rows:
        raise ValueError(f"`{name}` is not a layer of {model.name}: {suggest(name, rows, what='layers')}")
    if rows[name].word == "embedding":
        return _table_svg(model, name, method)
    examples = split_inputs(model, split, count=MAX_EXAMPLES, is_spread=True, data=data)
    points, axes = plane_of(_results(model, name, examples), method)
    title = f"{model.name}: {NAMES[method]} of {name}, {len(points):,} examples of the {split} split"
    shown = _by_class(points, examples, model)
    return large_svg(
        title, axes, shown, ["a point for each example, in the color of its true class"] if len(shown) > 1 else []
    )


def plane_of(numbers: Array, method: str = "pca") -> tuple[Array, tuple[str, str]]:
    """Points of a plane for rows of numbers, and the names of its axes.

    Args:
        numbers: an array of shape (rows, numbers), with at least three rows.
        method: `pca` or `tsne`.

    Raises:
        ValueError: there are fewer rows, or the numbers are not finite.
    """
    if len(numbers) < 3:
        raise ValueError(f"a plane needs at least three rows of numbers, not {len(numbers)}")
    if not np.isfinite(numbers).all():
        raise ValueError("the layer gives numbers that are not finite")
    if method == "tsne":
        perplexity = min(PERPLEXITY, (len(numbers) - 1) / 3)
        first = "pca" if numbers.shape[1] > 1 else "random"
        points = manifold.TSNE(2, perplexity=perplexity, init=first, random_state=0).fit_transform(numbers)
        return np.asarray(points, np.float64), ("t-SNE 1", "t-SNE 2")
    points, fractions = principal_components(numbers)
    first, second = (f"component {i} ({part:.1%} of the variance)" for i, part in enumerate(fractions, 1))
    return points, (first, second)


def principal_components(numbers: Array) -> tuple[Array, Array]:
    """The first two principal components of rows, and which fraction of the variance each has (Hotelling 1933).

    The eigenvectors are those of the smaller one of X X^T and X^T X, for the centered rows X. Of each component the
    largest weight is positive.

    Args:
        numbers: an array of shape (rows, numbers).

    Returns:
        Arrays of shape (rows, 2) and (2,); a component that does not exist is zero.
    """
    x = np.asarray(numbers, np.float64)
    x = x - x.mean(axis=0)
    is_wide = x.shape[1] > x.shape[0]
    vectors = np.linalg.eigh(x @ x.T if is_wide else x.T @ x).eigenvectors[:, ::-1][:, :2]
    axes = x.T @ vectors if is_wide else vectors
    axes = axes / np.maximum(np.linalg.norm(axes, axis=0), 1e-300)
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] + 1e-300)
    found = np.zeros((len(x), 2))
    found[:, : axes.shape[1]] = x @ axes
    return found, (found**2).sum(axis=0) / max(float((x**2).sum()), 1e-300)


def _layer_before_head(rows: list[LayerRow]) -> str:
    """The last layer before the one that scores the classes, without those that only move numbers."""
    last = max((i for i, row in enumerate(rows) if row.sizes), default=0)
    before = [row for row in rows[:last] if row.word not in MOVES and not row.word.endswith("mask")]
    if not before:
        raise ValueError("no layer comes before the output layer: name one")
    return before[-1].name


def _results(model: Model, layer: str, examples: Inputs) -> Array:
    """What a layer gives for examples, as numbers of shape (examples, numbers)."""
    parts = [
        np.asarray(model.layer_results([layer], *batch)[layer], np.float32)[:count]
        for batch, count in batches([examples.raw[name] for name in model.inputs], BATCH)
    ]
    found: Array = np.concatenate(parts)
    return found.reshape(len(found), -1)


def _by_class(points: Array, examples: Inputs, model: Model) -> list[Series]:
    """A series for each class, with its name."""
    ids, names = examples.class_ids, next(iter(model.class_names.values()), [])
    if ids is None:
        return [_series("", points)]
    found = []
    for number in np.unique(ids).tolist():
        own = points[ids == number]
        name = names[number] if number < len(names) else str(number)
        found.append(_series(name, own, color=number, is_named=True))
    return found


def _series(name: str, points: Array, **more: Any) -> Series:
    return Series(name, points[:, 0].tolist(), points[:, 1].tolist(), "points", **more)


def _table_svg(model: Model, name: str, method: str) -> str:
    """The vectors of the tokens."""
    module: Any = model.module
    for part in name.split("/"):
        module = getattr(module, part)
    table = np.asarray(module.embedding[...], np.float32)[:MAX_EXAMPLES]
    ids = [name for name, shape in model.inputs.items() if shape.is_tokens]
    known = input_tokens(model, ids[0]) if len(ids) == 1 else None
    points, axes = plane_of(table, method)
    labels = [shown_token(known.name(i)) if known is not None else str(i) for i in range(len(table))]
    title = f"{model.name}: {NAMES[method]} of {name}, the vectors of {len(table):,} tokens"
    return large_svg(title, axes, [_series("", points, labels=labels)])


def shown_token(text: str) -> str:
    """A token that can be seen: `␣` for a space, `↵` for the end of a line."""
    return text.replace(" ", "␣").replace("\n", "↵").replace("\t", "⇥") or "∅"

"""Whether files of other programs compute what a model does: on random inputs, and on examples of the data of a run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import jax

from netspec.data.dataset.lazy_rows import Array, Column, read_all
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.transforms.normalization import Normalization
from netspec.interchange.errors import OtherResults, ReadsDiffer
from netspec.interchange.formats import Runner
from netspec.language.diagnostics import CompileError, fail
from netspec.language.lazy import np
from netspec.language.record import Frozen
from netspec.language.shape import Shape
from netspec.layers.sequence.tokens import FilledSteps, PaddingMask
from netspec.runs.evaluate_predict import batches
from netspec.spec.experiment import prepare
from netspec.spec.model import Model

TOLERANCE = 1e-5
"""The largest difference, divided by the largest number of the output."""
BATCH = 4
"""Random inputs, and examples that the model predicts together."""
MAX_EXAMPLES = 32
"""Examples of the data that are compared."""
PADDED = 0.3
"""The fraction of random ids that are padding, where it is masked."""
SIZES = (8, 16, 32, 64, 128, 256)
"""Tried for sizes that the spec leaves open; the second one is twice the first, and so on by turns."""

Batch = Mapping[str, Array]


class Verification(Frozen):
    """How far two programs differ at most, relative to the scale of an output, and on how many inputs.

    `spread` is how far an output differs from example to example, in the same unit: where it hardly does, an equal
    output says little.
    """

    difference: float
    random: int
    examples: int
    spread: float = 1.0


def verify(
    model: Model,
    run: Runner,
    *,
    tolerance: float | None = None,
    error: type[OtherResults | ReadsDiffer] = OtherResults,
) -> Verification:
    """Compare the outputs of another program with those of the model, for batches of several sizes.

    Args:
        model: the model.
        run: computes the outputs of the files.
        tolerance: how far they may differ; None: `TOLERANCE`.
        error: what is raised if they differ more.

    Raises:
        CompileError: they differ (NS545, or NS573 for files that were read).
    """
    tolerance = TOLERANCE if tolerance is None else tolerance
    random, real = random_inputs(model), data_examples(model)
    heads = {name: output.head for name, output in zip(model.outputs, model.compilation.optimized.outputs, strict=True)}
    unit = {name for name, head in heads.items() if head is not None and head.word == "sigmoid"}
    differences, spread = [], 1.0
    for inputs in (random,) if real is None else (random, real):
        expected, count = _predictions(model, inputs), _length(inputs)
        spread = min(spread, *(_spread(y) for y in expected.values()))
        for size in (count, 1):
            for name, difference in _differences(expected, run, inputs, size, unit).items():
                if not difference <= tolerance:
                    allowed = f"{tolerance:.0e}"
                    raise fail(error(output=name, difference=f"{difference:.2g}", tolerance=allowed))
                differences.append(difference)
    return Verification(max(differences), _length(random), 0 if real is None else _length(real), spread)


def _spread(y: Array) -> float:
    """How far the examples of a batch differ, relative to the largest number."""
    scale = float(np.abs(y).max()) if y.size else 0.0
    return float(np.ptp(y, axis=0).max()) / scale if scale > 0 else 0.0


def _length(inputs: Batch) -> int:
    return len(next(iter(inputs.values())))


def _predictions(model: Model, inputs: Batch) -> Batch:
    """The outputs of the model, always for batches of one size: it is compiled once."""
    parts = []
    with jax.default_matmul_precision("float32"):  # GPUs round more by default
        for arrays, count in batches(list(inputs.values()), BATCH):
            parts.append({name: np.asarray(y, np.float64)[:count] for name, y in model.predictions(*arrays).items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _differences(expected: Batch, run: Runner, inputs: Batch, count: int, unit: Collection[str]) -> dict[str, float]:
    """How far each output differs for the first `count` examples; `unit` are outputs whose scale is 1:
    those of a sigmoid, which may all be near 0. Those of a softmax are not, but may all be near 1 / classes."""
    found = run({name: x[:count] for name, x in inputs.items()})
    return {
        name: _difference(y[:count], np.asarray(found[name], np.float64), 1.0 if name in unit else 0.0)
        for name, y in expected.items()
    }


def _difference(expected: Array, found: Array, scale: float) -> float:
    """The largest difference of two numbers, relative to the largest one or the scale; NaN for shapes that differ."""
    if expected.shape != found.shape:
        return float("nan")
    if not expected.size:
        return 0.0
    scale = max(scale, float(np.abs(expected).max()))
    return float(np.abs(found - expected).max() / (scale if scale > 0 else 1))


# ---------------------------------------------------------------- inputs


def random_inputs(model: Model) -> Batch:
    """Random inputs, as large as those of the training where there was one."""
    rng = np.random.default_rng(0)
    known = model.preprocessing if model.preprocessing is not None else Preprocessing()
    sizes, pads = _open_sizes(model), _padding_ids(model)
    found = {
        name: _random(rng, (BATCH, *_sizes(shape, sizes)), shape, known.ranges.get(name), pads.get(name))
        for name, shape in model.inputs.items()
    }
    for name in _padded_readings(model):
        steps = np.arange(found[name].shape[1])
        lengths = rng.integers(1, len(steps) + 1, len(found[name]))
        found[name] = np.where((steps < lengths[:, None])[..., None], found[name], np.float32(np.nan))
    return found


def _random(
    rng: Any, sizes: tuple[int, ...], shape: Shape, bounds: tuple[float, float] | None, pad: int | None
) -> Array:
    if shape.is_tokens:
        high = shape.vocabulary if isinstance(shape.vocabulary, int) else 2
        ids: Array = rng.integers(0, high, sizes, dtype=np.int32)
        return ids if pad is None else np.where(rng.random(sizes) < PADDED, np.int32(pad), ids)
    if bounds is not None and np.isfinite(bounds).all():
        between: Array = rng.uniform(*bounds, sizes)
        return between.astype(np.float32)
    numbers: Array = rng.normal(size=sizes)
    return numbers.astype(np.float32)


def _padding_ids(model: Model) -> dict[str, int]:
    """The padding id of each input that has a mask."""
    masks = [(node, node.operation) for node in model.graph.nodes if isinstance(node.operation, PaddingMask)]
    return {model.graph.nodes[node.inputs[0].node].name: mask.id for node, mask in masks if mask.id is not None}


def _padded_readings(model: Model) -> list[str]:
    """The inputs of numbers whose padded steps are NaN."""
    nodes = model.graph.nodes
    return [nodes[node.inputs[0].node].name for node in nodes if isinstance(node.operation, FilledSteps)]


def _sizes(shape: Shape, sizes: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else sizes[str(size)] for size in shape.sizes)


def _open_sizes(model: Model) -> dict[str, int]:
    """Numbers for the sizes that the spec leaves open, for which the network works."""
    shapes = list(model.inputs.values())
    names = dict.fromkeys(str(size) for shape in shapes for size in shape.sizes if not isinstance(size, int))
    for first in SIZES if names else ():
        sizes = {name: first * (1 + index % 2) for index, name in enumerate(names)}
        zeros = [np.zeros((BATCH, *_sizes(s, sizes)), "int32" if s.is_tokens else "float32") for s in shapes]
        try:
            model.predictions(*zeros)
        except (TypeError, ValueError):  # of JAX: the sizes do not fit
            continue
        return sizes
    return dict.fromkeys(names, SIZES[-1])


class Labeled(Frozen):
    """Examples of a split: inputs as they are before normalization, targets in their units."""

    inputs: Batch
    targets: Batch
    split: str


def data_examples(model: Model) -> Batch | None:
    """Some examples of the data of a run, None where the data are not at hand."""
    found = labeled_examples(model, MAX_EXAMPLES)
    return None if found is None else found.inputs


def labeled_examples(model: Model, count: int) -> Labeled | None:
    """Examples of the test split, or of what there is instead; None where the data are not at hand."""
    if model.preprocessing is None or model.compilation.data.source is None:
        return None
    try:
        splits = prepare(model.compilation, preprocessing=model.preprocessing).splits
    except CompileError:
        return None
    split, part = next((n, a) for n in ("test", "val", "train") if (a := getattr(splits, n)) is not None)
    scales, targets = splits.normalization, {**splits.own_targets, **splits.target_scaling}
    return Labeled(
        {name: _raw(part.inputs[name], count, scales.get(name)) for name in model.inputs},
        {name: _raw(part.targets[name], count, targets.get(name)) for name in model.outputs},
        {"test": "test", "val": "validation", "train": "training"}[split],
    )


def _raw(column: Column, count: int, scale: Normalization | None) -> Array:
    """The first examples of a column, as they were before they were normalized."""
    array: Array = read_all(column[:count])
    return array if scale is None else scale.invert(array.reshape(len(array), -1, len(scale.mean))).reshape(array.shape)

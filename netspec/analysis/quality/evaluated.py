"""The predictions of a run for a split, computed once, beside the targets.

Input: a run folder. Output: `Evaluated`, with an `Outcome` for each output that can be compared with its targets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from netspec.analysis.quality.examples import Examples, visible
from netspec.data.dataset.dataset import Arrays
from netspec.data.dataset.lazy_rows import Array, read_all
from netspec.data.splits.split import Splits
from netspec.data.transforms.encoders import RowEncoder
from netspec.report.text import plural
from netspec.runs.evaluate_predict import SPLITS, open_run
from netspec.spec.model import Model
from netspec.storage.tree_paths import Weights
from netspec.training.loop.evaluate import predict
from netspec.training.recipe.outputs import OutputRecipe
from netspec.training.step.engine import Engine

MAX_EXAMPLES = 10_000
MAX_NUMBERS = 1 << 23
"""Numbers in the predictions that are in memory; of larger outputs fewer examples are predicted."""
BLOCK = 2048
"""Examples that are read and predicted together."""
MAX_COLUMNS = 20
"""Numbers of an example that are shown one by one; more are taken together, as those of an image."""

Kind = Literal["classes", "yes_no", "labels", "numbers", "arrays"]


@dataclass(frozen=True, eq=False)
class Outcome:
    """The predictions of an output and its targets, in the units of the targets.

    Of `classes`, `predicted` has the probabilities (predictions, classes) and `expected` the ids; of `yes_no` the
    probability of yes and booleans, both (predictions,); of `labels` the same for several labels (predictions, labels);
    of `numbers` numbers (predictions, columns); of `arrays` numbers (predictions, …).

    `names` are those of the classes, labels or columns, `owner` has the example of each prediction, where there are
    several for an example, such as one for each step of a sequence, and `position` its position there.
    `is_probability` is not set where `predicted` are scores.
    """

    name: str
    kind: Kind
    predicted: Array
    expected: Array
    names: tuple[str, ...]
    owner: Array | None = None
    position: Array | None = None
    threshold: float = 0.5
    is_probability: bool = True

    def __len__(self) -> int:
        return len(self.expected)

    @property
    def decided(self) -> Array:
        """The ids of the predicted classes, or whether the prediction is yes."""
        if self.kind == "classes":
            ids: Array = self.predicted.argmax(axis=-1)
            return ids
        above: Array = self.predicted > np.float32(self.threshold)
        return above

    def example(self, prediction: int) -> int:
        """The example that a prediction is for."""
        return prediction if self.owner is None else int(self.owner[prediction])


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A run with the predictions of a split. `total` examples are in the split, those with the numbers `index` are
    predicted; `inputs` are theirs, as the network takes them, and `examples` shows them as they are in the data."""

    splits: Splits
    split: str
    total: int
    index: Array
    outcomes: Mapping[str, Outcome]
    examples: Examples
    model: Model
    engine: Engine
    weights: Weights
    recipes: Mapping[str, OutputRecipe] = field(default_factory=dict)

    @property
    def inputs(self) -> dict[str, Array]:
        """The inputs of the predicted examples; read anew where they are streamed."""
        return {name: read_all(column[self.index]) for name, column in self._arrays.inputs.items()}

    @property
    def _arrays(self) -> Arrays:
        arrays: Arrays = getattr(self.splits, self.split)
        return arrays

    def taking(self, rows: Array) -> Evaluated:
        """The same with some of the predicted examples, which are not predicted yet."""
        return replace(self, index=self.index[rows], outcomes={})

    def again(self, inputs: Mapping[str, Array]) -> dict[str, Outcome]:
        """The outcomes for other inputs of the predicted examples, in their order."""
        found = _predictions(self.engine, self.weights, Arrays(inputs, {}), np.arange(len(self.index)))
        return dict(_outcomes(self, found))


def evaluated(run: Path, split: str = "test", data: Any = None) -> Evaluated | None:
    """The predictions of a run; None where nothing is held out. Without a test split they are those of the validation
    split.

    Args:
        run: a run folder.
        split: `train`, `val` or `test`.
        data: arrays that the run was trained on, where its spec names no source.

    Raises:
        CompileError: the run or its data cannot be read.
    """
    experiment, weights = open_run(run, data)
    splits = experiment.splits
    if split == "test" and splits.test is None:
        split = "val"
    arrays: Arrays | None = getattr(splits, split)
    if arrays is None:
        return None
    engine, recipes = Engine(experiment), experiment.recipe.outputs
    size = sum(output.head.count for output in recipes.values())
    count = max(1, min(len(arrays), MAX_EXAMPLES, MAX_NUMBERS // max(size, 1)))
    index = np.linspace(0, len(arrays) - 1, count).round().astype(int)
    made = Evaluated(
        splits, split, len(arrays), index, {}, Examples(splits, split), experiment.model, engine, weights, recipes
    )
    found = _predictions(engine, weights, arrays, index)
    return replace(made, outcomes=dict(_outcomes(made, found)))


def _predictions(engine: Engine, weights: Weights, arrays: Arrays, index: Array) -> dict[str, Array]:
    """The outputs for some examples, as the network gives them."""
    found = []
    for begin in range(0, len(index), BLOCK):
        chosen = index[begin : begin + BLOCK]
        found.append(predict(engine, weights, {n: read_all(x[chosen]) for n, x in arrays.inputs.items()}))
    return {name: np.concatenate([part[name] for part in found]) for name in found[0]}


def _outcomes(of: Evaluated, predictions: Mapping[str, Array]) -> Iterator[tuple[str, Outcome]]:
    for name, output in of.recipes.items():
        targets = read_all(of._arrays.targets[name][of.index])
        outcome = _outcome(name, output, predictions[name], targets, of)
        if outcome is not None and len(outcome):
            yield name, outcome


def _outcome(name: str, output: OutputRecipe, values: Array, targets: Array, of: Evaluated) -> Outcome | None:
    """None for outputs that are not compared with a target of their own, as embeddings are."""
    head, scored = output.head, output.scored
    if output.loss.output_kind in ("sequence", "embedding") or head.is_open:
        return None
    if head.activation != scored.activation and scored.activation != "margin":
        values = np.asarray(scored.apply(jax.numpy.asarray(values)))
    names = _names(name, output, of)
    counted = _counted(output, of)
    if output.chooses:
        ids = output.place_targets(targets)
        if not np.issubdtype(ids.dtype, np.integer):  # probabilities of the classes, or one-hot
            ids = ids.argmax(axis=-1)
        predicted = values.reshape(-1, head.units)
        is_probability = scored.activation == "softmax"
        return _flat("classes", name, predicted, ids.reshape(-1), names, output, counted, is_probability)
    if output.target.kind != "numbers" and scored.activation in ("sigmoid", "margin", "linear"):
        labels = np.asarray(targets).reshape(len(targets), -1) > 0.5
        kind: Kind = "labels" if head.units > 1 else "yes_no"
        shape = (-1, head.units) if head.units > 1 else (-1,)
        is_probability = scored.activation == "sigmoid"
        return _flat(kind, name, values.reshape(shape), labels.reshape(shape), names, output, counted, is_probability)
    return _numbers(name, output, values, targets, of, counted)


def _flat(
    kind: Kind,
    name: str,
    predicted: Array,
    expected: Array,
    names: tuple[str, ...],
    output: OutputRecipe,
    counted: Array | None,
    is_probability: bool,
) -> Outcome:
    """Predictions one below the other, without those for padding."""
    positions = output.head.positions
    owner = position = None
    if positions > 1:
        examples = len(expected) // positions
        owner, position = np.repeat(np.arange(examples), positions), np.tile(np.arange(positions), examples)
        if counted is not None:
            kept = np.flatnonzero(counted.reshape(-1))
            predicted, expected, owner, position = predicted[kept], expected[kept], owner[kept], position[kept]
    threshold = output.threshold if output.scored.activation == "sigmoid" else 0.5
    if output.scored.activation == "margin":
        threshold = 0.0
    return Outcome(name, kind, predicted, expected, names, owner, position, threshold, is_probability)


def _numbers(
    name: str, output: OutputRecipe, values: Array, targets: Array, of: Evaluated, counted: Array | None
) -> Outcome | None:
    shape = output.head.shape
    scale = of.splits.own_targets.get(name) or of.splits.target_scaling.get(name)
    predicted = values.astype(np.float64).reshape(len(values), *shape)
    expected = np.asarray(targets, np.float64).reshape(len(values), *shape)
    if scale is not None:
        predicted, expected = scale.invert(predicted), scale.invert(expected)
    owner: Array | None = None
    position: Array | None = None
    if counted is not None:
        kept = np.flatnonzero(counted.reshape(-1))
        predicted, expected = (x.reshape(-1, *x.shape[2:])[kept] for x in (predicted, expected))
        owner, position = np.divmod(kept, counted.shape[1])
        shape = shape[1:] or (1,)
    if prod(shape) > MAX_COLUMNS:
        return Outcome(name, "arrays", predicted, expected, (), owner, position)
    predicted, expected = (x.reshape(len(x), -1) for x in (predicted, expected))
    names = _column_names(name, output, of, predicted.shape[1])
    return Outcome(name, "numbers", predicted, expected, names, owner, position)


def _names(name: str, output: OutputRecipe, of: Evaluated) -> tuple[str, ...]:
    """The names of the classes or labels of an output, as many as it has units; no and yes for a single unit."""
    known = of.splits.facts.targets
    target = known.get(name) or next(iter(known.values()))
    names = target.names or ()
    names = tuple(map(visible, names))
    if output.head.units == 1 and not output.chooses:
        return names if len(names) == 2 else ("no", "yes")
    columns = output.target.columns if len(output.target.columns) == output.head.units else ()
    names = names or columns
    return (*names[: output.head.units], *(str(i) for i in range(len(names), output.head.units)))


def _column_names(name: str, output: OutputRecipe, of: Evaluated, count: int) -> tuple[str, ...]:
    """The names of the numbers of an output: as its target columns, or numbered."""
    encoder = of.splits.dataset.encoder
    known = encoder.targets if isinstance(encoder, RowEncoder) and len(of.recipes) == 1 else ()
    for names in (known, output.target.columns):
        if len(names) == count:
            return tuple(names)
    return (name,) if count == 1 else tuple(f"{name} {number}" for number in range(1, count + 1))


def _counted(output: OutputRecipe, of: Evaluated) -> Array | None:
    """Which steps are not padding, of shape (examples, steps); None where all count."""
    padding = output.head.padding
    if padding is None or output.head.positions == 1:
        return None
    steps: Array = read_all(of._arrays.inputs[padding.input][of.index]) != padding.id
    return steps


def describe_examples(of: Evaluated) -> str:
    """`The test split, 359 images`; how many of them where not all are predicted."""
    count = plural(of.total, of.examples.noun)
    shown = f"{len(of.index):,} of its {count}, at equal distances" if len(of.index) < of.total else count
    return f"The {SPLITS[of.split]} split: {shown}."

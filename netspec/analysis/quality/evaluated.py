"""The predictions of a run for a split, computed once, beside the targets.

Input: a run folder. Output: `Evaluated`, with an `Outcome` for each output that can be compared with its targets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from netspec.analysis.quality.examples import Examples
from netspec.data.dataset.dataset import IGNORED, Arrays
from netspec.data.dataset.lazy_rows import Array, read_all
from netspec.data.splits.split import Splits
from netspec.data.transforms.encoders import RowEncoder
from netspec.display.text import name_text, plural
from netspec.runs.evaluate_predict import open_run
from netspec.spec.experiment import SpecExperiment
from netspec.spec.trained_data import SPLITS
from netspec.storage.tree_paths import Weights
from netspec.training.control.conformal import find_bounds
from netspec.training.loop.evaluate import predict
from netspec.training.losses.distributions import Distribution
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
    `is_probability` is not set where `predicted` are scores. `bounds` are the ends of the intervals of numbers, of this
    `level`, in the shape of `predicted`, where there are some.
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
    bounds: tuple[Array, Array] | None = None
    level: float = 0.0

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
    run: Path
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


def evaluated(
    run: Path, split: str = "test", data: Any = None, prepared: SpecExperiment | None = None
) -> Evaluated | None:
    """The predictions of a run; None where nothing is held out. Without a test split they are those of the validation
    split.

    Args:
        run: a run folder.
        split: `train`, `val` or `test`.
        data: arrays that the run was trained on, where its spec names no source.
        prepared: the run with its data as `prepared_run` gives it, where that was called before.

    Raises:
        CompileError: the run or its data cannot be read.
    """
    experiment, weights = open_run(run, data, prepared)
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
    examples = Examples(splits, split, experiment.model.inputs)
    made = Evaluated(splits, split, len(arrays), index, {}, examples, run, engine, weights, recipes)
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
    bounds = _bounds(output, values)
    if isinstance(output.loss, Distribution) and head.parts > 1:
        values = output.loss.point(output.loss.parameters(np.asarray(values, np.float64)))
    elif head.activation != scored.activation and scored.activation != "margin":
        values = np.asarray(scored.apply(jax.numpy.asarray(values)))
    names, rows = _names(name, output, of), _rows(targets, output, of)
    if output.chooses:
        ids = output.place_targets(targets)
        if not np.issubdtype(ids.dtype, np.integer):  # probabilities of the classes
            ids = ids.argmax(axis=-1)
        predicted, expected = values.reshape(-1, head.units), ids.reshape(-1)
        outcome = Outcome(name, "classes", predicted, expected, names)
        return replace(rows.of(outcome), is_probability=scored.activation == "softmax")
    if output.target.kind != "numbers" and scored.activation in ("sigmoid", "margin", "linear"):
        shape = (-1, head.units) if head.units > 1 else (-1,)
        labels = np.asarray(targets).reshape(shape) > 0.5
        outcome = Outcome(name, "labels" if head.units > 1 else "yes_no", values.reshape(shape), labels, names)
        threshold = {"margin": 0.0, "sigmoid": output.threshold}.get(scored.activation, outcome.threshold)
        return replace(rows.of(outcome), threshold=threshold, is_probability=scored.activation == "sigmoid")
    scale = of.splits.own_targets.get(name) or of.splits.target_scaling.get(name)
    pair = [np.asarray(x, np.float64).reshape(len(values), *head.shape) for x in (values, targets)]
    predicted, expected = pair if scale is None else map(scale.invert, pair)
    if rows.positions > 1 and len(head.shape) == 2:  # a sequence
        outcome = Outcome(name, "numbers", predicted.reshape(-1, head.units), expected.reshape(-1, head.units), ())
        return _named(rows.of(outcome), output, of)
    outcome = Outcome(name, "numbers", predicted.reshape(len(values), -1), expected.reshape(len(values), -1), ())
    if bounds is not None and output.level is not None:
        low, high = (end if scale is None else scale.invert(end) for end in bounds)
        outcome = replace(outcome, bounds=(low, high), level=output.level)
    if head.count <= MAX_COLUMNS:
        return _named(outcome, output, of)
    return replace(outcome, kind="arrays", predicted=predicted, expected=expected)


def _bounds(output: OutputRecipe, values: Array) -> tuple[Array, Array] | None:
    """The ends of the intervals of vectors of numbers, from what the network gives; normalized as targets are."""
    if output.level is None or output.head.is_sequence:
        return None
    logits = np.asarray(values, np.float64)
    numbers = output.loss.parameters(logits) if isinstance(output.loss, Distribution) else logits
    margins = None if output.margins is None else output.margins / output.std
    return find_bounds(output.loss, numbers, output.level, margins)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Which predictions, one below the other, count: those at the `positions` of each example that are not padding."""

    positions: int
    kept: Array

    def of(self, outcome: Outcome) -> Outcome:
        """The outcome without the others, with the example of each prediction."""
        if self.positions == 1:
            return outcome
        owner, position = np.divmod(self.kept, self.positions)
        predicted, expected = outcome.predicted[self.kept], outcome.expected[self.kept]
        return replace(outcome, predicted=predicted, expected=expected, owner=owner, position=position)


def _rows(targets: Array, output: OutputRecipe, of: Evaluated) -> _Rows:
    padding, positions, examples = output.head.padding, output.head.positions, len(targets)
    if output.is_mask:
        return _Rows(positions, np.flatnonzero(targets.reshape(-1) != IGNORED))
    if padding is None or positions == 1:
        return _Rows(positions, np.arange(examples * positions))
    steps = padding.real(np.asarray(read_all(of._arrays.inputs[padding.input][of.index])))
    return _Rows(positions, np.flatnonzero(steps))


def _named(outcome: Outcome, output: OutputRecipe, of: Evaluated) -> Outcome:
    """With the names of numbers: those of the target columns, or numbered; numbers of more than `MAX_COLUMNS` columns
    are taken together."""
    count = outcome.predicted.shape[1]
    if count > MAX_COLUMNS:
        return replace(outcome, kind="arrays")
    encoder = of.splits.dataset.encoder
    known = encoder.targets if isinstance(encoder, RowEncoder) and len(of.recipes) == 1 else ()
    for names in (known, output.target.columns):
        if len(names) == count:
            return replace(outcome, names=tuple(map(name_text, names)))
    name = outcome.name
    return replace(outcome, names=(name,) if count == 1 else tuple(f"{name} {i + 1}" for i in range(count)))


def _names(name: str, output: OutputRecipe, of: Evaluated) -> tuple[str, ...]:
    """The names of the classes or labels of an output, as many as it has units; no and yes for a single unit."""
    known = of.splits.facts.targets
    target = known.get(name) or next(iter(known.values()))
    names = target.names or ()
    names = tuple(map(name_text, names))
    if output.head.units == 1 and not output.chooses:
        return names if len(names) == 2 else ("no", "yes")
    columns = output.target.columns if len(output.target.columns) == output.head.units else ()
    names = names or columns
    return (*names[: output.head.units], *(str(i) for i in range(len(names), output.head.units)))


def describe_examples(of: Evaluated) -> str:
    """`The test split, 359 images`; how many of them where not all are predicted."""
    count = plural(of.total, of.examples.noun)
    shown = f"{len(of.index):,} of its {count}, at equal distances" if len(of.index) < of.total else count
    return f"The {SPLITS[of.split]} split: {shown}."

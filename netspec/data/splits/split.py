"""Training, validation and test examples, drawn by a seed.

Comes in: a `Dataset` and the settings of `data`. Goes out: `Splits`, disjoint and none of them empty, equal for equal
seeds. The test is drawn first and with a seed of its own, so that changing `val` or `limit` never changes the test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Part, portion_count
from netspec.data.dataset.lazy_rows import Array, in_memory
from netspec.data.errors.files import CannotSplit
from netspec.data.load import input_as_target
from netspec.data.settings import DataSettings, stratum
from netspec.data.splits.class_weights import class_weights
from netspec.data.transforms.normalization import Normalization
from netspec.data.transforms.scaling import find_scaling
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np
from netspec.language.values import to_source

TEST_DRAW, VAL_DRAW, LIMIT_DRAW = 1, 2, 3
"""What is drawn; together with the seed it starts the random numbers of one draw."""


@dataclass(frozen=True, eq=False)
class Splits:
    """What is trained on, validated on and tested on; `val` and `test` are None when nothing is held out.

    The indices point into the training set of `dataset`; `test_index` is None when the source has a test split of its
    own. `normalization` has the figures of the inputs that were normalized or filled in; the arrays already are.
    `class_weights` says by target how much an example of each class counts, where it is not the same for all.
    `own_targets` are the targets that are normalized inputs, with the figures of these.
    """

    dataset: Dataset
    train: Arrays
    val: Arrays | None
    test: Arrays | None
    train_index: Array
    val_index: Array | None = None
    test_index: Array | None = None
    normalization: Mapping[str, Normalization] = field(default_factory=dict)
    class_weights: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    own_targets: Mapping[str, Normalization] = field(default_factory=dict)

    @property
    def facts(self) -> Facts:
        return self.dataset.facts

    def where(self, index: int, part: str = "train") -> str:
        """How an example of a part (`train`, `val`, `test`) is called in a message."""
        indices = {"train": self.train_index, "val": self.val_index, "test": self.test_index}[part]
        source_part: Part = "test" if part == "test" and indices is None else "train"
        return self.dataset.where(int(indices[index]) if indices is not None else index, source_part)


def split_dataset(
    dataset: Dataset, settings: DataSettings, scaling: Mapping[str, Normalization] | None = None
) -> Splits:
    """Hold out test and validation examples, then normalize everything by what is left, or by figures that are given.

    Raises:
        Unplaced: a part would be empty, or token ids should be normalized.
    """
    rest = np.arange(len(dataset.train))
    test_index, rest = _hold_out_test(dataset, settings, rest)
    val_index, rest = _hold_out(dataset, settings, rest, "val", settings.val)
    if settings.limit is not None and settings.limit < len(rest):
        rest = np.sort(_random(settings, LIMIT_DRAW).permutation(rest)[: settings.limit])
    test = dataset.test
    if test is None and test_index is not None:
        test = dataset.train.take(test_index)
    if settings.repeat > 1:
        rest = np.tile(rest, settings.repeat)
    splits = Splits(
        dataset,
        train=_part(dataset, rest),
        val=_part(dataset, val_index) if val_index is not None else None,
        test=test,
        train_index=rest,
        val_index=val_index,
        test_index=test_index if dataset.test is None else None,
        class_weights=class_weights(dataset.facts, dataset.train, rest, settings.class_weights),
    )
    if scaling is None:
        scaling = find_scaling(splits.train.inputs, settings.normalize, dataset.fill)
    return _scaled(splits, scaling, is_own_target=settings.target is not None) if scaling else splits


def _part(dataset: Dataset, indices: Array) -> Arrays:
    """Some of the training examples; all of them in their order are not copied."""
    is_whole = len(indices) == len(dataset.train) and bool((indices == np.arange(len(indices))).all())
    return dataset.train if is_whole else dataset.train.take(indices)


def _hold_out_test(dataset: Dataset, settings: DataSettings, rest: Array) -> tuple[Array | None, Array]:
    """The indices of the test examples and those that are left."""
    if dataset.test is not None:
        return None, rest
    if dataset.facts.is_complete and settings.test is None:
        return rest, rest
    return _hold_out(dataset, settings, rest, "test", settings.hold_out.test_portion(len(rest)))


def _hold_out(
    dataset: Dataset, settings: DataSettings, rest: Array, part: str, portion: float
) -> tuple[Array | None, Array]:
    """The indices that are held out (None for a portion of 0) and those that are left, both in rising order. Of
    examples that follow each other it is the end.

    Raises:
        Unplaced: one of them would be empty.
    """
    if portion == 0:
        return None, rest
    count = portion_count(portion, len(rest))
    if count == 0 or count + (dataset.gap or 0) >= len(rest):
        raise _cannot_split(part, portion, len(rest), count)
    if dataset.gap is not None:
        return rest[-count:], rest[: len(rest) - count - dataset.gap]
    rng = _random(settings, TEST_DRAW if part == "test" else VAL_DRAW)
    target = stratum(dataset.facts) if settings.stratify is not False else None
    if target is None:
        held = rng.permutation(rest)[:count]
    else:
        held = _draw_stratified(rng, rest, in_memory(dataset.train.targets[target])[rest].reshape(-1), count)
    return np.sort(held), np.setdiff1d(rest, held, assume_unique=True)


def _cannot_split(part: str, portion: float, examples: int, count: int) -> Unplaced:
    left = f"the {part} part without examples" if count == 0 else "no example to train on"
    if examples < 2:
        advice = f"write `{part} = 0`, or get more examples"
    else:
        advice = f"write a number from 1 to {examples - 1}, or `{part} = 0` for none"
    shown = f"{portion:.4g}" if isinstance(portion, float) else to_source(portion)
    return Unplaced(CannotSplit, option=part, part=part, portion=shown, examples=examples, left=left, advice=advice)


def _random(settings: DataSettings, draw: int) -> np.random.Generator:
    return np.random.default_rng([settings.seed, draw])


def _draw_stratified(rng: np.random.Generator, rest: Array, labels: Array, count: int) -> Array:
    """Draw `count` of `rest`, from every class its share; of a class with one example nothing, as long as that goes.

    The shares are rounded down, and the places that are left go to the largest remainders.
    """
    _, members, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    shares = sizes * (count / len(rest))
    places = np.minimum(shares.astype(int), sizes - 1)
    order = np.argsort(places - shares, kind="stable")
    for most in (sizes - 1, sizes):
        while places.sum() < count and (places < most).any():
            for group in order:
                if places.sum() < count and places[group] < most[group]:
                    places[group] += 1
    drawn = [rng.permutation(rest[members == group])[: places[group]] for group in range(len(sizes))]
    return np.concatenate(drawn)


def _scaled(splits: Splits, found: Mapping[str, Normalization], *, is_own_target: bool) -> Splits:
    """The same with inputs filled in and normalized."""

    def apply(part: Arrays | None) -> Arrays | None:
        if part is None:
            return None
        inputs = {name: found[name].apply_to(x) if name in found else x for name, x in part.inputs.items()}
        return input_as_target(Arrays(inputs, {}), *part.targets) if is_own_target else Arrays(inputs, part.targets)

    train = apply(splits.train)
    assert train is not None
    own = dict(zip(train.targets, found.values(), strict=True)) if is_own_target else {}
    return replace(
        splits, train=train, val=apply(splits.val), test=apply(splits.test), normalization=found, own_targets=own
    )

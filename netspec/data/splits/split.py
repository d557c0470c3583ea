"""Training, validation and test examples, drawn by a seed.

Input: a `Dataset` and the settings of `data`. Output: `Splits`, disjoint, not empty, equal for equal seeds. The
test is drawn first and with another seed, so that changing `val` or `limit` never changes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Arrays, Dataset, Facts, input_as_target
from netspec.data.dataset.lazy_rows import Array, Column, converted, in_memory
from netspec.data.dataset.options import Last
from netspec.data.dataset.order import portion_count
from netspec.data.dataset.ragged import readings
from netspec.data.errors.files import CannotSplit
from netspec.data.errors.folds import CannotFold
from netspec.data.settings import DataSettings, holds_out_series, stratum
from netspec.data.splits.class_weights import class_weights
from netspec.data.splits.division import Division, find_division
from netspec.data.splits.folds import ByTime
from netspec.data.transforms.normalization import Normalization
from netspec.data.transforms.scaling import find_scaling
from netspec.data.transforms.target_scaling import find_target_scaling, scale_targets
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np
from netspec.language.values import to_source

TEST_DRAW, VAL_DRAW, LIMIT_DRAW, FOLD_DRAW = 1, 2, 3, 4
"""What is drawn; the random numbers of a draw depend on this and the seed."""


@dataclass(frozen=True, eq=False)
class Splits:
    """The training, validation and test examples; `val` and `test` are None when nothing is held out.

    The indices are those in the training set of `dataset`; `test_index` is None when the source has a test split.
    `normalization` has the statistics of the inputs that were normalized or filled in; the arrays already are.
    `class_weights` has by target the weight of each class in the loss, where they differ. `own_targets` are the targets
    that are normalized inputs, with the statistics of these; `target_scaling` has the statistics of the other targets
    that are normalized. `baselines` has by part and name forecasts without a network, in the units of the targets.
    `is_fold` says that the test examples are a fold of the training set of `dataset`.
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
    target_scaling: Mapping[str, Normalization] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)
    is_fold: bool = False

    @property
    def facts(self) -> Facts:
        return self.dataset.facts

    def index_of(self, part: str) -> Array | None:
        """The indices of a split (`train`, `val`, `test`); None where it is apart from the training set of `dataset`,
        or nothing is held out."""
        return {"train": self.train_index, "val": self.val_index, "test": self.test_index}[part]

    def where(self, index: int, part: str = "train") -> str:
        """The name of an example of a split (`train`, `val`, `test`) in a message."""
        indices = self.index_of(part)
        return self.dataset.where(index, part) if indices is None else self.dataset.where(int(indices[index]))


def split_dataset(
    dataset: Dataset, settings: DataSettings, scaling: Mapping[str, Normalization] | None = None
) -> Splits:
    """Hold out test and validation examples, then normalize everything with the statistics of the rest, or given ones.

    Raises:
        Unplaced: a part would be empty, or token ids should be normalized.
    """
    test_index, val_index, rest = draw_examples(dataset, settings)
    has_own_test = dataset.test is not None and not settings.held_out_fold
    test = dataset.test if has_own_test else None
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
        test_index=None if has_own_test else test_index,
        is_fold=bool(settings.held_out_fold),
        class_weights=class_weights(dataset.facts, dataset.train, rest, settings.class_weights),
        baselines=_baselines(dataset, {"train": rest, "val": val_index, "test": None if has_own_test else test_index}),
    )
    if scaling is None:
        parts = splits.train.inputs.items()
        read = {name: readings(in_memory(x)) if name in dataset.facts.ragged else x for name, x in parts}
        scaling = find_scaling(read, settings.normalize, dataset.fill, dataset.scales)
    return scale_inputs(splits, scaling, is_own_target=settings.target is not None)


def draw_examples(dataset: Dataset, settings: DataSettings) -> tuple[Array | None, Array | None, Array]:
    """The indices of the test, the validation and the training examples, drawn from those of the training set; None
    where nothing is held out. Raises Unplaced when a part would be empty."""
    rest, divided = np.arange(len(dataset.train)), find_division(dataset, settings)
    test_index, rest = _hold_out_test(dataset, settings, rest, divided)
    if settings.held_out_fold:
        test_index, rest = _hold_out_fold(dataset, settings, rest, divided)
    val_index, rest = _hold_out(dataset, settings, rest, "val", settings.hold_out.val, divided)
    if settings.limit is not None and settings.limit < len(rest):
        rest = np.sort(_random(settings, LIMIT_DRAW).permutation(rest)[: settings.limit])
    return test_index, val_index, rest


def normalize_targets(
    splits: Splits, heads: Mapping[str, OutputHead], scaling: Mapping[str, Normalization] | None = None
) -> Splits:
    """The same with targets that are scaled, and rounded to float32; `heads` are those of the outputs whose targets may
    be scaled, `scaling` the statistics of a run (None: those of the training split)."""
    numbers = {name: head for name, head in heads.items() if splits.facts.targets[name].kind == "numbers"}
    scales = find_target_scaling(splits.train, numbers) if scaling is None else scaling

    def ready(part: Arrays) -> Arrays:
        targets = scale_targets(part, scales).targets
        return Arrays(
            part.inputs, {n: converted(y, "float32") if y.dtype == np.float64 else y for n, y in targets.items()}
        )

    train = ready(splits.train)
    val, test = (ready(part) if part is not None else None for part in (splits.val, splits.test))
    return replace(splits, train=train, val=val, test=test, target_scaling=scales)


def _baselines(dataset: Dataset, index: Mapping[str, Array | None]) -> dict[str, Mapping[str, Array]]:
    """The forecasts of the parts, by which those of the network are judged."""
    found = {
        part: {name: values[rows] for name, values in dataset.baselines.items()}
        for part, rows in index.items()
        if rows is not None
    }
    return found | ({"test": dataset.test_baselines} if dataset.test is not None else {})


def _part(dataset: Dataset, indices: Array) -> Arrays:
    """Some of the training examples; not copied if they are all of them in their order."""
    is_whole = len(indices) == len(dataset.train) and bool((indices == np.arange(len(indices))).all())
    return dataset.train if is_whole else dataset.train.take(indices)


def _hold_out_test(
    dataset: Dataset, settings: DataSettings, rest: Array, divided: Division | None
) -> tuple[Array | None, Array]:
    """The indices of the test examples and those that are left."""
    if dataset.test is not None or dataset.passes:
        return None, rest
    if dataset.facts.is_complete and settings.test is None and settings.folds is None:
        return rest, rest
    return _hold_out(dataset, settings, rest, "test", settings.hold_out.test_portion(len(rest)), divided)


def _hold_out_fold(
    dataset: Dataset, settings: DataSettings, rest: Array, divided: Division | None
) -> tuple[Array, Array]:
    """The indices of the fold that is held out, and those that are trained on then.

    Raises:
        Unplaced: there are too few examples or groups, or nothing to train on is left.
    """
    assert divided is not None
    numbers, fold = divided.numbers(_random(settings, FOLD_DRAW), rest), settings.held_out_fold
    held = rest[numbers == fold]
    if not isinstance(divided.folds, ByTime):
        return held, rest[numbers != fold]
    left = rest[numbers < fold]
    kept = len(left) - (dataset.gap or 0)  # such data are in the order of time
    if kept < 1:
        wanted = partial(Unplaced, CannotFold, option="folds", folds=divided.folds.count, what="examples")
        raise wanted(found=len(rest), most=max(1, len(rest) // (1 + (dataset.gap or 0)) - 1))
    return held, left[:kept]


def _hold_out(
    dataset: Dataset,
    settings: DataSettings,
    rest: Array,
    part: str,
    portion: float,
    divided: Division | None = None,
) -> tuple[Array | None, Array]:
    """The indices that are held out (None for a portion of 0) and those that are left, both in rising order; of
    consecutive examples, or with `last`, the end is held out, of groups whole ones. Raises Unplaced when one of them
    would be empty."""
    if portion == 0:
        return None, rest
    is_end = isinstance(getattr(settings, part), Last) or not holds_out_series(settings, dataset.facts)
    if dataset.order is not None and is_end:
        held, left = dataset.order.ends(rest, portion)
    else:
        count = portion_count(portion, len(rest))
        held, left = rest[len(rest) - count :], rest[: max(0, len(rest) - count - (dataset.gap or 0))]
    count = len(held)
    if not len(held) or not len(left):
        shown = f"{portion:.4g}" if isinstance(portion, float) else to_source(portion)
        leaves = f"the {part} part without examples" if count == 0 else "no example to train on"
        cannot = partial(Unplaced, CannotSplit, option=part, part=part, portion=shown, left=leaves)
        raise cannot(examples=len(rest), most=len(rest) - 1, case="few" if len(rest) < 2 else "")
    if (dataset.order is not None and is_end) or dataset.gap is not None or isinstance(getattr(settings, part), Last):
        return held, left
    rng = _random(settings, TEST_DRAW if part == "test" else VAL_DRAW)
    if divided is not None and (parts := divided.hold_out(rng, rest, count)) is not None:
        held = parts
        if len(held) == len(rest):
            raise Unplaced(
                CannotFold, option="folds", folds=divided.folds.count, found=1, what="groups", case="few", most=1
            )
        return np.sort(held), np.setdiff1d(rest, held, assume_unique=True)
    target = stratum(dataset.facts) if settings.stratify is not False else None
    if target is None:
        held = rng.permutation(rest)[:count]
    else:
        held = _draw_stratified(rng, rest, in_memory(dataset.train.targets[target])[rest].reshape(-1), count)
    return np.sort(held), np.setdiff1d(rest, held, assume_unique=True)


def _random(settings: DataSettings, draw: int) -> np.random.Generator:
    return np.random.default_rng([settings.seed, draw])


def _draw_stratified(rng: np.random.Generator, rest: Array, labels: Array, count: int) -> Array:
    """Draw `count` of `rest`, the same fraction of every class; of a class with one example nothing, if possible.

    The fractions are rounded down, and what is missing is taken from the classes with the largest remainders.
    """
    _, members, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    exact = sizes * (count / len(rest))
    counts = np.minimum(exact.astype(int), sizes - 1)
    order = np.argsort(counts - exact, kind="stable")
    for limits in (sizes - 1, sizes):
        while counts.sum() < count and (counts < limits).any():
            for group in order:
                if counts.sum() < count and counts[group] < limits[group]:
                    counts[group] += 1
    drawn = [rng.permutation(rest[members == group])[: counts[group]] for group in range(len(sizes))]
    return np.concatenate(drawn)


def scale_inputs(splits: Splits, scales: Mapping[str, Normalization], *, is_own_target: bool) -> Splits:
    """The same with inputs filled in and normalized, and rounded to float32."""
    parts = [part for part in (splits.train, splits.val, splits.test) if part is not None]
    if not scales and not any(x.dtype == np.float64 for part in parts for x in part.inputs.values()):
        return splits

    def ready(name: str, x: Column) -> Column:
        if name in scales:
            return scales[name].apply_to(x)
        return converted(x, "float32") if x.dtype == np.float64 else x

    def apply(part: Arrays) -> Arrays:
        inputs = {name: ready(name, x) for name, x in part.inputs.items()}
        return input_as_target(Arrays(inputs, {}), *part.targets) if is_own_target else Arrays(inputs, part.targets)

    train = apply(splits.train)
    val, test = (apply(part) if part is not None else None for part in (splits.val, splits.test))
    own = dict(zip(train.targets, scales.values(), strict=True)) if is_own_target and scales else {}
    return replace(splits, train=train, val=val, test=test, normalization=scales, own_targets=own)

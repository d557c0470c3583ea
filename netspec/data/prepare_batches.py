"""Iterables of batches as splits: each batch is checked, converted and normalized like the first ones.

Input: the splits of the first batches, which `prepare_data` has made and checked, and `Passes`. Output: the same splits
with a `BatchSplit` for each iterable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.checks.network import pair_names
from netspec.data.checks.values import check_input_values, check_target_values
from netspec.data.dataset.dataset import IGNORED, Arrays, Dataset, Target
from netspec.data.dataset.from_batches import batch_arrays, look
from netspec.data.dataset.lazy_rows import in_memory
from netspec.data.dataset.passes import Passes, checksum
from netspec.data.errors.files import NoEffect
from netspec.data.errors.streaming import BatchUnlike, FromFirstExamples, NeedsAllExamples
from netspec.data.load import settle_dataset
from netspec.data.prepare import add_channels, fit_dataset, join_dataset, pad_dataset
from netspec.data.settings import DataSettings
from netspec.data.splits.split import Splits, normalize_targets, scale_inputs
from netspec.language.diagnostics import CompileError, Diagnostic, Problems, Unplaced, fail
from netspec.language.shape import Shape
from netspec.language.source import Span

STATISTICS_EXAMPLES = 10_000
"""How many examples statistics are computed from."""
ADVICE = {
    "val": "pass an iterable for it: `netspec.train(model, (data, val_data))`",
    "test": 'pass an iterable for it: `netspec.train(model, {"train": data, "test": test_data})`',
    "class_weights": "write the weights: `class_weights = [1, 2]`",
    "class_ids": "list the labels: `class_ids = [1, 2, 4]`",
    "limit": "remove it, and let the iterable end earlier",
    "repeat": "remove it, and let the iterable repeat them",
    "folds": "pass arrays, or name a source in the section `data`",
    "fold": "pass arrays, or name a source in the section `data`",
}


@dataclass(frozen=True, eq=False)
class BatchSplit(Arrays):
    """A split that an iterable gives batch by batch. As `Arrays` it has the examples that were looked at."""

    passes: Passes
    part: str
    convert: Callable[[Any, str], Arrays]

    def open(self, epoch: int) -> Iterator[Arrays]:
        """The batches of an epoch, from 0, as they are trained on.

        Raises:
            CompileError: one of them is unlike the first, or has numbers that cannot be learned from.
        """
        of = f"epoch {epoch + 1}" if self.part == "train" else f"the {self.part} data"
        with closing(self.passes.open(epoch)) as batches:
            for number, batch in enumerate(batches, 1):
                if number == 1 and epoch == 0:
                    self.passes.trained = checksum(*self.passes.read(batch, "batch 1"))
                yield self.convert(batch, f"batch {number} of {of}")


def statistics_examples(settings: DataSettings, dataset: Dataset, *, uses_classes: bool) -> int:
    """How many examples are looked at before the first step: one batch, unless statistics are needed."""
    is_scaled = settings.normalize in ("standard", "unit") or settings.class_weights is not None
    has_numbers = any(target.kind != "class" for target in dataset.facts.targets.values())
    learns = is_scaled or uses_classes or (has_numbers and settings.normalize_targets != "none")
    return STATISTICS_EXAMPLES if learns else 1


def check_batch_settings(
    settings: DataSettings, passes: Mapping[str, Passes], spans: Mapping[str, Span]
) -> list[Diagnostic]:
    """Errors for settings of `data` that need all examples (NS667), and warnings for those without effect."""
    needs = {
        "val": bool(settings.val) and "val" not in passes,
        "test": bool(settings.test) and "test" not in passes,
        "folds": settings.folds is not None,
        "fold": settings.fold is not None and settings.folds is None,
        "limit": settings.limit is not None,
        "repeat": settings.repeat > 1,
        "class_weights": settings.class_weights == "balanced",
        "class_ids": settings.class_ids == "auto",
    }
    found: list[Diagnostic] = [
        NeedsAllExamples(span=spans.get(name), option=name, advice=ADVICE[name])
        for name, is_set in needs.items()
        if is_set
    ]
    if settings.val and "val" in passes:
        found.append(NoEffect(span=spans.get("val"), option="val", case="own val", examples=0))
    useless = ["stream"] if "stream" in spans else []
    if "shuffle" in spans and not passes["train"].is_hugging_face:
        useless.append("shuffle")
    return found + [NoEffect(span=spans.get(name), option=name, case="batches", examples=0) for name in useless]


def without_splits(settings: DataSettings) -> DataSettings:
    """The settings for the examples that were looked at: nothing is held out of them."""
    return settings.replace(val=0, limit=None, repeat=1, folds=None, fold=None)


def with_batches(
    splits: Splits, dataset: Dataset, convert: Converter, spans: Mapping[str, Span], *, uses_classes: bool
) -> tuple[Splits, list[Diagnostic]]:
    """The splits of the first batches with those of the iterables in their place, and warnings.

    Args:
        splits: those of the examples that were looked at.
        dataset: these examples, as they were given.
        convert: makes other batches like them.
        spans: where the settings of `data` are.
        uses_classes: whether the spec takes the number of classes from them.

    Raises:
        CompileError: a first batch of validation or test does not fit.
    """
    found: dict[str, BatchSplit | None] = {"val": None, "test": None}
    for part, passes in dataset.passes.items():
        arrays = splits.train  # which an evaluation has as its test as well
        made = replace(convert, passes=passes)
        if passes is not dataset.passes["train"]:
            try:
                first, _ = look(passes, 1, dataset.train)
            except Unplaced as bad:
                raise fail(bad.diagnostic()) from None
            arrays = made.ready(first, f"batch 1 of the {part} data")
        found[part] = BatchSplit(arrays.inputs, arrays.targets, passes, part, made)
    scaled = (("inputs", splits.normalization), ("targets", splits.target_scaling))
    learned = [f"the statistics of {name}" for name, is_scaled in scaled if is_scaled]
    if uses_classes and any(t.kind == "class" and t.names is None for t in dataset.facts.targets.values()):
        learned.append("the classes")
    warnings: list[Diagnostic] = []
    if learned and not dataset.passes["train"].is_whole:
        what, count = " and ".join(learned), f"{len(dataset.train):,}"
        warnings.append(FromFirstExamples(span=spans.get("normalize"), what=what, examples=count))
    train = found["train"]
    assert train is not None
    return replace(splits, train=train, val=found["val"], test=found["test"]), warnings


@dataclass(frozen=True, eq=False)
class Converter:
    """Makes batches like the first ones: `dataset` has these as they were given, `splits` as they are trained on."""

    passes: Passes
    dataset: Dataset
    splits: Splits
    settings: DataSettings
    inputs: Mapping[str, Shape]
    heads: Mapping[str, OutputHead]

    def __call__(self, batch: Any, where: str) -> Arrays:
        try:
            return self.ready(batch_arrays(self.passes, batch, where, self.dataset.train), where)
        except Unplaced as bad:
            raise fail(bad.diagnostic()) from None

    def ready(self, arrays: Arrays, where: str) -> Arrays:
        """A batch with the names, types and scales of the first ones.

        Raises:
            CompileError: it has numbers that cannot be learned from.
        """
        batch = Dataset(where, self.dataset.facts, arrays, columns=self.dataset.columns)
        batch = add_channels(join_dataset(settle_dataset(batch, self.settings), self.heads), self.inputs)
        batch = pad_dataset(batch, self.inputs, self.heads)
        self._check(batch, where)
        batch = fit_dataset(batch, self.inputs, self.heads)
        splits = replace(self.splits, dataset=batch, train=batch.train, val=None, test=None)
        splits = scale_inputs(splits, self.splits.normalization, is_own_target=self.settings.target is not None)
        if self.settings.target is None:
            splits = normalize_targets(splits, {}, self.splits.target_scaling)
        return splits.train

    def _check(self, batch: Dataset, where: str) -> None:
        problems = Problems()
        for name, key in pair_names(batch.facts.inputs, self.inputs).items():
            for problem in check_input_values(batch, key, self.inputs[name], None, None):
                problems.add(problem)
        for name, key in pair_names(batch.facts.targets, self.heads).items():
            head, target = self.heads[name], batch.facts.targets[key]
            if self.settings.target is None:
                for problem in check_target_values(batch, key, head):
                    problems.add(problem)
                if (wrong := _wrong_label(in_memory(batch.train.targets[key]), target, head, where)) is not None:
                    problems.add(wrong)
        if problems.errors:  # warnings were shown for the first batch
            raise CompileError(problems.errors[:1])


def _wrong_label(array: Any, target: Target, head: OutputHead, where: str) -> Diagnostic | None:
    """Labels that the output has no unit for, though they are ids without gaps; other than 0 and 1 where there were
    only these."""
    if target.kind == "binary" and head.activation == "sigmoid" and not ((array == 0) | (array == 1)).all():
        return BatchUnlike(span=head.span, case="binary", where=where, what="the target", found="is not 0 or 1")
    if target.kind != "class" or head.kind == "embedding":
        return None
    units = max(head.units, 2)
    low, high = int(array.min()), int(array.max())
    if high < units and low >= (IGNORED if target.mask is not None else 0):
        return None
    label = high if high >= units else low
    return BatchUnlike(
        span=head.span, case="label", where=where, what="the label", found=str(label), expected=str(units - 1)
    )

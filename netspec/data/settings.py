"""The section `data { … }`: the source of the examples, and how they are split.

Input: checked values. Output: `DataSettings`, and their mistakes that can be found without loading anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from netspec.data import sources  # noqa: F401  # fills the vocabulary
from netspec.data.augmentations import Augmentation, Augmentations
from netspec.data.dataset.dataset import Facts, HoldOut, Source
from netspec.data.dataset.options import Last, Portion, Scaling, Weights, portion_size
from netspec.data.errors.files import NoEffect
from netspec.data.errors.folds import FoldsUnfit, NoSuchFold
from netspec.data.errors.series import RandomSplit
from netspec.data.splits.class_weights import class_weights_problem
from netspec.data.splits.folds import ByTime, Folds, FoldsKind, Grouped, Stratified, fold_count, folds_word_of
from netspec.data.transforms.class_ids import ClassIdsKind, From
from netspec.data.transforms.scaling import scaling_problem
from netspec.language.diagnostics import Diagnostic, Unplaced
from netspec.language.kinds import SEED_ALIASES, Choice, Count, Flag, OneWord
from netspec.language.source import Span
from netspec.language.values import to_source
from netspec.language.vocabulary import register
from netspec.language.word import Word, option


@register("section", "data")
class DataSettings(Word):
    """The data source, and how it is split. Every key has a default; training needs only `source`.

    Nothing is held out for validation unless `val` says so: `stop = early(val_loss)` needs it.

    Example: data {
                 source    = digits
                 val       = 10%
                 normalize = standard
             }
    """

    category: ClassVar[str] = "section"

    source: Source | None = option(
        OneWord("source"), "the data source", default=None, aliases=("dataset", "data", "path", "file", "datasource")
    )
    val: int | float | Last = option(
        Portion(last=True),
        "the validation split, held out of the training examples: a fraction, or a number of examples; 0: none; "
        "`last(10%)`: the end of them, for data in the order of time",
        default=0,
        aliases=("validation", "validation_split", "valid", "val_split", "validation_data"),
    )
    test: int | float | Last | None = option(
        Portion(last=True),
        "the test split, if the source has none (none: 20%, and nothing with `folds`); 0: no test split; `last(10%)`: "
        "the end of the examples",
        default=None,
        aliases=("test_size", "test_split"),
    )
    folds: int | Folds | None = option(
        FoldsKind(),
        "cross-validation: the examples are divided into this number of folds, and for each of them a run is trained "
        "on the others and evaluated on it (none: one run)",
        default=None,
        aliases=("cv", "cross_validation", "kfold", "n_splits"),
    )
    fold: int | None = option(
        Count(0),
        "train a single fold, with the part of this number held out, from 1; 0: on all of them (none: every fold)",
        default=None,
    )
    seed: int = option(Count(0), "the seed of the random splits", default=0, aliases=SEED_ALIASES)
    target: str | None = option(
        Choice(("input",)),
        "`input`: reconstruct the input, as in autoencoders (none: the target of the source)",
        default=None,
    )
    normalize: str | tuple[tuple[float, ...], tuple[float, ...]] = option(
        Scaling(),
        "per feature or channel, with the statistics of the training split: `standard` to mean 0 and standard "
        "deviation 1, `unit` to 0..1; `imagenet` or [mean, std]: with the given statistics",
        default="none",
        aliases=("normalise", "standardize", "scaling"),
    )
    normalize_targets: str = option(
        Choice(("standard", "none")),
        "`standard`: targets that are numbers to mean 0 and standard deviation 1, with the statistics of the training "
        "split, where the output has no activation and the loss is `mse`, `mae` or `huber`; predictions and metrics "
        "are in the units of the targets, the loss is not",
        default="standard",
        aliases=("target_normalizer", "scale_targets", "standardize_targets"),
    )
    stratify: bool | None = option(
        Flag(), "hold out the same fraction of every class (none: if there is one target with classes)", default=None
    )
    shuffle: bool = option(Flag(), "shuffle the training examples in every epoch", default=True)
    limit: int | None = option(
        Count(),
        "train on a random subset of this many examples (none: all)",
        default=None,
        aliases=("take", "max_examples"),
    )
    repeat: int = option(Count(), "the number of times that each training example occurs in an epoch", default=1)
    class_ids: str | From | tuple[int, ...] | None = option(
        ClassIdsKind(),
        "which labels there are, where they are not 0, 1, 2, …: `from(1)` for labels that begin at 1, a list such as "
        "[1, 2, 4] in the order of the classes, `auto` for those that occur, sorted (none: labels are ids from 0)",
        default=None,
        aliases=("label_map", "class_mapping"),
    )
    class_weights: str | tuple[float, ...] | None = option(
        Weights(),
        "the weight of each class in the loss; `balanced`: inversely proportional to its frequency",
        default=None,
        aliases=("class_weight",),
    )
    augment: tuple[Augmentation, ...] | None = option(
        Augmentations(),
        "data augmentation of the training examples, random in every step (none: no augmentation)",
        default=None,
        aliases=("augmentation", "augmentations", "transform", "transforms"),
    )

    stream: bool | None = option(
        Flag(),
        "read the examples during training, with the same results (none: if they need more than a quarter of the free "
        "memory)",
        default=None,
        aliases=("streaming", "lazy", "mmap"),
    )

    @property
    def hold_out(self) -> HoldOut:
        """What is held out of the examples of the source."""
        test, val = None if self.test is None else portion_size(self.test), portion_size(self.val)
        if self.folds is None:
            return HoldOut(test, val)
        word = self.folds if isinstance(self.folds, Folds) else None
        return HoldOut(
            test,
            val,
            folds=fold_count(self.folds),
            fold=self.held_out_fold,
            is_by_time=isinstance(word, ByTime),
            column=word.column if word is not None else None,
            is_apart=isinstance(word, Grouped),
        )

    @property
    def is_cross_validation(self) -> bool:
        """Whether a run is trained for each fold."""
        return self.folds is not None and self.fold is None

    @property
    def held_out_fold(self) -> int:
        """The number of the fold that is held out, 0 for none; the first one where every fold is trained."""
        return 0 if self.folds is None else 1 if self.fold is None else self.fold


def check_settings(settings: DataSettings, facts: Facts, spans: Mapping[str, Span] | None = None) -> list[Diagnostic]:
    """Mistakes of settings for these data, and warnings for those without effect; `spans` are those of the values by
    key."""
    spans = spans or {}
    problems = (
        class_weights_problem(facts, settings.class_weights),
        scaling_problem(facts.inputs, settings.normalize),
        _folds_problem(facts, settings),
    )
    found = [bad.diagnostic(spans.get(bad.option or "")) for bad in problems if bad is not None]
    found += _random_splits(settings, facts, spans)
    useless: dict[str, str] = {}
    if settings.test is not None and facts.has_test:
        useless["test"] = "test"
    if settings.stratify and stratum(facts) is None:
        useless["stratify"] = "no classes"
    elif settings.stratify and not draws_split(settings, facts):
        useless["stratify"] = "no split"
    if settings.class_ids is not None and all(target.ids is None for target in facts.targets.values()):
        useless["class_ids"] = "class ids"
    if settings.limit is not None and facts.examples is not None and settings.limit >= facts.examples:
        useless["limit"] = "limit"
    return found + [
        NoEffect(span=spans.get(key), option=key, case=case, examples=facts.examples or 0)
        for key, case in useless.items()
    ]


def draws_split(settings: DataSettings, facts: Facts) -> bool:
    """Whether examples are drawn at random for a split: not those at the end, nor those of a file of their own."""
    has_own = facts.has_test or facts.is_complete or facts.in_time
    draws_test = not has_own and settings.test != 0 and not isinstance(settings.test, Last)
    return draws_test or (bool(settings.val) and not isinstance(settings.val, Last))


def _random_splits(settings: DataSettings, facts: Facts, spans: Mapping[str, Span]) -> list[Diagnostic]:
    """The error for each split that would be drawn from windows that overlap each other."""
    parts = ["val"] if facts.has_test else ["test", "val"]
    drawn = {part: portion for part in parts if (portion := getattr(settings, part)) and not isinstance(portion, Last)}
    if not facts.in_time:
        return []
    if holds_out_series(settings, facts):
        return []
    if settings.folds is not None:
        case, count = "folds" if facts.group is None else "group", fold_count(settings.folds)
        return [RandomSplit(span=spans.get("folds"), case=case, folds=count, group=to_source(facts.group or ""))]
    return [
        RandomSplit(
            span=spans.get(part),
            part=part,
            portion=f"{100 * portion:g}%" if isinstance(portion, float) else str(portion),
        )
        for part, portion in drawn.items()
    ]


def holds_out_series(settings: DataSettings, facts: Facts) -> bool:
    """Whether whole series are held out of windows, which never reach from one to another."""
    column = settings.folds.column if isinstance(settings.folds, Grouped) else None
    return facts.in_time and column is not None and column == facts.group


def _folds_problem(facts: Facts, settings: DataSettings) -> Unplaced | None:
    """What is wrong with `folds` and `fold`, as far as that is known without the examples."""
    if settings.folds is None:
        return Unplaced(NoSuchFold, option="fold", fold=settings.fold, case="no folds") if settings.fold else None
    count = fold_count(settings.folds)
    if settings.fold is not None and settings.fold > count:
        return Unplaced(NoSuchFold, option="fold", fold=settings.fold, folds=count)
    if isinstance(settings.folds, Stratified) and stratum(facts) is None:
        return Unplaced(FoldsUnfit, option="folds", folds=count, case="classes")
    return None


def folds_of(settings: DataSettings, facts: Facts) -> Folds:
    """How examples are divided into folds; the settings have folds."""
    assert settings.folds is not None
    return folds_word_of(settings.folds, has_classes=stratum(facts) is not None)


def stratum(facts: Facts) -> str | None:
    """The target by whose classes a split is stratified: the only one with one class or 0/1 for each example."""
    names = [name for name, t in facts.targets.items() if t.kind in ("class", "binary") and t.size == 1]
    return names[0] if len(names) == 1 else None

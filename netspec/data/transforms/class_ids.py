"""The setting `class_ids`: which class ids the labels stand for, where they are not 0, 1, 2, …

Input: labels as the source has them. Output: ids from 0 without gaps, and names of the classes that are the labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, TypeAlias

from netspec.data.dataset.dataset import Arrays, Facts, Target
from netspec.data.dataset.lazy_rows import Array, in_memory
from netspec.data.errors.labels import AlikeNames, LabelNotListed, LabelTooLarge
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Count
from netspec.language.lazy import np
from netspec.language.values import Symbol, to_source
from netspec.language.vocabulary import Declares
from netspec.language.word import Kind, Mismatch, Word, option

MAX_INT32 = 2**31 - 1
"""Class ids are 32-bit integers."""

class_ids = Declares("class_ids")


@class_ids("from")
class From(Word):
    """The smallest label: `from(1)` for labels 1 to 26, of which 1 becomes the id 0.

    Example: data { class_ids = from(1) }
    """

    category: ClassVar[str] = "class_ids"

    start: int = option(Count(-MAX_INT32), "the label that becomes the id 0", position=0)


def alike_names(option: str, what: str, names: Sequence[str]) -> Iterator[Unplaced]:
    """A warning, at an option of the source, for names of classes or categories that differ only in case or spaces."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault("".join(name.casefold().split()), []).append(name)
    for group in alike.values():
        if len(group) > 1:
            shown = ", ".join(f"`{name}`" for name in group)
            yield Unplaced(AlikeNames, option=option, what=what, count=len(group), names=shown)


ClassIds: TypeAlias = str | From | tuple[int, ...]
"""The setting: `auto`, the smallest label, or every label in the order of the ids."""


class ClassIdsKind(Kind):
    """`auto`, `from(…)`, or a list of the labels."""

    names = ("auto",)
    category = "class_ids"

    def accept(self, value: object) -> ClassIds:
        if isinstance(value, From):
            return value
        if isinstance(value, Symbol) and value.name == "auto":
            return "auto"
        if isinstance(value, list) and value and all(isinstance(v, int) and not isinstance(v, bool) for v in value):
            if len({*value}) == len(value):
                return tuple(value)
            raise Mismatch(self.describe(), value, advice="each label is listed once")
        raise Mismatch(self.describe(), value)

    def describe(self) -> str:
        return "`auto`, `from(1)`, or a list of the labels in the order of the ids, such as [1, 2, 4]"

    def to_source(self, value: object) -> str:
        return to_source([*value]) if isinstance(value, tuple) else super().to_source(value)


def settle_class_ids(facts: Facts, setting: ClassIds | None) -> Facts:
    """The facts with class ids from 0, and the labels as the names of the classes; sources that name their classes have
    numbered them already.

    Raises:
        Unplaced: the setting leaves labels out (NS537), or a label is not a 32-bit integer (NS538).
    """
    targets = {name: _settled(target, setting) for name, target in facts.targets.items()}
    return facts if targets == facts.targets else facts.replace(targets=targets)


def settle_labels(arrays: Arrays, before: Facts, after: Facts, part: str) -> Arrays:
    """The same examples with the class ids that `after` has for the labels of `before`, as int32.

    Raises:
        Unplaced: a label of this part has no class (NS537).
    """

    def settled(name: str) -> Array:
        labels, ids = in_memory(arrays.targets[name]), after.targets[name].ids
        if before.targets[name].ids is not None or ids is None:
            return labels.astype(np.int32, copy=False) if labels.dtype.kind in "iu" else labels
        order = np.argsort(ids)
        ordered = np.asarray(ids)[order]
        places = np.minimum(np.searchsorted(ordered, labels), len(ids) - 1)
        wrong = (ordered[places] != labels).reshape(len(labels), -1).any(axis=1)
        if wrong.any():
            index = int(wrong.argmax())
            bad = labels[index][ordered[places[index]] != labels[index]] if labels.ndim > 1 else labels[index]
            label = int(np.ravel(bad)[0])
            raise Unplaced(LabelNotListed, option="class_ids", label_value=label, where=f"{part} example {index}")
        return order[places].astype(np.int32)

    return Arrays(
        arrays.inputs,
        {name: settled(name) if t.kind == "class" else arrays.targets[name] for name, t in after.targets.items()},
    )


def _settled(target: Target, setting: ClassIds | None) -> Target:
    if target.kind != "class" or target.names is not None:
        return target
    if setting is None:
        low, high = (target.labels or (0,))[0], (target.classes or 1) - 1
        for label in (high, low):
            if not -MAX_INT32 <= label <= MAX_INT32:
                raise Unplaced(LabelTooLarge, label_value=label, count=len(target.labels or ()))
        return target
    found = target.labels if target.labels is not None else tuple(range(target.classes or 0))
    if isinstance(setting, From):
        ids = tuple(range(setting.start, max(found[-1] + 1, setting.start + 1)))
    else:
        ids = found if setting == "auto" else tuple(map(int, setting))
    missing = [label for label in found if label not in {*ids}]
    if missing:
        raise Unplaced(LabelNotListed, option="class_ids", label_value=missing[0], where="the data")
    return target.replace(classes=len(ids), names=tuple(map(str, ids)), labels=None, ids=ids)


def ids_to_write(labels: tuple[int, ...]) -> str:
    """The value of `class_ids` for these labels, which are sorted."""
    if labels[0] != 0 and labels == tuple(range(labels[0], labels[-1] + 1)) and labels[0] > 0:
        return f"from({labels[0]})"
    return to_source([*labels]) if len(labels) <= MAX_LISTED else "auto"


MAX_LISTED = 8
"""Labels that a hint lists; of more it says `auto`."""

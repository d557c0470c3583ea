"""How much an example of each class counts in the loss.

Comes in: the setting `class_weights`. Goes out: a number for each class of each target that has classes.
"""

from __future__ import annotations

from netspec.data.dataset.dataset import Arrays, Facts
from netspec.data.dataset.lazy_rows import Array, in_memory
from netspec.data.errors.sources import ClassWeights
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np


def class_weights_problem(facts: Facts, weights: str | tuple[float, ...] | None) -> Unplaced | None:
    """What is wrong without a look at the examples: no target has classes, or there are more or fewer numbers."""
    if weights is None:
        return None
    counts = _class_counts(facts)
    if not counts:
        advice = "remove the line: the targets are numbers"
        return Unplaced(ClassWeights, option="class_weights", problem="need a target with classes", advice=advice)
    if isinstance(weights, str):
        return None
    if len(counts) > 1:
        advice = "write `class_weights = balanced`"
        names = " and ".join(f"`{name}`" for name in counts)
        return Unplaced(ClassWeights, option="class_weights", problem=f"may be for {names}", advice=advice)
    ((name, count),) = counts.items()
    if len(weights) != count:
        names_of = facts.targets[name].names
        order = f", in the order {', '.join(names_of[:8])}{', …' if count > 8 else ''}" if names_of is not None else ""
        problem = f"have {len(weights)} numbers for {count} classes"
        advice = f"write {count} numbers{order}, or `class_weights = balanced`"
        return Unplaced(ClassWeights, option="class_weights", problem=problem, advice=advice)
    return None


def class_weights(
    facts: Facts, train: Arrays, index: Array, weights: str | tuple[float, ...] | None
) -> dict[str, tuple[float, ...]]:
    """The weights by target: those that are given, or n / (classes * n of the class) over the training examples and
    the classes that they have, so that their mean over the examples is 1; a class without examples has 0.

    Raises:
        Unplaced: as `class_weights_problem` says.
    """
    if (bad := class_weights_problem(facts, weights)) is not None:
        raise bad
    if weights is None:
        return {}
    counts = _class_counts(facts)
    if not isinstance(weights, str):
        return dict.fromkeys(counts, weights)
    found = {}
    for name, count in counts.items():
        sizes = np.bincount(in_memory(train.targets[name])[index].reshape(-1).astype(np.int64), minlength=count)
        seen = np.count_nonzero(sizes)
        balanced = np.divide(sizes.sum(), seen * sizes, out=np.zeros(len(sizes)), where=sizes > 0)
        found[name] = tuple(balanced.tolist())
    return found


def _class_counts(facts: Facts) -> dict[str, int]:
    """How many classes each target has; binary labels have two."""
    found = {}
    for name, target in facts.targets.items():
        if target.kind == "class" and target.classes is not None:
            found[name] = target.classes
        elif target.kind == "binary" and target.size == 1:
            found[name] = 2
    return found

"""The weight of each class in the loss.

Input: the setting `class_weights`. Output: a number for each class of each target that has classes.
"""

from __future__ import annotations

from functools import partial

from netspec.data.dataset.dataset import IGNORED, Arrays, Facts
from netspec.data.dataset.lazy_rows import Array, blocks
from netspec.data.errors.sources import ClassWeights
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np


def class_weights_problem(facts: Facts, weights: str | tuple[float, ...] | None) -> Unplaced | None:
    """Mistakes that do not depend on the examples: no target has classes, or the number of weights is wrong."""
    if weights is None:
        return None
    counts = _class_counts(facts)
    wrong = partial(Unplaced, ClassWeights, option="class_weights")
    if not counts:
        return wrong(problem="need a target with classes", case="numbers")
    if isinstance(weights, str):
        return None
    if len(counts) > 1:
        return wrong(problem=f"may be for {' and '.join(f'`{name}`' for name in counts)}", case="several")
    ((name, count),) = counts.items()
    if len(weights) == count:
        return None
    names = facts.targets[name].names
    order = f", in the order {', '.join(names[:8])}{', …' if count > 8 else ''}" if names is not None else ""
    return wrong(problem=f"have {len(weights)} numbers for {count} classes", count=count, order=order)


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
    balanced = {}
    for name, count in counts.items():
        sizes = np.zeros(count, np.int64)
        for block in blocks(train.targets[name][index]):
            ids = block.reshape(-1).astype(np.int64)
            sizes += np.bincount(ids[ids != IGNORED], minlength=count)
        seen = np.count_nonzero(sizes)
        weight = np.divide(sizes.sum(), seen * sizes, out=np.zeros(len(sizes)), where=sizes > 0)
        balanced[name] = tuple(weight.tolist())
    return balanced


def _class_counts(facts: Facts) -> dict[str, int]:
    """The number of classes of each target; binary labels have two."""
    counts = {
        name: 2 if t.kind == "binary" and (t.size == 1 or t.mask) else t.classes for name, t in facts.targets.items()
    }
    return {name: count for name, count in counts.items() if count is not None}

"""How much a metric depends on each column of a table (Breiman 2001, Random forests; Fisher et al. 2019)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from netspec.data.dataset.lazy_rows import Array

REPEATS = 5
SECONDS = 10.0

T = TypeVar("T")


@dataclass(frozen=True)
class Importance:
    """By how much the score is lower when a column is permuted: the mean over the repeats, and their deviation."""

    mean: float
    std: float


def permutation_importance(
    score: Callable[[T], Array],
    columns: Sequence[Callable[[Array], T]],
    permutations: Sequence[Array],
    *,
    baseline: Array,
    seconds: float = SECONDS,
) -> Iterator[list[Importance] | None]:
    """The importance of each column, in their order, for each of some scores; None for the columns that the time did
    not suffice for.

    Args:
        score: of inputs: several numbers, the higher the better.
        columns: functions from an order of the examples to the inputs with that column in this order.
        permutations: of the examples, one for each repeat; all columns are permuted in the same ways.
        baseline: the scores of the inputs as they are.
        seconds: after this time no further column is begun.
    """
    end = time.monotonic() + seconds
    for permuted in columns:
        if time.monotonic() > end:
            yield None
            continue
        drops = baseline - np.stack([score(permuted(order)) for order in permutations])
        yield [Importance(float(one.mean()), float(one.std())) for one in drops.T]

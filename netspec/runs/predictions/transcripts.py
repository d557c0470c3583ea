"""From the probabilities of characters at each step to a text, for networks that are trained with `ctc`.

Input: an array of steps x classes. Output: class ids without blanks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

MIN_PROBABILITY = 1e-30
"""Smaller ones are taken for this, so that every logarithm is finite."""


def best_path(probabilities: Any, blank: int) -> list[int]:
    """The most probable class at each step, with repetitions merged and blanks removed.

    Args:
        probabilities: of shape (steps, classes); any numbers that rise with them will do.
        blank: the id of the blank.
    """
    ids = probabilities.argmax(axis=-1).reshape(-1).tolist()
    return [i for i, before in zip(ids, [None, *ids], strict=False) if i not in (before, blank)]


def beam_search(probabilities: Any, blank: int, beams: int) -> list[int]:
    """The most probable sequence of classes, of those that a search with `beams` beginnings finds: the probability of a
    sequence is the sum over all ways to align it with the steps.

    Args:
        probabilities: of shape (steps, classes).
        blank: the id of the blank.
        beams: how many beginnings are kept after each step; the search is exact when it keeps all of them.

    Reference: Graves and Jaitly 2014, Towards end-to-end speech recognition with recurrent neural networks.
    """
    logs = np.log(np.maximum(np.asarray(probabilities, np.float64), MIN_PROBABILITY))
    # by beginning: the logarithms of the probabilities that it ends in a blank, and in its last class
    kept: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -np.inf)}
    for row in logs.tolist():
        found: dict[tuple[int, ...], tuple[float, float]] = {}
        for beginning, (in_blank, in_last) in kept.items():
            either = _add(in_blank, in_last)
            last = beginning[-1] if beginning else None
            _note(found, beginning, either + row[blank], -np.inf if last is None else in_last + row[last])
            for number, log in enumerate(row):
                if number != blank:
                    before = in_blank if number == last else either
                    _note(found, (*beginning, number), -np.inf, before + log)
        ranked = sorted(found.items(), key=lambda item: -_add(*item[1]))
        kept = dict(ranked[:beams])
    return [*next(iter(kept))]


def _note(found: dict[tuple[int, ...], tuple[float, float]], key: tuple[int, ...], blank: float, last: float) -> None:
    old = found.get(key, (-np.inf, -np.inf))
    found[key] = _add(old[0], blank), _add(old[1], last)


def _add(first: float, second: float) -> float:
    """The logarithm of the sum of two numbers, of which the logarithms are given."""
    return float(np.logaddexp(first, second))

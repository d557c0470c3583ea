"""Beam search: the sequences with the highest probability, for networks with an encoder above all.

Input: functions that give the scores of the next ids. Output: the best sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Hypothesis:
    """A finished sequence: its ids, without the one that ended it; the logarithm of its probability; and that, divided
    by the length penalty."""

    ids: tuple[int, ...]
    log_probability: float
    score: float
    is_ended: bool = True


def length_penalty(length: int, strength: float) -> float:
    """((5 + length) / 6)^strength: what the logarithm of a probability is divided by, so that longer sequences are not
    less likely only because they are longer (Wu et al. 2016, arXiv:1609.08144, section 7)."""
    return float(((5 + length) / 6) ** strength)


def beam_search(
    first: Any,
    advance: Callable[[Any, Any], Any],
    *,
    beams: int,
    length: int,
    stop: Collection[int],
    strength: float,
) -> Hypothesis:
    """The best sequence of at most `length` ids.

    Args:
        first: the logarithms of the probabilities of the first id.
        advance: from the sequence that each beam continues, and its next id, to those of the id after it, beams x
            ids.
        beams: how many sequences are continued at each step.
        length: ids at most, with the one that ends a sequence.
        stop: ids that end a sequence.
        strength: of the length penalty, 0 for none.
    """
    scores = np.full((beams, len(first)), -np.inf)
    scores[0] = first
    totals = np.zeros(beams)
    sequences: list[tuple[int, ...]] = [()] * beams
    best = Hypothesis((), -np.inf, -np.inf, is_ended=False)
    for count in range(1, length + 1):
        candidates = totals[:, None] + scores
        likely = np.argsort(-candidates, axis=None, kind="stable")[: beams * (1 + len(stop))]
        chosen: list[tuple[int, int]] = []
        for parent, i in zip(*map(np.ndarray.tolist, np.unravel_index(likely, candidates.shape)), strict=True):
            total = float(candidates[parent, i])
            if total == -np.inf or (i not in stop and len(chosen) == beams):
                continue
            if i in stop or count == length:
                ids = sequences[parent] if i in stop else (*sequences[parent], i)
                ended = Hypothesis(ids, total, total / length_penalty(count, strength), i in stop)
                best = max(best, ended, key=lambda one: one.score)
            if i not in stop:
                chosen.append((parent, i))
        # a logarithm is never above 0, so that the longest sequence without further loss is the best there can be
        reachable = max((candidates[c] for c in chosen), default=-np.inf) / length_penalty(length, max(strength, 0))
        if count == length or best.score >= reachable:
            return best
        chosen += [chosen[0]] * (beams - len(chosen))
        is_copy = np.arange(beams) >= len(set(chosen))
        totals = np.array([candidates[c] for c in chosen])
        totals[is_copy] = -np.inf
        sequences = [(*sequences[parent], i) for parent, i in chosen]
        scores = advance(np.array([parent for parent, _ in chosen]), np.array([i for _, i in chosen]))
    return best

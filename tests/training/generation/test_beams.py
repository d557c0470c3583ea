"""Beam search against the best of all sequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from netspec.runs.generation.beams import beam_search, length_penalty

END = 0


def table(seed: int, count: int = 4) -> Any:
    """Logarithms of the probabilities of the next id, for every sequence before it."""
    rng = np.random.default_rng(seed)
    known: dict[tuple[int, ...], Any] = {}

    def scores(ids: tuple[int, ...]) -> Any:
        if ids not in known:
            known[ids] = np.log(rng.dirichlet(np.full(count, 0.7)))
        return known[ids]

    return scores


def all_sequences(count: int, length: int) -> Iterator[tuple[int, ...]]:
    """Every sequence that ends with END, or has the full length without it."""
    for size in range(1, length + 1):
        for ids in product(range(count), repeat=size):
            if END not in ids[:-1] and (ids[-1] == END or size == length):
                yield ids


def search(scores: Any, beams: int, length: int, strength: float) -> Any:
    texts: list[tuple[int, ...]] = [()] * beams

    def advance(parents: Sequence[int], ids: Sequence[int]) -> Any:
        texts[:] = [(*texts[parent], int(i)) for parent, i in zip(parents, ids, strict=True)]
        return np.array([scores(text) for text in texts])

    return beam_search(scores(()), advance, beams=beams, length=length, stop={END}, strength=strength)


@pytest.mark.parametrize("strength", [0.0, 0.6, 2.0, -1.0])
def test_wide_beams_find_the_best_of_all(strength: float) -> None:
    for seed in range(15):
        scores, found = table(seed), {}
        for ids in all_sequences(4, 4):
            total = sum(scores(ids[:i])[one] for i, one in enumerate(ids))
            found[ids] = total / ((5 + len(ids)) / 6) ** strength
        best = max(found, key=lambda ids: found[ids])
        result = search(scores, 64, 4, strength)
        assert result.ids == tuple(i for i in best if i != END)
        assert result.score == pytest.approx(found[best]) and result.is_ended == (best[-1] == END)


def test_one_beam_is_greedy_without_an_end() -> None:
    for seed in range(10):
        scores = table(seed, 5)
        ids: list[int] = []
        for _ in range(6):
            ids.append(1 + int(np.argmax(scores(tuple(ids))[1:])))

        def without_end(text: tuple[int, ...], scores: Any = scores) -> Any:
            found = scores(text).copy()
            found[END] = -np.inf
            return found

        assert search(without_end, 1, 6, 0.6).ids == tuple(ids)


def test_length_penalty() -> None:
    assert length_penalty(1, 0.6) == 1 and length_penalty(7, 0) == 1
    assert length_penalty(7, 0.6) == pytest.approx(2**0.6)

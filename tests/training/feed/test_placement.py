"""The engine and the loop transfer and compile through a `Placement` alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import jax
import pytest

from netspec.storage.tree_paths import Tree
from netspec.training.feed.placement import Placement
from netspec.training.loop.loop import fit
from netspec.training.step.engine import Engine
from tests.training.nets import class_job, figures_of, same


class Counting(Placement):
    """Counts what goes through it."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def put(self, tree: Tree) -> Tree:
        self.calls["put"] += 1
        return super().put(tree)

    def put_rows(self, tree: Tree) -> Tree:
        self.calls["put_rows"] += 1
        return super().put_rows(tree)

    def get(self, tree: Tree) -> Tree:
        self.calls["get"] += 1
        return super().get(tree)

    def jit(self, function: Any, **options: Any) -> Any:
        self.calls[function.__name__] += 1
        return super().jit(function, **options)


def test_everything_goes_through_the_placement(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = fit(class_job())
    placement, transfers = Counting(), Counter[str]()
    for name in ("device_put", "device_get"):
        function = getattr(jax, name)
        monkeypatch.setattr(jax, name, lambda *a, f=function, n=name: (transfers.update([n]), f(*a))[1])
    result = fit(class_job(), engine=Engine(class_job(), placement=placement))
    assert same(tuple(result.weights), tuple(expected.weights))
    assert figures_of(result.history) == figures_of(expected.history)
    calls = placement.calls
    assert transfers == {"device_put": calls["put"] + calls["put_rows"], "device_get": calls["get"]}
    assert calls["put_rows"] == 0  # nothing is streamed
    assert calls["step"] == calls["steps"] == calls["score"] == 1  # programs, each compiled once

"""The engine and the loop transfer and compile through a `Placement` alone: one over two devices trains alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from typing import Any

import jax
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from netspec.storage.tree_paths import Tree
from netspec.training.feed.placement import Placement
from netspec.training.loop.fit_result import FitResult
from netspec.training.loop.loop import fit
from netspec.training.step.engine import Engine
from tests.training.nets import class_job, figures_of, same

SHARDED = """
from tests.training.feed.test_placement import losses, sharded_fit
print(losses(sharded_fit()))
"""


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


class Sharded(Placement):
    """Splits the rows of examples over all devices; everything else is on each of them."""

    def __init__(self) -> None:
        self.mesh = Mesh(np.array(jax.devices()), ("data",))

    def put(self, tree: Tree) -> Tree:
        return jax.device_put(tree, NamedSharding(self.mesh, PartitionSpec()))

    def put_rows(self, tree: Tree) -> Tree:
        return jax.device_put(tree, NamedSharding(self.mesh, PartitionSpec("data")))


def sharded_fit() -> FitResult:
    job = class_job()
    engine = Engine(job, placement=Sharded())
    assert len(engine.feed(job.train).inputs[0].sharding.device_set) == len(jax.devices()) == 2
    return fit(job, engine=engine)


def losses(result: FitResult) -> str:
    return json.dumps([[row["loss"], row["metrics"]["val_loss"]] for row in result.history])


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
    assert calls["put_rows"] == 3  # train, val and test, once each
    assert calls["step"] == calls["steps"] == calls["score"] == 1  # programs, each compiled once


def test_two_devices_give_the_loss_of_one() -> None:
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    done = subprocess.run(
        [sys.executable, "-c", SHARDED],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    np.testing.assert_allclose(found, json.loads(losses(fit(class_job()))), rtol=1e-4)

"""Runs with several seeds: the same as those of each seed alone, one compiled program, mean and spread."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.language.diagnostics import CompileError
from netspec.language.source import Source
from netspec.runs.repeated.seed_runs import is_seeds_run, resume_seeds, spreads, train_seeds
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import prepare, train_prepared
from netspec.storage.weights import load_weights
from netspec.training.loop.callback import TrainingCallback
from netspec.training.loop.loop import fit
from netspec.training.step.engine import Engine
from tests.training.nets import class_job, figures_of, same

NET = """
input 4
dense(8, relu) -> dropout(0.2) -> dense(classes, softmax)
data {
    source = iris
    normalize = standard
    val = 20%
}
train {
    epochs = 2
    seed = 3
    seeds = 3
}
"""


def prepared(folder: Path, **overrides: str) -> Any:
    source = Source("net.net", NET, folder / "net.net")
    return prepare(Compilation(source, overrides={f"train.{k}": v for k, v in overrides.items()}))


def test_spreads_are_those_of_numpy() -> None:
    random = np.random.default_rng(0).normal(size=5)
    found = spreads([{"a": float(x), "table": [[1]], "b": None} for x in random])
    assert list(found) == ["a"]
    spread = found["a"]
    expected = [random.mean(), random.std(ddof=1), random.min(), random.max()]
    np.testing.assert_allclose([spread.mean, spread.std, spread.min, spread.max], expected)
    assert spreads([{"a": 1.0}])["a"].std == 0.0


def test_a_shared_program_gives_the_same_numbers_and_is_compiled_once() -> None:
    first = class_job(seed=1)
    engine = Engine(first)
    alone = fit(class_job(seed=2))
    jobs = [class_job(seed=seed) for seed in (1, 2)]
    together = [fit(job, engine=Engine(job, programs_of=engine)) for job in jobs]
    assert same(tuple(together[1].weights), tuple(alone.weights))
    assert figures_of(together[1].history) == figures_of(alone.history)
    assert not same(tuple(together[0].weights), tuple(alone.weights))
    programs = [result.engine.loop_program(32) for result in together]
    assert programs[0] is programs[1] and programs[0]._cache_size() == 1


def test_what_has_the_seed_built_in_is_not_shared() -> None:
    job = class_job()
    first = Engine(job)
    varied = replace(job, augment=lambda step, inputs, targets: (inputs, targets))
    assert Engine(job, programs_of=first).step_program(32) is first.step_program(32)
    assert Engine(varied, programs_of=first).step_program(32) is not first.step_program(32)


def test_each_seed_is_a_run_like_that_of_the_seed_alone(tmp_path: Path) -> None:
    result = train_seeds(prepared(tmp_path), tmp_path / "runs")
    assert result.seeds == (3, 4, 5) and list(result.metrics) == [3, 4, 5]
    assert is_seeds_run(result.run)
    alone = train_prepared(prepared(tmp_path, seed="4", seeds="1"), tmp_path / "alone")
    one, other = load_weights(result.run / "seed-4"), load_weights(alone.run)
    assert one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)
    assert result.metrics[4] == alone.metrics
    values = [result.metrics[seed]["test_loss"] for seed in result.seeds]
    assert result.spreads["test_loss"].values == tuple(values)
    record = json.loads((result.run / "seeds.json").read_text())
    assert record["metrics"]["test_loss"]["mean"] == pytest.approx(np.mean(values))
    assert netspec.load(result.run / "seed-5")(np.zeros((2, 4))).shape == (2, 3)


def test_the_folder_of_all_seeds_says_where_the_weights_are(tmp_path: Path) -> None:
    result = train_seeds(prepared(tmp_path, seeds="2", epochs="1"), tmp_path / "runs")
    with pytest.raises(CompileError) as caught:
        netspec.load(result.run)
    assert caught.value.diagnostics[0].code == "NS554"
    assert f"`{result.run}/seed-{result.seeds[0]}`" in str(caught.value)


class _Kill(TrainingCallback):
    """Dies after so many epochs."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def epoch(self, record: Any) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


@pytest.mark.parametrize("epochs", [1, 3])
def test_what_is_left_after_a_kill_is_done_to_the_same_weights(tmp_path: Path, epochs: int) -> None:
    whole = train_seeds(prepared(tmp_path), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train_seeds(prepared(tmp_path), tmp_path / "killed", _Kill(epochs), save_seconds=0)
    again = resume_seeds(tmp_path / "killed" / whole.run.name)
    assert again.spreads == whole.spreads
    for seed in whole.seeds:
        one, other = (load_weights(result.run / f"seed-{seed}") for result in (whole, again))
        assert all(np.array_equal(one[k], other[k]) for k in one)


def test_one_training_is_not_taken_for_several(tmp_path: Path) -> None:
    (tmp_path / "net.net").write_text(NET)
    with pytest.raises(TypeError, match=r"seeds = 1`, or call `netspec.train_seeds`"):
        netspec.train(tmp_path / "net.net", runs=tmp_path / "runs")


def test_python_trains_and_resumes_several_seeds(tmp_path: Path) -> None:
    (tmp_path / "net.net").write_text(NET)
    seen: list[Any] = []

    class Seen(TrainingCallback):
        def done(self, record: Any) -> None:
            seen.append(record["seed"])

    result = netspec.train_seeds(tmp_path / "net.net", runs=tmp_path / "runs", callbacks=[Seen()], seeds=2, epochs=1)
    assert seen == [3, 4] == list(result.metrics)
    assert result.spreads["test_loss"].values == tuple(metrics["test_loss"] for metrics in result.metrics.values())
    assert netspec.evaluate(result.run / "seed-4")["test_loss"] == result.metrics[4]["test_loss"]
    assert netspec.resume_seeds(result.run).spreads == result.spreads
    with pytest.raises(TypeError, match=r"call `netspec.resume_seeds`"):
        netspec.resume(result.run)
